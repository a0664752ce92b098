"""Measures a trained cross-encoder on the held-back groups, and calibrates it.

usage: evaluate.py DATA MODEL [--groups N] [--calibration OUT.json | --apply CALIBRATION.json] [--scifact QUERIES.jsonl --scifact-qrels TRAIN.tsv --dev OUT.tsv]

For each head: nDCG@10 of the known answers among all candidates of a group, agreement with the teachers (Spearman over the
candidates), and the expected calibration error (Guo et al., ICML 2017; ten bins of equal count) against the training target, the teachers'
probability that a passage answers, at least 0.9 where it is known to. Half of the groups fit the calibration, logit' = slope * logit +
offset by logistic regression; the error is reported for the other half. With --apply, DATA has groups that nothing was trained on: all are
used, and a calibration fitted elsewhere is tested.

With --scifact, writes the judgments of the held-back claims: the development set on which no weights were trained.
"""

import argparse
import json
import math
import random

import torch
from transformers import BertTokenizerFast

from groups import load_groups, load_passages, text_of
from model import HEADS, CompactCrossEncoder


def score(model, tokenizer, device, pairs):
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
    scores = [None] * len(pairs)
    for at in range(0, len(order), 32):
        batch = order[at : at + 32]
        encoded = tokenizer([pairs[i][0] for i in batch], [pairs[i][1] for i in batch], truncation="only_second", max_length=512,
                            padding=True, return_tensors="pt").to(device)
        with torch.no_grad(), torch.autocast(device, dtype=torch.bfloat16):
            for i, logits in zip(batch, model(**encoded)):
                scores[i] = logits.float().tolist()
    return scores


def ndcg10(scores, known):
    ranked = sorted(range(len(scores)), key=lambda i: -scores[i])[:10]
    gain = sum(1 / math.log2(rank + 2) for rank, i in enumerate(ranked) if known[i])
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(10, sum(known))))
    return gain / ideal


def spearman(a, b):
    def ranks(values):
        order = sorted(range(len(values)), key=lambda i: values[i])
        result = [0] * len(values)
        for rank, i in enumerate(order):
            result[i] = rank
        return result
    x, y, n = ranks(a), ranks(b), len(a)
    return 1 - 6 * sum((p - q) ** 2 for p, q in zip(x, y)) / (n * (n * n - 1))


def calibration_error(logits, targets, bins=10):
    """The error, and (predicted, observed) of each bin."""
    pairs = sorted(zip(torch.sigmoid(torch.tensor(logits)).tolist(), targets))
    curve, error = [], 0.0
    for b in range(bins):
        part = pairs[b * len(pairs) // bins : (b + 1) * len(pairs) // bins]
        predicted, observed = (sum(values) / len(part) for values in zip(*part))
        curve.append((round(predicted, 4), round(observed, 4)))
        error += abs(predicted - observed) * len(part) / len(pairs)
    return error, curve


def fit(logits, targets):
    x, t = torch.tensor(logits), torch.tensor(targets)
    slope, offset = torch.ones((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([slope, offset], max_iter=200)

    def loss():
        optimizer.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(slope * x + offset, t)
        value.backward()
        return value

    optimizer.step(loss)
    return slope.item(), offset.item()


def write_scifact_dev(args, held):
    claims = {group["q"] for group in held}
    with open(args.scifact, encoding="utf-8") as file:
        ids = {q["_id"] for q in map(json.loads, file) if q["text"] in claims}
    with open(args.scifact_qrels, encoding="utf-8") as source, open(args.dev, "w", encoding="utf-8") as out:
        out.write(source.readline())
        kept = [line for line in source if line.split("\t")[0] in ids]
        out.writelines(kept)
    print(f"{len({line.split(chr(9))[0] for line in kept})} held-back claims of SciFact in {args.dev}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("model")
    parser.add_argument("--groups", type=int, default=240)
    calibration = parser.add_mutually_exclusive_group()
    calibration.add_argument("--calibration")
    calibration.add_argument("--apply")
    parser.add_argument("--scifact")
    parser.add_argument("--scifact-qrels")
    parser.add_argument("--dev")
    args = parser.parse_args()
    passages = load_passages(args.data)
    trained, held = load_groups(args.data, passages)
    if args.scifact:
        write_scifact_dev(args, held)
    groups = [g for g in (trained + held if args.apply else held) if any(c[2] > 0 for c in g["cand"])]
    groups = random.Random(3).sample(groups, min(args.groups, len(groups)))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = CompactCrossEncoder.load(args.model).to(device).eval()
    tokenizer = BertTokenizerFast.from_pretrained(args.model)
    results = {head: {"ndcg": [], "agreement": [], "logits": ([], []), "targets": ([], [])} for head in HEADS}
    for number, group in enumerate(groups):
        pairs = [(group["q"], text_of(passages[c[0]], 250, not group["nt"])) for c in group["cand"]]
        scores = score(model, tokenizer, device, pairs)
        teacher, known = [c[1] for c in group["cand"]], [c[2] > 0 for c in group["cand"]]
        sigmoid = torch.sigmoid(torch.tensor(teacher)).tolist()
        for head, name in enumerate(HEADS):
            of_head, result = [s[head] for s in scores], results[name]
            result["ndcg"].append(ndcg10(of_head, known))
            result["agreement"].append(spearman(of_head, teacher))
            result["logits"][number % 2].extend(of_head)
            result["targets"][number % 2].extend(max(0.9, p) if k else p for p, k in zip(sigmoid, known))
    mean = lambda values: sum(values) / len(values)
    gains = [a - b for a, b in zip(results["similarity"]["ndcg"], results["classifier"]["ndcg"])]
    draws = sorted(mean(random.Random(seed).choices(gains, k=len(gains))) for seed in range(1000))
    print(f"nDCG@10 of similarity less that of classifier: {mean(gains):+.4f} [{draws[25]:+.4f}, {draws[974]:+.4f}]")
    teacher_ndcg = mean([ndcg10([c[1] for c in g["cand"]], [c[2] > 0 for c in g["cand"]]) for g in groups])
    print(f"{len(groups)} groups; nDCG@10 of the teachers {teacher_ndcg:.4f}")
    calibrations = {}
    if args.apply:
        with open(args.apply, encoding="utf-8") as file:
            calibrations = json.load(file)
    for name, result in results.items():
        logits, targets = result["logits"][1], result["targets"][1]
        if args.apply:
            slope, offset = calibrations[name]["slope"], calibrations[name]["offset"]
            logits, targets = logits + result["logits"][0], targets + result["targets"][0]
        else:
            slope, offset = fit(result["logits"][0], result["targets"][0])
        before, _ = calibration_error(logits, targets)
        after, curve = calibration_error([slope * logit + offset for logit in logits], targets)
        calibrations[name] = {"slope": slope, "offset": offset, "error": after, "curve": curve}
        print(f"{name}: nDCG@10 {mean(result['ndcg']):.4f}, agreement {mean(result['agreement']):.4f}, calibration error "
              f"{before:.4f}, calibrated {after:.4f}")
        print("  predicted -> observed:", ", ".join(f"{p:.3f} -> {o:.3f}" for p, o in curve))
    if args.calibration:
        with open(args.calibration, "w", encoding="utf-8") as file:
            json.dump(calibrations, file, indent=1)


if __name__ == "__main__":
    main()
