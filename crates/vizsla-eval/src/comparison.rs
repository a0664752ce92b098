//! Whether one run is better than another, and which queries make the difference.

use serde::Serialize;

use crate::collection::Collection;
use crate::measured::Measured;
use crate::statistics::{Summary, randomisation_test};

/// What a comparison of two runs, A and B, found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// By measure, the difference between B and A.
    pub measures: Vec<Difference>,
    /// The queries whose first measure changed, the largest change first.
    pub queries: Vec<QueryChange>,
}

/// The difference in one measure.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The measure's name.
    pub measure: String,
    /// The mean of A.
    pub a: f64,
    /// The mean of B.
    pub b: f64,
    /// The mean of the differences B - A, with its interval.
    pub change: Summary,
    /// How likely a difference as large as this is by chance: [`randomisation_test`].
    pub p: f64,
    /// For how many queries B is better.
    pub better: usize,
    /// For how many queries B is worse.
    pub worse: usize,
}

/// The difference for one query.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct QueryChange {
    /// Its id.
    pub query: String,
    /// Its text.
    pub text: String,
    /// The value of A.
    pub a: f64,
    /// The value of B.
    pub b: f64,
}

/// Differences below this are rounding.
const ROUNDING: f64 = 1e-9;

impl Comparison {
    /// Compares the first two runs of `measured`, whose queries are those of the collection, and lists at most `limit` queries.
    /// Cost: one randomisation test per measure.
    ///
    /// # Panics
    /// When there are fewer than two runs, or no measures.
    pub fn of(measured: &Measured, collection: &Collection, limit: usize) -> Self {
        let measures = measured.measures.iter().enumerate().map(|(at, measure)| {
            let differences = measured.differences(1, 0, at);
            Difference {
                measure: measure.to_string(),
                a: Summary::of(measured.values(0, at)).mean,
                b: Summary::of(measured.values(1, at)).mean,
                change: Summary::of(&differences),
                p: randomisation_test(&differences),
                better: differences.iter().filter(|d| **d > ROUNDING).count(),
                worse: differences.iter().filter(|d| **d < -ROUNDING).count(),
            }
        });
        let differences = measured.differences(1, 0, 0);
        let mut order: Vec<usize> = (0..differences.len()).collect();
        order.sort_by(|a, b| differences[*b].abs().total_cmp(&differences[*a].abs()));
        let changed = order.into_iter().filter(|i| differences[*i].abs() > ROUNDING).take(limit);
        let queries = changed.map(|i| QueryChange {
            query: measured.queries[i].clone(),
            text: collection.queries[i].text.clone(),
            a: measured.values(0, 0)[i],
            b: measured.values(1, 0)[i],
        });
        Self { measures: measures.collect(), queries: queries.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collection::JudgedQuery;
    use crate::metrics::{Measure, Run};

    #[test]
    fn the_queries_that_changed_most_come_first() {
        let queries = ["q1", "q2", "q3"];
        let qrels = queries.map(|q| (q.to_owned(), [("d".to_owned(), 1)].into())).into();
        let collection = Collection::new(queries.map(|q| JudgedQuery::new(q, q)).into(), qrels);
        let run = |ranks: [usize; 3]| -> Run {
            let ranking = |rank: usize| {
                let mut documents: Vec<_> =
                    (1..rank).map(|i| (format!("x{i}"), -(i as f32))).collect();
                documents.push(("d".to_owned(), -9.0));
                documents
            };
            queries.iter().zip(ranks).map(|(q, rank)| ((*q).to_owned(), ranking(rank))).collect()
        };
        let (a, b) = (run([1, 4, 3]), run([1, 1, 2]));
        let measured = Measured::of(
            &[Measure::Rr(None)],
            &collection.query_ids(),
            &collection.qrels,
            &[("a", &a), ("b", &b)],
        );
        let comparison = Comparison::of(&measured, &collection, 10);
        let difference = &comparison.measures[0];
        assert_eq!((difference.better, difference.worse), (2, 0));
        assert!((difference.change.mean - (0.75 + 1.0 / 6.0) / 3.0).abs() < 1e-9);
        let changed: Vec<&str> = comparison.queries.iter().map(|q| q.query.as_str()).collect();
        assert_eq!(changed, ["q2", "q3"]);
        assert_eq!(Comparison::of(&measured, &collection, 1).queries.len(), 1);
    }
}
