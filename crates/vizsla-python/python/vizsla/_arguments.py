"""Checks of arguments: what is wrong is named, with its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any


def text(name: str, value: object) -> str:
    """The text, or a TypeError that names the argument."""
    if isinstance(value, str):
        return str(value)
    hint = ""
    if isinstance(value, bytes | bytearray):
        hint = "; decode it first"
    elif value is None or type(value).__name__ in ("float", "NAType", "NaTType"):
        hint = "; leave missing texts out, or make them empty strings"
    raise TypeError(f"{name} must be str, not {type(value).__name__}{hint}")


def texts(name: str, values: object) -> list[str]:
    """The texts of a list, a tuple, an array or a column."""
    return [value if type(value) is str else text(f"{name}[{at}]", value) for at, value in enumerate(items(name, values))]


def items(name: str, values: object) -> Iterable[Any]:
    """The items of something that is not itself a text."""
    if isinstance(values, str | bytes | bytearray | dict):
        raise TypeError(f"{name} must be a list of str, not {type(values).__name__}")
    if not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list of str, not {type(values).__name__}")
    return values


def pairs(name: str, values: object) -> tuple[list[str], list[str]]:
    """The first and the second texts of pairs."""
    queries: list[str] = []
    documents: list[str] = []
    for at, pair in enumerate(items(name, values)):
        if isinstance(pair, str | bytes) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise TypeError(f"{name}[{at}] must be a pair of query and document, not {shown(pair)}")
        query, document = pair
        queries.append(query if type(query) is str else text(f"{name}[{at}][0]", query))
        documents.append(document if type(document) is str else text(f"{name}[{at}][1]", document))
    return queries, documents


def shown(value: object) -> str:
    """The value in an error message, not too long."""
    whole = repr(value)
    return whole if len(whole) <= 60 else whole[:57] + "..."


def whole(name: str, value: object, least: int = 1) -> int:
    """A whole number of at least `least`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be int, not {type(value).__name__}")
    number = int(value.__index__())
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {number}")
    return number


def number(name: str, value: object) -> float:
    """A finite number."""
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    found = float(value.__float__())
    if found != found or found in (float("inf"), float("-inf")):
        raise ValueError(f"{name} must be finite, not {found}")
    return found


def path(name: str, value: object) -> str:
    """A path as text."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be str or os.PathLike, not {type(value).__name__}")
    found = os.fspath(value)
    if isinstance(found, bytes):
        raise TypeError(f"{name} must be a path of str, not bytes")
    return found


def one_or_more(value: object) -> Sequence[object]:
    """A list of what may have been given alone."""
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    return list(value)
