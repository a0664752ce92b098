from __future__ import annotations

import numpy as np
import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from vizsla.llama_index import VizslaRerank, VizslaRetriever

QUERY = "how many people live in Berlin?"
TEXTS = ["Berlin is known for museums.", "3,520,031 people live in Berlin.", "Flies live for weeks."]


def test_the_retriever_finds_what_the_program_finds(program):
    nodes = VizslaRetriever(program.index, similarity_top_k=3).retrieve(QUERY)
    hits = program.search(QUERY, "--limit", "3")
    found = [(node.node.metadata["doc_id"], node.score) for node in nodes]
    assert found == [(hit["doc_id"], hit["score"]) for hit in hits]


def test_the_postprocessor_ranks_as_the_program_does(program):
    nodes = [NodeWithScore(node=TextNode(text=text, id_=str(at)), score=0.5) for at, text in enumerate(TEXTS)]
    rerank = VizslaRerank(top_n=2, keep_retrieval_score=True)
    kept = rerank.postprocess_nodes(nodes, query_str=QUERY)
    expected = program.rerank(QUERY, TEXTS)[:2]
    assert [(int(of.node.node_id), np.float32(of.score)) for of in kept] == [(at, p) for at, _, p in expected]
    assert kept[0].node.metadata["retrieval_score"] == 0.5
    assert rerank.to_dict()["top_n"] == 2
    with pytest.raises(ValueError, match="question"):
        rerank.postprocess_nodes(nodes)


def test_the_postprocessor_reads_what_the_retriever_found(program):
    nodes = VizslaRetriever(program.index, None).retrieve(QUERY)
    assert "3,520,031" in VizslaRerank(top_n=1).postprocess_nodes(nodes, query_str=QUERY)[0].node.get_content()
