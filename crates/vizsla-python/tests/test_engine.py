from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import json
import math
import pickle
import subprocess
import sys

import pytest

import vizsla
from vizsla import Candidate

QUESTION = "how many people live in Berlin?"


class CommonWords:
    """A reranker: counts common words."""

    name = "common-words"

    def score(self, query, passages):
        words = set(query.split())
        return [len(words & set(text.split())) for text in passages]


class Everything:
    """A retriever: finds the same for every query."""

    def __init__(self, *texts):
        self.texts = texts

    def retrieve(self, query, depth, filter):
        assert depth >= 1
        assert filter["extensions"] == []
        return [Candidate(str(at), text, -at, title="T", metadata={"n": at}) for at, text in enumerate(self.texts)]


def test_a_search_in_two_stages(index, model):
    response = vizsla.Engine(index, model).search(QUESTION, explain=True)
    assert len(response) == 2
    hit = response[0]
    assert (hit.doc_id, hit.rank, hit.title, hit.metadata) == ("people", 1, "Berlin", {"year": 2016, "tags": ["city"]})
    assert hit.scores.rerank_logit == pytest.approx(
        float(model.predict((QUESTION, "Berlin had 3,520,031 registered inhabitants in 2016."), activation_fn="identity"))
    )
    assert hit.explanation["bm25"]["terms"]
    assert response.stages["rerank"]["model"] == model.name
    assert [hit.doc_id for hit in response] == ["people", "museums"]


def test_the_answer_is_the_json_of_the_program(tmp_path, model):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Berlin had 3,520,031 registered inhabitants in 2016.", encoding="utf-8")
    (tmp_path / "docs" / "b.md").write_text("# Berlin\n\nBerlin is known for its museums.", encoding="utf-8")
    index = vizsla.Index.create(tmp_path / "notes.idx")
    index.sync(tmp_path / "docs")
    response = vizsla.Engine(index, model).search(QUESTION, limit=5)
    program = [
        sys.executable,
        "-m",
        "vizsla",
        "search",
        QUESTION,
        "--index",
        str(tmp_path / "notes.idx"),
        "--limit",
        "5",
    ]
    printed = json.loads(subprocess.run([*program, "--json"], capture_output=True, text=True, check=True).stdout)

    def timeless(answer):
        for stage in answer["stages"].values():
            stage.pop("ms")
        # The model may have read the pairs before.
        answer["stages"]["rerank"] = None
        return answer

    assert timeless(response.to_dict()) == timeless(printed)
    assert vizsla.Response.from_json(response.to_json()) == response
    assert list(response.to_frame()["doc_id"]) == [hit.doc_id for hit in response.hits]


def test_long_passages_are_read_as_far_as_the_effort_goes(model):
    index = vizsla.Index.in_memory()
    with index.writer() as writer:
        for name in ("a", "b"):
            writer.add(name, f"The dog {name} points at birds. " + "Nothing else is said of this. " * 60)
    engine = vizsla.Engine(index, model)
    response = engine.search("which dog points?")
    passage = response[0].passage
    start, end = passage.read
    assert 0 <= start < end < len(passage.text.encode())
    # Whatever the program prints has a field.
    (hit, _) = response.to_dict()["hits"]
    for data, kind in [
        (hit, vizsla.Hit),
        (hit["scores"], vizsla.Scores),
        (hit["passage"], vizsla.Passage),
        (hit["passage"]["snippet"], vizsla.Snippet),
    ]:
        assert set(data) <= {field.name for field in dataclasses.fields(kind)}
    assert engine.search("which dog points?", effort="full")[0].passage.read is None
    assert vizsla.Engine(index, model, effort="full").search("which dog points?")[0].passage.read is None


def test_the_answer_of_a_later_program_is_read(index):
    answer = vizsla.Engine(index, None).search("Berlin").to_dict()
    for part in (answer, answer["hits"][0], answer["hits"][0]["passage"], answer["hits"][0]["scores"]):
        part["of later"] = 1
    assert vizsla.Response.from_json(json.dumps(answer))[0].doc_id == answer["hits"][0]["doc_id"]


