"""Ranker and retriever for Haystack; needs the package `haystack-ai`.

from haystack import Pipeline
from vizsla.haystack import VizslaRanker, VizslaRetriever

pipeline = Pipeline()
pipeline.add_component("retriever", VizslaRetriever("notes.idx", top_k=20))
pipeline.add_component("ranker", VizslaRanker(top_k=3))
pipeline.connect("retriever.documents", "ranker.documents")
"""

from __future__ import annotations

from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict

from ._cross_encoder import CrossEncoder
from ._engine import Engine
from ._response import Hit


@component
class VizslaRanker:
    """Ranks documents by probability.

    Args:
        model: The cross-encoder's name; the bundled one by default.
        top_k: The most documents.
        score_threshold: Leave out those with a lower probability.
        threads: How many threads score.
        meta_fields_to_embed: Metadata that are read before the text.
        meta_data_separator: What stands between them.
    """

    def __init__(
        self,
        model: str = "bundled",
        top_k: int = 10,
        score_threshold: float | None = None,
        threads: int | None = None,
        meta_fields_to_embed: list[str] | None = None,
        meta_data_separator: str = "\n",
    ) -> None:
        if top_k < 1:
            raise ValueError(f"top_k must be at least 1, not {top_k}")
        self.model = model
        self.top_k = top_k
        self.score_threshold = score_threshold
        self.threads = threads
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.meta_data_separator = meta_data_separator
        self._encoder: CrossEncoder | None = None

    def warm_up(self) -> None:
        """Opens the model."""
        if self._encoder is None:
            self._encoder = CrossEncoder(self.model, self.threads)

    def to_dict(self) -> dict[str, Any]:
        """The arguments, for a dump of the pipeline."""
        return default_to_dict(
            self,
            model=self.model,
            top_k=self.top_k,
            score_threshold=self.score_threshold,
            threads=self.threads,
            meta_fields_to_embed=self.meta_fields_to_embed,
            meta_data_separator=self.meta_data_separator,
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> VizslaRanker:
        """Makes one of a dump."""
        ranker: VizslaRanker = default_from_dict(cls, data)
        return ranker

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, documents: list[Document], top_k: int | None = None, score_threshold: float | None = None
    ) -> dict[str, list[Document]]:
        """Ranks documents for a query; `top_k` and `score_threshold` go before those of the component."""
        self.warm_up()
        assert self._encoder is not None
        least = self.score_threshold if score_threshold is None else score_threshold
        limit = self.top_k if top_k is None else top_k
        texts = [self._text(document) for document in documents]
        ranked = self._encoder.rank(query, texts, limit, activation_fn="sigmoid")
        kept = [entry for entry in ranked if least is None or entry["score"] >= least]
        return {"documents": [_scored(documents[entry["corpus_id"]], entry["score"]) for entry in kept]}

    def _text(self, document: Document) -> str:
        meta = [str(document.meta[name]) for name in self.meta_fields_to_embed if document.meta.get(name)]
        return self.meta_data_separator.join([*meta, document.content or ""])


def _scored(document: Document, score: float) -> Document:
    return Document.from_dict({**document.to_dict(flatten=False), "score": score})


@component
class VizslaRetriever:
    """Searches in both stages. Each document is a hit's passage.

    Args:
        index: The path of an index.
        model: The cross-encoder's name; None to search by BM25 alone.
        top_k: The most documents.
        settings: As for [`Engine`][vizsla.Engine]: `fusion`, `depth`, `budget` ...
        search: Further arguments of [`Engine.search`][vizsla.Engine.search], such as filters.
    """

    def __init__(
        self,
        index: str,
        model: str | None = "bundled",
        top_k: int = 10,
        settings: dict[str, Any] | None = None,
        search: dict[str, Any] | None = None,
    ) -> None:
        self.index = index
        self.model = model
        self.top_k = top_k
        self.settings = settings or {}
        self.search = search or {}
        self._engine: Engine | None = None

    def warm_up(self) -> None:
        """Opens the index and the model."""
        if self._engine is None:
            self._engine = Engine(self.index, self.model, **self.settings)

    def to_dict(self) -> dict[str, Any]:
        """The arguments, for a dump of the pipeline."""
        return default_to_dict(
            self, index=self.index, model=self.model, top_k=self.top_k, settings=self.settings, search=self.search
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> VizslaRetriever:
        """Makes one of a dump."""
        retriever: VizslaRetriever = default_from_dict(cls, data)
        return retriever

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """Searches for a query."""
        self.warm_up()
        assert self._engine is not None
        response = self._engine.search(query, self.top_k if top_k is None else top_k, **self.search)
        return {"documents": [_document(hit) for hit in response.hits]}


def _document(hit: Hit) -> Document:
    meta = {
        **hit.metadata,
        "doc_id": hit.doc_id,
        "title": hit.title,
        "file_path": hit.path,
        "place": hit.place,
        "rerank_logit": hit.scores.rerank_logit,
        "retrieval_score": hit.scores.retrieval,
    }
    return Document(content=hit.passage.text, meta=meta, score=hit.score)
