//! Ranking settings of a search as data: from a settings file, a program's options, or tuning.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vizsla_core::FusionPolicy;

use crate::bm25::{IndexRetriever, Rm3};
use crate::index::{Bm25Params, FieldWeights, Index};
use crate::search::{Effort, SearchRequest};

/// How results are ranked; unset fields are left to the index or take their defaults. As JSON, an object with the
/// fields that are set: `{"depth": 50, "fusion": "linear:0.7", "k1": 0.9, "field_weights": "content=1,title=0.5"}`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SearchSettings {
    /// How many candidates the first stage passes to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// How the two rankings are combined, by name.
    #[serde(skip_serializing_if = "Option::is_none", with = "as_text")]
    pub fusion: Option<FusionPolicy>,
    /// How much of the candidates the second stage reads, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// The most time that retrieving and reranking may take together, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_ms: Option<f64>,
    /// [`Bm25Params::k1`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k1: Option<f32>,
    /// [`Bm25Params::b`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<f32>,
    /// [`Bm25Params::k3`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k3: Option<f32>,
    /// Field weights, as `content=1,title=0.5`.
    #[serde(skip_serializing_if = "Option::is_none", with = "as_text")]
    pub field_weights: Option<FieldWeights>,
    /// Whether queries are expanded by pseudo-relevance feedback ([`Rm3`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rm3: Option<bool>,
    /// Whether a word that no passage has is replaced by the nearest one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuzzy: Option<bool>,
}

impl SearchSettings {
    /// These settings, with unset ones taken from `other`.
    pub fn or(self, other: Self) -> Self {
        Self {
            depth: self.depth.or(other.depth),
            fusion: self.fusion.or(other.fusion),
            effort: self.effort.or(other.effort),
            budget_ms: self.budget_ms.or(other.budget_ms),
            k1: self.k1.or(other.k1),
            b: self.b.or(other.b),
            k3: self.k3.or(other.k3),
            field_weights: self.field_weights.or(other.field_weights),
            rm3: self.rm3.or(other.rm3),
            fuzzy: self.fuzzy.or(other.fuzzy),
        }
    }

    /// The depth, or its default.
    pub fn depth(&self) -> usize {
        self.depth.unwrap_or(SearchRequest::DEFAULT_DEPTH)
    }

    /// The fusion, or its default.
    pub fn fusion(&self) -> FusionPolicy {
        self.fusion.unwrap_or_default()
    }

    /// The effort, or its default.
    pub fn effort(&self) -> Effort {
        self.effort.unwrap_or_default()
    }

    /// The budget as a duration; `None` also for a number that is not a valid duration.
    pub fn budget(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.budget_ms? / 1e3).ok()
    }

    /// Sets the budget.
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget_ms = Some(budget.as_secs_f64() * 1e3);
        self
    }

    /// The first stage over an index, with the index's own parameters where none are set.
    pub fn retriever(&self, index: &Index) -> IndexRetriever {
        let defaults = index.settings().bm25;
        let mut bm25 =
            Bm25Params::new(self.k1.unwrap_or(defaults.k1()), self.b.unwrap_or(defaults.b()));
        if let Some(k3) = self.k3.or(defaults.k3()) {
            bm25 = bm25.with_k3(k3);
        }
        let mut retriever = index.retriever().with_bm25(bm25);
        if let Some(weights) = self.field_weights {
            retriever = retriever.with_weights(weights);
        }
        if self.rm3 == Some(true) {
            retriever = retriever.with_rm3(Rm3::default());
        }
        if self.fuzzy == Some(true) {
            retriever = retriever.with_correction();
        }
        retriever
    }
}

/// Serializes a setting the way it is typed.
mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use vizsla_core::Fusion;

    use super::*;

    fn read(json: &str) -> serde_json::Result<SearchSettings> {
        serde_json::from_str(json)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let json = r#"{"depth":20,"fusion":"linear:0.5","k1":1.2,"b":0.75,"field_weights":"content=1,title=0.25"}"#;
        let settings = read(json).unwrap();
        assert_eq!(settings.fusion(), Fusion::Linear { rerank_weight: 0.5 }.into());
        assert_eq!(serde_json::to_string(&settings).unwrap(), json);
        assert_eq!(read("{}").unwrap(), SearchSettings::default());
        // Weights that are all 0 have a text form too.
        let nothing = r#"{"field_weights":"content=0"}"#;
        assert_eq!(serde_json::to_string(&read(nothing).unwrap()).unwrap(), nothing);
    }

    #[test]
    fn mistakes_are_refused() {
        for wrong in [r#"{"fusoin":"bm25"}"#, r#"{"fusion":"magic"}"#, r#"{"field_weights":"x"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_set_goes_before_what_is_not() {
        let settings = read(r#"{"depth":20,"k1":1.2}"#).unwrap();
        let merged = read(r#"{"depth":5}"#).unwrap().or(settings);
        assert_eq!((merged.depth(), merged.k1, merged.b), (5, Some(1.2), None));
        let budget = SearchSettings::default().with_budget(Duration::from_millis(150)).budget();
        assert_eq!(budget, Some(Duration::from_millis(150)));
    }
}
