"""Indexes many passages into the engine at VIZSLA_ENGINE_URL and asks it questions through `vizsla serve`.

usage: engine_scale.py PROGRAM TEXTS.jsonl PASSAGES FOLDER

Beyond those of the file, passages are made of the first half of one text and the second half of another, so that they
have the words of real ones. Questions are words in a row of the real texts, asked one after another. With each answer
comes what the stages took, and `took`, the engine's own account of its time for that very search. What is left of the
whole call is the way to the engine and back, and what Vizsla does besides reranking.
"""

import gzip
import http.client
import itertools
import json
import os
import random
import subprocess
import sys
import time
import urllib.request

QUESTIONS = 300
# Asked first, so that what is loaded once is not counted.
WARMING = 100


def texts(file):
    with (gzip.open if file.endswith(".gz") else open)(file, "rt") as lines:
        return [record["text"] for record in map(json.loads, lines) if record["text"].strip()]


def write(real, count, file):
    words = [text.split() for text in real]
    with open(file, "w") as out:
        for number in range(count):
            turn, at = divmod(number, len(real))
            if turn == 0:
                text = real[at]
            else:
                first, second = words[at], words[(at * 7 + turn * 1013) % len(real)]
                text = " ".join(first[: len(first) // 2] + second[len(second) // 2 :])
            out.write(json.dumps({"id": f"{turn}-{at}", "text": text}) + "\n")


def questions(real):
    made, chance = [], random.Random(5)
    for words in itertools.islice(itertools.cycle(map(str.split, chance.sample(real, len(real)))), 50 * (QUESTIONS + WARMING)):
        count = chance.randint(2, 6)
        if len(words) > count + 2:
            start = chance.randrange(len(words) - count)
            question = " ".join(words[start : start + count])
            if sum(map(str.isalpha, question)) > 0.7 * len(question):
                made.append(question)
        if len(made) == QUESTIONS + WARMING:
            break
    return made


class Serving:
    """`vizsla serve` over an engine."""

    def __init__(self, program, engine):
        arguments = [program, "serve", "--engine", engine, "--port", "0", "--no-score-cache"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.connection = http.client.HTTPConnection(self.process.stdout.readline().split("//")[1].strip())

    def ask(self, question):
        """Milliseconds of the engine, of retrieving, of reranking and of the whole call."""
        start = time.perf_counter()
        self.connection.request("POST", "/api/search", json.dumps({"query": question}), {"content-type": "application/json"})
        answer = self.connection.getresponse().read()
        whole = 1000 * (time.perf_counter() - start)
        stages = json.loads(answer)["stages"]
        return stages["retrieve"]["engine_ms"], stages["retrieve"]["ms"], stages["rerank"]["ms"], whole

    def stop(self):
        self.process.kill()
        self.process.wait()


def percentiles(values):
    values = sorted(values)
    at = lambda part: values[round(part * (len(values) - 1))]
    return f"p50 {at(0.5):.1f} ms, p95 {at(0.95):.1f} ms, most {values[-1]:.1f} ms"


def main(program, file, count, folder):
    engine = f"{os.environ['VIZSLA_ENGINE_URL']}/scale"
    nodes = engine.split("+http://")[1].split("/")[0].split(",")
    real = texts(file)
    corpus = os.path.join(folder, "scale.jsonl")
    write(real, int(count), corpus)
    start = time.monotonic()
    done = subprocess.run([program, "index", corpus, "--engine", f"{engine}?shards={len(nodes)}"], stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(f"vizsla index failed ({done.returncode})")
    print(f"{count} passages on {len(nodes)} nodes, {os.path.getsize(corpus) / 1e6:.0f} MB of text: {time.monotonic() - start:.0f} s", flush=True)
    with urllib.request.urlopen(f"http://{nodes[0]}/scale/_stats/store") as answer:
        size = json.load(answer)["_all"]["primaries"]["store"]["size_in_bytes"]
    print(f"  on disk: {size / 1e6:.0f} MB, {size / int(count):.0f} bytes a passage", flush=True)
    asked = questions(real)
    serving = Serving(program, engine)
    rows = [serving.ask(question) for question in asked][WARMING:]
    serving.stop()
    for name, values in [
        ("the engine: `took`", [took for took, *_ in rows]),
        ("retrieve", [retrieve for _, retrieve, *_ in rows]),
        ("retrieve without `took`", [retrieve - took for took, retrieve, *_ in rows]),
        ("rerank", [read for _, _, read, _ in rows]),
        ("the whole call", [whole for *_, whole in rows]),
        ("the whole call without `took` and rerank", [whole - read - took for took, _, read, whole in rows]),
    ]:
        print(f"  {name}: {percentiles(values)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
