from __future__ import annotations

import concurrent.futures
import json
import math
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import vizsla

QUERY = "how many people live in Berlin?"
TEXTS = [
    "Berlin is well known for its museums.",
    "Berlin had a population of 3,520,031 registered inhabitants in 2016.",
    "",
    "word " * 1500,
    "Ein Text mit Umlauten: Äpfel, 漢字 and 🐕.",
]


def test_predict_has_the_shapes_of_sentence_transformers(model):
    scores = model.predict([(QUERY, text) for text in TEXTS])
    assert isinstance(scores, np.ndarray)
    assert (scores.shape, scores.dtype) == ((len(TEXTS),), np.float32)
    single = model.predict((QUERY, TEXTS[1]))
    assert isinstance(single, np.float32)
    assert single == scores[1]
    assert model.predict([]).shape == (0,)
    assert model.predict([[QUERY, TEXTS[1]]]).shape == (1,)
    assert model.predict(np.array([[QUERY, TEXTS[0]], [QUERY, TEXTS[1]]])).shape == (2,)
    as_list = model.predict([(QUERY, TEXTS[0])], batch_size=8, show_progress_bar=True, convert_to_numpy=False)
    assert as_list == [float(scores[0])]


def test_activations_are_those_of_the_settings_unless_named(model):
    pairs = [(QUERY, text) for text in TEXTS[:2]]
    # The bundled model's config.json names a sigmoid.
    logits = model.predict(pairs, activation_fn="identity")
    probabilities = model.predict(pairs)
    assert np.allclose(probabilities, 1 / (1 + np.exp(-logits.astype(np.float64))), atol=1e-7)
    assert (model.predict(pairs, activation_fn="sigmoid") == probabilities).all()
    assert (model.predict(pairs, activation_fn=lambda x: x * 2) == logits * 2).all()

    class Identity:  # torch.nn.Identity is told by its name.
        def __call__(self, x):
            raise AssertionError

    assert (model.predict(pairs, activation_fn=Identity()) == logits).all()
    with pytest.raises(ValueError, match="activation_fn"):
        model.predict(pairs, activation_fn="softmax")


def test_rank_has_the_entries_of_sentence_transformers(model):
    ranked = model.rank(QUERY, TEXTS)
    assert [set(entry) for entry in ranked] == [{"corpus_id", "score"}] * len(TEXTS)
    assert ranked[0]["corpus_id"] == 1
    scores = [entry["score"] for entry in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(type(score) is float for score in scores)
    best = model.rank(QUERY, tuple(TEXTS), top_k=1, return_documents=True)
    assert best == [{"corpus_id": 1, "score": scores[0], "text": TEXTS[1]}]
    assert model.rank(QUERY, []) == []
    # A score does not depend on what else is in the call.
    assert [float(model.predict((QUERY, TEXTS[entry["corpus_id"]]))) for entry in ranked] == scores


def test_many_queries_are_scored_in_their_order(model):
    queries = [f"what about {word}?" for word in ("dogs", "cats", "birds", "fish", "dogs")]
    pairs = [(query, text) for text in TEXTS[:2] for query in queries]
    alone = [float(model.predict(pair, activation_fn="identity")) for pair in pairs]
    fresh = vizsla.CrossEncoder(threads=2, cache_size=0)
    assert fresh.predict(pairs, activation_fn="identity").tolist() == alone


def test_scores_equal_those_of_the_program(model):
    lines = "".join(json.dumps({"_id": str(at), "text": text}) + "\n" for at, text in enumerate(TEXTS) if text)
    program = subprocess.run(
        [sys.executable, "-m", "vizsla", "rerank", QUERY, "--jsonl"], input=lines, capture_output=True, text=True
    )
    assert program.returncode == 0, program.stderr
    for line in program.stdout.splitlines():
        found = json.loads(line)
        pair = (QUERY, found["text"])
        assert np.float32(found["logit"]) == model.predict(pair, activation_fn="identity")
        assert np.float32(found["probability"]) == model.predict(pair)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda model: model.rank(None, ["a"]), "query must be str, not NoneType"),
        (lambda model: model.rank("q", "text"), "documents must be a list of str, not str"),
        (lambda model: model.rank("q", ["a", None]), r"documents\[1\] must be str, not NoneType"),
        (lambda model: model.rank("q", ["a", math.nan]), r"documents\[1\] must be str, not float"),
        (lambda model: model.rank("q", ["a", b"b"]), r"documents\[1\] must be str, not bytes; decode"),
        (lambda model: model.rank("q", 3), "documents must be a list of str, not int"),
        (lambda model: model.rank("q", ["a"], top_k="3"), "top_k must be int, not str"),
        (lambda model: model.predict([("q", "a"), ("q", None)]), r"inputs\[1\]\[1\] must be str"),
        (lambda model: model.predict([("q", "a", "b")]), r"inputs\[0\] must be a pair"),
        (lambda model: model.predict(["one", "two", "three"]), r"inputs\[0\] must be a pair"),
        (lambda model: model.predict(), "inputs must be a list of pairs, not NoneType"),
        (lambda model: model.predict(3), "inputs must be a list of pairs, not int"),
        (lambda model: model.predict({"q": "a", "r": "b"}), "inputs must be a list of pairs, not dict"),
        (lambda model: model.predict([{"q", "a"}]), r"inputs\[0\] must be a pair"),
        (lambda model: model.rank("q", {"a", "b"}), "documents must be a list of str, not set"),
        (lambda model: vizsla.CrossEncoder(3), "model must be str or os.PathLike"),
        (lambda model: vizsla.CrossEncoder(threads=1.5), "threads must be int"),
    ],
)
def test_wrong_types_name_the_argument(model, call, named):
    with pytest.raises(TypeError, match=named):
        call(model)


