//! The tool `search`. In: its arguments. Out: the best documents with their best passages, within a number of tokens.

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;
use vizsla::{
    CancelHandle, Candidate, Filter, Hit, Location, Ranking, SearchObserver, SearchRequest,
    SearchResponse,
};

use super::arguments::Arguments;
use super::fit;
use crate::api::request::globs;
use crate::error::ApiError;
use crate::names;
use crate::state::{Searchable, State};

pub(super) const DEFAULT_LIMIT: usize = 8;
pub(super) const MAX_LIMIT: u64 = 50;
pub(super) const DEFAULT_TOKENS: usize = 2_000;
pub(super) const MIN_TOKENS: u64 = 200;
pub(super) const MAX_TOKENS: u64 = 10_000;

/// Less of a passage says too little.
const LEAST_TEXT: usize = 160;
/// Most of a title, in bytes.
const TITLE: usize = 160;
/// Most of each reason and note, in bytes.
const NOTE: usize = 240;
/// Most notes.
const NOTES: usize = 4;

/// How far a search is: passages read, of how many.
pub(super) type Report = (usize, usize);

/// What is asked for.
#[derive(Debug)]
pub(super) struct Question {
    query: String,
    limit: usize,
    filter: Filter,
    min_probability: Option<f32>,
    room: usize,
    pub(super) index: Option<String>,
}

impl Question {
    pub(super) fn new(mut given: Arguments, several: bool) -> Result<Self, ApiError> {
        let query = given.required("query")?;
        let limit = given.integer("limit", 1..=MAX_LIMIT)?.unwrap_or(DEFAULT_LIMIT);
        let mut filter = Filter::default();
        filter.paths = given.list("path")?.iter().flat_map(|path| globs(path)).collect();
        filter.extensions = given.list("ext")?;
        let tokens = given.integer("max_tokens", MIN_TOKENS..=MAX_TOKENS)?;
        let room = fit::bytes(tokens.unwrap_or(DEFAULT_TOKENS));
        let min_probability = given.fraction("min_probability")?;
        let index = if several { given.text("index")? } else { None };
        given.finish()?;
        Ok(Self { query, limit, filter, min_probability, room, index })
    }

    /// Searches; blocks. `reports` is told of progress.
    pub(super) fn answer(
        &self,
        state: &State,
        cancel: CancelHandle,
        reports: Option<UnboundedSender<Report>>,
    ) -> Result<Value, ApiError> {
        let searchable = state.searchable(self.index.as_deref())?;
        let mut request = SearchRequest::new(&self.query)
            .with_limit(self.limit)
            .with_depth(state.options.depth)
            .with_filter(self.filter.clone())
            .with_budget(state.options.request_timeout)
            .with_cancel(cancel)
            .with_retrieval_fallback()
            .with_notes();
        if let Some(least) = self.min_probability {
            request = request.with_min_probability(least);
        }
        let response = searchable.engine.search_with(&request, &mut Progress::new(reports))?;
        let read = response.stages.rerank.as_ref().map_or(0, |stage| stage.tokens);
        state.metrics.read(read);
        self.fitted(searchable, &response)
    }

    fn fitted(
        &self,
        searchable: &Searchable,
        response: &SearchResponse,
    ) -> Result<Value, ApiError> {
        let rest = self.about(searchable, response)?;
        // As many results as have room for enough of their texts to be of use.
        let fitted = (0..=response.hits.len()).rev().find_map(|count| {
            let hits = &response.hits[..count];
            let lengths: Vec<usize> = hits.iter().map(|hit| hit.passage.text.len()).collect();
            let mut each = 0;
            let answer = fit::largest(self.room, |size| {
                each = fit::share(&lengths, size);
                with_results(hits, each, response.hits.len() - count, &rest)
            });
            answer.filter(|_| count < 2 || each >= LEAST_TEXT)
        });
        fitted.ok_or_else(|| {
            ApiError::over_limit("the answer does not fit even without results: raise max_tokens")
        })
    }

    /// What there is to say besides the results.
    fn about(
        &self,
        searchable: &Searchable,
        response: &SearchResponse,
    ) -> Result<Map<String, Value>, ApiError> {
        let mut about = Map::new();
        about.insert("degraded".to_owned(), degraded(response).map(|why| cut(&why, NOTE)).into());
        let suggestions = response.notes.suggestions.iter().filter(|suggestion| !suggestion.used);
        let meant: Vec<String> =
            suggestions.take(NOTES).map(|s| cut(&s.suggestion, NOTE)).collect();
        about.insert("did_you_mean".to_owned(), meant.into());
        let mut notes = response.notes.clone();
        notes.suggestions.clear();
        let mut notes = notes.sentences();
        if response.hits.is_empty() {
            notes.push(self.why_nothing(searchable, response)?);
        } else if response.hits.len() == self.limit && response.stages.fuse.documents > self.limit {
            let more = response.stages.fuse.documents - self.limit;
            notes.push(format!("limit left out {more} more: raise it, up to {MAX_LIMIT}"));
        }
        if !notes.is_empty() {
            let notes: Vec<String> = notes.iter().take(NOTES).map(|note| cut(note, NOTE)).collect();
            about.insert("notes".to_owned(), notes.into());
        }
        Ok(about)
    }

