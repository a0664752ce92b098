"""Node postprocessor and retriever for LlamaIndex; needs the package `llama-index-core`.

from vizsla.llama_index import VizslaRerank, VizslaRetriever

nodes = VizslaRetriever("notes.idx", similarity_top_k=20).retrieve("how many people live in Berlin?")
best = VizslaRerank(top_n=3).postprocess_nodes(nodes, query_str="how many people live in Berlin?")
"""

from __future__ import annotations

import os
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode

from ._cross_encoder import CrossEncoder
from ._engine import Engine, Reranker
from ._index import Index
from ._response import Hit


class VizslaRerank(BaseNodePostprocessor):
    """Keeps the nodes that answer best; their scores become probabilities.

    Attributes:
        top_n: The most nodes.
        model: The name of the cross-encoder; the bundled one by default.
        keep_retrieval_score: Whether the former score is kept in the metadata, as `retrieval_score`.
    """

    top_n: int = Field(default=3, gt=0)
    model: str = "bundled"
    keep_retrieval_score: bool = False
    _encoder: CrossEncoder = PrivateAttr()

    def __init__(self, encoder: CrossEncoder | None = None, **values: Any) -> None:  # noqa: ANN401
        super().__init__(**values)
        self._encoder = encoder or CrossEncoder(self.model)

    @classmethod
    def class_name(cls) -> str:
        """The name in dumps."""
        return "VizslaRerank"

    def _postprocess_nodes(self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("query_bundle is missing: reranking needs the question")
        texts = [node.node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
        ranked = self._encoder.rank(query_bundle.query_str, texts, self.top_n, activation_fn="sigmoid")
        kept = []
        for entry in ranked:
            node = nodes[entry["corpus_id"]]
            if self.keep_retrieval_score:
                node.node.metadata["retrieval_score"] = node.score
            kept.append(NodeWithScore(node=node.node, score=entry["score"]))
        return kept


class VizslaRetriever(BaseRetriever):
    """Searches in both stages. Each node is a hit's passage, with the fused score.

    Args:
        index: An engine, an index, or the path of one.
        reranker: As for [`Engine`][vizsla.Engine], unless an engine is given.
        similarity_top_k: The most nodes.
        search: Further arguments of [`Engine.search`][vizsla.Engine.search], such as filters and `min_probability`.
        settings: As for [`Engine`][vizsla.Engine].
    """

    def __init__(
        self,
        index: Engine | Index | str | os.PathLike[str],
        reranker: CrossEncoder | Reranker | str | None = "bundled",
        similarity_top_k: int = 10,
        search: dict[str, Any] | None = None,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        self._engine = index if isinstance(index, Engine) else Engine(index, reranker, **settings)
        self._limit = similarity_top_k
        self._search = search or {}
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        response = self._engine.search(query_bundle.query_str, self._limit, **self._search)
        return [NodeWithScore(node=_node(hit), score=hit.score) for hit in response.hits]


def _node(hit: Hit) -> TextNode:
    metadata = {**hit.metadata, "doc_id": hit.doc_id, "title": hit.title, "file_path": hit.path, "place": hit.place}
    scores = {"rerank_logit": hit.scores.rerank_logit, "retrieval_score": hit.scores.retrieval}
    # What a model is to read is the text.
    hidden = [*metadata, *scores]
    return TextNode(
        id_=f"{hit.path or ''}#{hit.doc_id}#{hit.passage.ordinal}",
        text=hit.passage.text,
        metadata={**metadata, **scores},
        excluded_embed_metadata_keys=hidden,
        excluded_llm_metadata_keys=hidden,
    )
