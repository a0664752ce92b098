//! The names of fusions, as options and settings write them.

use std::fmt;
use std::str::FromStr;

use super::Fusion;

/// `rerank`, `retrieval` (or `bm25`), `position`, `rrf` or `rrf:K`, `log-odds` or `log-odds:WEIGHT` of the first stage; `linear`, `zscore`, `rank-biased` or `calibrated`, each alone or
/// with `:WEIGHT`.
impl FromStr for Fusion {
    type Err = ParseFusionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseFusionError { text: text.to_owned() };
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse::<f32>().map_err(|_| error())?)),
            None => (text, None),
        };
        let weight = || {
            let weight = number.unwrap_or(Self::DEFAULT_RERANK_WEIGHT);
            (0.0..=1.0).contains(&weight).then_some(weight).ok_or_else(error)
        };
        match (name, number) {
            ("rerank", None) => Ok(Self::Rerank),
            ("retrieval" | "bm25", None) => Ok(Self::Retrieval),
            ("position", None) => Ok(Self::PositionAware),
            ("rrf", k) if k.is_none_or(|k| k.is_finite() && k >= 0.0) => {
                Ok(Self::Rrf { k: k.unwrap_or(Self::DEFAULT_RRF_K) })
            }
            ("log-odds", _) => {
                let retrieval_weight = number.unwrap_or(Self::DEFAULT_RETRIEVAL_WEIGHT);
                let fusion = Self::LogOdds { retrieval_weight };
                if fusion.is_valid() { Ok(fusion) } else { Err(error()) }
            }
            ("linear", _) => Ok(Self::Linear { rerank_weight: weight()? }),
            ("zscore", _) => Ok(Self::ZScore { rerank_weight: weight()? }),
            ("rank-biased", _) => Ok(Self::RankBiased { rerank_weight: weight()? }),
            ("calibrated", _) => Ok(Self::Calibrated { rerank_weight: weight()? }),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Fusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rerank => f.write_str("rerank"),
            Self::Retrieval => f.write_str("retrieval"),
            Self::PositionAware => f.write_str("position"),
            Self::Rrf { k } => write!(f, "rrf:{k}"),
            Self::LogOdds { retrieval_weight } => write!(f, "log-odds:{retrieval_weight}"),
            Self::Linear { rerank_weight } => write!(f, "linear:{rerank_weight}"),
            Self::ZScore { rerank_weight } => write!(f, "zscore:{rerank_weight}"),
            Self::RankBiased { rerank_weight } => write!(f, "rank-biased:{rerank_weight}"),
            Self::Calibrated { rerank_weight } => write!(f, "calibrated:{rerank_weight}"),
        }
    }
}

/// A text that does not name a fusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseFusionError {
    text: String,
}

impl fmt::Display for ParseFusionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a fusion: use rerank, retrieval (or bm25), auto, position, rrf or rrf:K (K from 0), log-odds or log-odds:WEIGHT (of the first stage, 0 to 100), or linear, zscore, rank-biased or \
             calibrated, each alone or with :WEIGHT (of the reranker, 0 to 1)",
            self.text
        )
    }
}

impl std::error::Error for ParseFusionError {}
