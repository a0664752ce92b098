"""Distils the teachers into the compact cross-encoder.

usage: train.py DATA START OUT --pairs N [--schedule constant|decay] [--lr 7e-5] [--seed 1] [--threads N]

DATA has groups.jsonl.gz and passages.jsonl.gz (groups.py); START is a bi-encoder's folder or what this script wrote. On a GPU, give a
larger --tokens.

Loss per group and head: KL divergence from the softmax of the teachers' logits (2 added to those of known answers) + 0.05 * squared
error of centred logits; and 0.3 * binary cross-entropy to the teachers' sigmoid (at least 0.9 for known answers), which makes the sigmoid of the output mean
something. Half of a group's passages come from the teachers' best 20. The mean of the weights over the last steps (exponential, 0.998 per step) is
kept beside the weights themselves, in OUT/mean.
"""

import argparse
import os
import random
import time

import torch
from torch.nn import functional as F
from transformers import BertTokenizerFast

from groups import load_groups, load_passages, text_of
from model import CompactCrossEncoder

GROUP = 8


def sample(group: dict, rng: random.Random) -> list:
    known = [c for c in group["cand"] if c[2] > 0]
    rest = [c for c in group["cand"] if c[2] <= 0]
    near, far = rest[:20], rest[20:]
    picked = rng.sample(known, min(len(known), 2))
    picked += rng.sample(near, min((GROUP - len(picked) + 1) // 2, len(near)))
    return picked + rng.sample(far, min(GROUP - len(picked), len(far)))


def endless(groups: list, rng: random.Random):
    while True:
        rng.shuffle(groups)
        yield from groups


def loss_of(scores, teacher, known, sizes):
    """scores [n], teacher [n], known [n] of len(sizes) groups one after another."""
    total, at = 0.0, 0
    for size in sizes:
        s, t = scores[at : at + size], teacher[at : at + size] + 2 * known[at : at + size]
        at += size
        total = total + F.kl_div(torch.log_softmax(s, 0), torch.softmax(t, 0), reduction="sum")
        total = total + 0.05 * ((s - s.mean()) - (t - t.mean())).pow(2).mean()
    target = torch.where(known > 0, torch.sigmoid(teacher).clamp(min=0.9), torch.sigmoid(teacher))
    return total / len(sizes) + 0.3 * F.binary_cross_entropy_with_logits(scores, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("start")
    parser.add_argument("out")
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--schedule", choices=["constant", "decay"], default="decay")
    parser.add_argument("--lr", type=float, default=7e-5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--groups", type=int, default=6, help="groups per step")
    # Usually a short beginning, sometimes nearly as much as fits.
    parser.add_argument("--words", type=int, nargs="+", default=[40, 45, 55, 65, 80, 130], help="words read from a passage, drawn anew for each")
    parser.add_argument("--max-tokens", type=int, default=224, help="tokens in a pair")
    parser.add_argument("--tokens", type=int, default=4000, help="tokens in a forward pass, padding included")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    passages = load_passages(args.data)
    train, held = load_groups(args.data, passages)
    print(f"{len(train)} groups, {len(held)} held back", flush=True)
    tokenizer = BertTokenizerFast.from_pretrained(args.start)
    fresh = not os.path.exists(os.path.join(args.start, "model.pt"))
    model = (CompactCrossEncoder.from_bi_encoder if fresh else CompactCrossEncoder.load)(args.start).to(device)
    model.train()
    # 11.7 of the 22.7 million weights are word vectors; moving them costs a tenth of the time and gains little.
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    mean = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998))
    factors = {"scale": 200, "bias": 200, "pooler.weight": 5, "pooler.bias": 5, "classifier.weight": 20, "classifier.bias": 200}
    weights = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": [p], "weight_decay": 0.01 if p.ndim > 1 else 0.0, "factor": factors.get(name, 1)} for name, p in weights]
    )
    groups, done, step, start = endless(train, rng), 0, 0, time.time()
    while done < args.pairs:
        left = 1.0 if args.schedule == "constant" else max(0.02, 1 - done / args.pairs)
        for group in optimizer.param_groups:
            group["lr"] = args.lr * min(1.0, (step + 1) / 150) * left * group["factor"]
        pairs, teacher, known, sizes = [], [], [], []
        while len(sizes) < args.groups:
            group = next(groups)
            picked = sample(group, rng)
            if len(picked) < 4:
                continue
            sizes.append(len(picked))
            for passage, logit, label in picked:
                with_title = not group["nt"] and rng.random() < 0.8
                pairs.append((group["q"], text_of(passages[passage], rng.choice(args.words), with_title)))
                teacher.append(logit)
                known.append(float(label > 0))
        encoded = tokenizer(*map(list, zip(*pairs)), truncation="only_second", max_length=args.max_tokens)
        order = sorted(range(len(pairs)), key=lambda i: len(encoded["input_ids"][i]))
        batches, at = [], 0
        while at < len(order):
            batch = [order[at]]
            while at + len(batch) < len(order):
                longest = len(encoded["input_ids"][order[at + len(batch)]])
                if longest * (len(batch) + 1) > args.tokens:
                    break
                batch.append(order[at + len(batch)])
            at += len(batch)
            batches.append(batch)
        scores = [None] * len(pairs)
        with torch.autocast(device, dtype=torch.bfloat16):
            for batch in batches:
                padded = tokenizer.pad({k: [v[i] for i in batch] for k, v in encoded.items()}, return_tensors="pt")
                for place, logits in zip(batch, model(**padded.to(device))):
                    scores[place] = logits
        scores = torch.stack(scores)
        teacher, known = torch.tensor(teacher, device=device), torch.tensor(known, device=device)
        losses = [loss_of(scores[:, head], teacher, known, sizes) for head in range(scores.shape[1])]
        (losses[0] + losses[1]).backward()
        torch.nn.utils.clip_grad_norm_([p for _, p in weights], 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        mean.update_parameters(model)
        done, step = done + len(pairs), step + 1
        if step % 50 == 0:
            rate = done / (time.time() - start)
            print(f"{done} pairs, {rate:.0f} a second, loss {losses[0].item():.3f} {losses[1].item():.3f}", flush=True)
        if step % 500 == 0 or done >= args.pairs:
            model.save(args.out, tokenizer)
            mean.module.save(os.path.join(args.out, "mean"), tokenizer)


if __name__ == "__main__":
    main()
