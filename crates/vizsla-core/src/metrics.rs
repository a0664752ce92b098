//! How good a ranking is. Definitions are trec_eval's: linear gain, and a document without judgment is not relevant.
//!
//! Every function takes the ranked document ids of one query, best first and without repeats, with the query's
//! judgments; values lie between 0 and 1. Cost: linear in ranking and judgments (nDCG sorts the judgments).

use std::collections::BTreeMap;

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

/// Share of the relevant documents that stand within `cutoff` (trec_eval's `recall`).
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
