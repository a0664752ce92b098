"""Bring your own retriever and reranker, and measure them beside the ones that are there."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import vizsla
from vizsla import Candidate, Filter


class WordOverlap:
    """A first stage over texts in memory: counts common words."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def retrieve(self, query: str, depth: int, filter: Filter) -> Iterable[Candidate]:
        """The texts that have the most words of the query."""
        if filter["paths"] or filter["extensions"] or filter["metadata"]:
            raise ValueError("these texts have nothing to filter by")
        words = set(query.lower().split())
        counts = {doc_id: len(words & set(text.lower().split())) for doc_id, text in self.texts.items()}
        best = sorted(counts, key=lambda doc_id: -counts[doc_id])[:depth]
        return [Candidate(doc_id, self.texts[doc_id], counts[doc_id]) for doc_id in best if counts[doc_id]]


class Brevity:
    """A second stage with a simple mind: the shorter, the better."""

    name = "brevity"

    def score(self, query: str, passages: Sequence[str]) -> list[float]:
        """Fewer characters score higher."""
        return [-float(len(passage)) for passage in passages]


def main(dataset: Path, queries: int | None = None) -> vizsla.Evaluation:
    """Measures three engines on a judged collection, or on the first of its queries."""
    texts: dict[str, str] = {}
    with (dataset / "corpus.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            texts[record["_id"]] = f"{record.get('title', '')}\n{record['text']}".strip()
    overlap = WordOverlap(texts)
    evaluation = vizsla.evaluate(
        dataset,
        rankers={
            "overlap": vizsla.Engine(overlap, None),
            "overlap and brevity": vizsla.Engine(overlap, Brevity()),
            "overlap and cross-encoder": vizsla.Engine(overlap, "bundled"),
        },
        measures=["nDCG@10"],
        first=queries,
    )
    for name in evaluation.runs:
        print(f"{name}: {evaluation.mean(name):.4f}")
    return evaluation
