//! Settings that were tried, and which of them to use: judged on queries that played no part in the choice.

use crate::statistics::Summary;

const FOLDS: usize = 5;

/// Settings that were tried, each with a value for every query of every collection. Settings, collections and folds are
/// identified by their number, from 0.
#[derive(Debug, Clone)]
pub struct Trials<S> {
    settings: Vec<S>,
    /// By setting, then collection, then query.
    values: Vec<Vec<Vec<f64>>>,
    names: Vec<String>,
    chosen: usize,
    default: usize,
    /// The values of the cross-validated choice, by collection and query.
    validated: Vec<Vec<f64>>,
    /// Which setting each fold chose.
    fold_choices: Vec<usize>,
}

/// Which queries a fold is measured on: part of one collection, or the whole of one of several.
fn is_held_back(fold: usize, collections: usize, collection: usize, query: usize) -> bool {
    // A multiplication by a large odd number scatters the queries over the folds the same way every time.
    let scattered = (query as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    if collections > 1 { collection == fold } else { scattered as usize % FOLDS == fold }
}

impl<S: Copy + PartialEq> Trials<S> {
    /// Judges settings by their values: for each setting, for each collection (by its name), one value per query, higher
    /// is better. With one collection, what is best for four fifths of its queries is measured on the rest; with several, what is
    /// best for the others is measured on each. Cost: the values times the number of folds.
    ///
    /// # Panics
    /// When there are no settings, or values are missing.
    pub fn judge(
        settings: Vec<S>,
        values: Vec<Vec<Vec<f64>>>,
        names: Vec<String>,
        default: S,
    ) -> Self {
        let collections = names.len();
        let folds = if collections > 1 { collections } else { FOLDS };
        // Each collection counts the same, however many queries it has.
        let mean = |setting: usize, counts: &dyn Fn(usize, usize) -> bool| {
            let of_collection = |collection: usize| {
                let all = values[setting][collection].iter().enumerate();
                let kept: Vec<f64> =
                    all.filter(|(q, _)| counts(collection, *q)).map(|(_, value)| *value).collect();
                (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / kept.len() as f64)
            };
            let means: Vec<f64> = (0..collections).filter_map(of_collection).collect();
            means.iter().sum::<f64>() / means.len().max(1) as f64
        };
        let default = settings.iter().position(|setting| *setting == default).unwrap_or(0);
        let best =
            |counts: &dyn Fn(usize, usize) -> bool| {
                // Among equal settings, the default, else the first.
                let order = std::iter::once(default).chain(0..settings.len());
                order
                    .map(|s| (s, mean(s, counts)))
                    .fold((default, f64::MIN), |best, (s, value)| {
                        if value > best.1 + 1e-12 { (s, value) } else { best }
                    })
                    .0
            };
        let mut validated: Vec<Vec<f64>> =
            values[0].iter().map(|queries| vec![0.0; queries.len()]).collect();
        let mut fold_choices = Vec::new();
        for fold in 0..folds {
            let choice = best(&|c, q| !is_held_back(fold, collections, c, q));
            fold_choices.push(choice);
            for (c, queries) in validated.iter_mut().enumerate() {
                for (q, value) in queries.iter_mut().enumerate() {
                    if is_held_back(fold, collections, c, q) {
                        *value = values[choice][c][q];
                    }
                }
            }
        }
        let chosen = best(&|_, _| true);
        Self { settings, values, names, chosen, default, validated, fold_choices }
    }

    /// The setting to use: the best one if choosing helped on held-out queries, else the default.
    pub fn selected(&self) -> S {
        self.settings[if self.gain().mean > 0.0 { self.chosen } else { self.default }]
    }

    /// All settings, in the order in which they were tried.
    pub fn settings(&self) -> &[S] {
        &self.settings
    }

    /// The names of the collections.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The setting that is best for all queries.
    pub fn best(&self) -> usize {
        self.chosen
    }

    /// The setting that is used when nothing is tuned.
    pub fn default_setting(&self) -> usize {
        self.default
    }

    /// Which setting each fold chose.
    pub fn fold_choices(&self) -> &[usize] {
        &self.fold_choices
    }

    /// The gain of the choice over the default, on held-out queries.
    pub fn gain(&self) -> Summary {
        Summary::of(&self.differences())
    }

    /// The same by query, over all collections.
    pub fn differences(&self) -> Vec<f64> {
        let pairs = self.validated.iter().flatten().zip(self.values[self.default].iter().flatten());
        pairs.map(|(validated, default)| validated - default).collect()
    }

    /// The mean value of a setting over the queries of one collection.
    pub fn mean(&self, setting: usize, collection: usize) -> f64 {
        let values = &self.values[setting][collection];
        values.iter().sum::<f64>() / values.len().max(1) as f64
    }

    /// The mean value of a setting over the collections, each counting the same.
    pub fn overall(&self, setting: usize) -> f64 {
        (0..self.names.len()).map(|c| self.mean(setting, c)).sum::<f64>() / self.names.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(values: Vec<Vec<Vec<f64>>>) -> Trials<u32> {
        let names = (0..values[0].len()).map(|c| c.to_string()).collect();
        let settings = (0..values.len() as u32).collect();
        Trials::judge(settings, values, names, 0)
    }

    #[test]
    fn what_helps_everywhere_is_chosen_with_its_gain() {
        let trials = judged(vec![vec![vec![0.2; 50]], vec![vec![0.5; 50]], vec![vec![0.1; 50]]]);
        assert_eq!(trials.selected(), 1);
        assert!((trials.gain().mean - 0.3).abs() < 1e-9);
        assert_eq!(trials.fold_choices, [1; FOLDS]);
    }

    #[test]
    fn what_is_best_for_one_collection_only_is_not_chosen() {
        // Setting 1 is best for the first collection, and setting 2 for the second, each at the other's cost.
        let trials = judged(vec![
            vec![vec![0.5; 10], vec![0.5; 10]],
            vec![vec![0.9; 10], vec![0.2; 10]],
            vec![vec![0.2; 10], vec![0.9; 10]],
        ]);
        assert_eq!(trials.fold_choices, [2, 1]);
        assert!(trials.gain().mean < 0.0);
        assert_eq!(trials.selected(), 0);
    }
}
