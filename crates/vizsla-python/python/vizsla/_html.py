"""Tables for notebooks. In: answers and measures. Out: HTML in which no document can write anything but text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def marked(text: str, highlights: Iterable[Sequence[int]]) -> str:
    """The text with the ranges marked; offsets are in bytes."""
    raw = text.encode()
    parts: list[str] = []
    last = 0
    for start, end in highlights:
        parts.append(escape(raw[last:start].decode(errors="replace")))
        parts.append(f"<mark>{escape(raw[start:end].decode(errors='replace'))}</mark>")
        last = end
    parts.append(escape(raw[last:].decode(errors="replace")))
    return "".join(parts).replace("\n", "<br>")


def table(caption: str, header: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    cell = '<td style="text-align:left;vertical-align:top">'
    head = "".join(f'<th style="text-align:left">{escape(name)}</th>' for name in header)
    body = "".join("<tr>" + "".join(f"{cell}{value}</td>" for value in row) + "</tr>" for row in rows)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
