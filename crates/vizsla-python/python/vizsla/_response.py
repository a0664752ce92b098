"""What a search returns: the JSON that `vizsla search --json` prints, with types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ._html import marked, table


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores and ranks of both stages for the passage shown.

    Attributes:
        retrieval: The first stage's score.
        retrieval_rank: The rank among the candidate passages by the first stage, from 1.
        rerank_logit: The cross-encoder's raw output; None when it did not read the passage.
        rerank_probability: The sigmoid of the logit.
        rerank_rank: The rank among the candidate passages by the cross-encoder, from 1.
        rerank_tokens: How many tokens the cross-encoder read, where it counts them.
        rerank_windows: In how many windows it read them; the logit is the best of theirs.
    """

    retrieval: float
    retrieval_rank: int
    rerank_logit: float | None = None
    rerank_probability: float | None = None
    rerank_rank: int | None = None
    rerank_tokens: int | None = None
    rerank_windows: int | None = None


@dataclass(frozen=True, slots=True)
class Snippet:
    """The sentence that answers, with what stands around it.

    Attributes:
        text: The text.
        highlights: Pairs of offsets in `text` between which it matches the query. Offsets are in bytes of UTF-8.
        start: The offset in the passage of its first byte.
        end: The offset just past its last byte.
        sentence: The offsets in `text` of the sentence.
        location: Where the sentence is in the source, as in `Passage`.
    """

    text: str
    highlights: list[list[int]]
    start: int
    end: int
    sentence: list[int]
    location: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Passage:
    """The passage shown.

    Attributes:
        text: Its text.
        headings: The headings it is under, outermost first.
        ordinal: Which passage of the document it is, from 0.
        location: Where it is found in the source, such as `{"lines": {"first": 3, "last": 7}}`.
        start_byte: The offset of its first byte in the document's text.
        end_byte: The offset just past its last byte.
        highlights: Pairs of offsets in `text`, in bytes of UTF-8, between which it matches the query.
        snippet: What to show where there is no room for all of it.
        truncated: Whether the cross-encoder could not read all of it.
        read: The offsets in `text`, in bytes of UTF-8, of the part that the cross-encoder was given; None for all of it.
    """

    text: str
    headings: list[str]
    ordinal: int
    location: dict[str, Any] | None
    start_byte: int
    end_byte: int
    highlights: list[list[int]]
    snippet: Snippet
    truncated: bool
    read: list[int] | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found, with its best passage.

    Attributes:
        rank: The rank in the answer, from 1.
        doc_id: The id, unique among the documents of its file.
        path: The file it was read from; None when it came from none.
        place: Where in it the passage is, for people to read.
        link: A URL that opens the file there.
        title: The title; empty when there is none.
        score: The fused score. Its scale depends on the fusion, and it is not comparable between queries.
        scores: Those of both stages.
        passage: The best passage.
        metadata: Everything else that is known about the document.
        copies: Passages of other documents that say the same.
        explanation: How the first stage's score was computed, if `explain` asked for it.
    """

    rank: int
    doc_id: str
    path: str | None
    place: str
    link: str | None
    title: str
    score: float
    scores: Scores
    passage: Passage
    metadata: dict[str, Any]
    copies: list[dict[str, Any]] = field(default_factory=list)
    explanation: Any = None


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to a search. It has as many items as hits, and shows itself as a table in a notebook.

    Attributes:
        query: The query, as given.
        degraded: Why the second stage is missing from this answer; None when it is not.
        fusion: How the rankings were combined.
        matched: How many passages the query matched: `passages`, and whether that number is `exact`.
        notes: What is to say about the query: spelling suggestions, words and phrases left out.
        stages: What each stage did, and how long it took in milliseconds.
        hits: The hits, best first, one for each document.
    """

    query: str
    degraded: str | None
    fusion: str
    matched: dict[str, Any] | None
    notes: dict[str, Any]
    stages: dict[str, Any]
    hits: list[Hit]
    _json: str = field(repr=False, compare=False)

    @classmethod
    def from_json(cls, text: str) -> Response:
        """The answer that the program printed, or that `to_json` gave."""
        data = json.loads(text)
        return cls(
            query=data["query"],
            degraded=data["degraded"],
            fusion=data["fusion"],
            matched=data["matched"],
            notes=data["notes"],
            stages=data["stages"],
            hits=[_hit(hit) for hit in data["hits"]],
            _json=text,
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain lists and dicts: the JSON of `vizsla search --json`, read."""
        data: dict[str, Any] = json.loads(self._json)
        return data

    def to_json(self) -> str:
        """The same as JSON, in one line."""
        return self._json

    def to_frame(self) -> Any:  # noqa: ANN401
        """A pandas.DataFrame with a row for each hit: rank, doc_id, path, place, title, score, both stages' scores, text."""
        import pandas as pd  # noqa: PLC0415

        columns = ["rank", "doc_id", "path", "place", "title", "score", "retrieval", "rerank_logit", "text"]
        rows = [
            [hit.rank, hit.doc_id, hit.path, hit.place, hit.title, hit.score]
            + [hit.scores.retrieval, hit.scores.rerank_logit, hit.passage.text]
            for hit in self.hits
        ]
        return pd.DataFrame(rows, columns=columns)

    def __len__(self) -> int:
        return len(self.hits)

    def __getitem__(self, at: int) -> Hit:
        return self.hits[at]

    def _repr_html_(self) -> str:
        """A row for each hit: where it is, both stages' scores, and the sentence that answers with its matches marked."""
        rows: list[Sequence[str]] = []
        for hit in self.hits:
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
        about = [f"fusion {escape(self.fusion)}"]
        if self.degraded:
            about.append(f"<b>without reranking: {escape(self.degraded)}</b>")
        caption = f"<b>{escape(self.query)}</b> ({'; '.join(about)})"
        return table(caption, ["", "document", "passage", "score", "BM25", "logit"], rows)


def _hit(data: dict[str, Any]) -> Hit:
    passage = data["passage"]
    parts = {
        "scores": Scores(**known(Scores, data["scores"])),
        "passage": Passage(**{**known(Passage, passage), "snippet": Snippet(**known(Snippet, passage["snippet"]))}),
    }
    return Hit(**{**known(Hit, data), **parts})


def known(kind: type[Any], data: dict[str, Any]) -> dict[str, Any]:
    """What this version has a field for: the JSON may be a later one's."""
    return {name: value for name, value in data.items() if name in kind.__dataclass_fields__}
