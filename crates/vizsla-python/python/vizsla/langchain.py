"""Retriever, document compressor and cross-encoder for LangChain; needs the package `langchain-core`.

from vizsla.langchain import VizslaRerank, VizslaRetriever

retriever = VizslaRetriever.of("notes.idx", limit=5)
documents = retriever.invoke("how many people live in Berlin?")
best = VizslaRerank(top_n=3).compress_documents(documents, "how many people live in Berlin?")
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun, Callbacks
from langchain_core.cross_encoders import BaseCrossEncoder
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from ._cross_encoder import CrossEncoder
from ._engine import Engine, Reranker
from ._index import Index
from ._response import Hit


class VizslaRetriever(BaseRetriever):
    """Searches in both stages. Each document is a hit's passage; its metadata have those of the hit, and the scores.

    Attributes:
        engine: What searches; [`of`][vizsla.langchain.VizslaRetriever.of] makes one of an index.
        limit: The most documents.
        search: Further arguments of [`Engine.search`][vizsla.Engine.search], such as filters and `min_probability`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    engine: Engine
    limit: int = 10
    search: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(
        cls,
        index: Index | str | os.PathLike[str],
        reranker: CrossEncoder | Reranker | str | None = "bundled",
        *,
        limit: int = 10,
        search: dict[str, Any] | None = None,
        **settings: Any,  # noqa: ANN401
    ) -> VizslaRetriever:
        """Searches an index; `settings` are those of [`Engine`][vizsla.Engine]."""
        return cls(engine=Engine(index, reranker, **settings), limit=limit, search=search or {})

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        del run_manager
        return [_document(hit) for hit in self.engine.search(query, self.limit, **self.search).hits]


def _document(hit: Hit) -> Document:
    metadata = {
        **hit.metadata,
        "doc_id": hit.doc_id,
        "title": hit.title,
        "source": hit.path or hit.doc_id,
        "place": hit.place,
        "score": hit.score,
        "retrieval_score": hit.scores.retrieval,
        "rerank_logit": hit.scores.rerank_logit,
        "relevance_score": hit.scores.rerank_probability,
    }
    return Document(page_content=hit.passage.text, metadata=metadata, id=hit.doc_id)


class VizslaRerank(BaseDocumentCompressor):
    """Keeps the documents that answer best, with the probability as `relevance_score` in their metadata.

    Attributes:
        model: The cross-encoder; the bundled one by default.
        top_n: The most documents; None for all.
        threshold: Leave out those with a lower probability.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: CrossEncoder = Field(default_factory=CrossEncoder)
    top_n: int | None = 3
    threshold: float | None = None

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """Ranks the documents."""
        del callbacks
        texts = [document.page_content for document in documents]
        ranked = self.model.rank(query, texts, self.top_n, activation_fn="sigmoid")
        kept = [entry for entry in ranked if self.threshold is None or entry["score"] >= self.threshold]
        return [_with_score(documents[entry["corpus_id"]], entry["score"]) for entry in kept]


def _with_score(document: Document, score: float) -> Document:
    return document.model_copy(update={"metadata": {**document.metadata, "relevance_score": score}})


class VizslaCrossEncoder(BaseCrossEncoder):
    """The bare cross-encoder, for what takes one, such as `CrossEncoderReranker`; scores are probabilities.

    Args:
        model: An open cross-encoder, or the name of one.
    """

    def __init__(self, model: CrossEncoder | str | os.PathLike[str] | None = None) -> None:
        self.model = model if isinstance(model, CrossEncoder) else CrossEncoder(model)

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        """The probability of each pair."""
        scores: list[float] = self.model.predict(text_pairs, activation_fn="sigmoid", convert_to_numpy=False)
        return scores
