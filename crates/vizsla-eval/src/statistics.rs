//! Means with bootstrap intervals, and tests of whether two runs differ.

use std::fmt;

use serde::Serialize;

use crate::number::{fixed, signed};

/// A mean over queries with its percentile bootstrap interval (Efron 1979; Sakai 2006 for retrieval).
///
/// As text, `0.4500 [0.4100, 0.4900]`; the alternate form `{:#}` has signs, for differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The mean of the values; 0 without any.
    pub mean: f64,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

const RESAMPLES: usize = 2000;

impl Summary {
    /// From one value per query. The same values always give the same interval. Cost: 2000 passes over the values.
    pub fn of(values: &[f64]) -> Self {
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
        let number = if f.alternate() { signed } else { fixed };
        write!(f, "{} [{}, {}]", number(self.mean), number(self.low), number(self.high))
    }
}

const PERMUTATIONS: u32 = 100_000;

/// How likely a mean difference as large as this is if the two runs were equally good: Fisher's randomisation test, paired and
/// two-sided (Smucker, Allan and Carterette, CIKM 2007), over 100,000 random assignments of signs. Takes one difference per query,
/// and returns a probability. Cost: 100,000 passes over the differences.
pub fn randomisation_test(differences: &[f64]) -> f64 {
    let observed = differences.iter().sum::<f64>().abs();
    let mut random = fastrand::Rng::with_seed(2007);
    let mut as_large = 0u32;
    for _ in 0..PERMUTATIONS {
        let (mut sum, mut signs) = (0.0, 0u64);
        for (i, difference) in differences.iter().enumerate() {
            if i % 64 == 0 {
                signs = random.u64(..);
            }
            sum += if signs & 1 == 0 { *difference } else { -difference };
            signs >>= 1;
        }
        as_large += u32::from(sum.abs() >= observed - 1e-12);
    }
    // The observed assignment is one of them.
    f64::from(as_large + 1) / f64::from(PERMUTATIONS + 1)
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

    #[test]
    fn the_test_agrees_with_counting_all_assignments() {
        // Of the 32 assignments of signs to 1, 2, 3, 4 and 5, only all plus and all minus sum to 15 in size.
        assert!((randomisation_test(&[1.0, 2.0, 3.0, 4.0, 5.0]) - 2.0 / 32.0).abs() < 0.005);
        assert!((randomisation_test(&[1.0, -1.0]) - 1.0).abs() < 1e-12);
        assert!((randomisation_test(&[0.0; 20]) - 1.0).abs() < 1e-12);
    }
}
