from __future__ import annotations

import asyncio

import numpy as np

from vizsla.rerankers import VizslaRanker

QUERY = "how many people live in Berlin?"
TEXTS = ["Berlin is known for museums.", "3,520,031 people live in Berlin.", "Flies live for weeks."]


def test_the_ranker_ranks_as_the_program_does(program):
    ranker = VizslaRanker()
    ids = ["a", "b", "c"]
    results = ranker.rank(QUERY, TEXTS, doc_ids=ids, metadata=[{"n": at} for at in range(3)])
    expected = program.rerank(QUERY, TEXTS)
    found = [(of.document.doc_id, np.float32(of.score), of.rank) for of in results.results]
    assert found == [(ids[at], p, rank) for rank, (at, _, p) in enumerate(expected, start=1)]
    assert results.top_k(1)[0].document.metadata == {"n": expected[0][0]}
    assert ranker.score(QUERY, TEXTS[0]) == results.get_score_by_docid("a")


def test_it_ranks_without_waiting():
    async def rank():
        return await VizslaRanker().rank_async(QUERY, TEXTS)

    assert asyncio.run(rank()).results[0].document.text == TEXTS[1]