def test_a_notebook_shows_text_and_never_markup(model):
    index = vizsla.Index.in_memory()
    with index.writer() as writer:
        writer.add("<i>", "A <script>alert('dog')</script> & a dög dog.", title="<b>T</b>")
    shown = vizsla.Engine(index, model).search("dog<u>")._repr_html_()
    for markup in ("<script>", "<b>T", "<u>", "<i>"):
        assert markup not in shown
    assert "<mark>dog</mark>" in shown
    assert "dög" in shown


def test_filters_narrow_the_search(index, model):
    engine = vizsla.Engine(index, None)
    found = lambda **filters: [hit.doc_id for hit in engine.search("Berlin", **filters)]  # noqa: E731
    assert found() == ["museums", "people"]
    assert found(metadata={"year": 2016}) == ["people"]
    assert found(metadata={"tags": "city", "year": 2012}) == ["museums"]
    assert found(path="**/x/*") == []
    assert found(extension=["md"]) == []
    assert found(since=datetime.date(2020, 1, 1)) == []


def test_budgets_are_kept_and_said(index, model):
    engine = vizsla.Engine(index, vizsla.CrossEncoder(threads=1, cache_size=0), depth=10)
    response = engine.search(QUESTION, budget=1e-6, bm25_fallback=True)
    assert response.stages["rerank"] is None or response.stages["rerank"]["unread"] == 2
    assert engine.search(QUESTION, budget=60).stages["rerank"]["unread"] == 0
    with pytest.raises(ValueError, match="budget"):
        engine.search(QUESTION, budget=-1)


def test_stages_written_in_python(index):
    engine = vizsla.Engine(index, CommonWords(), fusion="rerank")
    response = engine.search("Berlin had museums")
    assert response.stages["rerank"]["model"] == "common-words"
    assert response[0].scores.rerank_logit == 2.0
    engine = vizsla.Engine(Everything("a cat", "a dog"), CommonWords(), fusion="rerank")
    first = engine.search("which dog")[0]
    assert (first.doc_id, first.title, first.metadata) == ("1", "T", {"n": 1})
    merged = vizsla.Engine([index, Everything("a museum in Berlin")], CommonWords(), fusion="rerank")
    assert {hit.doc_id for hit in merged.search("Berlin").hits} == {"0", "museums", "people"}
    assert isinstance(CommonWords(), vizsla.Reranker)
    assert isinstance(Everything(), vizsla.Retriever)


def test_what_python_stages_raise_is_raised_again(index):
    class Fails:
        def score(self, query, passages):
            raise ZeroDivisionError("no luck")

    class TooFew:
        def score(self, query, passages):
            return []

    class Words:
        def score(self, query, passages):
            return ["good"] * len(passages)

    class NotANumber:
        def score(self, query, passages):
            return [math.nan] * len(passages)

    class Wrong:
        def retrieve(self, query, depth, filter):
            return [("id", "text", 1.0)]

    with pytest.raises(ZeroDivisionError, match="no luck"):
        vizsla.Engine(index, Fails()).search("Berlin")
    with pytest.raises(ValueError, match="TooFew.score returned 0 scores for 2 passages"):
        vizsla.Engine(index, TooFew()).search("Berlin")
    with pytest.raises(TypeError, match="Words.score must return one number"):
        vizsla.Engine(index, Words()).search("Berlin")
    with pytest.raises((vizsla.Error, ValueError), match="NaN"):
        vizsla.Engine(index, NotANumber()).search("Berlin")
    with pytest.raises(TypeError, match=r"Wrong.retrieve\(\)\[0\] must be a vizsla.Candidate"):
        vizsla.Engine(Wrong(), None).search("Berlin")


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"query": None}, TypeError, "query must be str"),
        ({"query": " "}, ValueError, "empty"),
        ({"limit": 0}, ValueError, "limit must be at least 1"),
        ({"limit": "3"}, TypeError, "limit must be int"),
        ({"fusion": "magic"}, ValueError, "fusion"),
        ({"budget": math.nan}, ValueError, "budget must be finite"),
        ({"min_probability": 2}, ValueError, "probability"),
        ({"path": [b"x"]}, TypeError, r"path\[0\] must be str, not bytes"),
        ({"metadata": {1: 2}}, TypeError, "a name in metadata must be str"),
        ({"since": "yesterday"}, TypeError, "since must be a datetime, a date or seconds since 1970, not str"),
        ({"since": 1e30}, ValueError, "since must be at most"),
        ({"limit": 10**30}, ValueError, "limit must be at most"),
        ({"budget": -1}, ValueError, "budget must be at least 0"),
        ({"path": b"x"}, TypeError, "path must be str, not bytes"),
        ({"metadata": ["year"]}, TypeError, "metadata must be a dict, not list"),
        ({"metadata": {"year": None}}, TypeError, r"metadata\['year'\] must be a text, a number or a bool, not NoneType"),
        ({"metadata": {"year": math.nan}}, ValueError, r"metadata\['year'\] must not be NaN"),
        ({"explain": "no"}, TypeError, "explain must be bool, not str"),
        ({"effort": "lazy"}, ValueError, '"lazy" is not an effort'),
        ({"syntax": "sql"}, ValueError, "syntax"),
    ],
)
def test_wrong_arguments_are_named(index, arguments, error, named):
    with pytest.raises(error, match=named):
        vizsla.Engine(index, None).search(**{"query": "Berlin", **arguments})


