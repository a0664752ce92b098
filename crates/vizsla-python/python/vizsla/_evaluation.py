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

Run = Mapping[str, Sequence[tuple[str, float]]]
"""A ranking of documents for each query: ids with scores, best first."""

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
        return self.summaries[run][measure or self.measures[0]]["mean"]

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
        return compare(self.dataset, self.runs[a], self.runs[b], limit=limit, **chosen)  # type: ignore[arg-type]

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
    budget: float | None = None,
    **first_stage: object,
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
        budget: As for the engine, in seconds.
        first_stage: `k1`, `b`, `field_weights`, `rm3` and `fuzzy`, as for the engine.

    Raises:
        FileNotFoundError: The collection lacks a part.
        ValueError: A file of it is malformed, or there is no such measure.
        KeyboardInterrupt: After the query that is being ranked.
    """
    judged = _judged(dataset, qrels, first, measures)
    settings = settings_json(fusion=fusion, depth=depth, budget=budget, **first_stage)
    ranked = [(_arguments.text("rankers", name), _ranker(name, ranker)) for name, ranker in (rankers or {}).items()]
    second = None if ranked or fusion == "bm25" else opened(reranker)
    if second is None and fusion is None:
        settings = settings_json(fusion="bm25", depth=depth, budget=budget, **first_stage)
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
    named = [(_arguments.text("runs", name), _run(run)) for name, run in runs.items()]
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
    data = json.loads(_native.compare(judged, _run(a), _run(b), _arguments.whole("limit", limit, least=0)))
    return Comparison([Difference(**of) for of in data["measures"]], [QueryChange(**of) for of in data["queries"]])


def _judged(dataset: str | os.PathLike[str], qrels: str, first: int | None, measures: str | Iterable[str]) -> dict[str, Any]:
    return {
        "dataset": _arguments.path("dataset", dataset),
        "qrels": _arguments.text("qrels", qrels),
        "first": None if first is None else _arguments.whole("first", first),
        "measures": _arguments.texts("measures", _arguments.one_or_more(measures)),
    }


def _run(run: Run) -> dict[str, list[tuple[str, float]]]:
    return {query: [(str(doc_id), float(score)) for doc_id, score in ranked] for query, ranked in run.items()}


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
    return lambda _, query: [(str(doc_id), float(score)) for doc_id, score in function(query)]


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
