from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def example(name):
    path = Path(__file__).parents[1] / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_quickstart_answers(documents, capsys):
    response = example("quickstart").main(documents, "which dog retrieves?")
    assert len(response) > 0
    assert "1. " in capsys.readouterr().out


def test_own_stages_are_measured(corpus):
    evaluation = example("own_stages").main(corpus, queries=6)
    assert evaluation.mean("overlap and cross-encoder") > evaluation.mean("overlap and brevity")


def block(page):
    (_, *blocks) = (ROOT / page).read_text(encoding="utf-8").split("```python\n")
    return [block.split("```")[0] for block in blocks]


@pytest.mark.parametrize("page", ["README.md", "crates/vizsla-python/README.md", "docs/python.md"])
def test_what_the_pages_show_runs(page, tmp_path, monkeypatch, capsys):
    (tmp_path / "notes").mkdir()
    people = "Berlin had 3,520,031 registered inhabitants in 2016."
    (tmp_path / "notes" / "people.txt").write_text(people, encoding="utf-8")
    (tmp_path / "notes" / "museums.md").write_text("# Berlin\n\nBerlin is known for its museums.", encoding="utf-8")
    (tmp_path / "mini").symlink_to(ROOT / "index-fixtures" / "corpus")
    monkeypatch.chdir(tmp_path)
    blocks = block(page)
    assert blocks
    names = {}
    for code in blocks:
        exec(compile(code, page, "exec"), names)
    assert "3,520,031" in capsys.readouterr().out
