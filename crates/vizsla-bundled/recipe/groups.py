"""Training groups: a query with passages and what the teachers and the judgments say about each.

passages.jsonl[.gz]: {"id": n, "src": str, "title": str, "text": str} per line, numbered from 0.
groups.jsonl[.gz]: {"q": query, "nt": 1 if the query is the passage's own title, "cand": [[passage id, teachers' logit, 1 if it is
known to answer the query else 0], ...]} per line, best first.
"""

import gzip
import json
import os
import zlib


def lines(folder: str, name: str):
    path = os.path.join(folder, name)
    opened = open(path, encoding="utf-8") if os.path.exists(path) else gzip.open(path + ".gz", "rt", encoding="utf-8")
    with opened as file:
        yield from map(json.loads, file)


def load_passages(folder: str) -> list:
    return list(lines(folder, "passages.jsonl"))


def load_groups(folder: str, passages: list):
    """Groups to train on, and a tenth held back. Queries written for one passage are on the same side; of the claims of SciFact, which has no
    judged development split, a fifth is held back."""
    train, held = [], []
    for group in lines(folder, "groups.jsonl"):
        known = [c[0] for c in group["cand"] if c[2] > 0] or [group["cand"][0][0]]
        of_scifact = passages[known[0]]["src"] == "scifact"
        # A claim may have several abstracts; the smallest id stands for all, so that claims about it are on the same side.
        key = zlib.crc32(f"{passages[min(known)]['src']} {min(known)}".encode())
        (held if key % (5 if of_scifact else 10) == 0 else train).append(group)
    return train, held


def text_of(passage: dict, words: int, with_title: bool) -> str:
    text = " ".join(passage["text"].split()[:words])
    return f"{passage['title']}. {text}" if passage["title"] and with_title else text
