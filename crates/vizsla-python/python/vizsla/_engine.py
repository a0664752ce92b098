"""Search in two stages, either of which may be a class of yours."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any, Protocol, TypedDict, runtime_checkable

from . import _arguments, _native
from ._cross_encoder import CrossEncoder, opened
from ._index import Index, metadata_json
from ._response import Response


class Filter(TypedDict):
    """The restrictions of a search, as a [`Retriever`][vizsla.Retriever] gets them; empty lists and None restrict nothing."""

    paths: list[str]
    names: list[str]
    extensions: list[str]
    metadata: list[tuple[str, str]]
    modified_from: int | None
    modified_until: int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a retriever of yours finds.

    Attributes:
        doc_id: The document's id.
        text: The text that the second stage reads.
        score: A finite number, higher is better.
        title: Read before the text.
        path: The file, if there is one.
        metadata: Whatever else is to be in the hit; JSON without null.
    """

    doc_id: str
    text: str
    score: float
    title: str = ""
    path: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Retriever(Protocol):
    """A first stage: anything with this method."""

    def retrieve(self, query: str, depth: int, filter: Filter) -> Iterable[Candidate]:  # noqa: A002
        """The best `depth` candidates, in any order. Raise ValueError for a filter that you cannot honour."""
        ...


@runtime_checkable
class Reranker(Protocol):
    """A second stage: anything with this method, and `name` if it has one."""

    def score(self, query: str, passages: Sequence[str]) -> Iterable[float]:
        """One finite number for each passage, in their order; higher is better."""
        ...


