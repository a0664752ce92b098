//! Rankings: items in total order, whatever order they arrived in.

use std::cmp::Ordering;
use std::fmt;

/// Breaks ties between equal scores: document id, then file, then passage ordinal, all ascending.
pub trait TieBreak {
    /// The key; distinct for distinct items of one ranking.
    fn tie_break(&self) -> (&str, &str, u32);
}

impl<T: TieBreak> TieBreak for &T {
    fn tie_break(&self) -> (&str, &str, u32) {
        (**self).tie_break()
    }
}

/// An item with its score.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked<T> {
    /// A finite score, higher is better.
    pub score: f32,
    /// The item.
    pub item: T,
}

/// Items by score, best first; ties by [`TieBreak`]. Every score is finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking<T>(Vec<Ranked<T>>);

impl<T: TieBreak> Ranking<T> {
    /// Sorts items by score. Cost: `O(n log n)`.
    ///
    /// # Errors
    /// [`NonFiniteScore`] when a score is infinite or not a number.
    pub fn new(items: impl IntoIterator<Item = (f32, T)>) -> Result<Self, NonFiniteScore> {
        let mut ranked = Vec::new();
        for (score, item) in items {
            if !score.is_finite() {
                return Err(NonFiniteScore { score, doc_id: item.tie_break().0.to_owned() });
            }
            ranked.push(Ranked { score, item });
        }
        ranked.sort_unstable_by(Self::order);
        Ok(Self(ranked))
    }

    fn order(a: &Ranked<T>, b: &Ranked<T>) -> Ordering {
        b.score.total_cmp(&a.score).then_with(|| a.item.tie_break().cmp(&b.item.tie_break()))
    }
}

impl<T> Ranking<T> {
    /// Keeps the best `length` items.
    pub fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items, best first.
    pub fn iter(&self) -> std::slice::Iter<'_, Ranked<T>> {
        self.0.iter()
    }
}

impl<T> IntoIterator for Ranking<T> {
    type Item = Ranked<T>;
    type IntoIter = std::vec::IntoIter<Ranked<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Ranking<T> {
    type Item = &'a Ranked<T>;
    type IntoIter = std::slice::Iter<'a, Ranked<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A score that cannot be ordered: infinite or not a number.
#[derive(Debug, Clone, PartialEq)]
pub struct NonFiniteScore {
    score: f32,
    doc_id: String,
}

impl fmt::Display for NonFiniteScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "document {:?} was given the score {}, which cannot be ranked",
            self.doc_id, self.score
        )
    }
}

impl std::error::Error for NonFiniteScore {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl TieBreak for (String, u32) {
        fn tie_break(&self) -> (&str, &str, u32) {
            (&self.0, "", self.1)
        }
    }

    proptest! {
        #[test]
        fn order_of_arrival_does_not_matter(
            scores in prop::collection::vec(0u8..4, 1..40), seed in any::<usize>()
        ) {
            let items: Vec<_> =
                scores.iter().enumerate().map(|(i, s)| (f32::from(*s), (format!("d{}", i / 2), (i % 2) as u32))).collect();
            let mut turned = items.clone();
            turned.rotate_left(seed % items.len());
            prop_assert_eq!(Ranking::new(items).unwrap(), Ranking::new(turned).unwrap());
        }

        #[test]
        fn a_shorter_ranking_is_a_prefix(scores in prop::collection::vec(-3f32..3.0, 1..40), length in 0usize..40) {
            let whole = Ranking::new(scores.iter().enumerate().map(|(i, s)| (*s, (i.to_string(), 0)))).unwrap();
            let mut short = whole.clone();
            short.truncate(length);
            prop_assert!(short.iter().eq(whole.iter().take(length)));
        }
    }

    #[test]
    fn a_score_that_is_not_a_number_is_refused() {
        let error = Ranking::new([(f32::NAN, ("a".to_owned(), 0))]).unwrap_err();
        assert!(error.to_string().contains("\"a\""), "{error}");
    }
}
