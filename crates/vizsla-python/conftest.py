from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vizsla

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def model() -> vizsla.CrossEncoder:
    return vizsla.CrossEncoder(threads=2)


@pytest.fixture
def index() -> vizsla.Index:
    index = vizsla.Index.in_memory()
    with index.writer() as writer:
        for doc_id, title, text, year in [
            ("museums", "Berlin", "Berlin is well known for its museums.", 2012),
            ("people", "Berlin", "Berlin had 3,520,031 registered inhabitants in 2016.", 2016),
            ("hamburg", "Hamburg", "Hamburg lies on the river Elbe.", 2020),
        ]:
            writer.add(doc_id, text, title=title, metadata={"year": year, "tags": ["city"]})
    return index


@pytest.fixture(scope="session")
def corpus() -> Path:
    return ROOT / "index-fixtures" / "corpus"


@pytest.fixture(scope="session")
def documents() -> Path:
    return ROOT / "index-fixtures" / "documents"


def run_program(*args: str, given: str | None = None) -> str:
    program = [sys.executable, "-m", "vizsla", *args]
    done = subprocess.run(program, input=given, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


class Program:
    """What the program says, for adapters to agree with."""

    def __init__(self, folder: Path) -> None:
        (folder / "docs").mkdir()
        for name, text in [
            ("museums.txt", "Berlin is well known for its museums."),
            ("people.md", "# Berlin\n\nBerlin had 3,520,031 registered inhabitants in 2016."),
            ("hamburg.txt", "Hamburg lies on the river Elbe, north of Berlin."),
            ("flies.txt", "Flies live for a few weeks."),
        ]:
            (folder / "docs" / name).write_text(text, encoding="utf-8")
        self.index = str(folder / "notes.idx")
        vizsla.Index.create(self.index).sync(folder / "docs")

    def search(self, query: str, *args: str) -> list[dict[str, Any]]:
        printed = run_program("search", query, "--index", self.index, "--json", *args)
        return json.loads(printed)["hits"]

    def rerank(self, query: str, texts: list[str]) -> list[tuple[int, np.float32, np.float32]]:
        """Place, logit and probability of each text, the best first."""
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        printed = run_program("rerank", query, "--jsonl", given=lines).splitlines()
        found = [json.loads(line) for line in printed]
        return [(of["index"], np.float32(of["logit"]), np.float32(of["probability"])) for of in found]


@pytest.fixture(scope="session")
def program(tmp_path_factory) -> Program:
    return Program(tmp_path_factory.mktemp("program"))