class _Retriever:
    """Takes a retriever's candidates apart for the compiled side."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever

    def retrieve(self, query: str, depth: int, restrictions: Filter) -> list[tuple[Any, ...]]:
        found = self._retriever.retrieve(query, depth, restrictions)
        name = f"{type(self._retriever).__name__}.retrieve()"
        candidates = _arguments.items(name, found, of="vizsla.Candidate")
        return [_taken_apart(f"{name}[{at}]", candidate) for at, candidate in enumerate(candidates)]


def _taken_apart(name: str, candidate: Candidate) -> tuple[Any, ...]:
    if not isinstance(candidate, Candidate):
        raise TypeError(f"{name} must be a vizsla.Candidate, not {type(candidate).__name__}")
    return (
        _arguments.text(f"{name}.doc_id", candidate.doc_id),
        _arguments.text(f"{name}.text", candidate.text),
        _arguments.number(f"{name}.score", candidate.score),
        _arguments.text(f"{name}.title", candidate.title),
        None if candidate.path is None else _arguments.path(f"{name}.path", candidate.path),
        metadata_json(f"{name}.metadata", candidate.metadata) if candidate.metadata else None,
    )


class Engine:
    """A search engine of two stages.

    Args:
        retriever: The first stage: an [`Index`][vizsla.Index], the path of one, an object with the method of
            [`Retriever`][vizsla.Retriever], or a list of these, whose rankings are merged.
        reranker: The second stage: "bundled" or another model's name for a [`CrossEncoder`][vizsla.CrossEncoder], an open
            one, an object with the method of [`Reranker`][vizsla.Reranker], or None to search by the first stage alone.
        fusion: How the rankings are combined, as for `vizsla search --fusion`: "linear:0.7", "rrf", "rerank", "bm25" ...
        depth: How many candidates the second stage reads, 50 by default.
        effort: How much of them it reads: "quick", "balanced" (the default: of each the part with most of the words),
            "thorough" or "full".
        budget: The seconds that a search may take, unless it says otherwise.
        k1: BM25's saturation, where the first stage is an index; at least 0.
        b: BM25's normalisation of lengths, from 0 to 1.
        k3: BM25's saturation of words that the query repeats; at least 0.
        field_weights: Weights of fields, such as "content=1,title=0.5".
        rm3: Whether queries are expanded by pseudo-relevance feedback.
        fuzzy: Whether a word that no passage has is replaced by the nearest one.

    An engine can be used from many threads at once. It is pickled as its parts, as far as these can be: an index on disk
    by its path.

    >>> import vizsla
    >>> index = vizsla.Index.in_memory()
    >>> with index.writer() as writer:
    ...     _ = writer.add("museums", "Berlin is well known for its museums.")
    ...     _ = writer.add("people", "Berlin had a population of 3,520,031 in 2016.")
    >>> vizsla.Engine(index).search("how many people live in Berlin?")[0].doc_id
    'people'
    """

    def __init__(
        self,
        retriever: Index | str | os.PathLike[str] | Retriever | Sequence[Index | Retriever],
        reranker: CrossEncoder | Reranker | str | os.PathLike[str] | None = "bundled",
        *,
        fusion: str | None = None,
        depth: int | None = None,
        effort: str | None = None,
        budget: float | None = None,
        k1: float | None = None,
        b: float | None = None,
        k3: float | None = None,
        field_weights: str | None = None,
        rm3: bool | None = None,
        fuzzy: bool | None = None,
    ) -> None:
        stages = {"fusion": fusion, "depth": depth, "effort": effort, "budget": budget}
        first_stage = {"k1": k1, "b": b, "k3": k3, "field_weights": field_weights, "rm3": rm3, "fuzzy": fuzzy}
        self._settings = settings_json({**stages, **first_stage}, reranks=reranker is not None)
        if isinstance(reranker, str | os.PathLike):
            reranker = CrossEncoder(reranker)
        self._stages = (retriever, reranker)
        self._open()

    def _open(self) -> None:
        given, reranker = self._stages
        several = given if isinstance(given, list | tuple) else [given]
        self._indexes = [_stage(stage) for stage in several]
        retrievers = [stage.native if isinstance(stage, Index) else _Retriever(stage) for stage in self._indexes]
        self._engine = _native.Engine(retrievers, opened(reranker), self._settings)
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {"_stages": self._stages, "_settings": self._settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open()

    def __repr__(self) -> str:
        retriever, reranker = self._stages
        return f"Engine({retriever!r}, {reranker!r})"

    @property
    def reranker(self) -> CrossEncoder | Reranker | None:
        """The second stage."""
        reranker = self._stages[1]
        assert not isinstance(reranker, str | os.PathLike)
        return reranker

    def search(
        self,
        query: str,
        limit: int = 10,
        *,
        depth: int | None = None,
        effort: str | None = None,
        fusion: str | None = None,
        budget: float | None = None,
        min_probability: float | None = None,
        path: str | Iterable[str] | None = None,
        extension: str | Iterable[str] | None = None,
        metadata: Mapping[str, object] | None = None,
        since: datetime | date | float | None = None,
        until: datetime | date | float | None = None,
        syntax: str = "text",
        explain: bool = False,
        notes: bool = True,
        copies: bool = False,
        bm25_fallback: bool = False,
    ) -> Response:
        """Answers a question as `vizsla search` does.

        Args:
            query: Any text with at least one word. Phrases in quotes, `-word` and `field:word` are operators.
            limit: The most hits, one for each document.
            depth: How many candidates the second stage reads; the engine's by default.
            effort: How much of them it reads; the engine's by default.
            fusion: How the rankings are combined; the engine's by default.
            budget: The seconds that both stages may take together. Candidates for which time runs out come below those
                that were read, and `stages["rerank"]["unread"]` says how many there are.
            min_probability: Leave out hits to which the reranker gives less, from 0 to 1.
            path: One glob or several, at least one of which the file's path must match: "**/notes/*.md".
            extension: One file extension or several, without the dot.
            metadata: Names with values, all of which a document must have.
            since: Only documents changed at or after this time: a datetime (local unless it has a zone), a date, or
                seconds since 1970.
            until: Only documents changed before this time.
            syntax: "text", "words" for a query without operators, or "native" for the first stage's own language.
            explain: Whether hits say how the first stage's score was computed.
            notes: Whether spelling suggestions and the like are looked for.
            copies: Whether passages that say the same each take a place; otherwise they are listed with the best of them.
            bm25_fallback: Whether the first stage's ranking is accepted, marked as `degraded`, when reranking fails.

        Raises:
            ValueError: The query is empty, or an argument is out of range.
            TypeError: An argument is of the wrong type; the message names it.
            TimeoutError: The budget ran out before there was anything to answer with.
            KeyboardInterrupt: Within a twentieth of a second of Ctrl-C; a stage of yours is waited for.
        """
        if self._process != os.getpid():
            self._open()
        asked = {
            "limit": _arguments.whole("limit", limit),
            "depth": None if depth is None else _arguments.whole("depth", depth),
            "effort": None if effort is None else _arguments.text("effort", effort),
            "fusion": None if fusion is None else _arguments.text("fusion", fusion),
            "budget": None if budget is None else _arguments.number("budget", budget, least=0),
            "min_probability": None if min_probability is None else _arguments.number("min_probability", min_probability),
            "syntax": _arguments.text("syntax", syntax),
            "explain": _arguments.flag("explain", explain),
            "notes": _arguments.flag("notes", notes),
            "fold_copies": not _arguments.flag("copies", copies),
            "fallback": _arguments.flag("bm25_fallback", bm25_fallback),
            "paths": _arguments.one_or_more("path", path),
            "extensions": _arguments.one_or_more("extension", extension),
            "metadata": [] if metadata is None else _wanted(metadata),
            "modified_from": None if since is None else _arguments.seconds("since", since),
            "modified_until": None if until is None else _arguments.seconds("until", until),
        }
        return Response.from_json(self._engine.search(_arguments.text("query", query), json.dumps(asked)))


def settings_json(given: Mapping[str, Any], *, reranks: bool) -> str:
    """Settings of a search in the program's format. None leaves one to its default; what has no reranker ranks by BM25."""
    if given["fusion"] is None and not reranks:
        given = {**given, "fusion": "bm25"}
    settings = {name: _SETTINGS[name](name, value) for name, value in given.items() if value is not None}
    if "budget" in settings:
        settings["budget_ms"] = settings.pop("budget") * 1e3
    return json.dumps(settings)


