"""The first stage: an index of documents, filled by hand or kept in step with folders."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from . import _arguments, _native
from ._response import known


@dataclass(frozen=True, slots=True)
class Progress:
    """What is happening in a sync.

    Attributes:
        kind: "found" once the sources have been walked, "file" when one has been dealt with, "problem" when something
            could not be read.
        path: The file that this is about.
        files: How many files there are in all.
        done: How many of them have been dealt with.
        change: What became of the file: "added", "changed", "renamed", "unchanged", "removed" or "failed".
        reason: What the problem is.
    """

    kind: str
    path: str = ""
    files: int = 0
    done: int = 0
    change: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read, or only in part.

    Attributes:
        kind: Its kind, such as "malformed" or "protected".
        path: The source or file.
        reason: What is wrong, its place in the file included.
        known: Whether an earlier run found it, and the file has not been read again.
        location: Where in the file it is, when known.
    """

    kind: str
    path: str
    reason: str
    known: bool
    location: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a sync did.

    Attributes:
        added: New files.
        changed: Files that were read again.
        renamed: Files whose name has changed.
        removed: Files that are gone, and their documents with them.
        unchanged: Files that were not read again.
        documents: Documents added.
        passages: Passages added.
        seconds: How long it took.
        problems: What could not be read, or only in part.
        details: Everything, as in the JSON of `vizsla index --json`.
    """

    added: int
    changed: int
    renamed: int
    removed: int
    unchanged: int
    documents: int
    passages: int
    seconds: float
    problems: list[Problem]
    details: dict[str, Any] = field(repr=False)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Reads the JSON of `vizsla index --json`."""
        data = json.loads(text)
        counts = ("added", "changed", "renamed", "removed", "unchanged", "documents", "passages", "seconds")
        problems = [Problem(**known(Problem, problem)) for problem in data["problems"]]
        return cls(**{name: data[name] for name in counts}, problems=problems, details=data)


