"""Averages the weights of cross-encoders that were trained from the same start ("model soup", Wortsman et al., ICML 2022): the ranking
of an ensemble at the cost of one model.

usage: soup.py OUT MODEL[=WEIGHT] MODEL[=WEIGHT] ...

Each MODEL is a folder that train.py wrote, or one with model.safetensors, whose similarity head is `head.*` and whose classifier, if
absent, is left out of the mean. Weights are 1 unless given, and are divided by their sum.
"""

import argparse
import os

from safetensors.torch import load_file
from transformers import BertConfig, BertTokenizerFast

from model import CompactCrossEncoder


def state_of(folder: str) -> dict:
    if os.path.exists(os.path.join(folder, "model.pt")):
        return CompactCrossEncoder.load(folder).state_dict()
    return {name.removeprefix("head."): value.float() for name, value in load_file(os.path.join(folder, "model.safetensors")).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("models", nargs="+", metavar="MODEL[=WEIGHT]")
    args = parser.parse_args()
    parts = [(state_of(folder), float(weight or 1)) for folder, _, weight in (m.partition("=") for m in args.models)]
    first = args.models[0].partition("=")[0]
    model = CompactCrossEncoder(BertConfig.from_pretrained(first))
    mean = {}
    for name, value in model.state_dict().items():
        held = [(state[name], weight) for state, weight in parts if name in state]
        assert held and all(v.shape == value.shape for v, _ in held), f"{name} does not fit"
        mean[name] = sum(v.float() * weight for v, weight in held) / sum(weight for _, weight in held)
    model.load_state_dict(mean)
    model.save(args.out, BertTokenizerFast.from_pretrained(first))


if __name__ == "__main__":
    main()
