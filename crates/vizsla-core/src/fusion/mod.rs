//! Combines the scores of both stages into one.

mod names;
mod policy;

pub use self::names::ParseFusionError;
pub use self::policy::FusionPolicy;
use crate::RerankScore;

/// Both stages' scores for one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct StageScores {
    /// First-stage score.
    pub retrieval: f32,
    /// Rank by the first stage, from 1.
    pub retrieval_rank: u32,
    /// Second-stage score and rank (from 1); `None` when the candidate was not reranked.
    pub rerank: Option<(RerankScore, u32)>,
}

impl StageScores {
    /// A candidate scored by the first stage only.
    pub fn new(retrieval: f32, retrieval_rank: u32) -> Self {
        Self { retrieval, retrieval_rank, rerank: None }
    }

    /// Adds the second stage's score and rank.
    pub fn with_rerank(mut self, score: RerankScore, rank: u32) -> Self {
        self.rerank = Some((score, rank));
        self
    }
}

/// How the two rankings are combined. `w` is always the weight of the cross-encoder, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Fusion {
    /// The cross-encoder's logit alone.
    Rerank,
    /// Reciprocal rank fusion, `1/(k + rank_retrieval) + 1/(k + rank_rerank)` (Cormack, Clarke and Büttcher, SIGIR 2009).
    Rrf {
        /// How flat the curve is; 60 in the paper.
        k: f32,
    },
    /// `(1 - w) · minmax(retrieval) + w · minmax(logit)`, each score scaled to 0..1 over the candidates of the query
    /// (Bruch, Gai and Ingber, ACM TOIS 2023, call it TM2C2 when the minimum is the theoretical one).
    Linear {
        /// The weight `w`.
        rerank_weight: f32,
    },
    /// `(1 - w) · z(retrieval) + w · z(logit)`, each score as its distance from the mean over the candidates of the query, in
    /// standard deviations (Renda and Straccia, SAC 2003).
    ZScore {
        /// The weight `w`.
        rerank_weight: f32,
    },
    /// `(1 - w) · p^(rank_retrieval - 1) + w · p^(rank_rerank - 1)` with `p` = 0.9: the weights of rank-biased precision (Moffat and
    /// Zobel, ACM TOIS 2008) as rank-biased centroids use them (Bailey et al., SIGIR 2017).
    RankBiased {
        /// The weight `w`.
        rerank_weight: f32,
    },
    /// `(1 - w) · minmax(retrieval) + w · sigmoid(logit)`: the convex combination with the probability that the model
    /// was trained to predict, so that a query without a relevant candidate keeps the first stage's order.
    Calibrated {
        /// The weight `w`.
        rerank_weight: f32,
    },
    /// `logit + a · retrieval / mean(retrieval)`: log-odds of relevance are added. The logit is one; BM25 is one up to scale
    /// (Robertson and Zaragoza, 2009), which dividing by the mean over the candidates removes. So the reranker decides where
    /// it is sure, and the first stage where both matter: candidates that it scores alike stay alike, which standardised
    /// or rescaled scores would not be. Logits that spread more widely than this project's own model's, as those of
    /// models that were never calibrated do, are scaled down to it.
    LogOdds {
        /// The weight `a`, from 0 to 100.
        retrieval_weight: f32,
    },
    /// As [`Calibrated`](Self::Calibrated), with a weight by first-stage rank: 0.25 for ranks 1 to 3, 0.4 to rank 10,
    /// 0.6 below, so that the first stage's most confident results stay on top (after the search engine qmd).
    PositionAware,
    /// The first stage's order, unchanged.
    Retrieval,
}

/// Logits whose standard deviation over the candidates is larger are scaled down to it: what this project's own model, which
/// was trained to be calibrated, has where it is most decided.
const LOGIT_DEVIATION: f32 = 2.5;
/// How fast a rank loses weight in rank-biased fusion.
const RANK_PERSISTENCE: f32 = 0.9;

impl Fusion {
    /// `k` of reciprocal rank fusion by default.
    pub const DEFAULT_RRF_K: f32 = 60.0;
    /// Weight of the first stage in log-odds fusion by default; docs/reading.md says how it was chosen.
    pub const DEFAULT_RETRIEVAL_WEIGHT: f32 = 1.0;
    /// The highest weight of the first stage in log-odds fusion.
    const MAX_RETRIEVAL_WEIGHT: f32 = 100.0;
    /// Weight of the cross-encoder by default in the other weighted fusions.
    pub const DEFAULT_RERANK_WEIGHT: f32 = 0.7;

