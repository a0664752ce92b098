//! Hits for people to read: colour only on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use vizsla::{
    Bm25Explanation, Explanation, Hit, HitScores, Likelihood, QueryNotes, RerankStage,
    SearchResponse,
};

use super::{excerpt, names, printable};

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints hits, each with its place, how likely it answers, and the sentence that does or the `full` passage; and the
/// time of each stage. The files are `here`, on this computer, where it can be seen whether they are still there.
pub(crate) fn print_response(
    response: &SearchResponse,
    explain: bool,
    full: bool,
    here: bool,
) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    print_notes(response);
    for hit in &response.hits {
        let gone = here && hit.path.as_deref().is_some_and(names::is_gone);
        print_hit(&mut out, hit, explain, gone)?;
        for line in excerpt::lines(&hit.passage, full) {
            writeln!(out, "{line}")?;
        }
        if hit.passage.truncated {
            writeln!(
                out,
                "     {FAINT}(the model read only the first part of the question){FAINT:#}"
            )?;
        }
        if explain {
            print_explanation(&mut out, hit)?;
        }
        writeln!(out)?;
    }
    let stages = &response.stages;
    let rerank = stages.rerank.as_ref().map_or_else(String::new, reranked);
    let candidates = stages.retrieve.candidates;
    let matched = response.matched.filter(|matched| matched.passages > candidates as u64);
    let of_all = matched.map_or_else(String::new, |matched| {
        format!(
            " of {}{} that match",
            if matched.exact { "" } else { "at least " },
            matched.passages
        )
    });
    let candidates = names::counted(candidates, "passage", "passages");
    let engine = stages.retrieve.engine_ms;
    let engine = engine.map_or_else(String::new, |ms| format!(" (the engine {ms:.0} ms)"));
    writeln!(
        out,
        "{FAINT}{} of {} from {candidates}{of_all}: BM25 {:.1} ms{engine}{rerank}, fusion {} {:.1} ms{FAINT:#}",
        response.hits.len(),
        names::counted(stages.fuse.documents, "document", "documents"),
        stages.retrieve.ms,
        response.fusion,
        stages.fuse.ms,
    )
}

/// What the second stage took, and what of the candidates it read.
fn reranked(stage: &RerankStage) -> String {
    let mut cut = String::new();
    for (count, what) in [
        (stage.excerpts, "read in part"),
        (stage.left_out, "left out as unlikely to matter"),
        (stage.windowed, "read in windows"),
        (stage.truncated, "with the question cut to fit"),
        (stage.cached, "remembered"),
        (stage.unread, "not read in time"),
    ] {
        if count > 0 {
            write!(cut, ", {count} {what}").expect("writing to a string cannot fail");
        }
    }
    format!(
        ", rerank {:.0} ms ({}, {}{cut}, {})",
        stage.ms,
        names::counted(stage.passages, "passage", "passages"),
        names::counted(stage.tokens, "token", "tokens"),
        stage.model
    )
}

/// Prints a line for each hit, as grep does.
pub(crate) fn print_compact(response: &SearchResponse) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    print_notes(response);
    for hit in &response.hits {
        let place = names::linked(hit, &names::first_place(hit));
        writeln!(out, "{place}: {}", excerpt::sentence(&hit.passage))?;
    }
    Ok(())
}

fn print_notes(response: &SearchResponse) {
    if let Some(reason) = &response.degraded {
        // Part of an engine may not have answered, and what was found have been read.
        let is_read = response.stages.rerank.is_some();
        let what = if is_read { "not the whole answer" } else { "degraded to BM25 alone" };
        super::note(&format!("{what}: {reason}"));
    }
    let notes: &QueryNotes = &response.notes;
    for sentence in notes.sentences() {
        super::note(&sentence);
    }
    if notes.suggestions.iter().any(|suggestion| !suggestion.used) {
        super::note("--fuzzy searches for the nearest words");
    }
}

