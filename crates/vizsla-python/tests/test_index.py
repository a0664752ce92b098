from __future__ import annotations

import datetime
import math
import pickle
import shutil

import numpy as np
import pytest

import vizsla


def test_documents_are_added_replaced_and_deleted():
    index = vizsla.Index.in_memory(language="german", passage_tokens=64)
    assert index.settings["language"] == "german"
    with index.writer() as writer:
        assert writer.add("1", "ein Hund " * 100) > 1
        assert writer.add("2", "") == 0
    assert len(index) == 1
    with index.writer() as writer:
        writer.add("1", "eine Katze", modified=1.7e9)
        assert not writer.delete("3")
    assert vizsla.Engine(index, None).search("Katzen")[0].doc_id == "1"
    with index.writer() as writer:
        assert writer.delete("1")
    assert (len(index), index.stats["files"]) == (0, 0)


def test_a_writer_takes_back_what_ends_in_an_error():
    index = vizsla.Index.in_memory()
    with pytest.raises(KeyError), index.writer() as writer:
        writer.add("1", "a dog")
        raise KeyError
    assert len(index) == 0
    with pytest.raises(vizsla.Error, match="the writer is closed"):
        writer.add("1", "a dog")


def test_there_is_one_writer(tmp_path):
    index = vizsla.Index.create(tmp_path / "i")
    with index.writer(), pytest.raises(vizsla.Error, match="open for writing"):
        vizsla.Index.open(tmp_path / "i").writer()


def test_metadata_that_cannot_be_stored_is_named():
    with vizsla.Index.in_memory().writer() as writer:
        with pytest.raises(ValueError, match=r"metadata\['a'\] is None"):
            writer.add("1", "x", metadata={"a": None})
        with pytest.raises(ValueError, match="metadata: null"):
            writer.add("1", "x", metadata={"a": [None]})
        with pytest.raises(ValueError, match="metadata has half of a surrogate pair"):
            writer.add("1", "x", metadata={"a": "\ud800"})
        with pytest.raises(TypeError, match="metadata: date is not JSON"):
            writer.add("1", "x", metadata={"a": datetime.date(2024, 1, 1)})
        with pytest.raises(ValueError, match="metadata"):
            writer.add("1", "x", metadata={"a": math.nan})
        with pytest.raises(TypeError, match="metadata must be a dict"):
            writer.add("1", "x", metadata=[1])
        with pytest.raises(TypeError, match="metadata"):
            writer.add("1", "x", metadata={"a": object()})
        with pytest.raises(TypeError, match="text must be str, not bytes"):
            writer.add("1", b"x")
        with pytest.raises(TypeError, match="doc_id must be str, not int"):
            writer.add(1, "x")


def test_numbers_of_frames_are_metadata():
    index = vizsla.Index.in_memory()
    with index.writer() as writer:
        writer.add("1", "a dog", metadata={"year": np.int64(2016), "share": np.float32(0.5), "good": np.bool_(True)})
    engine = vizsla.Engine(index, None)
    assert engine.search("dog")[0].metadata == {"year": 2016, "share": 0.5, "good": True}
    assert len(engine.search("dog", metadata={"year": np.int64(2016), "good": np.bool_(True)})) == 1


def test_times_of_changes_are_dates_or_seconds():
    index = vizsla.Index.in_memory()
    noon = datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.timezone.utc)
    with index.writer() as writer:
        writer.add("1", "a dog", modified=noon)
        with pytest.raises(TypeError, match="modified must be a datetime"):
            writer.add("2", "a dog", modified="2024-01-01")
    engine = vizsla.Engine(index, None)
    assert len(engine.search("dog", since=noon)) == 1
    assert len(engine.search("dog", since=noon.timestamp() + 1)) == 0


def test_a_path_is_opened_by_a_method(tmp_path):
    with pytest.raises(TypeError, match=r"Index.open\(path\)"):
        vizsla.Index(tmp_path)


