//! How good a ranking is. Definitions are trec_eval's: linear gain, and a document without judgment is not relevant.
//!
//! Every function takes the ranked document ids of one query, best first and without repeats, with the query's
//! judgments; values lie between 0 and 1. Cost: linear in ranking and judgments (nDCG sorts the judgments).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Grades of documents for one query; above 0 is relevant.
pub type Grades = BTreeMap<String, i32>;
/// Judgments by query id.
pub type Qrels = BTreeMap<String, Grades>;
/// Rankings by query id: document ids with scores, best first.
pub type Run = BTreeMap<String, Vec<(String, f32)>>;

/// Normalised discounted cumulative gain at `cutoff` (Järvelin and Kekäläinen 2002, in trec_eval's `ndcg_cut` form): gain
/// is the grade, the discount at rank `r` is `log2(r + 1)`, divided by the same sum over the best possible ranking.
pub fn ndcg(ranking: &[&str], grades: &Grades, cutoff: usize) -> f64 {
    let gain = |gains: &mut dyn Iterator<Item = i32>| -> f64 {
        gains
            .take(cutoff)
            .enumerate()
            .map(|(i, grade)| f64::from(grade.max(0)) / (i as f64 + 2.0).log2())
            .sum()
    };
    let mut ideal: Vec<i32> = grades.values().copied().collect();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    let best = gain(&mut ideal.into_iter());
    if best == 0.0 {
        return 0.0;
    }
    gain(&mut ranking.iter().map(|id| grade(grades, id))) / best
}

/// Reciprocal of the rank of the first relevant document within `cutoff`, else 0 (trec_eval's `recip_rank`, cut).
pub fn reciprocal_rank(ranking: &[&str], grades: &Grades, cutoff: usize) -> f64 {
    let first = ranking.iter().take(cutoff).position(|id| grade(grades, id) > 0);
    first.map_or(0.0, |i| 1.0 / (i as f64 + 1.0))
}

/// Share of the relevant documents ranked within `cutoff` (trec_eval's `recall`).
pub fn recall(ranking: &[&str], grades: &Grades, cutoff: usize) -> f64 {
    match relevant(grades) {
        0 => 0.0,
        all => found(ranking, grades, cutoff) as f64 / all as f64,
    }
}

/// Share of the first `cutoff` places that hold a relevant document (trec_eval's `P`).
pub fn precision(ranking: &[&str], grades: &Grades, cutoff: usize) -> f64 {
    if cutoff == 0 { 0.0 } else { found(ranking, grades, cutoff) as f64 / cutoff as f64 }
}

/// Mean over the relevant documents of the precision at their rank, 0 for those missing (trec_eval's `map`, one query).
pub fn average_precision(ranking: &[&str], grades: &Grades) -> f64 {
    let (mut hits, mut sum) = (0.0, 0.0);
    for (i, id) in ranking.iter().enumerate() {
        if grade(grades, id) > 0 {
            hits += 1.0;
            sum += hits / (i as f64 + 1.0);
        }
    }
    match relevant(grades) {
        0 => 0.0,
        all => sum / all as f64,
    }
}

/// Whether a relevant document is ranked within `cutoff`, as 1 or 0 (trec_eval's `success`).
pub fn success(ranking: &[&str], grades: &Grades, cutoff: usize) -> f64 {
    if found(ranking, grades, cutoff) > 0 { 1.0 } else { 0.0 }
}

/// Mean over the relevant documents of the share of judged non-relevant ones not ranked above them; unjudged documents
/// do not count (Buckley and Voorhees, SIGIR 2004, in trec_eval's `bpref` form). Documents with a grade below 0 count as
/// unjudged.
pub fn bpref(ranking: &[&str], grades: &Grades) -> f64 {
    let relevant = relevant(grades);
    let nonrelevant = grades.values().filter(|grade| **grade == 0).count();
    let least = relevant.min(nonrelevant) as f64;
    let (mut before, mut sum) = (0usize, 0.0);
    for grade in ranking.iter().filter_map(|id| grades.get(*id)) {
        if *grade > 0 {
            let bounded = (before as f64).min(relevant as f64);
            sum += if before == 0 { 1.0 } else { 1.0 - bounded / least };
        } else if *grade == 0 {
            before += 1;
        }
    }
    if relevant == 0 { 0.0 } else { sum / relevant as f64 }
}

/// Share of the first `cutoff` places that hold a judged document, whatever its grade (ir_measures' `Judged`).
pub fn judged(ranking: &[&str], grades: &Grades, cutoff: usize) -> f64 {
    let judged = ranking.iter().take(cutoff).filter(|id| grades.contains_key(**id)).count();
    if cutoff == 0 { 0.0 } else { judged as f64 / cutoff as f64 }
}

/// A measure, by its name in ir_measures (MacAvaney, Macdonald and Ounis, ECIR 2022): `nDCG@10`, `RR`, `RR@10`, `AP`,
/// `AP@100`, `P@10`, `R@100`, `Success@5`, `Bpref`, `Judged@10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Measure {
    /// [`ndcg`], of the whole ranking without a cutoff.
    Ndcg(Option<usize>),
    /// [`reciprocal_rank`].
    Rr(Option<usize>),
    /// [`average_precision`], of the ranking down to the cutoff.
    Ap(Option<usize>),
    /// [`precision`].
    P(usize),
    /// [`recall`].
    R(usize),
    /// [`success`].
    Success(usize),
    /// [`bpref`].
    Bpref,
    /// [`judged`].
    Judged(usize),
}

