//! One query against one snapshot of an index: parsed, analysed and corrected once.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tantivy::query::{EnableScoring, Query, QueryParser};
use tantivy::tokenizer::TextAnalyzer;
use tantivy::{DocAddress, DocId, Searcher, SegmentReader, TantivyError, Term};
use vizsla_core::{
    BoxError, Candidate, CandidateKey, Clause, Explanation, Matched, Metadata, PrefixNote,
    Query as ParsedQuery, QueryField, QueryNotes, QuerySyntax, Ranking, Retrieval, RetrieveRequest,
    Retriever, SpellingSuggestion,
};

use super::clauses::{self, ClauseFilter};
use super::counts::MatchCounts;
use super::filter::PreparedFilter;
use super::index_retriever::IndexRetriever;
use super::prefix;
use super::rm3::{self, Rm3};
use super::segments::{Passing, best_of_all};
use super::top_k::{self, OrderedScore, Shared};
use super::{Bm25Query, WeightedField, names, spelling, terms_of};
use crate::analysis::{Analyzer, WordGroup, highlight, terms_of_groups};
use crate::error::{Error, ErrorKind, Result};
use crate::index::{catch_panics, schema};

pub(crate) struct IndexRetrieval<'a> {
    retriever: &'a IndexRetriever,
    searcher: Searcher,
    request: RetrieveRequest,
    parsed: ParsedQuery,
    query: ScoredQuery,
    clauses: Option<ClauseFilter>,
    /// Words that no passage has, computed on demand.
    unknown: Option<Vec<Unknown>>,
    /// What a reranker reads.
    read_as: String,
    /// The terms whose words are highlighted.
    terms: HashSet<String>,
    /// Finds them, and remembers the stems of words from one passage to the next.
    marker: Mutex<TextAnalyzer>,
    /// What words with a star stood for.
    prefixes: Vec<PrefixNote>,
    /// How many passages were found.
    matched: Option<Matched>,
    /// The address of each candidate.
    addresses: HashMap<CandidateKey, DocAddress>,
}

/// A term that no passage has, or hardly any.
struct Unknown {
    term: String,
    /// As written in the query.
    word: String,
    /// The term most likely meant.
    nearest: String,
    /// A word of some passage whose term that is.
    suggestion: String,
    /// Whether some passage does have it.
    rare: bool,
}

/// A word in so few passages may be the beginning of another.
const RARE: u64 = 3;

/// A query prepared for one snapshot of the index.
enum ScoredQuery {
    Bm25(Bm25Query),
    Native(Box<dyn tantivy::query::Weight>),
}

impl<'a> IndexRetrieval<'a> {
    pub(super) fn new(retriever: &'a IndexRetriever, request: RetrieveRequest) -> Result<Self> {
        let searcher = retriever.index.reader.searcher();
        let mut prepared = Self {
            parsed: request.parsed(),
            query: ScoredQuery::Bm25(Bm25Query::empty(retriever.bm25)),
            clauses: None,
            unknown: None,
            read_as: String::new(),
            terms: HashSet::new(),
            marker: Mutex::new(retriever.index.analyzer.terms().clone()),
            prefixes: Vec::new(),
            matched: None,
            addresses: HashMap::new(),
            retriever,
            searcher,
            request,
        };
        if prepared.request.syntax == QuerySyntax::Native {
            prepared.prepare_native()?;
        } else {
            prepared.prepare_text()?;
        }
        Ok(prepared)
    }

