"""The compact cross-encoder: a MiniLM encoder over `[CLS] question [SEP] passage [SEP]` with one of two heads.

- similarity: logit = scale * cos(mean of the question's vectors, mean of the passage's vectors) + w . h[CLS] + bias.
  Started from a bi-encoder's weights it ranks well from the first step.
- classifier: BertForSequenceClassification's, logit = w . tanh(W h[CLS] + c) + bias, as in ms-marco-MiniLM-L6-v2. Only one row of
  the last layer is read, so it is cheaper to run.

Both are trained together; the better one is exported.
"""

import os

import torch
from transformers import BertConfig, BertModel, BertTokenizerFast

HEADS = ("similarity", "classifier")


class CompactCrossEncoder(torch.nn.Module):
    def __init__(self, config: BertConfig, attention: str = "eager"):
        super().__init__()
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        config._attn_implementation = attention
        self.bert = BertModel(config, add_pooling_layer=False)
        size = config.hidden_size
        self.scale = torch.nn.Parameter(torch.tensor(10.0))
        self.bias = torch.nn.Parameter(torch.tensor(-4.0))
        self.cls = torch.nn.Linear(size, 1)
        torch.nn.init.zeros_(self.cls.weight)
        torch.nn.init.zeros_(self.cls.bias)
        self.pooler = torch.nn.Linear(size, size)
        torch.nn.init.normal_(self.pooler.weight, std=0.02)
        torch.nn.init.zeros_(self.pooler.bias)
        self.classifier = torch.nn.Linear(size, 1)
        torch.nn.init.normal_(self.classifier.weight, std=0.02)
        torch.nn.init.zeros_(self.classifier.bias)

    @classmethod
    def from_bi_encoder(cls, folder: str) -> "CompactCrossEncoder":
        """Starts from a bi-encoder, which has only one segment: the second is initialised from the first."""
        bert = BertModel.from_pretrained(folder, add_pooling_layer=False)
        model = cls(bert.config)
        model.bert.load_state_dict(bert.state_dict())
        with torch.no_grad():
            segments = model.bert.embeddings.token_type_embeddings.weight
            segments[1] = segments[0]
        return model

    @classmethod
    def load(cls, folder: str, attention: str = "eager") -> "CompactCrossEncoder":
        model = cls(BertConfig.from_pretrained(folder), attention)
        model.load_state_dict(torch.load(os.path.join(folder, "model.pt"), weights_only=True))
        return model

    def save(self, folder: str, tokenizer: BertTokenizerFast) -> None:
        os.makedirs(folder, exist_ok=True)
        self.bert.config.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        torch.save(self.state_dict(), os.path.join(folder, "model.pt.new"))
        os.replace(os.path.join(folder, "model.pt.new"), os.path.join(folder, "model.pt"))

    def encode(self, input_ids, attention_mask, token_type_ids):
        output = self.bert(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return output.last_hidden_state.float()

    def similarity_logit(self, hidden, attention_mask, token_type_ids):
        mask, passage = attention_mask.float(), token_type_ids.float()
        q = (hidden * (mask * (1 - passage)).unsqueeze(-1)).sum(1)
        d = (hidden * (mask * passage).unsqueeze(-1)).sum(1)
        cosine = (q * d).sum(-1) / (torch.sqrt((q * q).sum(-1) * (d * d).sum(-1)) + 1e-6)
        return (self.scale * cosine + self.bias).unsqueeze(-1) + self.cls(hidden[:, 0])

    def classifier_logit(self, hidden):
        return self.classifier(torch.tanh(self.pooler(hidden[:, 0])))

    def forward(self, input_ids, attention_mask, token_type_ids):
        """Logits of both heads, [batch, 2] in the order of HEADS."""
        hidden = self.encode(input_ids, attention_mask, token_type_ids)
        with torch.autocast(hidden.device.type, enabled=False):
            similarity = self.similarity_logit(hidden, attention_mask, token_type_ids)
            return torch.cat([similarity, self.classifier_logit(hidden)], dim=1)
