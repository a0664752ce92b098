"""Times cross-encoders for Python in turns, on the same pairs and weights, and checks vizsla's scores. By hand:

    python xtask/python_peers.py [--model DIR] [--threads 2] [--rounds 5] [--pairs 100] [--dataset DIR] [--program PATH]

DIR has config.json, tokenizer files, model.safetensors, onnx/model.onnx and an onnx/*int8*.onnx; without one, only vizsla is
timed, with its own model. The dataset has corpus.jsonl and queries.jsonl in BEIR's layout; OpenVINO's int8 is calibrated with
other pairs of it. The best round of each counts; loading and a first call are not timed. What cannot be imported is named, not
left out in silence. `--only shapes` compares what predict and rank return with what those of sentence-transformers do.

Needs vizsla, and for the others: sentence-transformers[onnx,openvino], nncf, datasets, fastembed, flashrank.
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


def pairs_of(dataset, count, start=0):
    def texts(name):
        with open(Path(dataset) / name, encoding="utf-8") as lines:
            records = map(json.loads, lines)
            return [" ".join(of[part] for part in ("title", "text") if of.get(part)) for of in records]

    queries, documents = texts("queries.jsonl"), texts("corpus.jsonl")
    places = range(start, start + count)
    return [(queries[at // 100 % len(queries)], documents[at * 7 % len(documents)]) for at in places]


def int8(model):
    found = sorted(Path(model, "onnx").glob("*int8*.onnx"))
    if not found:
        raise FileNotFoundError("no onnx/*int8*.onnx")
    return found[0].name


def ours(options):
    import vizsla

    encoder = vizsla.CrossEncoder(options.model, options.threads, cache_size=0)
    return lambda pairs: encoder.predict(pairs, activation_fn="identity")


def sentence_transformers(backend, file=None):
    def make(options):
        return opened(backend, options.model, options.threads, file and file(options.model))

    return make


def opened(backend, model, threads, file=None):
    import torch
    from sentence_transformers import CrossEncoder

    torch.set_num_threads(threads)
    settings = {"file_name": file} if file else {}
    if backend == "onnx":
        settings |= {"provider": "CPUExecutionProvider", "session_options": session_options(threads)}
    if backend == "openvino":
        settings |= {"ov_config": {"INFERENCE_NUM_THREADS": threads}}
    encoder = CrossEncoder(model, device="cpu", backend=backend, max_length=512, model_kwargs=settings)
    return lambda pairs: encoder.predict(pairs, show_progress_bar=False)


def session_options(threads):
    import onnxruntime

    session = onnxruntime.SessionOptions()
    session.intra_op_num_threads = threads
    return session


def openvino_int8(options):
    """The model as sentence-transformers quantises it, activations included, for which it looks at examples."""
    from sentence_transformers import CrossEncoder, export_static_quantized_openvino_model

    folder, examples = tempfile.mkdtemp(), tempfile.mkdtemp()
    lines = (json.dumps({"pair": pair}) + "\n" for pair in pairs_of(options.dataset, 300, start=options.pairs))
    Path(examples, "train.jsonl").write_text("".join(lines), encoding="utf-8")
    encoder = CrossEncoder(options.model, device="cpu", backend="openvino", max_length=512)
    encoder.save_pretrained(folder)
    export_static_quantized_openvino_model(encoder, None, folder, examples, "default", "train", "pair")
    return opened("openvino", folder, options.threads, "openvino/openvino_model_qint8_quantized.xml")


def fastembed(options):
    from fastembed.common.model_description import ModelSource
    from fastembed.rerank.cross_encoder import TextCrossEncoder

    name, file = "local/int8", f"onnx/{int8(options.model)}"
    TextCrossEncoder.add_custom_model(model=name, model_file=file, sources=ModelSource(hf="local/none"))
    encoder = TextCrossEncoder(model_name=name, specific_model_path=options.model, threads=options.threads)
    # It would cut pairs at what the tokenizer's file happens to say.
    encoder.model.tokenizer.enable_truncation(max_length=512)
    return lambda pairs: list(encoder.rerank_pairs(pairs))


def flashrank(options):
    import flashrank as package

    model, cache = options.model, tempfile.mkdtemp()
    folder = Path(cache, "ms-marco-TinyBERT-L-2-v2")
    folder.mkdir()
    shutil.copy(Path(model, "onnx", int8(model)), folder / "flashrank-TinyBERT-L-2-v2.onnx")
    for file in Path(model).iterdir():
        if file.suffix in (".json", ".txt"):
            shutil.copy(file, folder)
    special = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    ranker = package.Ranker(model_name=folder.name, cache_dir=cache, max_length=512)
    # It has no setting for threads.
    (graph,) = folder.glob("*.onnx")
    ranker.session = type(ranker.session)(str(graph), session_options(options.threads))

    def run(pairs):
        by_query = {}
        for query, text in pairs:
            by_query.setdefault(query, []).append({"id": len(by_query), "text": text})
        return [ranker.rerank(package.RerankRequest(query=query, passages=texts)) for query, texts in by_query.items()]

    return run


PEERS = {
    "sentence-transformers, torch fp32": sentence_transformers("torch"),
    "sentence-transformers, onnx fp32": sentence_transformers("onnx", lambda _: "onnx/model.onnx"),
    "sentence-transformers, onnx int8": sentence_transformers("onnx", lambda model: f"onnx/{int8(model)}"),
    "sentence-transformers, openvino fp32": sentence_transformers("openvino"),
    "sentence-transformers, openvino int8": openvino_int8,
    "fastembed, onnx int8": fastembed,
    "FlashRank, onnx int8": flashrank,
}


def race(options, pairs):
    ready = {"vizsla.CrossEncoder": ours(options)}
    for name, make in PEERS.items() if options.model else ():
        try:
            ready[name] = make(options)
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


def shapes(options, pairs):
    """What predict and rank return, beside the class whose methods they are."""
    import numpy as np
    import vizsla
    from sentence_transformers import CrossEncoder

    own = vizsla.CrossEncoder(options.model, options.threads, file="onnx/model.onnx")
    other = CrossEncoder(options.model, device="cpu", max_length=512)
    # What is too long for the model is the one thing that they read differently.
    query, texts = pairs[0][0], [text[:1000] for _, text in pairs[:5]]
    listed = [[query, text] for text in texts]
    calls = {
        "predict(pairs)": lambda model: model.predict(listed),
        "predict(inputs=tuples)": lambda model: model.predict(inputs=[tuple(pair) for pair in listed]),
        "predict(sentences=array)": lambda model: model.predict(sentences=np.array(listed)),
        "predict(pair)": lambda model: model.predict((query, texts[0])),
        "predict([])": lambda model: model.predict([]),
        "predict(convert_to_tensor)": lambda model: model.predict(listed, convert_to_tensor=True),
        "rank()": lambda model: model.rank(query, texts),
        "rank(top_k, return_documents)": lambda model: model.rank(query, texts, top_k=2, return_documents=True, batch_size=2),
        "rank([])": lambda model: model.rank(query, []),
    }
    for name, call in calls.items():
        print(f"{name}: {described(call(own))}; sentence-transformers: {described(call(other))}")
    difference = np.abs(own.predict(listed) - other.predict(listed)).max()
    same = [of["corpus_id"] for of in own.rank(query, texts)] == [of["corpus_id"] for of in other.rank(query, texts)]
    print(f"scores differ by {difference:.1e} at most; the order is {'the same' if same else 'another'}")


def described(value):
    if isinstance(value, list):
        first = {name: type(of).__name__ for name, of in value[0].items()} if value else ""
        return f"list of {len(value)} {first}".rstrip()
    kind = type(value)
    return f"{kind.__module__.split('.')[0]}.{kind.__name__} {value.dtype} {tuple(value.shape)}"


def scaling(options, pairs):
    """The same work by one caller of one thread, and by callers in as many threads of Python."""
    import vizsla

    rates = {}
    for threads in (1, options.threads):
        encoder = vizsla.CrossEncoder(options.model, threads, cache_size=0)
        encoder.predict(pairs[:4])
        best = float("inf")
        for _ in range(options.rounds):
            parts = [pairs[at::4] for at in range(4)] if threads > 1 else [pairs]
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
