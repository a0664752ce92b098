from __future__ import annotations

import json
import subprocess
import sys

import pytest

import vizsla


@pytest.fixture(scope="module")
def evaluation(corpus, model):
    return vizsla.evaluate(corpus, model, measures=["nDCG@10", "RR"], first=8)


def test_measures_are_those_of_the_program(evaluation, corpus):
    program = [sys.executable, "-m", "vizsla", "eval", "--dataset", str(corpus), "--measures", "nDCG@10,RR", "--json"]
    program += ["--queries", "8"]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["runs"] == evaluation.summaries


def test_an_evaluation_is_a_frame(evaluation):
    frame = evaluation.to_frame()
    assert list(frame.columns) == ["query", "run", "measure", "value"]
    means = frame.groupby(["run", "measure"])["value"].mean()
    assert means["fused", "nDCG@10"] == pytest.approx(evaluation.mean("fused"))
    assert set(evaluation.runs) == {"bm25", "rerank", "fused"}
    assert "nDCG@10" in evaluation._repr_html_()


def test_rankings_are_compared(evaluation):
    comparison = evaluation.compare("bm25", "fused", limit=1)
    (first, _) = comparison.measures
    assert first.change["mean"] == pytest.approx(evaluation.mean("fused") - evaluation.mean("bm25"))
    assert len(comparison.queries) <= 1
    assert list(comparison.to_frame()["measure"]) == ["nDCG@10", "RR"]
    assert "nDCG@10" in comparison._repr_html_()


def test_engines_and_functions_are_evaluated(evaluation, corpus, model):
    index = vizsla.Index.in_memory()
    with index.writer() as writer, open(corpus / "corpus.jsonl", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            writer.add(record["_id"], record["text"], title=record.get("title", ""))
    rankers = {"engine": vizsla.Engine(index, None), "nothing": lambda question: []}
    other = vizsla.evaluate(corpus, rankers=rankers, measures="nDCG@10", first=8)
    assert other.mean("engine") == pytest.approx(evaluation.mean("bm25"), abs=0.1)
    assert other.mean("nothing") == 0.0
    measured = vizsla.measure(corpus, {"again": other.runs["engine"]}, measures="nDCG@10", first=8)
    assert measured.mean("again") == other.mean("engine")
    assert measured.runs == {}


def test_mistakes_are_named(corpus, tmp_path):
    with pytest.raises(FileNotFoundError):
        vizsla.evaluate(tmp_path, None)
    with pytest.raises(ValueError, match="measures"):
        vizsla.evaluate(corpus, None, measures="fun")
    with pytest.raises(TypeError, match="rankers"):
        vizsla.evaluate(corpus, rankers={"x": 3})

    def fails(question):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        vizsla.evaluate(corpus, rankers={"x": fails})