    /// Whether its parameters are in range: a weight from 0 to 1 (of the first stage to 100), a finite `k` of at least 0.
    pub fn is_valid(self) -> bool {
        match self {
            Self::Rrf { k } => k.is_finite() && k >= 0.0,
            Self::Linear { rerank_weight }
            | Self::ZScore { rerank_weight }
            | Self::RankBiased { rerank_weight }
            | Self::Calibrated { rerank_weight } => (0.0..=1.0).contains(&rerank_weight),
            Self::LogOdds { retrieval_weight } => {
                (0.0..=Self::MAX_RETRIEVAL_WEIGHT).contains(&retrieval_weight)
            }
            Self::Rerank | Self::PositionAware | Self::Retrieval => true,
        }
    }

    /// Whether the result depends on the cross-encoder at all.
    pub fn needs_rerank(self) -> bool {
        !matches!(self, Self::Retrieval)
    }

    /// One score per candidate, in the order given; higher is better, and all are finite for any finite input.
    /// Candidates that the second stage did not score come below all that it did, in first-stage order. Parameters that
    /// are not [valid](Self::is_valid) are replaced by the defaults. Cost: `O(n)`.
    pub fn fuse(self, candidates: &[StageScores]) -> Vec<f32> {
        if self == Self::Retrieval {
            return candidates.iter().map(|c| bounded(c.retrieval)).collect();
        }
        let read = || {
            candidates.iter().filter_map(|c| {
                c.rerank.map(|(score, _)| (bounded(c.retrieval), bounded(score.logit)))
            })
        };
        let spreads = Spreads {
            all: Spread::of(candidates.iter().map(|c| bounded(c.retrieval))),
            retrieval: Spread::of(read().map(|(score, _)| score)),
            logit: Spread::of(read().map(|(_, logit)| logit)),
        };
        let fusion = if self.is_valid() { self } else { self.with_default_parameters() };
        let fused: Vec<Option<f32>> =
            candidates.iter().map(|scores| fusion.fuse_one(scores, &spreads)).collect();
        let lowest = fused.iter().flatten().copied().fold(0.0, f32::min);
        let ranks = candidates.iter().map(|scores| scores.retrieval_rank);
        fused
            .into_iter()
            .zip(ranks)
            .map(|(score, rank)| score.unwrap_or(below(lowest, rank)))
            .collect()
    }

    fn with_default_parameters(self) -> Self {
        let rerank_weight = Self::DEFAULT_RERANK_WEIGHT;
        match self {
            Self::Rrf { .. } => Self::Rrf { k: Self::DEFAULT_RRF_K },
            Self::Linear { .. } => Self::Linear { rerank_weight },
            Self::ZScore { .. } => Self::ZScore { rerank_weight },
            Self::RankBiased { .. } => Self::RankBiased { rerank_weight },
            Self::Calibrated { .. } => Self::Calibrated { rerank_weight },
            Self::LogOdds { .. } => {
                Self::LogOdds { retrieval_weight: Self::DEFAULT_RETRIEVAL_WEIGHT }
            }
            other => other,
        }
    }

    /// The fused score of one candidate, `None` when the second stage did not score it.
    fn fuse_one(self, scores: &StageScores, spreads: &Spreads) -> Option<f32> {
        let Spreads { all, retrieval, logit } = spreads;
        let (rerank, rank) = scores.rerank?;
        let first_rank = scores.retrieval_rank;
        let mix = |weight: f32, first: f32, second: f32| (1.0 - weight) * first + weight * second;
        let decay = |rank: u32| RANK_PERSISTENCE.powi(rank as i32 - 1);
        let (first, second) = (bounded(scores.retrieval), bounded(rerank.logit));
        Some(match self {
            Self::Retrieval => first,
            Self::Rerank => second,
            Self::Rrf { k } => 1.0 / (k + first_rank as f32) + 1.0 / (k + rank as f32),
            Self::Linear { rerank_weight: w } => {
                mix(w, retrieval.minmax(first), logit.minmax(second))
            }
            Self::ZScore { rerank_weight: w } => mix(w, retrieval.z(first), logit.z(second)),
            Self::RankBiased { rerank_weight: w } => mix(w, decay(first_rank), decay(rank)),
            Self::Calibrated { rerank_weight: w } => {
                mix(w, retrieval.minmax(first), rerank.probability())
            }
            Self::LogOdds { retrieval_weight: a } => {
                second / (logit.deviation / LOGIT_DEVIATION).max(1.0) + a * all.share(first)
            }
            Self::PositionAware => {
                let w = match first_rank {
                    ..=3 => 0.25,
                    4..=10 => 0.4,
                    _ => 0.6,
                };
                mix(w, retrieval.minmax(first), rerank.probability())
            }
        })
    }
}

/// Clamps a score to bounds that leave headroom for sums and differences. No model or retriever comes near them.
fn bounded(score: f32) -> f32 {
    score.clamp(-1e30, 1e30)
}

