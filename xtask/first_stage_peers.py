"""Times BM25 top 100 of other programs, each in one thread, over the passages and queries that a benchmark left in a folder.

usage: first_stage_peers.py DIR      (DIR has passages.txt and queries.txt, one a line)

Needs: pip install bm25s pyserini (and Java, for the latter). Prints a line of JSON for each; one that cannot run says so.
Parameters are k1 0.9 and b 0.4 for all. Building is timed with whatever threads a program takes, searching with one.
"""

import json
import os
import sys
import tempfile
import time

os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
# pyserini loads the client of a service that is not used here, which requires a key.
os.environ.setdefault("OPENAI_API_KEY", "unused")


def report(peer, build, times, **more):
    times = sorted(times)
    at = lambda share: times[int((len(times) - 1) * share)]
    print(json.dumps({"peer": peer, "build_seconds": round(build, 1), "p50_ms": round(at(0.5), 3),
                      "p95_ms": round(at(0.95), 3), **more}), flush=True)


def timed(queries, search):
    """Milliseconds of each query, the best of three rounds."""
    best = [float("inf")] * len(queries)
    for _ in range(3):
        for i, query in enumerate(queries):
            start = time.perf_counter()
            search(query)
            best[i] = min(best[i], (time.perf_counter() - start) * 1e3)
    return best


def with_bm25s(passages, queries):
    import bm25s

    start = time.perf_counter()
    retriever = bm25s.BM25(k1=0.9, b=0.4)
    retriever.index(bm25s.tokenize(passages, stopwords="en", show_progress=False), show_progress=False)
    build = time.perf_counter() - start

    def search(query):
        tokens = bm25s.tokenize([query], stopwords="en", show_progress=False)
        return retriever.retrieve(tokens, k=100, show_progress=False, n_threads=1)

    report("bm25s", build, timed(queries, search), version=bm25s.__version__)


def with_lucene(passages, queries):
    import importlib.metadata
    from pyserini.index.lucene import LuceneIndexer
    from pyserini.search.lucene import LuceneSearcher

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        indexer = LuceneIndexer(folder, threads=os.cpu_count())
        for i, text in enumerate(passages):
            indexer.add_doc_dict({"id": str(i), "contents": text})
        indexer.close()
        build = time.perf_counter() - start
        searcher = LuceneSearcher(folder)
        searcher.set_bm25(0.9, 0.4)
        report("Lucene", build, timed(queries, lambda query: searcher.search(query, k=100)), version=importlib.metadata.version("pyserini"))


def main():
    folder = sys.argv[1]
    read = lambda name: open(os.path.join(folder, name), encoding="utf-8").read().splitlines()
    passages, queries = read("passages.txt"), read("queries.txt")
    for name, peer in [("bm25s", with_bm25s), ("Lucene", with_lucene)]:
        try:
            peer(passages, queries)
        except Exception as error:  # A peer that cannot run is reported, not left out.
            print(json.dumps({"peer": name, "error": f"{type(error).__name__}: {error}"}), flush=True)


main()
