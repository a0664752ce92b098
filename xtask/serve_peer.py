"""The rerank server that people write in an afternoon: sentence-transformers behind FastAPI.

    python xtask/serve_peer.py MODEL

Prints `listening on http://HOST:PORT` and answers as text-embeddings-inference does.
"""

import os
import socket
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import CrossEncoder

model = CrossEncoder(sys.argv[1], device="cpu")
app = FastAPI()


class Call(BaseModel):
    query: str
    texts: list[str]


@app.post("/rerank")
def rerank(call: Call):
    scores = model.predict([(call.query, text) for text in call.texts], show_progress_bar=False)
    ranked = sorted(enumerate(scores), key=lambda pair: -pair[1])
    return [{"index": index, "score": float(score)} for index, score in ranked]


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
