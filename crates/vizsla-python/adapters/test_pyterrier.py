from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyterrier as pt
import pytest
from conftest import ROOT, run_program

import vizsla
from vizsla.pyterrier import VizslaIndexer, VizslaReranker, VizslaRetriever

QUERY = "how many people live in Berlin?"


@pytest.fixture(scope="module")
def collection(tmp_path_factory, corpus):
    with open(corpus / "corpus.jsonl", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    documents = [{"docno": of["_id"], "title": of.get("title", ""), "text": of["text"]} for of in records]
    index = VizslaIndexer(tmp_path_factory.mktemp("pt") / "i", meta=["title"]).index(iter(documents))
    with open(corpus / "queries.jsonl", encoding="utf-8") as lines:
        queries = {of["_id"]: of["text"] for of in map(json.loads, lines)}
    qrels = pd.read_csv(corpus / "qrels" / "test.tsv", sep="\t", dtype={0: str, 1: str})
    qrels.columns = ["qid", "docno", "label"]
    topics = pd.DataFrame([(qid, queries[qid]) for qid in sorted(set(qrels["qid"]))[:8]], columns=["qid", "query"])
    return index, topics, qrels


def test_the_retriever_finds_what_the_program_finds(program):
    found = VizslaRetriever(program.index).transform(pd.DataFrame([["q1", QUERY, "kept"]], columns=["qid", "query", "x"]))
    hits = program.search(QUERY, "--copies")
    assert list(found["docno"]) == [hit["doc_id"] for hit in hits]
    assert list(found["score"]) == [hit["score"] for hit in hits]
    assert list(found["rank"]) == list(range(len(hits)))
    assert set(found["x"]) == {"kept"}
    assert len(VizslaRetriever(program.index).search(QUERY)) == len(hits)


def test_the_reranker_scores_as_the_program_does(program):
    texts = ["Berlin is known for museums.", "3,520,031 people live in Berlin.", ""]
    frame = pd.DataFrame({"qid": "1", "query": QUERY, "docno": ["a", "b", "c"], "text": texts, "score": 0.0, "rank": 0})
    ranked = VizslaReranker().transform(frame)
    expected = program.rerank(QUERY, texts[:2])
    by_docno = ranked.set_index("docno")
    for place, logit, _ in expected:
        assert np.float32(by_docno.loc["abc"[place], "score"]) == logit
    assert by_docno.loc["b", "rank"] == 0


def test_pipelines_compose_and_cutoffs_are_fused(program):
    pipeline = VizslaRetriever(program.index, reranker=None) % 2 >> VizslaReranker(text=["title", "text"])
    compiled = pipeline.compile()
    topics = pd.DataFrame([["1", QUERY], ["2", "Elbe"], ["3", " "]], columns=["qid", "query"])
    for one in (pipeline, compiled):
        found = one(topics)
        assert found.groupby("qid").size().max() <= 2
        assert "3" not in set(found["qid"])
    assert VizslaRetriever(program.index, None, num_results=50).fuse_rank_cutoff(5).num_results == 5
    assert len(pipeline(topics[:0])) == 0


def test_an_experiment_measures_what_the_program_measures(collection, corpus):
    index, topics, qrels = collection
    model = vizsla.CrossEncoder()
    settings = {"field_weights": "content=1"}
    systems = [VizslaRetriever(index, None, **settings), VizslaRetriever(index, model, **settings)]
    table = pt.Experiment(systems, topics, qrels, ["ndcg_cut_10"], names=["bm25", "fused"])
    expected = vizsla.evaluate(corpus, model, measures="nDCG@10", first=8)
    for name in ("bm25", "fused"):
        measured = table.set_index("name").loc[name, "ndcg_cut_10"]
        assert measured == pytest.approx(expected.mean(name), abs=1e-9)


def test_the_experiment_of_the_page_is_the_program(tmp_path, monkeypatch, corpus):
    (_, code) = (ROOT / "docs" / "python.md").read_text(encoding="utf-8").split("```py\n")
    (tmp_path / "scifact").symlink_to(corpus)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(code.split("```")[0], "docs/python.md", "exec"), names)
    program = json.loads(run_program("eval", "--dataset", "scifact", "--measures", "nDCG@10", "--json"))["runs"]
    measured = names["table"].set_index("name")["ndcg_cut_10"]
    assert measured["BM25"] == pytest.approx(program["bm25"]["nDCG@10"]["mean"], abs=1e-9)
    assert measured["fused"] == pytest.approx(program["fused"]["nDCG@10"]["mean"], abs=1e-9)
