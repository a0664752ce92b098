//! Pseudo-relevance feedback: expands the query with words that the best passages have in common.
//!
//! RM3 (Abdul-Jaleel et al., "UMass at TREC 2004: Novelty and HARD"), with Anserini's components and defaults: a
//! relevance model `p(w) ∝ Σ_d score(d) · tf(w, d) / length(d)` over the best passages, truncated to its likeliest
//! words, and mixed with the query.

use std::collections::HashMap;

use crate::analysis::{Analyzer, WordGroup};

/// Parameters of the feedback.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Rm3 {
    passages: usize,
    terms: usize,
    query_share: f32,
}

impl Rm3 {
    /// Maximum number of passages and terms, so that expansion stays cheap.
    pub const MAX: usize = 1000;

    /// Sets how many of the best passages are assumed relevant, from 1 to 1,000.
    pub fn with_passages(mut self, passages: usize) -> Self {
        self.passages = passages.clamp(1, Self::MAX);
        self
    }

    /// Sets how many of their words are added, up to 1,000.
    pub fn with_terms(mut self, terms: usize) -> Self {
        self.terms = terms.min(Self::MAX);
        self
    }

    /// Sets the weight of the original query, from 0 to 1; NaN means the default.
    pub fn with_query_share(mut self, share: f32) -> Self {
        self.query_share = if share.is_nan() { 0.5 } else { share.clamp(0.0, 1.0) };
        self
    }

    /// How many of the best passages are assumed relevant.
    pub fn passages(self) -> usize {
        self.passages
    }
}

/// 10 passages, 10 words, and half the weight on the original query, as in Anserini.
impl Default for Rm3 {
    fn default() -> Self {
        Self { passages: 10, terms: 10, query_share: 0.5 }
    }
}

/// Words in more than this share of all passages say nothing about what the best have in common.
const TOO_COMMON: f64 = 0.1;

/// The query expanded with feedback from the best passages, given as score and text. The total weight is unchanged.
/// `frequency` is the share of all passages that have a word.
pub(crate) fn expand(
    query: &[WordGroup],
    best: &[(f32, String)],
    rm3: Rm3,
    analyzer: &Analyzer,
    frequency: impl Fn(&str) -> tantivy::Result<f64>,
) -> tantivy::Result<Vec<WordGroup>> {
    let mut model: HashMap<String, f32> = HashMap::new();
    for (score, text) in best {
        let terms = analyzer.topical(text);
        let length: f32 = terms.iter().map(|(_, count)| count).sum();
        for (term, count) in terms {
            *model.entry(term).or_default() += score * count / length;
        }
    }
    let mut likely: Vec<(String, f32)> = Vec::new();
    for (term, weight) in model {
        if (2..=20).contains(&term.len()) && frequency(&term)? <= TOO_COMMON {
            likely.push((term, weight));
        }
    }
    likely.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    likely.truncate(rm3.terms);
    let total: f32 = query.iter().map(|group| group.frequency).sum();
    let model_total: f32 = likely.iter().map(|(_, weight)| weight).sum();
    if likely.is_empty() || model_total <= 0.0 {
        return Ok(query.to_vec());
    }
    let share = rm3.query_share;
    let mut expanded = query.to_vec();
    expanded.iter_mut().for_each(|group| group.frequency *= share);
    for (term, weight) in likely {
        let weight = weight / model_total * total * (1.0 - share);
        match expanded.iter_mut().find(|group| group.terms.iter().any(|(known, _)| *known == term))
        {
            Some(group) => group.frequency += weight,
            None => expanded.push(WordGroup { frequency: weight, ..WordGroup::of(term) }),
        }
    }
    expanded.retain(|group| group.frequency > 0.0);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Analysis, Language};

    #[test]
    fn what_the_best_have_in_common_joins_the_query() {
        let query = [WordGroup { frequency: 2.0, ..WordGroup::of("dog") }];
        let best = [
            (3.0, "dog retrieves duck".to_owned()),
            (3.0, "dog retrieves hare".to_owned()),
            (1.0, "common dog".to_owned()),
        ];
        let rm3 = Rm3::default().with_terms(2);
        let frequency = |term: &str| Ok(if term == "common" { 0.9 } else { 0.01 });
        let analyzer = Analyzer::new(Analysis::default(), Language::English);
        let expanded = expand(&query, &best, rm3, &analyzer, frequency).unwrap();
        let names: Vec<_> = expanded.iter().map(WordGroup::term).collect();
        assert_eq!(names, ["dog", "retriev"]);
        // dog: 3/3 + 3/3 + 1/2 of the model, retrieves: 3/3 + 3/3; the query's total of 2 is kept.
        let total: f32 = expanded.iter().map(|group| group.frequency).sum();
        assert!((total - 2.0).abs() < 1e-6);
        assert!((expanded[1].frequency - 2.0 / 4.5).abs() < 1e-6, "{expanded:?}");
    }
}
