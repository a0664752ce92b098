"""Index a folder, ask it a question, and look inside the scores: `python quickstart.py FOLDER QUESTION`."""

import sys
import tempfile
from pathlib import Path

import vizsla


def main(folder: Path, question: str) -> vizsla.Response:
    """Answers from the files of a folder."""
    with tempfile.TemporaryDirectory() as scratch:
        index = vizsla.Index.create(Path(scratch) / "notes.idx")
        report = index.sync(folder, progress=lambda event: print(f"{event.done}/{event.files} {event.path}"))
        print(f"{report.documents} documents in {report.seconds:.1f} s")
        for problem in report.problems:
            print(f"{problem.path}: {problem.reason}")
        response = vizsla.Engine(index, budget=2.0).search(question, limit=3, explain=True)
    for hit in response.hits:
        logit = hit.scores.rerank_logit
        print(f"{hit.rank}. {hit.title or hit.doc_id} ({hit.place}): {hit.score:.3f}")
        print(f"   BM25 {hit.scores.retrieval:.2f}, logit {logit if logit is None else round(logit, 2)}")
        print(f"   {hit.passage.snippet.text}")
    return response


if __name__ == "__main__":
    main(Path(sys.argv[1]), " ".join(sys.argv[2:]))