/// A score below `lowest`, which is at most 0, that decreases with rank. Beyond 2^24 a difference of 1 would be lost,
/// so there each rank is one step of the representation.
fn below(lowest: f32, rank: u32) -> f32 {
    if lowest > -1e6 { lowest - rank as f32 } else { f32::from_bits(lowest.to_bits() + rank) }
}

impl Default for Fusion {
    fn default() -> Self {
        Self::LogOdds { retrieval_weight: Self::DEFAULT_RETRIEVAL_WEIGHT }
    }
}

/// The distributions of a query's scores.
struct Spreads {
    /// Of the first stage's over all candidates.
    all: Spread,
    /// Of the first stage's over those that the second one scored.
    retrieval: Spread,
    /// Of the second stage's.
    logit: Spread,
}

/// The distribution of scores over candidates.
struct Spread {
    min: f32,
    max: f32,
    mean: f32,
    /// The mean of the absolute values.
    size: f32,
    deviation: f32,
}

impl Spread {
    fn of(values: impl Iterator<Item = f32> + Clone) -> Self {
        let count = (values.clone().count() as f32).max(1.0);
        let mean = values.clone().sum::<f32>() / count;
        let variance = values.clone().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
        Self {
            mean,
            size: values.clone().map(f32::abs).sum::<f32>() / count,
            deviation: variance.sqrt(),
            min: values.clone().fold(f32::INFINITY, f32::min),
            max: values.fold(f32::NEG_INFINITY, f32::max),
        }
    }

    /// Scales a value to 0..1. Equal values carry no information, and all become 1.
    fn minmax(&self, value: f32) -> f32 {
        if self.max > self.min { (value - self.min) / (self.max - self.min) } else { 1.0 }
    }

    /// The value as a multiple of the mean.
    fn share(&self, value: f32) -> f32 {
        if self.size > 0.0 { value / self.size } else { 0.0 }
    }