@pytest.mark.parametrize(
    ("settings", "error", "named"),
    [
        ({"k1": "x"}, TypeError, "k1 must be a number, not str"),
        ({"k1": math.nan}, ValueError, "k1 must be finite"),
        ({"k3": -1}, ValueError, "k3 must be at least 0"),
        ({"b": 2}, ValueError, "b must be at most 1"),
        ({"budget": -1}, ValueError, "budget must be at least 0"),
        ({"field_weights": {"title": 2}}, TypeError, "field_weights must be str, not dict"),
        ({"rm3": "yes"}, TypeError, "rm3 must be bool, not str"),
        ({"depth": 0}, ValueError, "depth must be at least 1"),
        ({"effort": "lazy"}, ValueError, '"lazy" is not an effort: use quick, balanced, thorough or full$'),
    ],
)
def test_wrong_settings_are_named(index, corpus, settings, error, named):
    with pytest.raises(error, match=named):
        vizsla.Engine(index, None, **settings)
    with pytest.raises(error, match=named):
        vizsla.evaluate(corpus, None, **settings)


def test_wrong_stages_are_named(index):
    with pytest.raises(TypeError, match=r"reranker must be an object: write CommonWords\(\)"):
        vizsla.Engine(index, CommonWords)
    with pytest.raises(TypeError, match=r"retriever must be an object: write Everything\(\)"):
        vizsla.Engine(Everything, None)

    class Nothing:
        def retrieve(self, query, depth, filter):
            return None

    with pytest.raises(TypeError, match=r"Nothing.retrieve\(\) must be a list of vizsla.Candidate, not NoneType"):
        vizsla.Engine(Nothing(), None).search("Berlin")
    with pytest.raises(TypeError, match="retriever must be an Index"):
        vizsla.Engine(3, None)
    with pytest.raises(TypeError, match="reranker must be"):
        vizsla.Engine(index, 3)
    with pytest.raises(FileNotFoundError):
        vizsla.Engine("no/such/index", None)


def test_an_engine_serves_many_threads(index, model):
    engine = vizsla.Engine(index, model)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: engine.search(QUESTION)[0].doc_id, range(40)))
    assert answers == ["people"] * 40


def test_an_engine_is_pickled_by_path(tmp_path, model):
    index = vizsla.Index.create(tmp_path / "i")
    with index.writer() as writer:
        writer.add("1", "a dog")
    engine = pickle.loads(pickle.dumps(vizsla.Engine(index, model, depth=7)))
    assert engine.search("dog")[0].doc_id == "1"
    with pytest.raises(TypeError, match="in memory"):
        pickle.dumps(vizsla.Index.in_memory())


def test_ctrl_c_ends_a_search(interrupted):
    code = """
import vizsla
index = vizsla.Index.in_memory()
with index.writer() as writer:
    for at in range(400):
        writer.add(str(at), f"dog {at} " * 150)
engine = vizsla.Engine(index, vizsla.CrossEncoder(threads=1, cache_size=0), depth=400)
try:
    print("ready", flush=True)
    while True:
        engine.search("dog", copies=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    assert interrupted(code) == ("ready\n", "interrupted\n")
