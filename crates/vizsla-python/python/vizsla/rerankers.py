"""A ranker for the package `rerankers`, which it needs.

from vizsla.rerankers import VizslaRanker

results = VizslaRanker().rank("how many people live in Berlin?", ["It has museums.", "3,520,031 in 2016."])
"""

from __future__ import annotations

import os
from typing import Any

from rerankers.documents import Document
from rerankers.models.ranker import BaseRanker
from rerankers.results import RankedResults, Result
from rerankers.utils import prep_docs

from ._cross_encoder import CrossEncoder


class VizslaRanker(BaseRanker):
    """Ranks texts by probability.

    Args:
        model_name_or_path: The cross-encoder, or its name; the bundled one by default.
        verbose: Accepted and without effect: nothing is printed.
        arguments: Further arguments of [`CrossEncoder`][vizsla.CrossEncoder].
    """

    def __init__(
        self,
        model_name_or_path: CrossEncoder | str | os.PathLike[str] | None = None,
        verbose: int = 0,
        **arguments: Any,  # noqa: ANN401
    ) -> None:
        given = model_name_or_path
        self.verbose = verbose
        self.model = given if isinstance(given, CrossEncoder) else CrossEncoder(given, **arguments)
        self.ranking_type = "pointwise"

    def rank(
        self,
        query: str,
        docs: str | list[str] | Document | list[Document],
        doc_ids: list[str] | list[int] | None = None,
        metadata: list[dict[str, Any]] | None = None,
    ) -> RankedResults:
        """Ranks documents for a query."""
        documents = prep_docs(docs, doc_ids, metadata)
        ranked = self.model.rank(query, [document.text for document in documents], activation_fn="sigmoid")
        results = [
            Result(document=documents[entry["corpus_id"]], score=entry["score"], rank=rank)
            for rank, entry in enumerate(ranked, start=1)
        ]
        return RankedResults(results=results, query=query, has_scores=True)

    def score(self, query: str, doc: str) -> float:
        """The probability of one document."""
        return float(self.model.predict((query, doc), activation_fn="sigmoid"))
