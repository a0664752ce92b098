"""Finds the library of ONNX Runtime, without importing the package that brings it."""

from __future__ import annotations

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

# From 1.29 on its builds describe this machine to their maker when they are loaded, unless this is set.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

OLDEST = (1, 24)
_NAMES = {
    "win32": re.compile(r"^onnxruntime\.dll$"),
    "darwin": re.compile(r"^libonnxruntime\.(\d+\.\d+[\d.]*)\.dylib$"),
}
_LINUX = re.compile(r"^libonnxruntime\.so\.(\d+\.\d+[\d.]*)$")


def find() -> str | None:
    """The library that VIZSLA_ONNXRUNTIME names, else the installed package's; None leaves it to `vizsla setup`'s.

    ORT_DYLIB_PATH, which the program reads as well, goes before the package.
    """
    named = os.environ.get("VIZSLA_ONNXRUNTIME")
    if named:
        return named
    if os.environ.get("ORT_DYLIB_PATH"):
        return None
    library, version = packaged()
    return library if version is None or version >= OLDEST else None


def packaged() -> tuple[str | None, tuple[int, ...] | None]:
    """The library of the package `onnxruntime`, whichever distribution it is of, and its version if its name tells."""
    pattern = _NAMES.get(sys.platform, _LINUX)
    try:
        spec = find_spec("onnxruntime")
    except (ImportError, ValueError):
        spec = None
    for folder in (spec and spec.submodule_search_locations) or []:
        try:
            names = sorted(os.listdir(Path(folder, "capi")))
        except OSError:
            continue
        for name in names:
            found = pattern.match(name)
            if found:
                version = found.group(1) if pattern.groups else _declared(folder)
                numbers = tuple(int(part) for part in version.split(".") if part) if version else None
                return str(Path(folder, "capi", name)), numbers
    return None, None


def _declared(folder: str) -> str | None:
    """The version that the package itself names, read without running it."""
    try:
        text = Path(folder, "__init__.py").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^__version__\s*=\s*[\"'](\d+\.\d+[\d.]*)", text, re.MULTILINE)
    return found.group(1).rstrip(".") if found else None


def advice() -> str:
    """What to do when there is no library."""
    _, version = packaged()
    if version is not None and version < OLDEST:
        found = ".".join(map(str, version))
        return f"the installed onnxruntime is {found}; pip install --upgrade 'onnxruntime>=1.24', or run `vizsla setup`"
    return "pip install onnxruntime, or run `vizsla setup`"
