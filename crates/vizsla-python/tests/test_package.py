from __future__ import annotations

import doctest
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import vizsla
from vizsla import _runtime

PACKAGE = Path(vizsla.__file__).parent


def run(*args: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, **options)


@pytest.mark.parametrize("module", ["", "._cross_encoder", "._engine", "._index", "._evaluation", "._response"])
def test_examples_in_docstrings_run(module):
    failed, tried = doctest.testmod(importlib.import_module(f"vizsla{module}"))
    assert failed == 0
    assert tried or module in ("._evaluation", "._response")


def test_importing_imports_nothing_else():
    heavy = ["numpy", "pandas", "onnxruntime", "torch", "json", "dataclasses"]
    code = f"import sys, vizsla; print([name for name in {heavy} if name in sys.modules])"
    assert run("-c", code).stdout == "[]\n"


def test_everything_public_is_there_and_documented():
    for name in vizsla.__all__:
        value = getattr(vizsla, name)
        assert name in dir(vizsla)
        if name not in ("__version__", "Run"):
            assert value.__doc__, name
    with pytest.raises(AttributeError, match="nothing"):
        vizsla.nothing  # noqa: B018


def test_the_version_is_that_of_the_project():
    cargo = (Path(__file__).parents[3] / "Cargo.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{vizsla.__version__}"\n' in cargo


def test_the_program_is_part_of_the_package(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.rtf").write_bytes(rb"{\rtf1 a dog that \b points\b0}")
    # Modules of the working folder are not taken for Python's, by the program or its workers.
    (tmp_path / "json.py").write_text("raise SystemExit('taken')", encoding="utf-8")
    start = str(PACKAGE / "_start" / "program.py")
    done = run(start, "index", "docs", "--index", "i", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["documents"] == 1
    found = run(start, "search", "points", "--index", "i", "--json", cwd=tmp_path)
    assert json.loads(found.stdout)["hits"][0]["scores"]["rerank_logit"]
    assert run(start, "search", "zebra", "--index", "i", cwd=tmp_path).returncode == 1
    assert run(start, "--version").stdout == f"vizsla {vizsla.__version__}\n"
    assert "Usage" in run(start, "--help").stdout
    wrong = run(start, "index", "--nonsense")
    assert (wrong.returncode, "error:" in wrong.stderr) == (2, True)


def test_agents_are_told_how_to_start_the_program(tmp_path):
    vizsla.Index.create(tmp_path / "i")
    told = run("-m", "vizsla", "mcp", "--print-config", "cursor", "--index", str(tmp_path / "i"))
    server = json.loads(told.stdout)["mcpServers"]["vizsla"]
    assert server["command"] == sys.executable
    assert Path(server["args"][0]).name == "program.py"


def test_the_package_onnxruntime_is_found_without_being_imported():
    code = "import sys; from vizsla._runtime import packaged; print(*packaged()); print('onnxruntime' in sys.modules)"
    library, imported = run("-c", code).stdout.splitlines()
    assert "onnxruntime" in library
    assert imported == "False"


def test_what_the_environment_names_goes_first(monkeypatch):
    monkeypatch.setenv("VIZSLA_ONNXRUNTIME", "/nowhere/lib.so")
    assert _runtime.find() == "/nowhere/lib.so"
    monkeypatch.delenv("VIZSLA_ONNXRUNTIME")
    monkeypatch.setenv("ORT_DYLIB_PATH", "/nowhere/lib.so")
    assert _runtime.find() is None


def test_a_missing_runtime_says_what_to_do(tmp_path):
    code = "import vizsla; vizsla.CrossEncoder()"
    empty = {**os.environ, "VIZSLA_ONNXRUNTIME": str(tmp_path / "lib.so")}
    done = run("-c", code, env=empty)
    assert "pip install onnxruntime" in done.stderr, done.stderr
    damaged = tmp_path / "lib.so"
    damaged.write_bytes(b"nothing")
    assert "cannot load ONNX Runtime" in run("-c", code, env=empty).stderr


def test_the_runtime_leaves_nothing_in_the_home_folder(tmp_path):
    # Without what says that a test is run: then it would not, either.
    environment = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "SYSTEMROOT") if name in os.environ}
    code = "import vizsla; print(len(vizsla.CrossEncoder().predict([('q', 'a text')])))"
    done = run("-c", code, env={**environment, "HOME": str(tmp_path)})
    assert done.stdout == "1\n", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_old_runtime_is_not_used_and_named(tmp_path):
    capi = tmp_path / "onnxruntime" / "capi"
    capi.mkdir(parents=True)
    names = {"win32": "onnxruntime.dll", "darwin": "libonnxruntime.1.22.1.dylib"}
    (capi / names.get(sys.platform, "libonnxruntime.so.1.22.1")).touch()
    (tmp_path / "onnxruntime" / "__init__.py").write_text('__version__ = "1.22.1"\n', encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{PACKAGE.parent}", "ORT_DYLIB_PATH": ""}
    code = "from vizsla import _runtime; print(_runtime.find()); print(_runtime.advice())"
    found, advice = run("-c", code, env=environment).stdout.splitlines()
    assert found == "None"
    assert "the installed onnxruntime is 1.22.1" in advice
