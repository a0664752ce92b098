"""Times cross-encoders for Python in turns, on the same pairs and weights, and checks vizsla's scores. By hand:

    python xtask/python_peers.py [--model DIR] [--threads 2] [--rounds 5] [--pairs 100] [--dataset DIR] [--program PATH]

DIR has config.json, tokenizer files, model.safetensors, onnx/model.onnx and an onnx/*int8*.onnx; without one, only vizsla is
timed, with its own model. The dataset has corpus.jsonl and queries.jsonl in BEIR's layout. The best round of each counts; loading
and a first call are not timed. What cannot be imported is named, not left out in silence.

Needs vizsla, and for the others: sentence-transformers[onnx,openvino], fastembed, flashrank.
"""

import argparse
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def pairs_of(dataset, count):
    def texts(name):
        with open(Path(dataset) / name, encoding="utf-8") as lines:
            records = map(json.loads, lines)
            return [" ".join(of[part] for part in ("title", "text") if of.get(part)) for of in records]

    queries, documents = texts("queries.jsonl"), texts("corpus.jsonl")
    return [(queries[at // 100 % len(queries)], documents[at * 7 % len(documents)]) for at in range(count)]


def int8(model):
    found = sorted(Path(model, "onnx").glob("*int8*.onnx"))
    if not found:
        raise FileNotFoundError("no onnx/*int8*.onnx")
    return found[0].name


def ours(model, threads):
    import vizsla

    encoder = vizsla.CrossEncoder(model, threads, cache_size=0)
    return lambda pairs: encoder.predict(pairs, activation_fn="identity")


def sentence_transformers(backend, file=None):
    def make(model, threads):
        import torch
        from sentence_transformers import CrossEncoder

        torch.set_num_threads(threads)
        options = {"file_name": file(model) if callable(file) else file} if file else {}
        if backend == "onnx":
            options["provider"] = "CPUExecutionProvider"
        encoder = CrossEncoder(model, device="cpu", backend=backend, max_length=512, model_kwargs=options)
        return lambda pairs: encoder.predict(pairs, show_progress_bar=False)

    return make


def fastembed(model, threads):
    from fastembed.common.model_description import ModelSource
    from fastembed.rerank.cross_encoder import TextCrossEncoder

    name = "local/int8"
    TextCrossEncoder.add_custom_model(model=name, model_file=f"onnx/{int8(model)}", sources=ModelSource(hf="local/none"))
    encoder = TextCrossEncoder(model_name=name, specific_model_path=model, threads=threads)
    # It would cut pairs at what the tokenizer's file happens to say.
    encoder.model.tokenizer.enable_truncation(max_length=512)
    return lambda pairs: list(encoder.rerank_pairs(pairs))


def flashrank(model, threads):
    import flashrank as package

    cache = tempfile.mkdtemp()
    folder = Path(cache, "ms-marco-TinyBERT-L-2-v2")
    folder.mkdir()
    shutil.copy(Path(model, "onnx", int8(model)), folder / "flashrank-TinyBERT-L-2-v2.onnx")
    for file in Path(model).iterdir():
        if file.suffix in (".json", ".txt"):
            shutil.copy(file, folder)
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    ranker = package.Ranker(model_name=folder.name, cache_dir=cache, max_length=512)

    def run(pairs):
        by_query = {}
        for query, text in pairs:
            by_query.setdefault(query, []).append({"id": len(by_query), "text": text})
        return [ranker.rerank(package.RerankRequest(query=query, passages=texts)) for query, texts in by_query.items()]

    return run


PEERS = {
    "sentence-transformers, torch fp32": sentence_transformers("torch"),
    "sentence-transformers, onnx fp32": sentence_transformers("onnx", "onnx/model.onnx"),
    "sentence-transformers, onnx int8": sentence_transformers("onnx", lambda model: f"onnx/{int8(model)}"),
    "sentence-transformers, openvino fp32": sentence_transformers("openvino"),
    "fastembed, onnx int8": fastembed,
    "FlashRank, onnx int8": flashrank,
}


def race(options, pairs):
    ready = {"vizsla.CrossEncoder": ours(options.model, options.threads)}
    for name, make in PEERS.items() if options.model else ():
        try:
            ready[name] = make(options.model, options.threads)
            ready[name](pairs[:8])
        except Exception as error:  # noqa: BLE001
            ready.pop(name, None)
            print(f"{name}: {type(error).__name__}: {str(error)[:160]}", file=sys.stderr)
    ready["vizsla.CrossEncoder"](pairs[:8])
    best = dict.fromkeys(ready, float("inf"))
    for _ in range(options.rounds):
        for name, run in ready.items():
            start = time.perf_counter()
            run(pairs)
            best[name] = min(best[name], time.perf_counter() - start)
    print("| | pairs/s | of vizsla |\n|---|---|---|")
    for name, seconds in sorted(best.items(), key=lambda item: item[1]):
        print(f"| {name} | {len(pairs) / seconds:.1f} | {best['vizsla.CrossEncoder'] / seconds:.2f} |")


def scaling(options, pairs):
    """The same work by one caller of one thread, and by callers in as many threads of Python."""
    import vizsla

    rates = {}
    for threads in (1, options.threads):
        encoder = vizsla.CrossEncoder(options.model, threads, cache_size=0)
        encoder.predict(pairs[:4])
        best = float("inf")
        for _ in range(options.rounds):
            parts = [pairs[at :: 4] for at in range(4)] if threads > 1 else [pairs]
            callers = [threading.Thread(target=encoder.predict, args=(part,)) for part in parts]
            start = time.perf_counter()
            for caller in callers:
                caller.start()
            for caller in callers:
                caller.join()
            best = min(best, time.perf_counter() - start)
        rates[threads] = best
    print(f"4 calling threads on {options.threads} cores: {rates[1] / rates[options.threads]:.2f} times as fast as 1")


def equality(options, pairs):
    """Every logit and probability beside those that the program prints."""
    import numpy as np
    import vizsla

    encoder = vizsla.CrossEncoder(options.model, options.threads, cache_size=0)
    logits = encoder.predict(pairs, activation_fn="identity")
    probabilities = encoder.predict(pairs, activation_fn="sigmoid")
    program = [options.program] if options.program else [sys.executable, "-m", "vizsla"]
    model = ["--model", options.model] if options.model else []
    different = checked = 0
    for query in dict.fromkeys(query for query, _ in pairs):
        places = [at for at, pair in enumerate(pairs) if pair[0] == query]
        lines = "".join(json.dumps({"text": pairs[at][1]}) + "\n" for at in places)
        command = [*program, "rerank", query, "--jsonl", *model]
        printed = subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout
        for line in printed.splitlines():
            found, at = json.loads(line), None
            at = places[found["index"]]
            checked += 1
            same = np.float32(found["logit"]) == logits[at] and np.float32(found["probability"]) == probabilities[at]
            different += not same
    print(f"{checked} pairs scored by the program as well: {different} differ in any bit")


def memory(options, pairs):
    import vizsla

    encoder = vizsla.CrossEncoder(options.model, 1, cache_size=0)
    short = [("dog", "a dog")]

    def resident():
        gc.collect()
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize() / 2**20

    for _ in range(500):
        encoder.predict(short)
    before = resident()
    for _ in range(10_000):
        encoder.predict(short)
    print(f"memory over 10,000 calls: {before:.1f} MiB before, {resident():.1f} MiB after")


def overhead(options, pairs):
    """What a call costs besides the scoring: with all scores in the cache, nothing is read."""
    import vizsla

    encoder = vizsla.CrossEncoder(options.model, options.threads)
    for count in (1, 100):
        encoder.predict(pairs[:count])
        times = []
        for _ in range(200):
            start = time.perf_counter()
            encoder.predict(pairs[:count])
            times.append(time.perf_counter() - start)
        fresh = vizsla.CrossEncoder(options.model, options.threads, cache_size=0)
        start = time.perf_counter()
        fresh.predict(pairs[:count])
        scored = time.perf_counter() - start
        least = min(times)
        print(f"a call with {count} pairs: {least * 1e3:.3f} ms without scoring, {least / scored:.2%} of one with")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--pairs", type=int, default=100)
    arguments.add_argument("--dataset", default=str(Path(__file__).parents[1] / "index-fixtures" / "corpus"))
    arguments.add_argument("--program", help="the program to compare scores with, instead of the package's own")
    arguments.add_argument("--only", default="race,scaling,equality,memory,overhead")
    options = arguments.parse_args()
    threads = str(options.threads)
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="true", OMP_NUM_THREADS=threads, RAYON_NUM_THREADS=threads)
    pairs = pairs_of(options.dataset, options.pairs)
    for name in options.only.split(","):
        globals()[name](options, pairs)


if __name__ == "__main__":
    main()
