"""Writes a trained cross-encoder as an ONNX model folder: config, tokenizer, onnx/model.onnx (fp32) and int8 variants.

usage: export.py MODEL OUT --head similarity|classifier [--calibration JSON]

The calibration (a file that evaluate.py writes) is folded into the head: logit' = slope * logit + offset changes no ranking.
Prints the SHA-256 of each file. The int8 variants are for comparison; the bundled one is made from the weights that round.py
writes, by `vizsla model quantize`.
"""

import argparse
import hashlib
import json
import os
import warnings

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import BertTokenizerFast

from model import HEADS, CompactCrossEncoder


def plain_encoder(bert, input_ids, attention_mask, token_type_ids):
    """BERT as in the paper, without what the library adds for other uses, so that the graph is like others' exports."""
    e, config = bert.embeddings, bert.config
    positions = torch.arange(input_ids.shape[1]).unsqueeze(0)
    x = e.word_embeddings(input_ids) + e.token_type_embeddings(token_type_ids) + e.position_embeddings(positions)
    x = e.LayerNorm(x)
    mask = (1.0 - attention_mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
    heads, size = config.num_attention_heads, config.hidden_size // config.num_attention_heads
    for layer in bert.encoder.layer:
        a = layer.attention
        split = lambda linear: linear(x).view(x.shape[0], x.shape[1], heads, size).transpose(1, 2)
        q, k, v = split(a.self.query), split(a.self.key), split(a.self.value)
        weights = torch.softmax(q @ k.transpose(-1, -2) / size**0.5 + mask, dim=-1)
        context = (weights @ v).transpose(1, 2).reshape(x.shape[0], x.shape[1], heads * size)
        x = a.output.LayerNorm(a.output.dense(context) + x)
        x = layer.output.LayerNorm(layer.output.dense(torch.nn.functional.gelu(layer.intermediate.dense(x))) + x)
    return x


class OneHead(torch.nn.Module):
    """Logits [batch, 1] of one head, calibrated."""

    def __init__(self, model: CompactCrossEncoder, head: str, slope: float, offset: float):
        super().__init__()
        self.model, self.head = model, head
        with torch.no_grad():
            if head == "similarity":
                for p in (model.scale, model.cls.weight, model.cls.bias):
                    p.mul_(slope)
                model.bias.mul_(slope).add_(offset)
            else:
                model.classifier.weight.mul_(slope)
                model.classifier.bias.mul_(slope).add_(offset)

    def forward(self, input_ids, attention_mask, token_type_ids):
        hidden = plain_encoder(self.model.bert, input_ids, attention_mask, token_type_ids)
        if self.head == "similarity":
            return self.model.similarity_logit(hidden, attention_mask, token_type_ids)
        return self.model.classifier_logit(hidden)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--head", choices=HEADS, required=True)
    parser.add_argument("--calibration")
    args = parser.parse_args()
    slope, offset = 1.0, 0.0
    if args.calibration:
        with open(args.calibration, encoding="utf-8") as file:
            calibration = json.load(file)[args.head]
        slope, offset = calibration["slope"], calibration["offset"]
    model = OneHead(CompactCrossEncoder.load(args.model), args.head, slope, offset).eval()
    onnx = os.path.join(args.out, "onnx")
    os.makedirs(onnx, exist_ok=True)
    tokenizer = BertTokenizerFast.from_pretrained(args.model)
    # Truncation and padding were only for training.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(args.out)
    with open(os.path.join(args.out, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump({"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "BertTokenizer"}, file, indent=2)
    config = model.model.bert.config.to_dict()
    config.update(architectures=["BertForSequenceClassification"], id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0},
                  sentence_transformers={"activation_fn": "torch.nn.modules.activation.Sigmoid"})
    with open(os.path.join(args.out, "config.json"), "w", encoding="utf-8") as file:
        json.dump({k: v for k, v in config.items() if k != "_name_or_path"}, file, indent=2, default=str)
    fp32 = os.path.join(onnx, "model.onnx")
    example = tokenizer(["a question"] * 2, ["a passage of some words"] * 2, return_tensors="pt")
    reference = model.model.encode(**example)
    difference = (plain_encoder(model.model.bert, **example) - reference).abs().max().item()
    assert difference < 1e-4, f"the plain encoder differs by {difference}"
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "batch", 1: "sequence"} for name in names} | {"logits": {0: "batch"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, tuple(example[name] for name in names), fp32, input_names=names, output_names=["logits"],
                          dynamic_axes=axes, opset_version=17, dynamo=False)
    for name, per_channel, weights in [("model_qint8", True, QuantType.QInt8), ("model_qint8_tensor", False, QuantType.QInt8),
                                       ("model_quint8", True, QuantType.QUInt8)]:
        quantize_dynamic(fp32, os.path.join(onnx, name + ".onnx"), per_channel=per_channel, weight_type=weights)
    for name in sorted(os.listdir(onnx)):
        with open(os.path.join(onnx, name), "rb") as file:
            content = file.read()
        print(hashlib.sha256(content).hexdigest(), len(content), name)


if __name__ == "__main__":
    main()
