//! What is counted, in the form that Prometheus reads. The names are those of Hugging Face's text-embeddings-inference
//! where they mean the same.

use std::fmt;
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use crate::error::ApiError;

/// Counters, gauges and histograms of one server.
pub(crate) struct Metrics(PrometheusRecorder);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// The kinds of request that are counted apart.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Rerank,
    Predict,
    Search,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Rerank => "te_request",
            Self::Predict => "te_predict",
            Self::Search => "vizsla_search",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // As text-embeddings-inference has them: 35 from 10 microseconds to about 10 seconds.
        let durations: Vec<f64> = (0..35).map(|n| 1e-5 * 1.5_f64.powi(n)).collect();
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("duration".to_owned()), &durations)
            .expect("there are buckets");
        Self(builder.build_recorder())
    }
}

impl Metrics {
    pub(crate) fn started(&self, kind: Kind) {
        with_local_recorder(&self.0, || {
            counter!(format!("{}_count", kind.prefix()), "method" => "single").increment(1);
        });
    }

    /// Counts how a request that was started ended.
    pub(crate) fn ended<T>(&self, kind: Kind, start: Instant, result: &Result<T, ApiError>) {
        match result {
            Ok(_) => self.succeeded(kind, start.elapsed()),
            Err(error) => self.failed(kind, error.label()),
        }
    }

    fn succeeded(&self, kind: Kind, took: Duration) {
        with_local_recorder(&self.0, || {
            counter!(format!("{}_success", kind.prefix()), "method" => "single").increment(1);
            histogram!(format!("{}_duration", kind.prefix())).record(took.as_secs_f64());
        });
    }

    /// Counts a failure; `label` is `validation`, `overloaded`, `inference` or `dropped`.
    pub(crate) fn failed(&self, kind: Kind, label: &'static str) {
        with_local_recorder(&self.0, || {
            counter!(format!("{}_failure", kind.prefix()), "err" => label).increment(1);
        });
    }

    /// Counts tokens that the model has read.
    pub(crate) fn read(&self, tokens: u64) {
        with_local_recorder(&self.0, || counter!("vizsla_tokens_read").increment(tokens));
    }

    /// All of it as text.
    pub(crate) fn text(&self, waiting: usize) -> String {
        with_local_recorder(&self.0, || gauge!("te_queue_size").set(waiting as f64));
        let handle = self.0.handle();
        handle.run_upkeep();
        handle.render()
    }
}