    fn prepare_native(&mut self) -> Result<()> {
        let index = &self.retriever.index;
        check_nesting(&self.request.query)?;
        let invalid = |source: BoxError| {
            let message = format!("cannot read the query {:?}", self.request.query);
            Error::new(ErrorKind::InvalidQuery, message).with_source(source)
        };
        let query = QueryParser::for_index(&index.engine, vec![index.fields.content])
            .parse_query(&self.request.query)
            .map_err(|error| invalid(error.into()))?;
        self.terms = terms_of(&*query, index.fields.content);
        let scoring = EnableScoring::enabled_from_searcher(&self.searcher);
        let weight = query.weight(scoring).map_err(|error| match error {
            // Such as `field:*` with a field that is not there or has no column.
            TantivyError::FieldNotFound(_)
            | TantivyError::SchemaError(_)
            | TantivyError::InvalidArgument(_) => invalid(error.into()),
            error => index.failed("search", error),
        })?;
        self.query = ScoredQuery::Native(weight);
        self.read_as.clone_from(&self.request.query);
        Ok(())
    }

    fn prepare_text(&mut self) -> Result<()> {
        self.clauses = self.prepare_clauses().map_err(|error| self.failed(error))?;
        let mut groups = self.analyzer().groups(&self.parsed.text);
        self.expand_prefixes(&mut groups)?;
        self.read_as.clone_from(&self.parsed.text);
        self.terms = terms_of_groups(&groups);
        if self.retriever.corrects && self.has_time()? {
            let unknown = self.find_unknown()?;
            for Unknown { term, nearest, .. } in unknown.iter().filter(|unknown| !unknown.rare) {
                if let Some(group) = groups.iter_mut().find(|group| group.term() == term) {
                    group.terms = WordGroup::of(nearest.clone()).terms;
                }
            }
            for suggestion in self.suggestions(&unknown).iter().filter(|found| found.used) {
                self.read_as = suggestion.apply(&self.read_as);
            }
            self.unknown = Some(unknown);
            self.terms.extend(terms_of_groups(&self.analyzer().groups(&self.read_as)));
        }
        self.query = ScoredQuery::Bm25(self.bm25_query(&groups)?);
        if let Some(rm3) = self.retriever.rm3
            && self.has_time()?
        {
            let expanded = self.expanded(&groups, rm3)?;
            self.query = ScoredQuery::Bm25(self.bm25_query(&expanded)?);
        }
        Ok(())
    }

    /// Whether there is time for what only improves the query. What it needs to be answered at all is done regardless.
    fn has_time(&self) -> Result<bool> {
        self.check_cancelled()?;
        Ok(!self.request.time.is_past_deadline())
    }