    fn why_nothing(
        &self,
        searchable: &Searchable,
        response: &SearchResponse,
    ) -> Result<String, ApiError> {
        let mut only_files = Filter::default();
        only_files.paths.clone_from(&self.filter.paths);
        Ok(if searchable.index.is_empty()? {
            "the index is empty: `vizsla index FOLDER` fills it".to_owned()
        } else if !self.filter.paths.is_empty() && searchable.index.files(&only_files)?.is_empty() {
            "no indexed file matches path: leave it out, or see the folders in status".to_owned()
        } else if !self.filter.is_empty() && response.stages.retrieve.candidates == 0 {
            "nothing matches within path and ext: leave them out, or use other words".to_owned()
        } else if self.min_probability.is_some() && response.stages.retrieve.candidates > 0 {
            "nothing is as probable as min_probability: lower it".to_owned()
        } else {
            "nothing matches: use other words, or fewer quotes and minus signs".to_owned()
        })
    }
}

/// Tells another thread how far a search is.
struct Progress {
    reports: Option<UnboundedSender<Report>>,
}

impl Progress {
    fn new(reports: Option<UnboundedSender<Report>>) -> Self {
        Self { reports }
    }

    fn send(&self, report: Report) {
        // Nobody listens any more when the request is over.
        let _ = self.reports.as_ref().map(|reports| reports.send(report));
    }
}

impl SearchObserver for Progress {
    fn retrieved(&mut self, candidates: &Ranking<Candidate>) {
        self.send((0, candidates.len()));
    }

    fn reranked(&mut self, read: usize, total: usize) {
        self.send((read, total));
    }

    fn step(&self) -> usize {
        if self.reports.is_some() { 8 } else { 0 }
    }
}

/// Why the order is not the one that the model gives.
fn degraded(response: &SearchResponse) -> Option<String> {
    let unread = response.stages.rerank.as_ref().map_or(0, |stage| stage.unread);
    let late = || {
        let all = response.stages.retrieve.candidates;
        format!("the model had no time to read {unread} of {all} candidates: ask again")
    };
    response.degraded.clone().or_else(|| (unread > 0).then(late))
}

fn with_results(hits: &[Hit], each: usize, left_out: usize, rest: &Map<String, Value>) -> Value {
    let results: Vec<Value> = hits.iter().map(|hit| result(hit, each)).collect();
    let mut answer = Map::new();
    answer.insert("results".to_owned(), results.into());
    answer.insert("truncated".to_owned(), (left_out > 0).into());
    answer.extend(rest.clone());
    if left_out > 0 {
        let hint = format!("max_tokens left out {left_out} more: raise it, up to {MAX_TOKENS}");
        answer.insert("left_out".to_owned(), left_out.into());
        answer.insert("hint".to_owned(), hint.into());
    }
    Value::Object(answer)
}

fn result(hit: &Hit, text: usize) -> Value {
    let mut result = Map::new();
    let mut add = |name: &str, value: Value| result.insert(name.to_owned(), value);
    add("id", names::public_id(hit.path.as_deref(), &hit.doc_id).into());
    add("title", cut(title(&hit.title, &hit.doc_id), TITLE).into());
    add("url", url(hit).into());
    add("text", fit::excerpt(&hit.passage.text, hit.passage.snippet.start, text).into());
    if let Some(path) = &hit.path {
        add("path", path.as_str().into());
    }
    match &hit.passage.location {
        Location::Lines { first, last } => add("lines", json!([first, last])),
        _ => add("place", cut(&hit.place, TITLE).into()),
    };
    add("score", rounded(hit.score));
    if let Some(probability) = hit.scores.rerank_probability {
        add("probability", rounded(probability));
    }
    Value::Object(result)
}

/// The document's own address, else that of its file.
fn url(hit: &Hit) -> String {
    own_url(&hit.metadata).or_else(|| hit.link.clone()).unwrap_or_default()
}

/// The address that a document gives itself.
pub(super) fn own_url(metadata: &vizsla::Metadata) -> Option<String> {
    let url = metadata.get("url").map(ToString::to_string)?;
    (url.starts_with("https://") || url.starts_with("http://")).then_some(url)
}

/// A title, or the last part of an id.
pub(super) fn title<'a>(title: &'a str, id: &'a str) -> &'a str {
    let name = id.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(id);
    if title.trim().is_empty() { name } else { title }
}

/// The beginning of a text.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    fit::excerpt(text, 0, bytes)
}

/// More digits would only take room.
fn rounded(number: f32) -> Value {
    json!((f64::from(number) * 1e4).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_titles_are_short() {
        assert_eq!(rounded(0.812_345).to_string(), "0.8123");
        assert_eq!(rounded(1.0).to_string(), "1.0");
        assert_eq!(title(" ", "/a/b.md"), "b.md");
        assert_eq!(title("B", "/a/b.md"), "B");
    }
}
