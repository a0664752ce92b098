"""Remakes expected.json. Needs: pip install pytrec_eval-terrier"""
import json
from pathlib import Path

import pytrec_eval

here = Path(__file__).parent
with open(here / "qrels.txt") as qrels, open(here / "run.txt") as run:
    evaluator = pytrec_eval.RelevanceEvaluator(
        pytrec_eval.parse_qrel(qrels), {"ndcg", "ndcg_cut.5,10", "recip_rank", "recall.5,100", "map", "map_cut.5", "P.10", "success.1,5",
                                              "bpref"})
    values = evaluator.evaluate(pytrec_eval.parse_run(run))
(here / "expected.json").write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