class IndexWriter:
    """The one writer of an index. As a context manager it commits at the end, or takes all back if something is raised."""

    def __init__(self, writer: _native.Writer, index: Index) -> None:
        self._writer = writer
        self._index = index

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self.commit()
            else:
                self._writer.rollback()
        finally:
            self.close()

    def add(
        self,
        doc_id: str,
        text: str,
        *,
        title: str = "",
        path: str | os.PathLike[str] | None = None,
        modified: datetime | date | float | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> int:
        """Adds a document, in place of the one that has its path and id.

        Args:
            doc_id: The id.
            text: The whole text, of any length: it is split into passages.
            title: Searched and read with every passage.
            path: The file that it comes from, if there is one.
            modified: Its last change: a datetime (local unless it has a zone), a date, or seconds since 1970.
            metadata: Whatever else is known: JSON without null. Hits show it, filters match it.

        Returns:
            How many passages it became; 0 when it has neither title nor text.
        """
        return self._writer.add(
            _arguments.text("doc_id", doc_id),
            _arguments.text("text", text),
            _arguments.text("title", title),
            None if path is None else _arguments.path("path", path),
            None if modified is None else _arguments.seconds("modified", modified),
            None if metadata is None else metadata_json("metadata", metadata),
        )

    def delete(self, doc_id: str) -> bool:
        """Removes the document with this id, and says whether there was one."""
        return self._writer.delete(_arguments.text("doc_id", doc_id))

    def commit(self) -> None:
        """Makes everything since the last commit visible and durable, all of it or nothing."""
        self._writer.commit()
        self._index.refresh()

    def rollback(self) -> None:
        """Takes back everything since the last commit."""
        self._writer.rollback()

    def close(self) -> None:
        """Lets others write. What has not been committed is lost."""
        self._writer.close()


class Index:
    """An index: open one, or make one.

    It can be used from many threads at once, and sees what others commit. One on disk is pickled by its path.

    >>> import vizsla
    >>> index = vizsla.Index.in_memory(language="german")
    >>> with index.writer() as writer:
    ...     writer.add("1", "Der Vizsla steht vor.", title="Hunde", metadata={"year": 2024})
    1
    >>> len(index)
    1
    """

    def __init__(self, native: _native.Index) -> None:
        if not isinstance(native, _native.Index):
            raise TypeError("open an index with Index.open(path), or make one with Index.create(path)")
        self.native = native

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Index:
        """Opens an index.

        Raises:
            FileNotFoundError: There is none.
            vizsla.Error: It is damaged, or of another version.
        """
        return cls(_native.Index.open(_arguments.path("path", path)))

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        *,
        language: str | None = None,
        passage_tokens: int | None = None,
        exist_ok: bool = False,
    ) -> Index:
        """Makes an index in a folder that does not exist or is empty.

        Args:
            path: The folder.
            language: The language of the texts, "english" by default; it decides how words are stemmed.
            passage_tokens: The most tokens in a passage.
            exist_ok: Open the index that is there, if one is.
        """
        return cls._make(_arguments.path("path", path), language, passage_tokens, exist_ok)

    @classmethod
    def in_memory(cls, *, language: str | None = None, passage_tokens: int | None = None) -> Index:
        """Makes an index that is gone with the object."""
        return cls._make(None, language, passage_tokens, False)

    @classmethod
    def _make(cls, path: str | None, language: str | None, passage_tokens: int | None, exist_ok: bool) -> Index:
        tokens = None if passage_tokens is None else _arguments.whole("passage_tokens", passage_tokens)
        language = None if language is None else _arguments.text("language", language)
        return cls(_native.Index.create(path, language, tokens, exist_ok))

    @property
    def path(self) -> Path | None:
        """The folder; None for an index in memory."""
        return None if self.native.dir is None else Path(self.native.dir)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that were fixed when it was made."""
        settings: dict[str, Any] = json.loads(self.native.settings)
        return settings

    @property
    def stats(self) -> dict[str, int]:
        """The numbers of documents, passages, files and segments, the bytes on disk, and the version of the format."""
        stats: dict[str, int] = json.loads(self.native.stats())
        return stats

    def files(self) -> list[str]:
        """The files that it was made from, in order."""
        return self.native.files()

    def refresh(self) -> None:
        """Sees what others have committed at once, rather than in a moment."""
        self.native.refresh()

    def writer(self, *, threads: int | None = None, memory: int | None = None) -> IndexWriter:
        """The writer; there is one at a time.

        Args:
            threads: How many threads build the index.
            memory: How many bytes writing may take, of which two fifths may wait to be written; 512 MB by default.

        Raises:
            vizsla.Error: Somebody else is writing.
        """
        threads = None if threads is None else _arguments.whole("threads", threads)
        memory = None if memory is None else _arguments.whole("memory", memory)
        return IndexWriter(self.native.writer(threads, memory), self)

    def sync(
        self,
        sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | None = None,
        *,
        progress: Callable[[Progress], object] | None = None,
        exclude: str | Iterable[str] = (),
        hidden: bool | None = None,
        ignore_rules: bool | None = None,
        default_excludes: bool | None = None,
        follow: bool | None = None,
        prune: bool | None = None,
        ocr: str | None = None,
        retry_failed: bool | None = None,
        rehash: bool | None = None,
        threads: int | None = None,
        workers: bool = True,
    ) -> Report:
        """Brings the index in line with folders and files, as `vizsla index` does: only what has changed is read.

        Args:
            sources: A folder or file, or several. Without them, those of earlier runs, read as they were then.
            progress: A function that is called with each [`Progress`][vizsla.Progress], by several threads, one at a time.
            exclude: Globs of what is left out, in the syntax of `.gitignore`.
            hidden: Whether hidden files are read.
            ignore_rules: Whether `.gitignore` and `.ignore` are obeyed; they are by default.
            default_excludes: Whether build folders, caches and the like are left out; they are by default.
            follow: Whether symbolic links are followed.
            prune: Whether a folder that no longer holds any file loses its documents.
            ocr: Languages of pictures of text, such as "eng+deu"; needs tesseract.
            retry_failed: Whether to read again what could not be read, even when it is unchanged.
            rehash: Whether to read files even when size and time are unchanged.
            threads: How many threads read.
            workers: Whether PDF, Office files and the like are read in processes of their own, so that a hostile file
                costs itself alone; without them it may end this one.

        Raises:
            FileNotFoundError: A source does not exist.
            KeyboardInterrupt: On Ctrl-C; the index is then as it was before. So it is when `progress` raises something.
        """
        flags = {
            "hidden": hidden,
            "ignore_rules": ignore_rules,
            "default_excludes": default_excludes,
            "follow": follow,
            "prune": prune,
            "retry_failed": retry_failed,
            "rehash": rehash,
        }
        options: dict[str, Any] = {
            "exclude": _arguments.one_or_more("exclude", exclude) or None,
            **{name: None if flag is None else _arguments.flag(name, flag) for name, flag in flags.items()},
            "ocr": None if ocr is None else _arguments.text("ocr", ocr),
            "threads": None if threads is None else _arguments.whole("threads", threads),
        }
        text = json.dumps({name: value for name, value in options.items() if value is not None})
        if progress is not None:
            _arguments.function("progress", progress)
        apart = _arguments.flag("workers", workers) and sys.executable
        start = [*start_command(), "extract-worker"] if apart else []
        paths = _paths(sources)
        report = self.native.sync(paths, text, start, None if progress is None else _reporter(progress))
        self.refresh()
        return Report.from_json(report)

    def __len__(self) -> int:
        return self.stats["documents"]

    def __repr__(self) -> str:
        return f"Index.open({str(self.path)!r})" if self.path else "Index.in_memory()"

    def __reduce__(self) -> tuple[Callable[[str], Index], tuple[str]]:
        if self.path is None:
            raise TypeError("an index in memory cannot be pickled; make one on disk")
        return Index.open, (str(self.path),)


def _paths(sources: object) -> list[str]:
    """The sources of a sync; none for those of earlier runs."""
    if sources is None:
        return []
    if isinstance(sources, str | os.PathLike):
        return [_arguments.path("sources", sources)]
    given = _arguments.items("sources", sources, of="paths")
    paths = [_arguments.path(f"sources[{at}]", source) for at, source in enumerate(given)]
    if not paths:
        raise ValueError("sources is empty: leave it out for those of earlier runs")
    return paths


def _reporter(progress: Callable[[Progress], object]) -> Callable[[str, str, int, str], None]:
    lock = threading.Lock()
    files = done = 0

    def report(kind: str, path: str, number: int, text: str) -> None:
        nonlocal files, done
        with lock:
            if kind == "found":
                files = number
                event = Progress(kind, files=files)
            elif kind == "file":
                done += 1
                event = Progress(kind, path, files, done, change=text)
            else:
                event = Progress(kind, path, files, done, reason=text)
            progress(event)

    return report


def metadata_json(name: str, metadata: object) -> str:
    """Metadata for the compiled part."""
    for key, value in _arguments.mapping(name, metadata).items():
        _arguments.text(f"a name in {name}", key)
        if value is None:
            raise ValueError(f"{name}[{key!r}] is None: leave it out")
    try:
        text = json.dumps(dict(metadata), allow_nan=False, ensure_ascii=False, default=_plain)  # type: ignore[call-overload]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None
    return _arguments.text(name, text)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A number of NumPy's, as frames have them, as Python's."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON: {_arguments.shown(value)}")


def start_command() -> list[str]:
    """How to start the program as a process of its own, whatever lies in the working folder."""
    return [sys.executable, str(Path(__file__).parent / "_start" / "program.py")]