    fn check_cancelled(&self) -> Result<()> {
        if self.request.time.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "the search was cancelled"));
        }
        Ok(())
    }

    fn prepare_clauses(&self) -> tantivy::Result<Option<ClauseFilter>> {
        let analyzer = self.analyzer();
        let fields = self.retriever.index.fields;
        let clauses = ClauseFilter::new(&self.searcher, &self.parsed, |clause| {
            clauses::places(&self.searcher, fields, analyzer, clause)
        })?;
        // Ordinary words alone, as of a title, say nothing each by itself; what has them side by side was meant.
        let text = &self.parsed.text;
        if self.parsed.required.is_empty() && analyzer.only_stop_words(text) {
            let title = clauses::phrase(fields.content, analyzer, text);
            return ClauseFilter::prefer(clauses, &self.searcher, &title);
        }
        Ok(clauses)
    }

    /// Lets each word with a star stand for those that begin so, and likewise a shortened hash that no passage has.
    fn expand_prefixes(&mut self, groups: &mut Vec<WordGroup>) -> Result<()> {
        let text = &self.parsed.text;
        let mut prefixes = self.parsed.prefixes.clone();
        for group in groups.iter() {
            let letters = text.get(group.range.clone()).unwrap_or_default();
            if prefix::is_shortened_hash(letters)
                && self.passages_with(group).map_err(|error| self.failed(error))? == 0
            {
                prefixes.push(letters.to_owned());
            }
        }
        for letters in prefixes {
            let content = self.retriever.index.fields.content;
            let word = self.analyzer().without_elision(&letters);
            let expanded = prefix::expanded(&self.searcher, content, self.analyzer(), word);
            let (group, words) = expanded.map_err(|error| self.failed(error))?;
            if words == 0 && !self.parsed.prefixes.contains(&letters) {
                continue;
            }
            let place = groups.iter().position(|known| text.get(known.range.clone()) == Some(word));
            let used = words.min(prefix::EXPANDED);
            self.prefixes.push(PrefixNote { prefix: word.to_owned(), words, used });
            match place.and_then(|place| groups.get_mut(place)) {
                Some(known) => *known = group,
                None => groups.push(group),
            }
        }
        Ok(())
    }

    /// The query's terms expanded with words from its own best passages.
    fn expanded(&self, groups: &[WordGroup], rm3: Rm3) -> Result<Vec<WordGroup>> {
        let (best, _) = self.ranking(rm3.passages(), |_, _| {})?;
        let best: Vec<_> =
            best.into_iter().map(|best| (best.score, best.item.passage.full_text())).collect();
        let count = self.searcher.num_docs().max(1) as f64;
        let frequency = |term: &str| {
            let term = Term::from_field_text(self.retriever.index.fields.content, term);
            Ok(self.searcher.doc_freq(&term)? as f64 / count)
        };
        rm3::expand(groups, &best, rm3, self.analyzer(), frequency)
            .map_err(|error| self.failed(error))
    }

    fn bm25_query(&self, groups: &[WordGroup]) -> Result<Bm25Query> {
        let (weights, index) = (self.retriever.weights, &self.retriever.index);
        if weights.body() > 0.0 && !index.settings.separate_body {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "the index has no field for texts without title and headings: make it with a separate body to weigh it",
            ));
        }
        let fields = index.fields;
        let asked = |clause: &Clause| clause.field == Some(QueryField::Path);
        let path = if self.parsed.required.iter().any(asked) {
            weights.path().max(1.0)
        } else {
            weights.path()
        };
        let weighted = [
            (fields.content, weights.content()),
            (fields.title, weights.title()),
            (fields.headings, weights.headings()),
            (fields.path_words, path),
            (fields.body, weights.body()),
        ];
        let mut scored = Vec::new();
        for (field, weight) in weighted.into_iter().filter(|(_, weight)| *weight > 0.0) {
            let mut groups = groups.to_vec();
            if field == fields.path_words {
                names::drop_common(&self.searcher, fields, &mut groups)
                    .map_err(|error| self.failed(error))?;
            }
            scored.push((WeightedField { field, weight }, groups));
        }
        if self.is_id()? {
            // A word counts at most k1 + 1 times its weight, so that the words of no other text come to as much.
            let weight = weights.content() * (self.retriever.bm25.k1() + 2.0);
            let field =
                WeightedField { field: fields.doc_id, weight: weight * groups.len() as f32 };
            let ids = names::ids(&self.searcher, fields, self.parsed.text.trim());
            scored.push((field, vec![ids.map_err(|error| self.failed(error))?]));
        }
        Bm25Query::prepare(&self.searcher, scored, self.retriever.bm25)
            .map_err(|error| self.failed(error))
    }

    /// Whether the query is nothing but the id of a document.
    fn is_id(&self) -> Result<bool> {
        let id = self.parsed.text.trim();
        names::is_id(&self.searcher, self.retriever.index.fields, id)
            .map_err(|error| self.failed(error))
    }

    /// Addresses of the best passages over all segments; more than `depth` when several tie at the cutoff.
    fn find(&self, query: &ScoredQuery, depth: usize) -> Result<(Vec<(f32, DocAddress)>, Matched)> {
        let filter = PreparedFilter::new(&self.request.filter, self.retriever.index.fields)?;
        let passing = |segment: &SegmentReader| self.passing(filter.as_ref(), segment);
        best_of_all(&self.searcher, depth, passing, |segment, shared, passes| {
            query.best(segment, depth, shared, passes)
        })
        .map_err(|error: tantivy::TantivyError| self.failed(error))
    }

    /// The passages of a segment that the filter and the query's operators let pass.
    fn passing(
        &self,
        filter: Option<&PreparedFilter<'_>>,
        segment: &SegmentReader,
    ) -> tantivy::Result<Passing> {
        let mut passing = filter.map(|filter| filter.passing(segment)).transpose()?;
        if let Some(clauses) = &self.clauses {
            let all = || vec![true; segment.max_doc() as usize];
            clauses.apply(segment, passing.get_or_insert_with(all));
        }
        Ok(passing)
    }

    /// Counts what the query matches, by file. Cost: reads all postings of the query's words.
    fn counts(&self) -> Result<MatchCounts> {
        let filter = PreparedFilter::new(&self.request.filter, self.retriever.index.fields)?;
        let count = || -> tantivy::Result<MatchCounts> {
            let mut counts = MatchCounts::default();
            for segment in self.searcher.segment_readers() {
                let mut matching = self.query.matching(segment)?;
                if let Some(passing) = self.passing(filter.as_ref(), segment)? {
                    matching.iter_mut().zip(passing).for_each(|(doc, passes)| *doc &= passes);
                }
                counts.add(segment, &matching)?;
            }
            Ok(counts)
        };
        count().map_err(|error| self.failed(error))
    }

    /// The best passages; `place` is told where each of them lies.
    fn ranking(
        &self,
        depth: usize,
        mut place: impl FnMut(&Candidate, DocAddress),
    ) -> Result<(Ranking<Candidate>, Matched)> {
        let load = |(score, address)| {
            let candidate = Candidate::new(self.retriever.index.load(&self.searcher, address)?);
            place(&candidate, address);
            Ok((score, candidate))
        };
        let (found, matched) = self.find(&self.query, depth)?;
        let found = found.into_iter().map(load).collect::<Result<Vec<_>>>()?;
        let mut ranking = Ranking::new(found).map_err(|error| {
            Error::new(ErrorKind::Internal, "BM25 gave a score that is not finite")
                .with_source(error)
        })?;
        ranking.truncate(depth);
        Ok((ranking, matched))
    }

    /// The first few words of the query that no passage has, and those that are hardly in any but begin a common word.
    fn find_unknown(&self) -> Result<Vec<Unknown>> {
        let content = self.retriever.index.fields.content;
        let text = &self.parsed.text;
        let mut unknown = Vec::new();
        if self.is_id()? {
            return Ok(unknown);
        }
        let mut looked_at = 0;
        for group in self.analyzer().groups(text).into_iter().filter(|group| group.plain) {
            let passages = self.passages_with(&group).map_err(|error| self.failed(error))?;
            let letters = text.get(group.range.clone()).unwrap_or_default();
            if self.analyzer().only_stop_words(letters) {
                continue;
            }
            let expanded = self.prefixes.iter().any(|note| note.prefix == letters);
            if passages > RARE || expanded {
                continue;
            }
            looked_at += 1;
            if looked_at > self.retriever.limits.suggestions {
                break;
            }
            let term = group.term().to_owned();
            let word = letters.to_owned();
            let nearest = if passages == 0 {
                spelling::nearest(&self.searcher, content, self.analyzer(), &word, &term)
            } else {
                spelling::far_more_common(&self.searcher, content, &term, passages)
            };
            if let Some(nearest) = nearest.map_err(|error| self.failed(error))?
                && let Some(suggestion) = self.as_written(&nearest)?
            {
                unknown.push(Unknown { term, word, nearest, suggestion, rare: passages > 0 });
            }
        }
        Ok(unknown)
    }

    /// In how many passages a word is, in its most frequent spelling; its being in a name counts as well.
    fn passages_with(&self, group: &WordGroup) -> tantivy::Result<u64> {
        let fields = self.retriever.index.fields;
        let named = self.retriever.weights.path() > 0.0;
        let fields = [Some(fields.content), named.then_some(fields.path_words)];
        let mut passages = 0;
        for field in fields.into_iter().flatten() {
            for (term, _) in &group.terms {
                let term = Term::from_field_text(field, term);
                passages = passages.max(self.searcher.doc_freq(&term)?);
            }
        }
        Ok(passages)
    }

    fn suggestions(&self, unknown: &[Unknown]) -> Vec<SpellingSuggestion> {
        let suggest = |Unknown { word, suggestion, rare, .. }: &Unknown| SpellingSuggestion {
            word: word.clone(),
            suggestion: suggestion.clone(),
            used: self.retriever.corrects && !rare,
            rare: *rare,
        };
        unknown.iter().map(suggest).collect()
    }

    /// A word, as written in the best passage that has it, whose term is `term`. `None` when the search would not find
    /// it, for the filter or for being an ordinary word.
    fn as_written(&self, term: &str) -> Result<Option<String>> {
        let query = ScoredQuery::Bm25(self.bm25_query(&[WordGroup::of(term)])?);
        let (best, _) = self.find(&query, 1)?;
        let Some((_, address)) = best.first() else { return Ok(None) };
        let text = self.retriever.index.load(&self.searcher, *address)?.full_text();
        let found = highlight(&mut self.marker(), &HashSet::from([term.to_owned()]), &text)
            .into_iter()
            .next();
        let word = found.map_or_else(|| term.to_owned(), |range| text[range].to_lowercase());
        Ok((!self.analyzer().only_stop_words(&word)).then_some(word))
    }

    fn address(&self, candidate: &Candidate) -> Option<DocAddress> {
        self.addresses.get(&candidate.key()).copied()
    }

    fn marker(&self) -> MutexGuard<'_, TextAnalyzer> {
        self.marker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn analyzer(&self) -> &'a Analyzer {
        &self.retriever.index.analyzer
    }

    fn failed(&self, error: tantivy::TantivyError) -> Error {
        self.retriever.index.failed("search", error)
    }
}

