//! The first stage over an index of an engine. In: a request. Out: candidates, and for the hits their highlights, metadata
//! and explanations.
//!
//! A search is one request to the engine. What only hits need is asked for in a second one, while the candidates are
//! read: see [`crate::details`].

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use vizsla::{
    BoxError, Candidate, CandidateKey, Error, ErrorKind, Explanation, Matched, Metadata, Passage,
    Query, QueryNotes, QuerySyntax, Ranking, Retrieval, RetrieveRequest, Retriever, TimeLimits,
};

use crate::answer::{Answer, HIGHLIGHTED_CHARACTERS, Hit, Key, MARKS, highlights, words_of};
use crate::details::{Details, Source};
use crate::engine::Engine;
use crate::fields;
use crate::layout::Layout;
use crate::query::Prepared;

/// More candidates need a cursor, which nothing here is worth.
const MOST_CANDIDATES: usize = 10_000;

/// Finds passages in an index of an engine.
#[derive(Debug)]
pub(crate) struct EngineRetriever {
    engine: Arc<dyn Engine>,
    layout: Arc<Layout>,
}

impl EngineRetriever {
    pub(crate) fn new(engine: Arc<dyn Engine>, layout: Layout) -> Self {
        Self { engine, layout: Arc::new(layout) }
    }

    fn passage(&self, hit: &Hit) -> Result<Passage, Error> {
        let layout = &self.layout;
        if layout.own.is_some() {
            return fields::to_passage(&hit.source);
        }
        let field = |name: &Option<String>| name.as_deref().map(|name| text_of(&hit.source, name));
        let (index, key) = &hit.key;
        let id = match field(&layout.id) {
            Some(id) => id,
            // Documents of several indexes may have the same id.
            None if self.engine.address().index().contains(['*', ',']) => format!("{index}/{key}"),
            None => key.clone(),
        };
        let text = layout.read().map(|name| text_of(&hit.source, name));
        let text: Vec<String> = text.filter(|text| !text.is_empty()).collect();
        let mut passage = Passage::new(id, 0, text.join("\n"));
        passage.title = field(&layout.title).unwrap_or_default();
        passage.path = field(&layout.path).filter(|path| !path.is_empty());
        Ok(passage)
    }
}

/// The text of a field, which may lie within objects.
fn text_of(source: &Map<String, Value>, name: &str) -> String {
    let direct = source.get(name);
    let value = direct.or_else(|| {
        let (first, rest) = name.split_once('.')?;
        source.get(first)?.pointer(&format!("/{}", rest.replace('.', "/")))
    });
    match value {
        Some(Value::Number(number)) => number.to_string(),
        value => fields::strings(value).join("\n"),
    }
}

impl Retriever for EngineRetriever {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> Result<Box<dyn Retrieval + 'a>, BoxError> {
        let depth = request.depth.get();
        if depth > MOST_CANDIDATES {
            let message =
                format!("an engine gives at most {MOST_CANDIDATES} candidates, not {depth}");
            return Err(Error::new(ErrorKind::InvalidInput, message).into());
        }
        if request.syntax == QuerySyntax::Native {
            let message = "an engine is not asked in its own query language: leave out --syntax";
            return Err(Error::new(ErrorKind::Unsupported, message).into());
        }
        let query = request.parsed();
        let clauses = self.engine.clauses();
        let prepared = Prepared::new(clauses, &self.layout, &query, &request.filter)?;
        Ok(Box::new(EngineRetrieval {
            retriever: self,
            prepared,
            sent: Arc::default(),
            query,
            depth,
            time: request.time.clone(),
            dropped: Vec::new(),
            missing: None,
            matched: None,
            took: None,
            keys: HashMap::new(),
            details: Mutex::default(),
        }))
    }
}

/// One question to one index.
struct EngineRetrieval<'a> {
    retriever: &'a EngineRetriever,
    prepared: Prepared,
    /// The query as it was sent.
    sent: Arc<Value>,
    query: Query,
    depth: usize,
    time: TimeLimits,
    dropped: Vec<String>,
    missing: Option<String>,
    matched: Option<Matched>,
    took: Option<Duration>,
    /// What the engine knows the candidates by.
    keys: HashMap<CandidateKey, Key>,
    details: Mutex<Details>,
}

