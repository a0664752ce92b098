from __future__ import annotations

import numpy as np
import pytest
from haystack import Document, Pipeline

from vizsla.haystack import VizslaRanker, VizslaRetriever

QUERY = "how many people live in Berlin?"
TEXTS = ["Berlin is known for museums.", "3,520,031 people live in Berlin.", "Flies live for weeks."]


def test_the_retriever_finds_what_the_program_finds(program):
    documents = VizslaRetriever(program.index, top_k=3).run(QUERY)["documents"]
    hits = program.search(QUERY, "--limit", "3")
    assert [(of.meta["doc_id"], of.score) for of in documents] == [(hit["doc_id"], hit["score"]) for hit in hits]


def test_the_ranker_ranks_as_the_program_does(program):
    documents = [Document(content=text, meta={"n": at}) for at, text in enumerate(TEXTS)]
    kept = VizslaRanker(top_k=2).run(QUERY, documents)["documents"]
    expected = program.rerank(QUERY, TEXTS)[:2]
    assert [(of.meta["n"], np.float32(of.score)) for of in kept] == [(at, p) for at, _, p in expected]
    assert [of.id for of in kept] == [documents[at].id for at, _, _ in expected]
    ranker = VizslaRanker(score_threshold=1.0)
    assert ranker.run(QUERY, documents)["documents"] == []
    assert len(ranker.run(QUERY, documents, top_k=1, score_threshold=0.0)["documents"]) == 1
    with pytest.raises(ValueError, match="top_k"):
        VizslaRanker(top_k=0)


def test_metadata_are_read_with_the_text(program):
    ranker = VizslaRanker(meta_fields_to_embed=["title"])
    (document,) = ranker.run(QUERY, [Document(content="3,520,031.", meta={"title": "People"})])["documents"]
    ((_, _, probability),) = program.rerank(QUERY, ["People\n3,520,031."])
    assert np.float32(document.score) == probability


def test_a_pipeline_is_dumped_and_loaded(program):
    pipeline = Pipeline()
    pipeline.add_component("retriever", VizslaRetriever(program.index, model=None, settings={"depth": 20}))
    pipeline.add_component("ranker", VizslaRanker(top_k=1))
    pipeline.connect("retriever.documents", "ranker.documents")
    loaded = Pipeline.loads(pipeline.dumps(), allowed_modules=["vizsla.haystack"])
    for one in (pipeline, loaded):
        found = one.run({"retriever": {"query": QUERY}, "ranker": {"query": QUERY}})
        (best,) = found["ranker"]["documents"]
        assert "3,520,031" in best.content
    assert loaded.dumps() == pipeline.dumps()