def test_lone_surrogates_are_refused(model):
    with pytest.raises(ValueError, match=r"documents\[1\] has half of a surrogate pair at 2"):
        model.rank("q", ["a", "b \ud800"])
    with pytest.raises(ValueError, match=r"inputs\[0\]\[0\] has half"):
        model.predict([("\udfff", "a")])


def test_wrong_values_name_the_argument(model):
    with pytest.raises(ValueError, match="top_k must be at least 1"):
        model.rank("q", ["a"], top_k=0)
    with pytest.raises(ValueError, match="threads must be at least 1"):
        vizsla.CrossEncoder(threads=0)
    with pytest.raises(ValueError, match="threads must be at most 256"):
        vizsla.CrossEncoder(threads=10**30)
    with pytest.raises(ValueError, match="file names one"):
        vizsla.CrossEncoder(file="model.onnx")
    with pytest.raises(ValueError, match="activation_fn must return numbers"):
        model.predict([("q", "a")], activation_fn=lambda logits: "much")
    with pytest.raises(ValueError, match=r"activation_fn must return shape \(2,\)"):
        model.rank("q", ["a", "b"], activation_fn=lambda logits: logits[:1])
    with pytest.raises(ValueError, match="device"):
        vizsla.CrossEncoder(device="abacus")
    with pytest.raises(ValueError, match="apply_softmax"):
        model.predict([("q", "a")], apply_softmax=True)
    with pytest.raises(ValueError, match="no model"):
        vizsla.CrossEncoder("no-such-model")


def test_the_arguments_of_sentence_transformers_are_accepted(model):
    pairs = [(QUERY, text) for text in TEXTS[:2]]
    expected = model.predict(pairs).tolist()
    # `inputs` was called `sentences` once.
    assert model.predict(inputs=pairs, num_workers=0).tolist() == expected
    assert model.predict(sentences=pairs, batch_size=1).tolist() == expected
    ranked = model.rank(QUERY, TEXTS[:2], apply_softmax=False, convert_to_numpy=True, convert_to_tensor=False, num_workers=0)
    assert ranked == model.rank(QUERY, TEXTS[:2])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere$"):
        vizsla.CrossEncoder(tmp_path / "nowhere")


def test_a_model_that_is_not_here_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="vizsla model pull"):
        vizsla.CrossEncoder("organisation/model")


def test_threads_share_a_model(model):
    pairs = [(QUERY, f"text number {at}") for at in range(40)]
    expected = model.predict(pairs).tolist()
    fresh = vizsla.CrossEncoder(threads=2, cache_size=0)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda pair: float(fresh.predict(pair)), pairs)) == expected


def test_scoring_releases_the_lock():
    model = vizsla.CrossEncoder(threads=1, cache_size=0)
    count, stop = 0, threading.Event()

    def run():
        nonlocal count
        while not stop.is_set():
            count += 1
            time.sleep(0)

    other = threading.Thread(target=run)
    other.start()
    before = count
    model.predict([(QUERY, f"a rather long text {at} " * 60) for at in range(20)])
    after = count
    stop.set()
    other.join()
    assert after > before


def test_pickles_and_copies_are_the_same_model(model):
    copy = pickle.loads(pickle.dumps(vizsla.CrossEncoder("bundled", 1, max_length=64)))
    assert (copy.threads, copy.max_length, copy.name) == (1, 64, model.name)


def _score_in_child(model, pair):
    return float(model.predict(pair))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_opens_the_model_again(model):
    expected = float(model.predict((QUERY, TEXTS[0])))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply_async(_score_in_child, (model, (QUERY, TEXTS[0])))
        assert found.get(timeout=60) == expected


def test_ctrl_c_ends_scoring(interrupted):
    code = """
import sys, vizsla
model = vizsla.CrossEncoder(threads=1, cache_size=0)
try:
    print("ready", flush=True)
    while True:
        model.predict([("q", f"a long text {at} " * 100) for at in range(5000)])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    assert interrupted(code) == ("ready\n", "interrupted\n")
