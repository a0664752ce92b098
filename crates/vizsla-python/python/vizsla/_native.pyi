from collections.abc import Callable, Mapping, Sequence
from typing import Any

__version__: str

class Error(RuntimeError): ...
class Cancelled(Exception): ...

class CrossEncoder:
    name: str
    threads: int
    max_tokens: int
    execution: str
    config: str
    def __new__(
        cls,
        model: str,
        *,
        threads: int | None,
        device: str,
        max_tokens: int | None,
        file: str | None,
        cache: int,
        runtime: str | None,
    ) -> CrossEncoder: ...
    def score(self, queries: Sequence[str], documents: Sequence[str]) -> bytearray: ...

class Index:
    dir: str | None
    settings: str
    @staticmethod
    def open(dir: str | None) -> Index: ...
    @staticmethod
    def create(dir: str | None, language: str | None, passage_tokens: int | None, exist_ok: bool) -> Index: ...
    def refresh(self) -> None: ...
    def stats(self) -> str: ...
    def files(self) -> list[str]: ...
    def writer(self, threads: int | None, memory: int | None) -> Writer: ...
    def sync(
        self,
        sources: Sequence[str],
        options: str,
        worker: Sequence[str],
        progress: Callable[[str, str, int, str], None] | None,
    ) -> str: ...

class Writer:
    def add(
        self,
        id: str,
        text: str,
        title: str | None,
        path: str | None,
        modified: int | None,
        metadata: str | None,
    ) -> int: ...
    def delete(self, id: str) -> bool: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...

class Engine:
    def __new__(cls, retrievers: Sequence[Any], reranker: Any | None, settings: str) -> Engine: ...
    def search(self, query: str, asked: str) -> str: ...

def probabilities(logits: bytearray) -> bytearray: ...
def evaluate(
    judged: Mapping[str, Any],
    settings: str,
    index: str | None,
    reranker: Any | None,
    rankers: Sequence[tuple[str, Callable[[str, str], Sequence[tuple[str, float]]]]],
) -> str: ...
def measure(judged: Mapping[str, Any], runs: Sequence[tuple[str, Mapping[str, Sequence[tuple[str, float]]]]]) -> str: ...
def compare(
    judged: Mapping[str, Any],
    a: Mapping[str, Sequence[tuple[str, float]]],
    b: Mapping[str, Sequence[tuple[str, float]]],
    limit: int,
) -> str: ...
def run_program(args: Sequence[str], start: Sequence[str]) -> int: ...
