"""The program `vizsla`, run by this interpreter: the model is in the compiled part already."""

from __future__ import annotations

import os
import signal
import sys

from . import _native, _runtime
from ._index import start_command


def main() -> int:
    """Runs the program with the arguments of this process, and returns its exit status."""
    # The program has its own handlers, and without one Ctrl-C is to end it at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    library = _runtime.find()
    if library and not os.environ.get("ORT_DYLIB_PATH"):
        os.environ["ORT_DYLIB_PATH"] = library
    return _native.run_program(["vizsla", *sys.argv[1:]], start_command())
