"""Remakes tiny-bert/. Needs: pip install torch "sentence-transformers[onnx]<6"

A BERT cross-encoder of two layers and width 64 with random weights, through the same exporter and quantiser as the hub's
cross-encoders, so that its graphs have the hub's nodes. expected.json holds the logits of PyTorch for a few pairs.
"""
import json, os, shutil, tempfile
from pathlib import Path

import torch
from sentence_transformers import CrossEncoder, export_dynamic_quantized_onnx_model
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from generate import tokenizer, WORDS

HERE = Path(__file__).parent / "tiny-bert"
PAIRS = [["dog", "the dog runs"], ["dog", "a cat sleeps"], ["the cat", "dog dog dog a the cat runs a cat sleeps the a"], ["a", "a"]]

torch.manual_seed(7)
# The classifier's weights are wide, so that logits differ by more than rounding.
config = BertConfig(vocab_size=len(WORDS), hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128, max_position_embeddings=32, num_labels=1, initializer_range=0.2)
model = BertForSequenceClassification(config).eval()
torch.nn.init.normal_(model.classifier.weight, std=1.0)
work = Path(tempfile.mkdtemp())
model.save_pretrained(work / "torch")
(work / "tokenizer.json").write_text(json.dumps(tokenizer()))
fast = PreTrainedTokenizerFast(tokenizer_file=str(work / "tokenizer.json"), pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", model_max_length=32)
fast.save_pretrained(work / "torch")
export = CrossEncoder(str(work / "torch"), backend="onnx", device="cpu", model_kwargs={"export": True, "provider": "CPUExecutionProvider"})
export.save_pretrained(str(work / "out"))
for variant in ["avx512_vnni", "avx2"]:
    export_dynamic_quantized_onnx_model(export, variant, str(work / "out"))
shutil.rmtree(HERE, ignore_errors=True)
(HERE / "onnx").mkdir(parents=True)
for file in (work / "out/onnx").iterdir():
    shutil.copy(file, HERE / "onnx")
shutil.copy(work / "tokenizer.json", HERE)
shutil.copy(work / "torch/config.json", HERE)
expected = []
for query, passage in PAIRS:
    ids, types = [2], [0]
    for t, text in enumerate([query, passage]):
        words = [WORDS.index(w) for w in text.split()] + [3]
        ids += words
        types += [t] * len(words)
    with torch.no_grad():
        logit = model(input_ids=torch.tensor([ids]), token_type_ids=torch.tensor([types])).logits.item()
    expected.append({"query": query, "passage": passage, "logit": logit})
(HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
print(expected)