_SETTINGS: dict[str, Callable[[str, Any], Any]] = {
    "fusion": _arguments.text,
    "depth": _arguments.whole,
    "effort": _arguments.text,
    "budget": partial(_arguments.number, least=0),
    "k1": partial(_arguments.number, least=0),
    "b": partial(_arguments.number, least=0, most=1),
    "k3": partial(_arguments.number, least=0),
    "field_weights": _arguments.text,
    "rm3": _arguments.flag,
    "fuzzy": _arguments.flag,
}


def _stage(given: Any) -> Index | Retriever:  # noqa: ANN401
    if isinstance(given, str | os.PathLike):
        return Index.open(given)
    _arguments.instance("retriever", given)
    if isinstance(given, Index) or callable(getattr(given, "retrieve", None)):
        return given  # type: ignore[no-any-return]
    raise TypeError(f"retriever must be an Index, its path, or have a method retrieve, not {type(given).__name__}")


def _wanted(metadata: object) -> list[tuple[str, str]]:
    """Restrictions to values of metadata, as filters compare them."""
    given = _arguments.mapping("metadata", metadata).items()
    return [(_arguments.text("a name in metadata", name), _shown(f"metadata[{name!r}]", value)) for name, value in given]


def _shown(name: str, value: object) -> str:
    if isinstance(value, str):
        return _arguments.text(name, value)
    if type(value).__name__ in ("bool", "bool_"):
        return "true" if value else "false"
    if value is None or isinstance(value, bytes | list | tuple | dict | set):
        raise TypeError(f"{name} must be a text, a number or a bool, not {type(value).__name__}")
    if value != value:
        raise ValueError(f"{name} must not be NaN")
    return str(value)
