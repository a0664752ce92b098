from __future__ import annotations

import json
import math
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
    with pytest.raises(KeyError, match="there is no run 'mine', but 'bm25'"):
        evaluation.compare("bm25", "mine")
    with pytest.raises(KeyError, match="there is no measure 'AP'"):
        evaluation.mean("bm25", "AP")


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
    run = other.runs["engine"]
    # As other packages have it: in no order.
    scores = {query: dict(reversed(ranked)) for query, ranked in run.items()}
    measured = vizsla.measure(corpus, {"again": run, "scores": scores}, measures="nDCG@10", first=8)
    assert measured.mean("again") == measured.mean("scores") == other.mean("engine")
    assert measured.runs == {}


def test_mistakes_are_named(corpus, tmp_path):
    with pytest.raises(FileNotFoundError):
        vizsla.evaluate(tmp_path, None)
    with pytest.raises(ValueError, match="measures"):
        vizsla.evaluate(corpus, None, measures="fun")
    with pytest.raises(ValueError, match="measures is empty"):
        vizsla.evaluate(corpus, None, measures=[])
    with pytest.raises(TypeError, match=r"rankers\['x'\] must be"):
        vizsla.evaluate(corpus, rankers={"x": 3})
    with pytest.raises(TypeError, match="rankers must be a dict"):
        vizsla.evaluate(corpus, rankers=[len])
    with pytest.raises(TypeError, match=r"rankers\['x'\]\(.*\) must be a list of pairs of id and score, not NoneType"):
        vizsla.evaluate(corpus, rankers={"x": lambda question: None})
    with pytest.raises(ValueError, match=r"rankers\['x'\]\(.*\)\[0\]\[1\] must be finite"):
        vizsla.evaluate(corpus, rankers={"x": lambda question: [("d1", math.nan)]})
    with pytest.raises(TypeError, match=r"runs\['x'\] must be a dict"):
        vizsla.measure(corpus, {"x": 3})
    with pytest.raises(TypeError, match=r"runs\['x'\]\['q1'\]\[0\] must be a pair of id and score, not 'd1'"):
        vizsla.measure(corpus, {"x": {"q1": ["d1"]}})
    with pytest.raises(TypeError, match="b must be a dict"):
        vizsla.compare(corpus, {}, 3)

    def fails(question):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        vizsla.evaluate(corpus, rankers={"x": fails})
