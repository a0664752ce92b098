"""Rounds a cross-encoder's matrices to 8 bits so that the output of each layer changes least: GPTQ (Frantar et al., ICLR 2023).

usage: round.py DATA MODEL OUT [--pairs 1600] [--seed 9]

DATA has training groups (groups.py); pairs from them provide the inputs of each layer. OUT is a model like MODEL whose weights are multiples
of a 127th of the largest in their output, the grid of `vizsla model quantize`: exported and quantised, they stay as they are, except for
outputs whose largest weight has become smaller.
"""

import argparse
import random

import torch
from transformers import BertTokenizerFast

from groups import load_groups, load_passages, text_of
from model import CompactCrossEncoder


def matrices(model):
    return [m for m in model.bert.modules() if isinstance(m, torch.nn.Linear)]


@torch.no_grad()
def second_moments(model, tokenizer, pairs) -> list:
    """For each matrix the sum of x^T x over its inputs x."""
    layers = matrices(model)
    sums = [0.0] * len(layers)

    def watch(at):
        def add(_, inputs):
            rows = inputs[0].flatten(0, 1)
            sums[at] = sums[at] + rows.T @ rows
        return add

    watching = [layer.register_forward_pre_hook(watch(at)) for at, layer in enumerate(layers)]
    for question, passage in pairs:
        model.bert(**tokenizer(question, passage, truncation="only_second", max_length=512, return_tensors="pt"))
    for handle in watching:
        handle.remove()
    return sums


def rounded(weight, moments):
    """weight [outputs, inputs]. One input after another is rounded, and the remaining inputs absorb the error, as far as they
    are correlated with it."""
    unit = weight.abs().amax(1) / 127
    moments = moments.double()
    moments += 0.01 * moments.diagonal().mean() * torch.eye(len(moments))
    # The strongest first, while many are left to compensate.
    order = moments.diagonal().argsort(descending=True)
    left = weight.double()[:, order]
    factor = torch.linalg.cholesky(torch.linalg.inv(moments[order][:, order]), upper=True)
    for at in range(len(order)):
        column = left[:, at].clone()
        left[:, at] = (column / unit).round().clamp(-127, 127) * unit
        error = (column - left[:, at]) / factor[at, at]
        left[:, at + 1 :] -= error[:, None] * factor[at, at + 1 :]
    return left[:, order.argsort()].float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--pairs", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=9)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    passages = load_passages(args.data)
    groups, _ = load_groups(args.data, passages)
    pairs = []
    while len(pairs) < args.pairs:
        group = rng.choice(groups)
        for passage, *_ in rng.sample(group["cand"], min(4, len(group["cand"]))):
            pairs.append((group["q"], text_of(passages[passage], rng.choice([60, 120, 180]), not group["nt"])))
    model = CompactCrossEncoder.load(args.model).eval()
    tokenizer = BertTokenizerFast.from_pretrained(args.model)
    for layer, moments in zip(matrices(model), second_moments(model, tokenizer, pairs)):
        layer.weight.data = rounded(layer.weight.data, moments)
    model.save(args.out, tokenizer)


if __name__ == "__main__":
    main()
