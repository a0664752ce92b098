"""Checks of arguments: what is wrong is named, with its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime
from typing import Any

# What whole numbers may be on the other side.
_MOST = 2**63 - 1


def text(name: str, value: object) -> str:
    """The text, or a TypeError that names the argument."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{name} has half of a surrogate pair at {error.start}, which is no character") from None
        return str(value)
    hint = ""
    if isinstance(value, bytes | bytearray):
        hint = "; decode it first"
    elif value is None or type(value).__name__ in ("float", "NAType", "NaTType"):
        hint = "; leave missing texts out, or make them empty strings"
    raise TypeError(f"{name} must be str, not {type(value).__name__}{hint}")


def texts(name: str, values: object) -> list[str]:
    """The texts of a list, a tuple, an array or a column."""
    return [_quickly(name, value, at) for at, value in enumerate(items(name, values))]


def one_or_more(name: str, values: object) -> list[str]:
    """The texts of a list, or the one that is given without a list; None is an empty list."""
    if values is None:
        return []
    if isinstance(values, str | bytes | bytearray) or not isinstance(values, Iterable):
        return [text(name, values)]
    return texts(name, values)


def items(name: str, values: object, of: str = "str") -> Iterable[Any]:
    """The items of something that has an order and is not itself a text."""
    if isinstance(values, str | bytes | bytearray | Mapping | Set) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list of {of}, not {type(values).__name__}")
    return values


def pairs(name: str, values: object) -> tuple[list[str], list[str]]:
    """The first and the second texts of pairs."""
    queries: list[str] = []
    documents: list[str] = []
    for at, pair in enumerate(items(name, values, of="pairs")):
        unordered = isinstance(pair, str | bytes | Mapping | Set)
        if unordered or not hasattr(pair, "__len__") or len(pair) != 2:
            raise TypeError(f"{name}[{at}] must be a pair of query and document, not {shown(pair)}")
        query, document = pair
        queries.append(_quickly(name, query, at, 0))
        documents.append(_quickly(name, document, at, 1))
    return queries, documents


def _quickly(name: str, value: object, *places: int) -> str:
    """As `text`, without making names for the many that are right."""
    if type(value) is str and value.isascii():
        return value
    return text(name + "".join(f"[{place}]" for place in places), value)


def shown(value: object) -> str:
    """The value in an error message, not too long."""
    whole = repr(value)
    return whole if len(whole) <= 60 else whole[:57] + "..."


def whole(name: str, value: object, least: int = 1, most: int = _MOST) -> int:
    """A whole number from `least` to `most`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be int, not {type(value).__name__}")
    number = int(value.__index__())
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {number}")
    if number > most:
        raise ValueError(f"{name} must be at most {most}, not {number}")
    return number


def number(name: str, value: object, least: float | None = None, most: float | None = None) -> float:
    """A finite number from `least` to `most`."""
    if isinstance(value, bool | str) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    found = float(value.__float__())
    if found != found or found in (float("inf"), float("-inf")):
        raise ValueError(f"{name} must be finite, not {found}")
    if least is not None and found < least:
        raise ValueError(f"{name} must be at least {least:g}, not {found:g}")
    if most is not None and found > most:
        raise ValueError(f"{name} must be at most {most:g}, not {found:g}")
    return found


def flag(name: str, value: object) -> bool:
    """A truth value; a text such as "no" would be true."""
    if isinstance(value, bool):
        return value
    if type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_"):
        return bool(value)
    raise TypeError(f"{name} must be bool, not {type(value).__name__}")


def seconds(name: str, moment: object) -> int:
    """Seconds since 1970 of a datetime, a date or a number."""
    if isinstance(moment, datetime):
        return int(moment.timestamp())
    if isinstance(moment, date):
        return int(datetime(moment.year, moment.month, moment.day).timestamp())
    if isinstance(moment, bool | str) or not hasattr(moment, "__float__"):
        raise TypeError(f"{name} must be a datetime, a date or seconds since 1970, not {type(moment).__name__}")
    return int(number(name, moment, -(2.0**53), 2.0**53))


def path(name: str, value: object) -> str:
    """A path as text."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be str or os.PathLike, not {type(value).__name__}")
    found = os.fspath(value)
    if isinstance(found, bytes):
        raise TypeError(f"{name} must be a path of str, not bytes")
    return found


def mapping(name: str, value: object) -> Mapping[Any, Any]:
    """A dict or the like."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict, not {type(value).__name__}")
    return value


def function(name: str, value: object) -> None:
    """Something that can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, not {type(value).__name__}")


def instance(name: str, value: object) -> None:
    """An object, where a class is easily given by mistake."""
    if isinstance(value, type):
        raise TypeError(f"{name} must be an object: write {value.__name__}(), not {value.__name__}")
