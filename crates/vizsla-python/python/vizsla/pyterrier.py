"""Retriever, reranker and indexer for PyTerrier pipelines; needs the package `pyterrier`, and no Java.

import pyterrier as pt
from vizsla.pyterrier import VizslaIndexer, VizslaReranker, VizslaRetriever

index = VizslaIndexer("scifact.idx").index(dataset.get_corpus_iter())
bm25 = VizslaRetriever(index, reranker=None)
pt.Experiment([bm25, bm25 % 50 >> VizslaReranker(), VizslaRetriever(index)], topics, qrels, ["ndcg_cut_10"])
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyterrier as pt

from ._cross_encoder import CrossEncoder
from ._engine import Engine, Reranker
from ._index import Index


class VizslaRetriever(pt.Transformer):
    """Searches in both stages, or in the first alone: qid, query -> qid, query, docno, score, rank, title, text.

    Args:
        index: An engine, an index, or the path of one.
        reranker: As for [`Engine`][vizsla.Engine], unless an engine is given.
        num_results: The most documents for a query. A cut such as `% 10` after this sets it.
        settings: As for [`Engine`][vizsla.Engine]: `depth`, `fusion`, `budget`, `k1`, `b` ...
    """

    def __init__(
        self,
        index: Engine | Index | str | os.PathLike[str],
        reranker: CrossEncoder | Reranker | str | None = "bundled",
        num_results: int = 50,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        self.engine = index if isinstance(index, Engine) else Engine(index, reranker, **settings)
        self.num_results = num_results

    def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
        """Searches for each query; what else is known about it is kept."""
        pt.validate.query_frame(inp, extra_columns=["query"])
        kept = [column for column in inp.columns if column not in ("docno", "score", "rank", "title", "text")]
        rows = [self._hits(query) for query in inp[kept].to_dict("records")]
        columns = [*kept, "docno", "score", "rank", "title", "text"]
        return pd.DataFrame([row for hits in rows for row in hits], columns=columns)

    def _hits(self, query: Mapping[Any, Any]) -> list[dict[Any, Any]]:
        if not query["query"].strip():
            return []
        response = self.engine.search(query["query"], self.num_results, syntax="words", notes=False, copies=True)
        return [
            {
                **query,
                "docno": hit.doc_id,
                "score": hit.score,
                "rank": hit.rank - 1,
                "title": hit.title,
                "text": hit.passage.text,
            }
            for hit in response.hits
        ]

    def fuse_rank_cutoff(self, k: int) -> VizslaRetriever | None:
        """Searches for no more than are wanted. The depth of the second stage stays."""
        return VizslaRetriever(self.engine, num_results=k) if k < self.num_results else None

    def __repr__(self) -> str:
        return f"VizslaRetriever({self.engine!r}, num_results={self.num_results})"


class VizslaReranker(pt.Transformer):
    """Scores documents: qid, query, docno, text -> the same with new score and rank.

    Args:
        model: A cross-encoder, or the name of one.
        text: The column that is read, or several, which are joined by line ends.
    """

    def __init__(self, model: CrossEncoder | str | os.PathLike[str] | None = None, text: str | Sequence[str] = "text") -> None:
        self.model = model if isinstance(model, CrossEncoder) else CrossEncoder(model)
        self.text = [text] if isinstance(text, str) else list(text)

    def transform(self, inp: pd.DataFrame) -> pd.DataFrame:
        """Scores each pair of a query and a document with the model's logit."""
        pt.validate.columns(inp, includes=["qid", "query", "docno", *self.text])
        read = zip(*(inp[column].fillna("") for column in self.text), strict=True)
        texts = ["\n".join(part for part in parts if part) for parts in read]
        scores = self.model.predict(list(zip(inp["query"], texts, strict=True)), activation_fn="identity")
        result = inp.drop(columns=["score", "rank"], errors="ignore").assign(score=scores.astype("float64"))
        return pt.model.add_ranks(result)

    def __repr__(self) -> str:
        return f"VizslaReranker({self.model!r})"


class VizslaIndexer(pt.Indexer):
    """Indexes dicts with `docno` and `text`.

    Args:
        path: The folder of the index, which is made unless it is there.
        text: The entry that is the text, or several, which are joined by line ends.
        title: The entry that is the title, if there is one.
        meta: Entries that become metadata.
        options: As for [`Index.create`][vizsla.Index.create].
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        text: str | Sequence[str] = "text",
        title: str = "title",
        meta: Sequence[str] = (),
        **options: Any,  # noqa: ANN401
    ) -> None:
        self.path = path
        self.text = [text] if isinstance(text, str) else list(text)
        self.title = title
        self.meta = list(meta)
        self.options = options

    def index_inputs(self) -> list[list[str]]:
        """The entries that documents must have."""
        return [["docno", *self.text]]

    def index(self, iter: Iterable[Mapping[str, Any]], **_: object) -> Index:
        """Adds the documents, and returns the index."""
        index = Index.create(self.path, exist_ok=True, **self.options)
        with index.writer() as writer:
            for record in iter:
                writer.add(
                    record["docno"],
                    "\n".join(record[name] for name in self.text if record.get(name)),
                    title=record.get(self.title) or "",
                    metadata={name: record[name] for name in self.meta if record.get(name) is not None},
                )
        return index
