//! `vizsla search`: a question, and the passages that answer it.

use std::collections::HashMap;
use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context;
use vizsla::{
    Engine, ErrorKind, Filter, Hit, Index, QuerySyntax, SearchRequest, SearchResponse,
    SearchSettings,
};
use vizsla_eval::trec;

use crate::Outcome;
use crate::args::{Format, SearchArgs};
use crate::settings::{open_reranker, remembering_reranker, search_settings};
use crate::{engines, filters, hints, index_dir, output};

pub(crate) fn run(args: &SearchArgs) -> anyhow::Result<Outcome> {
    let local = args.engine.is_empty() || args.index.index.is_some();
    let index = local.then(|| index_dir::open(&args.index)).transpose()?;
    if index.as_ref().is_some_and(Index::is_empty) {
        output::note(&format!(
            "the index is empty: add documents with `vizsla index SOURCE --index {}`",
            index_dir::find(&args.index)?.display()
        ));
    }
    let search = Search::open(args, index.as_ref())?;
    match args.query.join(" ") {
        query if !args.query.is_empty() => search.answer(1, &query),
        _ if io::stdin().is_terminal() => search.prompt(),
        _ => search.answer_lines(),
    }
}

/// The file beside an index in which the scores of passages are remembered.
const SCORES: &str = "scores";
const NO_RERANKER: &str = "cannot rerank (use --fusion bm25 to search without, or --bm25-fallback)";

/// An engine with the options for every query.
struct Search<'a> {
    args: &'a SearchArgs,
    settings: SearchSettings,
    filter: Filter,
    engine: Engine,
    /// Why there is no reranker, where that was accepted.
    degraded: Option<String>,
}

impl<'a> Search<'a> {
    fn open(args: &'a SearchArgs, index: Option<&Index>) -> anyhow::Result<Self> {
        let settings = search_settings(&args.ranking)?;
        let filter = filters::filter(&args.filter, index)?;
        let engine = Engine::new(engines::retriever(&args.engine, &settings, index)?)
            .with_fusion(settings.fusion())
            .with_effort(settings.effort());
        if !settings.fusion().needs_rerank() {
            return Ok(Self { args, settings, filter, engine, degraded: None });
        }
        if index.is_some() && !args.ranking.model.no_score_cache {
            let file = index_dir::find(&args.index)?.join(SCORES);
            let engine = engine.with_reranker(remembering_reranker(&args.ranking.model, file)?);
            return Ok(Self { args, settings, filter, engine, degraded: None });
        }
        match open_reranker(&args.ranking.model) {
            Ok(reranker) => {
                let engine = engine.with_reranker(reranker);
                Ok(Self { args, settings, filter, engine, degraded: None })
            }
            Err(error) if args.bm25_fallback => {
                Ok(Self { args, settings, filter, engine, degraded: Some(format!("{error:#}")) })
            }
            Err(error) => Err(error.context(NO_RERANKER)),
        }
    }

    /// Answers one query; `number` names it in a TREC run.
    fn answer(&self, number: usize, query: &str) -> anyhow::Result<Outcome> {
        let mut response = self.engine.search(&self.request(query)).map_err(|error| {
            let rerank = error.kind() == ErrorKind::Rerank;
            let error = anyhow::Error::from(error);
            if rerank { error.context(NO_RERANKER) } else { error }
        })?;
        if self.degraded.is_some() {
            response.degraded.clone_from(&self.degraded);
        }
        if let Some(lines) = self.args.context {
            for hit in &mut response.hits {
                hit.passage.snippet = hit.passage.snippet_with(lines);
            }
        }
        self.print(number, &response)?;
        Ok(if response.hits.is_empty() { Outcome::NoHits } else { Outcome::Success })
    }

    fn request(&self, query: &str) -> SearchRequest {
        let args = self.args;
        let mut request = SearchRequest::new(query)
            .with_limit(args.limit)
            .with_depth(self.settings.depth())
            .with_filter(self.filter.clone())
            .with_notes();
        if args.syntax {
            request = request.with_syntax(QuerySyntax::Native);
        }
        // A run is for measuring, and judges each document by itself.
        if !args.copies && args.format() != Format::Trec {
            request = request.with_folded_copies();
        }
        if args.explain {
            request = request.with_explanation();
        }
        if args.bm25_fallback {
            request = request.with_retrieval_fallback();
        }
        if let Some(budget) = self.settings.budget() {
            request = request.with_budget(budget);
        }
        match args.min_probability {
            Some(probability) => request.with_min_probability(probability),
            None => request,
        }
    }

    fn print(&self, number: usize, response: &SearchResponse) -> anyhow::Result<()> {
        match self.args.format() {
            Format::Human => {
                let here = self.args.engine.is_empty();
                output::print_response(response, self.args.explain, self.args.full, here)?;
            }
            Format::Compact => output::print_compact(response)?,
            Format::Json => output::json(response)?,
            Format::JsonLines => response.hits.iter().try_for_each(output::json_line)?,
            Format::Trec => {
                let documents = run_of(&response.hits);
                output::raw(&trec::format_run(
                    &[(number.to_string(), documents)].into(),
                    "vizsla",
                ))?;
            }
        }
        Ok(())
    }

    /// Each line of standard input is a query, answered before the next one is read, so that a program may ask and wait.
    fn answer_lines(&self) -> anyhow::Result<Outcome> {
        let (mut number, mut outcome) = (0, Outcome::NoHits);
        for line in io::stdin().lock().lines() {
            let line = line.context("cannot read the query from standard input")?;
            if line.trim().is_empty() {
                continue;
            }
            number += 1;
            if self.answer(number, line.trim())? == Outcome::Success {
                outcome = Outcome::Success;
            }
            io::stdout().flush()?;
        }
        if number == 0 { self.answer(1, "") } else { Ok(outcome) }
    }

    /// Prompts for queries until the input ends. A query that fails does not end the session.
    fn prompt(&self) -> anyhow::Result<Outcome> {
        output::note("type a question and press Enter; Ctrl-D to quit");
        let mut number = 0;
        loop {
            let mut err = io::stderr().lock();
            write!(err, "? ").and_then(|()| err.flush())?;
            drop(err);
            let mut line = String::new();
            if io::stdin().lock().read_line(&mut line).context("cannot read the query")? == 0 {
                return Ok(Outcome::Success);
            }
            if line.trim().is_empty() {
                continue;
            }
            number += 1;
            if let Err(error) = self.answer(number, line.trim()) {
                output::complain(&format!("{error:#}"));
                hints::of(&error).iter().for_each(|hint| output::hint(hint));
            }
        }
    }
}

/// Ids with scores. Where several files have a document with one id, the file is added, since a run names each document
/// once.
fn run_of(hits: &[Hit]) -> Vec<(String, f32)> {
    let mut seen = HashMap::new();
    hits.iter().for_each(|hit| *seen.entry(&hit.doc_id).or_insert(0) += 1);
    let name = |hit: &Hit| match &hit.path {
        Some(path) if seen[&hit.doc_id] > 1 => format!("{path}#{}", hit.doc_id),
        _ => hit.doc_id.clone(),
    };
    hits.iter().map(|hit| (name(hit), hit.score)).collect()
}