impl EngineRetrieval<'_> {
    fn layout(&self) -> &Layout {
        &self.retriever.layout
    }

    /// Searches, and again with less where too much was asked for.
    fn find(&mut self) -> Result<Answer, Error> {
        let ask = |of: &mut Self, all| -> Result<(Value, Answer), Error> {
            let query = of.prepared.to_json(of.retriever.engine.clauses(), of.layout(), all);
            let answer = of.retriever.engine.search(of.layout(), &query, of.depth, &of.time)?;
            of.took = answer.took.map(|took| took + of.took.unwrap_or_default());
            Ok((query, answer))
        };
        let (mut query, mut answer) = ask(self, false)?;
        if answer.hits.is_empty() && answer.missing.is_none() {
            self.dropped = self.nowhere()?;
            if !self.dropped.is_empty() {
                self.prepared = self.prepared.without(&self.dropped);
                (query, answer) = ask(self, false)?;
            }
            // A query of stop words alone has found nothing so far.
            if answer.hits.is_empty() && self.layout().own.is_some() {
                (query, answer) = ask(self, true)?;
            }
        }
        self.sent = Arc::new(query);
        Ok(answer)
    }

    /// The required clauses that no passage has.
    fn nowhere(&self) -> Result<Vec<String>, Error> {
        let mut nowhere = Vec::new();
        for (words, query) in self.prepared.required(self.retriever.engine.clauses()) {
            if !self.retriever.engine.has(self.layout(), &query, &self.time)? {
                nowhere.push(words.to_owned());
            }
        }
        Ok(nowhere)
    }

    fn details(&self) -> MutexGuard<'_, Details> {
        self.details.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn source(&self) -> Source<'_> {
        Source {
            engine: &self.retriever.engine,
            layout: &self.retriever.layout,
            query: &self.sent,
            time: &self.time,
        }
    }

    fn detail(&self, candidate: &Candidate) -> Option<Arc<Hit>> {
        let key = self.keys.get(&candidate.key())?;
        let mut details = self.details();
        if !details.is_asked(key) {
            // Nobody has said which candidates may be hits.
            details.ask(self.keys.values(), &self.source());
        }
        details.of(key)
    }
}

impl Retrieval for EngineRetrieval<'_> {
    fn candidates(&mut self) -> Result<Ranking<Candidate>, BoxError> {
        let answer = self.find()?;
        self.missing = answer.missing;
        self.matched = answer.matched;
        if self.prepared.left_out > 0 {
            let words =
                format!("the last {} words of the query were left out", self.prepared.left_out);
            self.missing = Some(
                self.missing.take().map_or(words.clone(), |missing| format!("{missing}; {words}")),
            );
        }
        let mut candidates = Vec::with_capacity(answer.hits.len());
        for hit in answer.hits {
            let candidate = Candidate::new(self.retriever.passage(&hit)?);
            // What an engine without ids has twice is one.
            if self.keys.insert(candidate.key(), hit.key).is_none() {
                candidates.push((hit.score, candidate));
            }
        }
        Ok(Ranking::new(candidates)?)
    }

    fn matched(&self) -> Option<Matched> {
        self.matched
    }

    fn engine_time(&self) -> Option<Duration> {
        self.took
    }

    fn degraded(&self) -> Option<String> {
        self.missing.clone()
    }

    fn prefetch(&mut self, candidates: &[&Candidate]) {
        let keys = candidates.iter().filter_map(|candidate| self.keys.get(&candidate.key()));
        self.details().ask(keys, &self.source());
    }

    fn query(&self) -> Option<&str> {
        Some(&self.query.text)
    }

    fn notes(&mut self) -> Result<QueryNotes, BoxError> {
        let mut notes = QueryNotes::default();
        notes.dropped.clone_from(&self.dropped);
        notes.excluded = self.query.excluded.iter().map(ToString::to_string).collect();
        Ok(notes)
    }

    fn highlight(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        let text = &candidate.passage.text;
        if text.len() > HIGHLIGHTED_CHARACTERS {
            return Vec::new();
        }
        if !self.retriever.engine.highlights() {
            return words_of(&self.query.text, text);
        }
        let Some(hit) = self.detail(candidate) else { return Vec::new() };
        if self.layout().own.is_none() {
            return foreign_highlights(self.layout(), &hit, text);
        }
        let full = candidate.passage.full_text();
        let from = full.len() - text.len();
        let marked = fields::strings(hit.highlight.get("content")).concat();
        let ranges = highlights(&marked, &full).unwrap_or_default().into_iter();
        ranges
            .filter(|range| range.start >= from)
            .map(|range| range.start - from..range.end - from)
            .collect()
    }

    fn words_in(&self, _: &Candidate) -> Vec<Range<usize>> {
        Vec::new()
    }

    fn metadata(&mut self, candidate: &Candidate) -> Result<Arc<Metadata>, BoxError> {
        let own = self.layout().own.is_some();
        let Some(hit) = self.detail(candidate) else { return Ok(Arc::default()) };
        if own {
            return Ok(fields::metadata(hit.source.get("metadata")));
        }
        // JSON has null where metadata has nothing.
        let source = hit.source.iter().filter(|(_, value)| !value.is_null());
        let values = source.map(|(name, value)| (name.clone(), value.clone()));
        Ok(fields::metadata(Some(&Value::Object(values.collect()))))
    }

    fn explain(&mut self, candidate: &Candidate) -> Result<Option<Explanation>, BoxError> {
        let Some(key) = self.keys.get(&candidate.key()) else { return Ok(None) };
        let told = self.retriever.engine.explain(self.layout(), &self.sent, key, &self.time)?;
        Ok(told.map(Explanation::Other))
    }
}

/// The marks of each field, at its place in the text that was made of all.
fn foreign_highlights(layout: &Layout, hit: &Hit, text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for name in layout.read() {
        let marked = fields::strings(hit.highlight.get(name)).join("\n");
        let plain = marked.replace(MARKS[0], "").replace(MARKS[1], "");
        let Some(at) = text.find(&plain).filter(|_| !plain.is_empty()) else { continue };
        let found = highlights(&marked, &plain).unwrap_or_default().into_iter();
        ranges.extend(found.map(|range| range.start + at..range.end + at));
    }
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| next.start < last.end);
    ranges
}