    /// Standard deviations from the mean. Equal values carry no information, and all become 0.
    fn z(&self, value: f32) -> f32 {
        if self.max > self.min && self.deviation > 0.0 {
            (value - self.mean) / self.deviation
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidates(scores: &[(f32, f32)]) -> Vec<StageScores> {
        let rank = |value: f32, all: Vec<f32>| {
            1 + all.iter().filter(|other| **other > value).count() as u32
        };
        let bm25: Vec<_> = scores.iter().map(|s| s.0).collect();
        let logits: Vec<_> = scores.iter().map(|s| s.1).collect();
        scores
            .iter()
            .map(|s| {
                StageScores::new(s.0, rank(s.0, bm25.clone()))
                    .with_rerank(RerankScore::new(s.1), rank(s.1, logits.clone()))
            })
            .collect()
    }

    #[test]
    fn linear_is_the_weighted_sum_of_scaled_scores() {
        let fused = Fusion::Linear { rerank_weight: 0.75 }.fuse(&candidates(&[
            (10.0, -1.0),
            (20.0, -3.0),
            (15.0, 1.0),
        ]));
        assert_eq!(fused, [0.375, 0.25, 0.875]);
    }

    #[test]
    fn a_long_query_trusts_the_first_stage_more() {
        let weight = |words| match FusionPolicy::Auto.resolve(words) {
            Fusion::LogOdds { retrieval_weight } => retrieval_weight,
            other => panic!("{other}"),
        };
        for (words, expected) in [(0, 1.0), (10, 1.0), (15, 1.5), (20, 2.0), (9000, 2.0)] {
            assert!((weight(words) - expected).abs() < 1e-6, "{words}");
        }
        assert_eq!(FusionPolicy::from(Fusion::Rerank).resolve(60), Fusion::Rerank);
    }

    #[test]
    fn the_other_formulas_by_hand() {
        let all = candidates(&[(10.0, -1.0), (20.0, -3.0), (15.0, 1.0)]);
        let close = |fusion: &str, expected: [f32; 3]| {
            let fused = fusion.parse::<Fusion>().unwrap().fuse(&all);
            assert!(
                fused.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5),
                "{fusion}: {fused:?}"
            );
        };
        // Standard deviations are √(50/3) and √(8/3).
        let (x, y) = (5.0 / (50.0f32 / 3.0).sqrt(), 2.0 / (8.0f32 / 3.0).sqrt());
        close("zscore:0.5", [-0.5 * x, 0.5 * x - 0.5 * y, 0.5 * y]);
        close("rank-biased:0.5", [0.5 * 0.81 + 0.5 * 0.9, 0.5 + 0.5 * 0.81, 0.5 * 0.9 + 0.5]);
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        close(
            "calibrated:0.5",
            [0.5 * sigmoid(-1.0), 0.5 + 0.5 * sigmoid(-3.0), 0.25 + 0.5 * sigmoid(1.0)],
        );
        close(
            "position",
            [0.25 * sigmoid(-1.0), 0.75 + 0.25 * sigmoid(-3.0), 0.375 + 0.25 * sigmoid(1.0)],
        );
    }

    #[test]
    fn log_odds_are_added() {
        let fuse = |logits: [f32; 3]| {
            let all = candidates(&[(10.0, logits[0]), (20.0, logits[1]), (15.0, logits[2])]);
            Fusion::LogOdds { retrieval_weight: 2.0 }.fuse(&all)
        };
        let close = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
        let fuse = |logits| <[f32; 3]>::try_from(fuse(logits)).unwrap();
        // The mean of the first stage's scores is 15.
        let sums = [-1.0 + 4.0 / 3.0, -3.0 + 8.0 / 3.0, 3.0];
        assert!(close(fuse([-1.0, -3.0, 1.0]), sums));
        // Logits that spread more widely are scaled down: twice as wide is the same.
        assert!(close(fuse([-10.0, -30.0, 10.0]), fuse([-20.0, -60.0, 20.0])));
    }

    #[test]
    fn rrf_follows_the_paper() {
        let fused =
            Fusion::Rrf { k: 60.0 }.fuse(&candidates(&[(2.0, 1.0), (1.0, 3.0), (0.5, 2.0)]));
        assert_eq!(
            fused,
            [1.0 / 61.0 + 1.0 / 63.0, 1.0 / 62.0 + 1.0 / 61.0, 1.0 / 63.0 + 1.0 / 62.0]
        );
    }

    #[test]
    fn names_survive_a_round_trip() {
        for name in [
            "rerank",
            "retrieval",
            "rrf:60",
            "linear:0.7",
            "rrf:0",
            "linear:1",
            "zscore:0.5",
            "rank-biased:0.5",
            "calibrated:0.5",
            "log-odds:1.25",
            "position",
            "auto",
        ] {
            assert_eq!(name.parse::<FusionPolicy>().unwrap().to_string(), name);
        }
        for wrong in [
            "",
            "rr",
            "rrf:",
            "rrf:-1",
            "rrf:nan",
            "linear:1.5",
            "linear:x",
            "log-odds:-1",
            "rerank:2",
        ] {
            assert!(wrong.parse::<Fusion>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_was_not_read_comes_last_in_first_stage_order(
            scores in prop::collection::vec((0f32..30.0, -10f32..10.0), 2..30), read in 1usize..29
        ) {
            let mut all = candidates(&scores);
            for (i, c) in all.iter_mut().enumerate() {
                c.retrieval_rank = i as u32 + 1;
                if i >= read {
                    c.rerank = None;
                }
            }
            for fusion in ["rerank", "linear", "rrf", "zscore", "rank-biased", "calibrated", "log-odds", "position", "auto"] {
                let fusion: FusionPolicy = fusion.parse().unwrap();
                let fused = fusion.resolve(5).fuse(&all);
                let read = read.min(all.len());
                let worst_read = fused[..read].iter().copied().fold(f32::INFINITY, f32::min);
                for pair in fused[read..].windows(2) {
                    prop_assert!(pair[0] > pair[1]);
                }
                prop_assert!(fused[read..].iter().all(|score| *score < worst_read));
            }
        }

        #[test]
        fn finite_scores_and_any_parameters_give_finite_scores(
            scores in prop::collection::vec((any::<f32>(), any::<f32>()), 1..9), parameter in any::<f32>()
        ) {
            let finite = |x: f32| if x.is_finite() { x } else { f32::MAX.copysign(x) };
            let scores: Vec<_> = scores.iter().map(|s| (finite(s.0), finite(s.1))).collect();
            let mut all = candidates(&scores);
            all[0].rerank = None;
            let rerank_weight = parameter;
            for fusion in [
                Fusion::Rerank,
                Fusion::Retrieval,
                Fusion::Rrf { k: parameter },
                Fusion::Linear { rerank_weight },
                Fusion::ZScore { rerank_weight },
                Fusion::RankBiased { rerank_weight },
                Fusion::Calibrated { rerank_weight },
                Fusion::LogOdds { retrieval_weight: parameter },
                Fusion::PositionAware,
            ] {
                prop_assert!(fusion.fuse(&all).iter().all(|score| score.is_finite()), "{:?} {:?}", fusion, scores);
            }
        }

        #[test]
        fn linear_ignores_the_scale_of_the_scores(scores in prop::collection::vec((0f32..30.0, -10f32..10.0), 2..20)) {
            let doubled: Vec<_> = scores.iter().map(|s| (s.0 * 2.0, s.1 * 4.0)).collect();
            let linear = Fusion::Linear { rerank_weight: 0.7 };
            let a = linear.fuse(&candidates(&scores));
            let b = linear.fuse(&candidates(&doubled));
            prop_assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4));
        }
    }
}
