"""How good searches are on judged collections."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from . import _arguments, _native
from ._cross_encoder import CrossEncoder, opened
from ._engine import Engine, Reranker, settings_json
from ._html import table

Run = Mapping[str, Sequence[tuple[str, float]] | Mapping[str, float]]
"""A ranking of documents for each query: pairs of id and score, best first, or a dict of scores by id."""

DEFAULT_MEASURES = ("nDCG@10", "RR@10", "R@100")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measured rankings of a collection.

    Attributes:
        dataset: The folder of the collection.
        qrels: Which judgments.
        first: The number of queries, if not all.
        measures: What was measured.
        queries: The ids of the queries.
        values: One value for each query, by ranking and measure, in the order of `queries`.
        summaries: Mean and interval, by ranking and measure.
        runs: The rankings by name; empty for [`measure`][vizsla.measure].
        latency: How long queries took, in milliseconds.
    """

    dataset: str
    qrels: str
    first: int | None
    measures: list[str]
    queries: list[str]
    values: dict[str, dict[str, list[float]]]
    summaries: dict[str, dict[str, dict[str, float]]]
    runs: dict[str, dict[str, list[tuple[str, float]]]] = field(repr=False)
    latency: dict[str, float] | None = None

    def mean(self, run: str, measure: str | None = None) -> float:
        """The mean of a ranking over the queries, in the first measure unless another is named."""
        measures = _named("run", run, self.summaries)
        mean: float = _named("measure", measure or self.measures[0], measures)["mean"]
        return mean

    def to_frame(self) -> Any:  # noqa: ANN401
        """A pandas.DataFrame with a row for each query, ranking and measure: `query`, `run`, `measure`, `value`."""
        import pandas as pd  # noqa: PLC0415

        rows = [
            (query, run, measure, value)
            for run, measures in self.values.items()
            for measure, values in measures.items()
            for query, value in zip(self.queries, values, strict=True)
        ]
        return pd.DataFrame(rows, columns=["query", "run", "measure", "value"])

    def compare(self, a: str, b: str, limit: int = 10) -> Comparison:
        """Compares two of the rankings by name: see [`compare`][vizsla.compare]."""
        chosen = {"qrels": self.qrels, "first": self.first, "measures": self.measures}
        first, second = (_named("run", name, self.runs) for name in (a, b))
        return compare(self.dataset, first, second, limit=limit, **chosen)  # type: ignore[arg-type]

    def _repr_html_(self) -> str:
        rows = [[escape(run)] + [_interval(of[name]) for name in self.measures] for run, of in self.summaries.items()]
        return table(f"{escape(self.dataset)}, {len(self.queries)} queries", ["", *self.measures], rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between two rankings in one measure.

    Attributes:
        measure: The measure.
        a: The mean of the first ranking.
        b: The mean of the second.
        change: The mean of the differences b - a, with its interval.
        p: How likely a difference as large as this is by chance, by a randomisation test.
        better: For how many queries the second is better.
        worse: For how many it is worse.
    """

    measure: str
    a: float
    b: float
    change: dict[str, float]
    p: float
    better: int
    worse: int


@dataclass(frozen=True, slots=True)
class QueryChange:
    """A query with its text and its values in both rankings."""

    query: str
    text: str
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether one ranking is better than another.

    Attributes:
        measures: The differences by measure.
        queries: The queries whose first measure changed the most.
    """

    measures: list[Difference]
    queries: list[QueryChange]

    def to_frame(self) -> Any:  # noqa: ANN401
        """A pandas.DataFrame with a row for each measure."""
        import pandas as pd  # noqa: PLC0415

        rows = [(of.measure, of.a, of.b, of.change["mean"], of.p, of.better, of.worse) for of in self.measures]
        return pd.DataFrame(rows, columns=["measure", "a", "b", "change", "p", "better", "worse"])

    def _repr_html_(self) -> str:
        header = ["measure", "a", "b", "change", "p", "better", "worse"]
        rows = [
            [escape(of.measure), f"{of.a:.4f}", f"{of.b:.4f}", _interval(of.change), f"{of.p:.3f}"]
            + [str(of.better), str(of.worse)]
            for of in self.measures
        ]
        return table("b compared with a", header, rows)


def evaluate(
    dataset: str | os.PathLike[str],
    reranker: CrossEncoder | Reranker | str | None = "bundled",
    *,
    rankers: Mapping[str, Engine | Callable[[str], Iterable[tuple[str, float]]]] | None = None,
    measures: str | Iterable[str] = DEFAULT_MEASURES,
    qrels: str = "test",
    first: int | None = None,
    index: str | os.PathLike[str] | None = None,
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
) -> Evaluation:
    """Ranks the queries of a judged collection and measures the rankings, as `vizsla eval` does.

    Args:
        dataset: A folder in BEIR's layout (`corpus.jsonl`, `queries.jsonl`, `qrels/test.tsv`), or with TREC's files.
        reranker: As for [`Engine`][vizsla.Engine]. The rankings are "bm25", "rerank" and "fused"; without a reranker there
            is only the first.
        rankers: Rank by these instead, by name: engines, or functions from a question to ids with scores.
        measures: Such as "nDCG@10", "RR@10", "R@100", "AP" and "Bpref"; definitions are those of trec_eval.
        qrels: Which judgments: `NAME` for `qrels/NAME.tsv`, or a path.
        first: Only so many queries.
        index: A folder in which to keep the collection's index, or that has it already; a temporary one by default.
        fusion: As for the engine.
        depth: As for the engine.
        effort: As for the engine.
        budget: As for the engine, in seconds.
        k1: As for the engine.
        b: As for the engine.
        k3: As for the engine.
        field_weights: As for the engine.
        rm3: As for the engine.
        fuzzy: As for the engine.

    Raises:
        FileNotFoundError: The collection lacks a part.
        ValueError: A file of it is malformed, or there is no such measure.
        KeyboardInterrupt: After the query that is being ranked.
    """
    judged = _judged(dataset, qrels, first, measures)
    ranked = []
    if rankers is not None:
        ranked = [(_arguments.text("rankers", name), _ranker(name, of)) for name, of in _entries("rankers", rankers)]
    second = None if ranked or fusion == "bm25" else opened(reranker)
    stages = {"fusion": fusion, "depth": depth, "effort": effort, "budget": budget}
    first_stage = {"k1": k1, "b": b, "k3": k3, "field_weights": field_weights, "rm3": rm3, "fuzzy": fuzzy}
    settings = settings_json({**stages, **first_stage}, reranks=second is not None)
    place = None if index is None else _arguments.path("index", index)
    return _evaluation(judged, _native.evaluate(judged, settings, place, second, ranked))


def measure(
    dataset: str | os.PathLike[str],
    runs: Mapping[str, Run],
    *,
    measures: str | Iterable[str] = DEFAULT_MEASURES,
    qrels: str = "test",
    first: int | None = None,
) -> Evaluation:
    """Measures rankings that were made elsewhere, by name; the arguments are those of [`evaluate`][vizsla.evaluate]."""
    judged = _judged(dataset, qrels, first, measures)
    named = [(_arguments.text("runs", name), _run(f"runs[{name!r}]", run)) for name, run in _entries("runs", runs)]
    return _evaluation(judged, _native.measure(judged, named))


def compare(
    dataset: str | os.PathLike[str],
    a: Run,
    b: Run,
    *,
    measures: str | Iterable[str] = DEFAULT_MEASURES,
    qrels: str = "test",
    first: int | None = None,
    limit: int = 10,
) -> Comparison:
    """Whether the ranking `b` is better than `a`, with intervals and a test; `limit` queries that changed most are listed."""
    judged = _judged(dataset, qrels, first, measures)
    data = json.loads(_native.compare(judged, _run("a", a), _run("b", b), _arguments.whole("limit", limit, least=0)))
    return Comparison([Difference(**of) for of in data["measures"]], [QueryChange(**of) for of in data["queries"]])


def _judged(dataset: str | os.PathLike[str], qrels: str, first: int | None, measures: str | Iterable[str]) -> dict[str, Any]:
    names = _arguments.one_or_more("measures", measures)
    if not names:
        raise ValueError("measures is empty: name at least one")
    return {
        "dataset": _arguments.path("dataset", dataset),
        "qrels": _arguments.text("qrels", qrels),
        "first": None if first is None else _arguments.whole("first", first),
        "measures": names,
    }


def _entries(name: str, given: object) -> Iterable[tuple[Any, Any]]:
    return _arguments.mapping(name, given).items()


def _named(what: str, name: str, among: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if name not in among:
        raise KeyError(f"there is no {what} {name!r}, but {', '.join(map(repr, among)) or 'none at all'}")
    return among[name]


def _run(name: str, run: object) -> dict[str, list[tuple[str, float]]]:
    return {_arguments.text(name, query): _ranked(f"{name}[{query!r}]", of) for query, of in _entries(name, run)}


def _ranked(name: str, ranked: object) -> list[tuple[str, float]]:
    """Ids with scores. Those of a dict, which other packages have, are put in order."""
    if isinstance(ranked, Mapping):
        ranked = sorted(ranked.items(), key=lambda entry: -_arguments.number(f"{name}[{entry[0]!r}]", entry[1]))
    documents = []
    for at, entry in enumerate(_arguments.items(name, ranked, of="pairs of id and score")):
        if isinstance(entry, str | bytes) or not hasattr(entry, "__len__") or len(entry) != 2:
            raise TypeError(f"{name}[{at}] must be a pair of id and score, not {_arguments.shown(entry)}")
        doc_id, score = entry
        documents.append((str(doc_id), _arguments.number(f"{name}[{at}][1]", score)))
    return documents


def _ranker(
    name: str, ranker: Engine | Callable[[str], Iterable[tuple[str, float]]]
) -> Callable[[str, str], list[tuple[str, float]]]:
    if isinstance(ranker, Engine):
        engine = ranker

        def search(_: str, query: str) -> list[tuple[str, float]]:
            found = engine.search(query, 1000, syntax="words", notes=False, copies=True)
            return [(hit.doc_id, hit.score) for hit in found.hits]

        return search
    if not callable(ranker):
        raise TypeError(f"rankers[{name!r}] must be an Engine or a function, not {type(ranker).__name__}")
    function = ranker
    return lambda _, query: _ranked(f"rankers[{name!r}]({_arguments.shown(query)})", function(query))


def _evaluation(judged: dict[str, Any], text: str) -> Evaluation:
    data = json.loads(text)
    by_run = zip(data["names"], data["values"], strict=True)
    return Evaluation(
        dataset=judged["dataset"],
        qrels=judged["qrels"],
        first=judged["first"],
        measures=data["measures"],
        queries=data["queries"],
        values={name: dict(zip(data["measures"], values, strict=True)) for name, values in by_run},
        summaries=data["summaries"],
        runs={
            name: {query: [(doc_id, score) for doc_id, score in ranked] for query, ranked in run.items()}
            for name, run in data["runs"].items()
        },
        latency=data["latency"],
    )


def _interval(summary: Mapping[str, float]) -> str:
    return f"{summary['mean']:.4f} [{summary['low']:.4f}, {summary['high']:.4f}]"
