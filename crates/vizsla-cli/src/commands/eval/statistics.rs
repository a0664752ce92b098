//! Means with bootstrap intervals, and which metrics are told.

use std::fmt;

use serde::Serialize;
use vizsla::metrics::{self, Grades};

/// A metric of one query.
#[derive(Debug, Clone, Copy)]
pub(super) enum Metric {
    Ndcg10,
    Rr10,
    Recall100,
    Ap,
    P10,
}

impl Metric {
    pub(super) const ALL: [Self; 5] =
        [Self::Ndcg10, Self::Rr10, Self::Recall100, Self::Ap, Self::P10];

    /// What papers call its mean.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ndcg10 => "nDCG@10",
            Self::Rr10 => "MRR@10",
            Self::Recall100 => "Recall@100",
            Self::Ap => "MAP",
            Self::P10 => "P@10",
        }
    }

    pub(super) fn of(self, ranked: &[(String, f32)], grades: &Grades) -> f64 {
        let ids: Vec<&str> = ranked.iter().map(|(id, _)| id.as_str()).collect();
        match self {
            Self::Ndcg10 => metrics::ndcg(&ids, grades, 10),
            Self::Rr10 => metrics::reciprocal_rank(&ids, grades, 10),
            Self::Recall100 => metrics::recall(&ids, grades, 100),
            Self::Ap => metrics::average_precision(&ids, grades),
            Self::P10 => metrics::precision(&ids, grades, 10),
        }
    }
}

/// A mean over queries with its percentile bootstrap interval (Efron 1979; Sakai 2006 for retrieval).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Summary {
    mean: f64,
    low: f64,
    high: f64,
}

const RESAMPLES: usize = 2000;

impl Summary {
    /// The same values always give the same interval.
    pub(super) fn of(values: &[f64]) -> Self {
        let count = values.len().max(1);
        let mean = values.iter().sum::<f64>() / count as f64;
        let mut random = fastrand::Rng::with_seed(1979);
        let mut means: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                values.iter().map(|_| values[random.usize(..values.len())]).sum::<f64>()
                    / count as f64
            })
            .collect();
        means.sort_unstable_by(f64::total_cmp);
        Self { mean, low: means[RESAMPLES / 40], high: means[RESAMPLES - 1 - RESAMPLES / 40] }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4} [{:.4}, {:.4}]", self.mean, self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_mean_and_is_reproducible() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i % 10) / 10.0).collect();
        let summary = Summary::of(&values);
        assert!((summary.mean - 0.45).abs() < 1e-12 && summary.low < 0.45 && summary.high > 0.45);
        // The standard error is 0.0203; 1.96 of it on either side.
        assert!((summary.high - summary.low - 0.0796).abs() < 0.008, "{summary}");
        assert_eq!(summary, Summary::of(&values));
    }
}
