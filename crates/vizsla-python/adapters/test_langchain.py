from __future__ import annotations

import asyncio

import numpy as np
import pytest
from langchain_classic.retrievers import ContextualCompressionRetriever
from langchain_classic.retrievers.document_compressors import CrossEncoderReranker
from langchain_core.documents import Document

import vizsla
from vizsla.langchain import VizslaCrossEncoder, VizslaRerank, VizslaRetriever

QUERY = "how many people live in Berlin?"
TEXTS = ["Berlin is known for museums.", "3,520,031 people live in Berlin.", "Flies live for weeks."]


def test_the_retriever_finds_what_the_program_finds(program):
    retriever = VizslaRetriever.of(program.index, limit=3)
    documents = retriever.invoke(QUERY)
    hits = program.search(QUERY, "--limit", "3")
    assert [(of.id, of.metadata["score"]) for of in documents] == [(hit["doc_id"], hit["score"]) for hit in hits]
    assert documents[0].metadata["source"] == hits[0]["path"]
    assert asyncio.run(retriever.ainvoke(QUERY)) == documents
    narrow = VizslaRetriever.of(program.index, search={"extension": "md"})
    assert len(narrow.invoke(QUERY)) == 1


def test_the_compressor_ranks_as_the_program_does(program):
    documents = [Document(page_content=text, metadata={"n": at}) for at, text in enumerate(TEXTS)]
    kept = VizslaRerank(top_n=2).compress_documents(documents, QUERY)
    expected = program.rerank(QUERY, TEXTS)[:2]
    assert [(of.metadata["n"], np.float32(of.metadata["relevance_score"])) for of in kept] == [
        (place, probability) for place, _, probability in expected
    ]
    assert "relevance_score" not in documents[0].metadata
    assert VizslaRerank(threshold=1.0).compress_documents(documents, QUERY) == []
    with pytest.raises(ValueError, match="model"):
        VizslaRerank(model="bundled")


def test_both_work_with_what_langchain_has(program):
    model = vizsla.CrossEncoder()
    retriever = VizslaRetriever.of(program.index, None)
    for compressor in (
        VizslaRerank(model=model, top_n=1),
        CrossEncoderReranker(model=VizslaCrossEncoder(model), top_n=1),
    ):
        both = ContextualCompressionRetriever(base_compressor=compressor, base_retriever=retriever)
        (best,) = both.invoke(QUERY)
        assert "3,520,031" in best.page_content
