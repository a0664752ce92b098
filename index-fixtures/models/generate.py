"""Remakes the models in this folder. Needs: pip install onnx numpy

Each is a few nodes that turn token ids into numbers: enough to test how models are found, checked and run, and of no
use for ranking. `logit = 0.01 * (sum of token ids)`.
"""
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

HERE = Path(__file__).parent
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "dog", "cat", "runs", "sleeps", "the", "a"]


def tokenizer():
    special = [{"id": i, "content": WORDS[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True} for i in range(4)]
    sep = {"SpecialToken": {"id": "[SEP]", "type_id": 0}}
    pair = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, sep,
            {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {"type": "TemplateProcessing", "single": pair[:3], "pair": pair, "special_tokens": {
            "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(WORDS)}, "unk_token": "[UNK]"},
    }


def graph(inputs, labels=1, per_token=False):
    ids = lambda name: helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["masked"]),
        helper.make_node("Cast", ["masked"], ["floats"], to=TensorProto.FLOAT),
    ]
    weights = np.array([[0.01]] if labels == 1 else [[-0.005 + 0.005 * i for i in range(labels)]], dtype=np.float32)
    if labels == 2:
        weights = np.array([[-0.005, 0.005]], dtype=np.float32)
    constants = [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(np.array([1], dtype=np.int64), "axis")]
    if per_token:
        nodes += [helper.make_node("Unsqueeze", ["floats", "last"], ["column"]), helper.make_node("MatMul", ["column", "weights"], ["last_hidden_state"])]
        constants[1] = numpy_helper.from_array(np.array([2], dtype=np.int64), "last")
        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", labels])
    else:
        nodes += [helper.make_node("ReduceSum", ["floats", "axis"], ["sum"], keepdims=1), helper.make_node("MatMul", ["sum", "weights"], ["logits"])]
        output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", labels])
    made = helper.make_graph(nodes, "tiny", [ids(name) for name in inputs], [output], constants)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write(name, model, file="onnx/model.onnx", labels=1):
    folder = HERE / name
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    save(model, folder / file)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer()) + "\n")
    config = {"max_position_embeddings": 16, "id2label": {str(i): f"LABEL_{i}" for i in range(labels)}}
    (folder / "config.json").write_text(json.dumps(config) + "\n")


BOTH = ["input_ids", "attention_mask"]
write("one-logit", graph([*BOTH, "token_type_ids"]))
write("two-logits", graph(BOTH, labels=2), "model.onnx", labels=2)
write("five-labels", graph(BOTH, labels=5), labels=5)
write("embedding", graph(BOTH, labels=4, per_token=True))
write("generator", graph(["input_ids", "attention_mask", "past_key_values"]))
