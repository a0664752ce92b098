import os
import signal
import subprocess
import sys

import pytest

# What a shell starts in the background ignores Ctrl-C, and so do its children.
OBEYS_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


@pytest.fixture
def interrupted():
    """Runs code in another Python, sends Ctrl-C when it has written its first line, and returns that and the rest."""
    if os.name == "nt":
        pytest.skip("signals are sent otherwise there")

    def run(code, *arguments):
        program = [sys.executable, "-c", OBEYS_CTRL_C + code, *map(str, arguments)]
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
            try:
                first = child.stdout.readline()
                child.send_signal(signal.SIGINT)
                return first, child.communicate(timeout=60)[0]
            finally:
                child.kill()

    return run
