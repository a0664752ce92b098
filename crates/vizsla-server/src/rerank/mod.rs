//! Reranking for the clients of other servers: one handler on all of their paths. In: a query and texts in some dialect.
//! Out: scores in the same dialect, best first.

mod answer;
mod request;
mod score;
mod spans;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State as Shared;
use axum::http::{HeaderName, HeaderValue, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use vizsla::Reranker;

use self::answer::Answer;
use self::request::Call;
use self::score::score;
use crate::admission::Admission;
use crate::api::body::JsonObject;
use crate::error::{ApiError, Asking, Refusing, Sending};
use crate::guard::RequestId;
use crate::metrics::Kind;
use crate::state::{State, Work};

pub(crate) fn routes() -> Router<Arc<State>> {
    let mut router = Router::new().route("/info", get(info));
    for path in
        ["/rerank", "/v1/rerank", "/v2/rerank", "/predict", "/score", "/v1/score", "/invocations"]
    {
        router = router.route(path, post(handle));
    }
    // The page is read at the same path.
    router.route("/", post(handle))
}

/// Scores texts, or pairs of texts.
#[utoipa::path(
    post,
    path = "/rerank",
    description = "Scores texts for a query, in the dialect of the body: `texts` is that of text-embeddings-inference, `top_k` that of \
        Voyage, everything else that of Cohere, Jina and vLLM. Pairs, `inputs` as in text-embeddings-inference or `text_1` and `text_2` as in vLLM, are scored in \
        their order. Also at /v1/rerank, /v2/rerank, /predict, /score, /v1/score, / and /invocations.",
    request_body(content = Object, content_type = "application/json", example = json!({"query": "which dog retrieves?", "texts": ["a vizsla"]})),
    responses(
        (status = 200, description = "Scores, best first, in the same dialect", body = Value),
        Asking,
        Sending,
    )
)]
pub(crate) async fn handle(
    Shared(state): Shared<Arc<State>>,
    uri: Uri,
    Extension(RequestId(id)): Extension<RequestId>,
    JsonObject(body): JsonObject,
) -> Result<Response, ApiError> {
    let kind = if request::is_of_pairs(&body) { Kind::Predict } else { Kind::Rerank };
    state.metrics.started(kind);
    let start = Instant::now();
    let mut leaving = Leaving { state: &state, kind, answered: false };
    let result = rerank(&state, uri.path(), &body, &id).await;
    leaving.answered = true;
    state.metrics.ended(kind, start, &result);
    let mut response = result?;
    let milliseconds = HeaderValue::from(start.elapsed().as_millis() as u64);
    for name in ["x-total-time", "x-inference-time"] {
        response.headers_mut().insert(HeaderName::from_static(name), milliseconds.clone());
    }
    Ok(response)
}

/// Counts a client that left before its answer.
struct Leaving<'a> {
    state: &'a State,
    kind: Kind,
    answered: bool,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.state.metrics.failed(self.kind, "dropped");
        }
    }
}

async fn rerank(
    state: &Arc<State>,
    path: &str,
    body: &serde_json::Map<String, Value>,
    id: &str,
) -> Result<Response, ApiError> {
    let call = Call::read(path, body, state.options.documents)?;
    let reranker = state.reranker.clone().ok_or_else(|| {
        ApiError::backend("this server has no model: start it without --fusion bm25")
    })?;
    let tokens = call.pairs.iter().map(|(query, text)| Admission::estimate(query, [text.as_str()]));
    let tokens: usize = tokens.sum();
    // For spans, what is returned is read once more.
    let times = if call.spans.is_some() { 2 } else { 1 };
    let admitted = state.admission.admit(tokens.saturating_mul(times))?;
    let work = Work::within(state.options.request_timeout);
    let limits = work.limits();
    let start = Instant::now();
    let answer = work
        .run(move || {
            let scored = score(&reranker, &call, &limits)?;
            let (spans, span_tokens) = match call.spans {
                Some(spans) => spans::find(&reranker, &call, &scored, (spans, &limits))?,
                None => Default::default(),
            };
            // Held until the work ends, and not until the client leaves.
            admitted.done();
            Ok(Answer { scored, spans, span_tokens, model: reranker.name().to_owned(), call })
        })
        .await?;
    state.metrics.read(answer.tokens());
    Ok(answer.into_response(id, start.elapsed()))
}

/// What is served, in the form of text-embeddings-inference.
#[utoipa::path(get, path = "/info", responses((status = 200, description = "The model and the limits", body = Object), Refusing))]
pub(crate) async fn info(Shared(state): Shared<Arc<State>>) -> Json<Value> {
    let options = &state.options;
    Json(json!({
        "model_id": state.model(),
        "model_sha": null,
        "model_dtype": "float32",
        "served_model_name": state.model(),
        "model_type": {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
        "max_concurrent_requests": options.connections,
        "max_input_length": 512,
        "max_batch_tokens": options.waiting_tokens,
        "max_batch_requests": null,
        "max_client_batch_size": options.documents,
        "auto_truncate": true,
        "tokenization_workers": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "sha": null,
        "docker_label": null,
        "indexes": state.indexes.iter().map(|index| &index.name).collect::<Vec<_>>(),
    }))
}
