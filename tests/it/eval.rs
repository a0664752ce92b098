//! The metrics agree with trec_eval on a real run: values by pytrec_eval, see `index-fixtures/README.md`.

use std::collections::BTreeMap;

use vizsla::metrics::{self, Grades};
use vizsla::trec;

use crate::support::fixture;

type Metric = fn(&[&str], &Grades) -> f64;

#[test]
fn metrics_agree_with_trec_eval() {
    let read = |name: &str| std::fs::read_to_string(fixture("trec_eval").join(name)).unwrap();
    let qrels = trec::parse_qrels(&read("qrels.txt")).unwrap();
    let run = trec::parse_run(&read("run.txt")).unwrap();
    let expected: BTreeMap<String, BTreeMap<String, f64>> =
        serde_json::from_str(&read("expected.json")).unwrap();
    let metrics: [(&str, Metric); 6] = [
        ("ndcg_cut_10", |ranking, grades| metrics::ndcg(ranking, grades, 10)),
        ("ndcg_cut_5", |ranking, grades| metrics::ndcg(ranking, grades, 5)),
        ("recip_rank", |ranking, grades| metrics::reciprocal_rank(ranking, grades, usize::MAX)),
        ("recall_100", |ranking, grades| metrics::recall(ranking, grades, 100)),
        ("map", metrics::average_precision),
        ("P_10", |ranking, grades| metrics::precision(ranking, grades, 10)),
    ];
    assert!(expected.len() > 20);
    for (query, values) in &expected {
        let ranking: Vec<&str> = run[query].iter().map(|(id, _)| id.as_str()).collect();
        for (name, metric) in &metrics {
            let found = metric(&ranking, &qrels[query]);
            assert!(
                (found - values[*name]).abs() < 1e-4,
                "{query} {name}: {found}, trec_eval says {}",
                values[*name]
            );
        }
    }
}
