"""Two-stage search and reranking on a plain CPU, offline.

BM25 finds candidates, a cross-encoder reads each of them with the question, and both rankings become one.

>>> import vizsla
>>> model = vizsla.CrossEncoder()
>>> found = model.rank("how many people live in Berlin?", [
...     "Berlin is well known for its museums.",
...     "Berlin had a population of 3,520,031 in 2016.",
... ])
>>> found[0]["corpus_id"]
1

What needs another package imports it when it is used: `vizsla.pyterrier`, `vizsla.langchain`, `vizsla.llama_index`,
`vizsla.haystack` and `vizsla.rerankers` are modules of their own.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._cross_encoder import CrossEncoder, RankedDocument
    from ._engine import Candidate, Engine, Filter, Reranker, Retriever
    from ._evaluation import Comparison, Difference, Evaluation, QueryChange, Run, compare, evaluate, measure
    from ._index import Index, IndexWriter, Problem, Progress, Report
    from ._native import Cancelled, Error, __version__
    from ._response import Hit, Passage, Response, Scores, Snippet

# What is in which module: each is imported when something of it is asked for, so that importing the package costs nothing.
_MODULES = {
    "_cross_encoder": ("CrossEncoder", "RankedDocument"),
    "_engine": ("Candidate", "Engine", "Filter", "Reranker", "Retriever"),
    "_evaluation": ("Comparison", "Difference", "Evaluation", "QueryChange", "Run", "compare", "evaluate", "measure"),
    "_index": ("Index", "IndexWriter", "Problem", "Progress", "Report"),
    "_native": ("Cancelled", "Error", "__version__"),
    "_response": ("Hit", "Passage", "Response", "Scores", "Snippet"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Cancelled",
    "Candidate",
    "Comparison",
    "CrossEncoder",
    "Difference",
    "Engine",
    "Error",
    "Evaluation",
    "Filter",
    "Hit",
    "Index",
    "IndexWriter",
    "Passage",
    "Problem",
    "Progress",
    "QueryChange",
    "RankedDocument",
    "Report",
    "Reranker",
    "Response",
    "Retriever",
    "Run",
    "Scores",
    "Snippet",
    "__version__",
    "compare",
    "evaluate",
    "measure",
]