impl Measure {
    /// The value for one query.
    pub fn of(self, ranking: &[&str], grades: &Grades) -> f64 {
        let whole = |cutoff: Option<usize>| cutoff.unwrap_or(usize::MAX).min(ranking.len());
        match self {
            // The ideal ranking is cut as well, so the cutoff must not shrink to the ranking's length.
            Self::Ndcg(cutoff) => ndcg(ranking, grades, cutoff.unwrap_or(usize::MAX)),
            Self::Rr(cutoff) => reciprocal_rank(ranking, grades, whole(cutoff)),
            Self::Ap(cutoff) => average_precision(&ranking[..whole(cutoff)], grades),
            Self::P(cutoff) => precision(ranking, grades, cutoff),
            Self::R(cutoff) => recall(ranking, grades, cutoff),
            Self::Success(cutoff) => success(ranking, grades, cutoff),
            Self::Bpref => bpref(ranking, grades),
            Self::Judged(cutoff) => judged(ranking, grades, cutoff),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, cutoff) = match *self {
            Self::Ndcg(cutoff) => ("nDCG", cutoff),
            Self::Rr(cutoff) => ("RR", cutoff),
            Self::Ap(cutoff) => ("AP", cutoff),
            Self::P(cutoff) => ("P", Some(cutoff)),
            Self::R(cutoff) => ("R", Some(cutoff)),
            Self::Success(cutoff) => ("Success", Some(cutoff)),
            Self::Bpref => ("Bpref", None),
            Self::Judged(cutoff) => ("Judged", Some(cutoff)),
        };
        match cutoff {
            Some(cutoff) => write!(f, "{name}@{cutoff}"),
            None => f.write_str(name),
        }
    }
}

impl FromStr for Measure {
    type Err = UnknownMeasure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || UnknownMeasure(text.to_owned());
        let (name, cutoff) = match text.split_once('@') {
            Some((name, cutoff)) => {
                let cutoff = cutoff.parse().ok().filter(|cutoff: &usize| *cutoff > 0);
                (name, Some(cutoff.ok_or_else(error)?))
            }
            None => (text, None),
        };
        Ok(match (name.to_lowercase().as_str(), cutoff) {
            ("ndcg", cutoff) => Self::Ndcg(cutoff),
            ("rr" | "mrr", cutoff) => Self::Rr(cutoff),
            ("ap" | "map", cutoff) => Self::Ap(cutoff),
            ("p", Some(cutoff)) => Self::P(cutoff),
            ("r" | "recall", Some(cutoff)) => Self::R(cutoff),
            ("success", Some(cutoff)) => Self::Success(cutoff),
            ("bpref", None) => Self::Bpref,
            ("judged", Some(cutoff)) => Self::Judged(cutoff),
            _ => return Err(error()),
        })
    }
}

/// Text that names no measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownMeasure(String);

impl fmt::Display for UnknownMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a measure: use nDCG@10, RR@10, AP, P@10, R@100, Success@5, Bpref or Judged@10, with other cutoffs as you \
             like",
            self.0
        )
    }
}

impl std::error::Error for UnknownMeasure {}

fn grade(grades: &Grades, id: &str) -> i32 {
    grades.get(id).copied().unwrap_or(0)
}

fn relevant(grades: &Grades) -> usize {
    grades.values().filter(|grade| **grade > 0).count()
}

fn found(ranking: &[&str], grades: &Grades, cutoff: usize) -> usize {
    ranking.iter().take(cutoff).filter(|id| grade(grades, id) > 0).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn by_hand() {
        let grades: Grades =
            [("a", 2), ("b", 1), ("c", 0), ("d", 1)].map(|(id, g)| (id.to_owned(), g)).into();
        let ranking = ["c", "b", "x", "a"];
        let ideal = 2.0 + 1.0 / 3f64.log2() + 1.0 / 2.0;
        close(ndcg(&ranking, &grades, 10), (1.0 / 3f64.log2() + 2.0 / 5f64.log2()) / ideal);
        close(ndcg(&ranking, &grades, 2), 1.0 / 3f64.log2() / (2.0 + 1.0 / 3f64.log2()));
        close(reciprocal_rank(&ranking, &grades, 10), 0.5);
        close(reciprocal_rank(&ranking, &grades, 1), 0.0);
        close(recall(&ranking, &grades, 100), 2.0 / 3.0);
        close(precision(&ranking, &grades, 10), 0.2);
        close(average_precision(&ranking, &grades), (0.5 + 2.0 / 4.0) / 3.0);
        close(success(&ranking, &grades, 1) + success(&ranking, &grades, 2), 1.0);
        close(judged(&ranking, &grades, 4), 0.75);
        // One judged non-relevant document is ranked above both relevant ones that were found.
        close(bpref(&ranking, &grades), 0.0);
        close(bpref(&["a", "c", "b"], &grades), 1.0 / 3.0);
    }

    #[test]
    fn measures_are_known_by_name() {
        for name in [
            "nDCG@10",
            "nDCG",
            "RR",
            "RR@10",
            "AP",
            "AP@100",
            "P@5",
            "R@100",
            "Success@1",
            "Bpref",
            "Judged@10",
        ] {
            assert_eq!(name.parse::<Measure>().unwrap().to_string(), name);
        }
        for wrong in ["", "P", "nDCG@0", "nDCG@x", "Bpref@3", "F1"] {
            assert!(wrong.parse::<Measure>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_relevant_is_zero_everywhere() {
        let grades: Grades = [("a".to_owned(), 0)].into();
        assert!(
            ndcg(&["a"], &grades, 10)
                + recall(&["a"], &grades, 10)
                + average_precision(&["a"], &grades)
                == 0.0
        );
    }
}
