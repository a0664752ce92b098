"""Mines training groups: for each query, candidates from BM25 and the teachers, scored by the teachers.

usage: mine.py DATA OUT [--queries QUERIES.tsv] [--titles N] [--limit N] [--seed 1]

DATA has passages.jsonl.gz (groups.py). QUERIES.tsv has a passage's id, a question and a keyword query that it answers, tab-separated, with a
header line. --titles also takes the titles of N passages as queries. A group has 30 candidates by BM25 (k1 0.9, b 0.4, Porter's
stemmer), 45 by the teachers, 8 at random, and the passage that the query was written for. With judged collections of your own, append
their groups to the file: known answers have a 1. Never mine from a test query.
"""

import argparse
import csv
import json
import os
import random

import bm25s
import numpy
import Stemmer

from groups import load_passages
from teachers import Teachers, teacher_logits


def queries_of(args, passages, rng):
    """(query, id of the passage that answers it, whether it is the passage's own title)"""
    found = []
    if args.queries:
        with open(args.queries, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                found += [(row[kind], int(row["passage_id"]), 0) for kind in ("question", "keywords") if row[kind]]
    titled = [p for p in passages if len(p["title"].split()) > 2]
    found += [(p["title"], p["id"], 1) for p in rng.sample(titled, min(args.titles, len(titled)))]
    rng.shuffle(found)
    return found[: args.limit]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--queries")
    parser.add_argument("--titles", type=int, default=600)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--passages", type=int, help="use the first N passages only, to try things out")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    passages = load_passages(args.data)[: args.passages]
    queries = [q for q in queries_of(args, passages, rng) if q[1] < len(passages)]
    texts = [f"{p['title']} {p['text']}".strip() for p in passages]
    stemmer = Stemmer.Stemmer("porter")
    lexical = bm25s.BM25(k1=0.9, b=0.4)
    lexical.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)
    teachers = Teachers()
    passage_vectors = teachers.vectors(texts, are_queries=False)
    known_titles = len(queries)
    with open(args.out + ".new", "w", encoding="utf-8") as out:
        for at in range(0, len(queries), 64):
            part = queries[at : at + 64]
            words = [query for query, _, _ in part]
            logits = teacher_logits(teachers.vectors(words, are_queries=True), passage_vectors)
            tokens = bm25s.tokenize(words, stopwords="en", stemmer=stemmer, show_progress=False)
            by_words, _ = lexical.retrieve(tokens, k=min(30, len(passages)), show_progress=False)
            for (query, answer, own_title), row, found in zip(part, logits, by_words):
                near = numpy.argsort(-row)[:45].tolist()
                chosen = {answer, *near, *map(int, found), *rng.sample(range(len(passages)), min(8, len(passages)))}
                candidates = sorted(([i, round(float(row[i]), 3), int(i == answer)] for i in chosen), key=lambda c: -c[1])
                out.write(json.dumps({"q": query, "nt": own_title, "cand": candidates}, ensure_ascii=False) + "\n")
    os.replace(args.out + ".new", args.out)
    print(f"{known_titles} groups in {args.out}")


if __name__ == "__main__":
    main()
