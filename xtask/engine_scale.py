"""Indexes many passages into the engine at VIZSLA_ENGINE_URL and asks it questions through `vizsla serve`.

usage: engine_scale.py PROGRAM TEXTS.jsonl PASSAGES FOLDER

Beyond those of the file, passages are made of the first half of one text and the second half of another, so that they
have the words of real ones. Questions are words in a row of the real texts. First they are asked through a program that
passes requests on and keeps them. Then, for each question and in changing order, the engine is sent what was kept, by a
client that does nothing else and notes `took`, the engine's own account of its time, and Vizsla is asked directly. What a
search takes beyond `took` and reranking is then known of each question.
"""

import gzip
import http.client
import http.server
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.error
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


class Noting(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the first node."""

    protocol_version = "HTTP/1.1"
    node = ""
    # The path and body of each search.
    searches = []

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if "_search" in self.path:
            self.searches.append((self.path, body))
        kept = {name: self.headers[name] for name in ("content-type", "accept") if name in self.headers}
        request = urllib.request.Request(f"http://{self.node}{self.path}", body or None, kept, method=self.command)
        try:
            with urllib.request.urlopen(request) as answer:
                status, kind, data = answer.status, answer.headers.get("content-type"), answer.read()
        except urllib.error.HTTPError as answer:
            status, kind, data = answer.code, answer.headers.get("content-type"), answer.read()
        self.send_response(status)
        self.send_header("content-type", kind or "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = pass_on

    def log_message(self, *_):
        pass


class Serving:
    """`vizsla serve` over an engine."""

    def __init__(self, program, engine):
        arguments = [program, "serve", "--engine", engine, "--port", "0", "--no-score-cache"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.connection = http.client.HTTPConnection(self.process.stdout.readline().split("//")[1].strip())

    def ask(self, question):
        """Milliseconds of retrieving, of reranking and of the whole call."""
        start = time.perf_counter()
        self.connection.request("POST", "/api/search", json.dumps({"query": question}), {"content-type": "application/json"})
        answer = self.connection.getresponse().read()
        whole = 1000 * (time.perf_counter() - start)
        stages = json.loads(answer)["stages"]
        return stages["retrieve"]["ms"], (stages.get("rerank") or {}).get("ms", 0), whole

    def stop(self):
        self.process.kill()
        self.process.wait()


def keep(program, kind, asked):
    """The search for candidates that each question becomes."""
    noting = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    threading.Thread(target=noting.serve_forever, daemon=True).start()
    serving = Serving(program, f"{kind}+http://127.0.0.1:{noting.server_address[1]}/scale")
    kept = []
    for question in asked:
        before = len(Noting.searches)
        serving.ask(question)
        # Others, for the metadata of hits, are sent while the candidates are read.
        kept.append(next(search for search in Noting.searches[before:] if search[0].startswith("/scale/")))
    serving.stop()
    return kept


def percentiles(values):
    values = sorted(values)
    at = lambda part: values[round(part * (len(values) - 1))]
    return f"p50 {at(0.5):.1f} ms, p95 {at(0.95):.1f} ms, most {values[-1]:.1f} ms"


def main(program, file, count, folder):
    engine = f"{os.environ['VIZSLA_ENGINE_URL']}/scale"
    kind, nodes = engine.split("+http://")
    nodes = nodes.split("/")[0].split(",")
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
    Noting.node = nodes[0]
    kept = keep(program, kind, asked)
    serving, node = Serving(program, engine), http.client.HTTPConnection(nodes[0])
    rows = []
    for number, (question, (path, body)) in enumerate(zip(asked, kept)):
        # Whoever is second finds more in the engine's caches.
        before = serving.ask(question) if number % 2 else None
        start = time.perf_counter()
        node.request("POST", path, body, {"content-type": "application/json"})
        answer = node.getresponse().read()
        alone = 1000 * (time.perf_counter() - start)
        rows.append((json.loads(answer)["took"], alone, *(before or serving.ask(question))))
    serving.stop()
    rows = rows[WARMING:]
    for name, values in [
        ("the engine alone: `took`", [took for took, *_ in rows]),
        ("the engine alone: the whole call", [alone for _, alone, *_ in rows]),
        ("retrieve", [retrieve for _, _, retrieve, *_ in rows]),
        ("rerank", [read for *_, read, _ in rows]),
        ("the whole call", [whole for *_, whole in rows]),
        ("the whole call, without `took` and rerank", [whole - read - took for took, _, _, read, whole in rows]),
    ]:
        print(f"  {name}: {percentiles(values)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
