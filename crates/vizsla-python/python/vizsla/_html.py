"""Tables for notebooks. In: answers and measures. Out: HTML in which no document can write anything but text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._response import Response


def response_html(response: Response) -> str:
    """A row for each hit: where it is, both stages' scores, and the sentence that answers with its matches marked."""
    rows: list[Sequence[str]] = []
    for hit in response.hits:
        snippet = hit.passage.snippet
        title = escape(hit.title or hit.doc_id)
        place = escape(" ".join(part for part in (hit.path or "", hit.place) if part))
        logit = hit.scores.rerank_logit
        rows.append(
            [
                str(hit.rank),
                f"<b>{title}</b><br><small>{place}</small>",
                marked(snippet.text, snippet.highlights),
                f"{hit.score:.3f}",
                f"{hit.scores.retrieval:.2f}",
                "" if logit is None else f"{logit:.2f}",
            ]
        )
    about = [f"fusion {escape(response.fusion)}"]
    if response.degraded:
        about.append(f"<b>without reranking: {escape(response.degraded)}</b>")
    caption = f"<b>{escape(response.query)}</b> ({'; '.join(about)})"
    return table(caption, ["", "document", "passage", "score", "BM25", "logit"], rows)


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