impl IndexRetriever {
    /// Counts all that a request matches, whatever its depth. Cost: reads every posting of the query's words, some
    /// milliseconds for a million passages.
    ///
    /// # Errors
    /// As those of retrieving.
    pub fn counts(&self, request: &RetrieveRequest) -> Result<MatchCounts> {
        catch_panics(self.index.dir(), || IndexRetrieval::new(self, request.clone())?.counts())?
    }
}

impl Retriever for IndexRetriever {
    fn prepare<'a>(
        &'a self,
        request: &RetrieveRequest,
    ) -> std::result::Result<Box<dyn Retrieval + 'a>, BoxError> {
        let prepare = || IndexRetrieval::new(self, request.clone());
        Ok(Box::new(catch_panics(self.index.dir(), prepare)??))
    }
}

/// Parentheses and negations of a query in tantivy's language: its parser calls itself for each, on the caller's stack.
const MOST_NESTED: usize = 200;

/// # Errors
/// [`ErrorKind::InvalidQuery`] for a query that could be nested too deeply to be parsed.
fn check_nesting(query: &str) -> Result<()> {
    let negations = query.split_whitespace().filter(|word| *word == "NOT").count();
    let opening = query.matches(['(', '[', '{']).count();
    if negations + opening <= MOST_NESTED {
        return Ok(());
    }
    let message = format!(
        "a query has at most {MOST_NESTED} parentheses and NOTs, not {}",
        negations + opening
    );
    Err(Error::new(ErrorKind::InvalidQuery, message))
}