fn print_hit(out: &mut impl Write, hit: &Hit, explain: bool, gone: bool) -> io::Result<()> {
    let title = names::title(hit);
    let headings = hit.passage.headings.iter().map(|heading| printable(heading));
    let headings = headings.filter(|heading| *heading != hit.title && *heading != title);
    let headings: String = headings.map(|heading| format!(" › {heading}")).collect();
    writeln!(out, "{:>3}. {TITLE}{title}{TITLE:#}{headings}", hit.rank)?;
    let place = names::linked(hit, &names::place(hit));
    let likely = hit.scores.likelihood().map_or("", Likelihood::as_str);
    let between = if likely.is_empty() { "" } else { " · " };
    let gone = if gone { " · the file is gone" } else { "" };
    writeln!(out, "     {place}{FAINT}{between}{likely}{gone}{FAINT:#}")?;
    if let Some(copies) = names::copies(hit) {
        writeln!(out, "     {FAINT}{copies}{FAINT:#}")?;
    }
    if explain {
        writeln!(out, "     {FAINT}{}{FAINT:#}", scores(hit.score, &hit.scores))?;
    }
    Ok(())
}

fn scores(score: f32, scores: &HitScores) -> String {
    let bm25 =
        format!("score {score:.3} · BM25 {:.2} (#{})", scores.retrieval, scores.retrieval_rank);
    let (Some(logit), Some(probability), Some(rank)) =
        (scores.rerank_logit, scores.rerank_probability, scores.rerank_rank)
    else {
        return bm25;
    };
    let moved = match i64::from(scores.retrieval_rank) - i64::from(rank) {
        0 => "unmoved".to_owned(),
        up @ 1.. => format!("▲{up}"),
        down => format!("▼{}", -down),
    };
    format!("{bm25} · rerank {logit:+.2}, {:.1} % (#{rank}, {moved})", probability * 100.0)
}

fn print_explanation(out: &mut impl Write, hit: &Hit) -> io::Result<()> {
    let scores = &hit.scores;
    if let (Some(logit), Some(probability)) = (scores.rerank_logit, scores.rerank_probability) {
        let tokens = scores
            .rerank_tokens
            .map_or_else(String::new, |tokens| format!(", {tokens} tokens read"));
        let windows = match scores.rerank_windows {
            Some(windows @ 2..) => format!(", the best of {windows} overlapping windows"),
            _ => String::new(),
        };
        let part = hit.passage.read.map_or_else(String::new, |[from, to]| {
            format!(", bytes {from} to {to} of {} read", hit.passage.text.len())
        });
        let cut = if hit.passage.truncated { ", question cut" } else { "" };
        writeln!(
            out,
            "     rerank: logit {logit:.4}, probability {probability:.6}{tokens}{part}{windows}{cut}"
        )?;
    }
    match &hit.explanation {
        Some(Explanation::Bm25(explanation)) => print_bm25(out, explanation),
        Some(Explanation::Other(text)) => writeln!(out, "     {}", printable(text)),
        Some(_) | None => {
            writeln!(out, "     BM25: no term-by-term explanation for this kind of query")
        }
    }
}

fn print_bm25(out: &mut impl Write, explanation: &Bm25Explanation) -> io::Result<()> {
    let Bm25Explanation { k1, b, length, average_length, terms, .. } = explanation;
    writeln!(
        out,
        "     BM25: k1 {k1}, b {b}, passage length {length}, average {average_length:.1}"
    )?;
    for term in terms {
        writeln!(
            out,
            "       {:<20} {:>7.3}  (idf {:.3}, {}× in the passage, {}× in the query, in {} passages)",
            term.term, term.score, term.idf, term.frequency, term.query_weight, term.passages
        )?;
    }
    Ok(())
}

/// Prints texts with their scores, best first.
pub(crate) fn print_reranked(
    out: &mut impl Write,
    rank: usize,
    logit: f32,
    probability: f32,
    text: &str,
) -> io::Result<()> {
    let text = printable(text);
    writeln!(out, "{rank:>3}. {logit:+8.3} {:>6.1} %  {text}", probability * 100.0)
}