def test_an_index_is_opened_made_and_pickled(tmp_path):
    with pytest.raises(FileNotFoundError, match="no index"):
        vizsla.Index.open(tmp_path / "i")
    index = vizsla.Index.create(tmp_path / "i", language="french")
    with pytest.raises(vizsla.Error, match="already an index"):
        vizsla.Index.create(tmp_path / "i")
    again = vizsla.Index.create(tmp_path / "i", exist_ok=True)
    assert again.settings == index.settings
    with pytest.raises(ValueError, match="language"):
        vizsla.Index.create(tmp_path / "i", language="german", exist_ok=True)
    with pytest.raises(ValueError, match="language"):
        vizsla.Index.create(tmp_path / "j", language="klingon")
    assert pickle.loads(pickle.dumps(index)).path == tmp_path / "i"
    assert repr(index) == f"Index.open({str(tmp_path / 'i')!r})"


def test_a_folder_is_kept_in_step(tmp_path, documents):
    folder = tmp_path / "docs"
    shutil.copytree(documents, folder)
    index = vizsla.Index.create(tmp_path / "i")
    events = []
    report = index.sync(folder, progress=events.append, exclude="*.csv")
    assert report.added == report.details["added"] > 3
    assert report.documents == len(index)
    assert not any(path.endswith(".csv") for path in index.files())
    assert [event.kind for event in events].count("file") == events[-1].done == events[-1].files
    (folder / "new.txt").write_text("something new", encoding="utf-8")
    # The sources and how they are read are remembered.
    again = index.sync()
    assert (again.added, again.changed, again.unchanged) == (1, 0, report.added)
    shutil.rmtree(folder / "sub")
    assert index.sync().removed > 0


def test_foreign_formats_are_read_in_processes_of_their_own(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.rtf").write_bytes(rb"{\rtf1 a dog that \b points\b0}")
    (tmp_path / "docs" / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    for workers in (True, False):
        index = vizsla.Index.create(tmp_path / f"i{workers}")
        report = index.sync(tmp_path / "docs", workers=workers)
        assert report.documents == 1
        (problem,) = report.problems
        assert problem.path.endswith("broken.pdf")
        assert problem.reason
        assert vizsla.Engine(index, None).search("points")[0].title is not None


def test_what_progress_raises_ends_the_sync(tmp_path, documents):
    index = vizsla.Index.create(tmp_path / "i")

    def progress(event):
        raise ZeroDivisionError(event.kind)

    with pytest.raises(ZeroDivisionError):
        index.sync(documents, progress=progress)
    assert len(index) == 0


def test_sources_that_are_not_there_are_named(tmp_path):
    index = vizsla.Index.create(tmp_path / "i")
    with pytest.raises(ValueError, match="remembers none"):
        index.sync()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        index.sync(tmp_path / "nowhere")
    with pytest.raises(TypeError, match=r"sources\[1\]"):
        index.sync([tmp_path, 3])
    with pytest.raises(ValueError, match="sources is empty"):
        index.sync([])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"sources": 3}, "sources must be a list of paths, not int"),
        ({"sources": b"x"}, "sources must be a list of paths, not bytes"),
        ({"progress": 3}, "progress must be a function, not int"),
        ({"hidden": "no"}, "hidden must be bool, not str"),
        ({"ocr": True}, "ocr must be str, not bool"),
        ({"exclude": b"x"}, "exclude must be str, not bytes"),
    ],
)
def test_wrong_options_are_named(documents, options, named):
    with pytest.raises(TypeError, match=named):
        vizsla.Index.in_memory().sync(**{"sources": documents, **options})


def test_ctrl_c_ends_a_sync(interrupted, tmp_path, documents):
    code = """
import sys, vizsla
index = vizsla.Index.create(sys.argv[1])
try:
    while True:
        index.sync(sys.argv[2], rehash=True, progress=lambda event: print(event.kind, flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    first, rest = interrupted(code, tmp_path / "i", documents)
    assert first == "found\n"
    assert rest.endswith("interrupted\n")