impl Retrieval for IndexRetrieval<'_> {
    fn candidates(&mut self) -> std::result::Result<Ranking<Candidate>, BoxError> {
        self.check_cancelled()?;
        let depth = self.request.depth.get();
        let mut addresses = HashMap::new();
        let place = |candidate: &Candidate, address| {
            addresses.insert(candidate.key(), address);
        };
        let found = catch_panics(self.retriever.index.dir(), || self.ranking(depth, place))??;
        let (ranking, matched) = found;
        self.addresses = addresses;
        self.matched = Some(matched);
        Ok(ranking)
    }

    fn query(&self) -> Option<&str> {
        Some(&self.read_as)
    }

    fn matched(&self) -> Option<Matched> {
        self.matched
    }

    fn notes(&mut self) -> std::result::Result<QueryNotes, BoxError> {
        let mut notes = QueryNotes::default();
        if self.request.syntax == QuerySyntax::Native {
            return Ok(notes);
        }
        let unknown = match self.unknown.take() {
            Some(unknown) => unknown,
            None => catch_panics(self.retriever.index.dir(), || self.find_unknown())??,
        };
        notes.suggestions = self.suggestions(&unknown);
        self.unknown = Some(unknown);
        if let Some(clauses) = &self.clauses {
            notes.dropped.clone_from(&clauses.dropped);
        }
        notes.prefixes.clone_from(&self.prefixes);
        notes.excluded = self.parsed.excluded.iter().map(ToString::to_string).collect();
        Ok(notes)
    }

    fn highlight(&self, candidate: &Candidate) -> Vec<Range<usize>> {
        highlight(&mut self.marker(), &self.terms, &candidate.passage.text)
    }

    fn metadata(&mut self, candidate: &Candidate) -> std::result::Result<Arc<Metadata>, BoxError> {
        let Some(address) = self.address(candidate) else {
            return Ok(Arc::clone(&candidate.passage.metadata));
        };
        let ordinal = candidate.passage.ordinal;
        Ok(self.retriever.index.load_metadata(&self.searcher, address, ordinal)?)
    }

    fn explain(
        &mut self,
        candidate: &Candidate,
    ) -> std::result::Result<Option<Explanation>, BoxError> {
        let (ScoredQuery::Bm25(query), Some(address)) = (&self.query, self.address(candidate))
        else {
            return Ok(None);
        };
        let segment = self.searcher.segment_reader(address.segment_ord);
        Ok(query.explain(segment, address.doc_id)?.map(Explanation::Bm25))
    }
}

impl ScoredQuery {
    /// For each passage of a segment, whether it has any word of the query.
    fn matching(&self, segment: &SegmentReader) -> tantivy::Result<Vec<bool>> {
        match self {
            Self::Bm25(query) => query.matching(segment),
            Self::Native(weight) => {
                let mut matching = vec![false; segment.max_doc() as usize];
                weight.for_each_no_score(segment, &mut |docs| {
                    docs.iter().for_each(|doc| matching[*doc as usize] = true);
                })?;
                Ok(matching)
            }
        }
    }

    /// The best passages of a segment; ties at the cutoff are broken by document id, file and ordinal.
    fn best(
        &self,
        segment: &SegmentReader,
        depth: usize,
        shared: &Shared,
        passes: &dyn Fn(DocId) -> bool,
    ) -> tantivy::Result<Vec<(DocId, f32)>> {
        let ids = segment.fast_fields().str(schema::DOC_ID)?;
        let paths = segment.fast_fields().str(schema::PATH)?;
        let ordinals = segment.fast_fields().u64(schema::ORDINAL)?;
        // Within a segment, term ordinals of ids and paths sort like the terms themselves.
        let tie_break = |doc| {
            let id = ids.as_ref().and_then(|ids| ids.ords().first(doc));
            let path = paths.as_ref().and_then(|paths| paths.ords().first(doc));
            (id, path, ordinals.first(doc))
        };
        match self {
            Self::Bm25(query) => top_k::best(query, segment, depth, shared, passes, tie_break),
            Self::Native(weight) => {
                let mut matching = Vec::new();
                weight.for_each(segment, &mut |doc, score| {
                    if passes(doc) {
                        matching.push((doc, OrderedScore(score)));
                    }
                })?;
                shared.count(matching.len() as u64, false);
                let best = top_k::cut(matching, depth, tie_break);
                Ok(best.into_iter().map(|(doc, score)| (doc, score.0)).collect())
            }
        }
    }
}
