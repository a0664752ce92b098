//! Hits for people to read: colour only on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use vizsla::{Bm25Explanation, Explanation, Hit, HitScores, Location, QueryNotes, SearchResponse};

use super::printable;
use crate::settings;

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const MATCH: Style = AnsiColor::Yellow.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints hits, each with location, scores and best passage, and the time of each stage.
pub(crate) fn print_response(response: &SearchResponse, explain: bool) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if let Some(reason) = &response.degraded {
        super::note(&format!("degraded to BM25 alone: {reason}"));
    }
    print_notes(&response.notes);
    for hit in &response.hits {
        print_hit(&mut out, hit)?;
        if explain {
            print_explanation(&mut out, hit)?;
        }
        writeln!(out)?;
    }
    let stages = &response.stages;
    let rerank = stages.rerank.as_ref().map_or_else(String::new, |stage| {
        let mut cut = String::new();
        for (count, what) in [
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
            ", rerank {:.0} ms ({} passages, {} tokens{cut}, {})",
            stage.ms, stage.passages, stage.tokens, stage.model
        )
    });
    writeln!(
        out,
        "{FAINT}{} of {} documents from {} passages: BM25 {:.1} ms{rerank}, fusion {} {:.1} ms{FAINT:#}",
        response.hits.len(),
        stages.fuse.documents,
        stages.retrieve.candidates,
        stages.retrieve.ms,
        response.fusion,
        stages.fuse.ms,
    )
}

fn print_notes(notes: &QueryNotes) {
    for sentence in notes.sentences() {
        super::note(&sentence);
    }
    if notes.suggestions.iter().any(|suggestion| !suggestion.used) {
        super::note("--fuzzy searches for the nearest words");
    }
}

fn print_hit(out: &mut impl Write, hit: &Hit) -> io::Result<()> {
    let title = printable(if hit.title.is_empty() { &hit.doc_id } else { &hit.title });
    let headings: String = hit
        .passage
        .headings
        .iter()
        .map(|heading| printable(heading))
        .filter(|heading| *heading != title)
        .map(|heading| format!(" › {heading}"))
        .collect();
    writeln!(out, "{:>3}. {TITLE}{title}{TITLE:#}{headings}", hit.rank)?;
    let place = match &hit.path {
        Some(path) => place(&settings::relative(path), &hit.passage.location),
        None => hit.doc_id.clone(),
    };
    let place = printable(&place);
    match &hit.link {
        // Terminals that know no links show the text alone.
        Some(link) => writeln!(out, "     \x1b]8;;{link}\x1b\\{place}\x1b]8;;\x1b\\")?,
        None => writeln!(out, "     {place}")?,
    }
    writeln!(out, "     {FAINT}{}{FAINT:#}", scores(hit.score, &hit.scores))?;
    for line in snippet(hit).lines().filter(|line| !line.trim().is_empty()) {
        writeln!(out, "     {line}")?;
    }
    if hit.passage.truncated {
        writeln!(out, "     {FAINT}(the model read only the first part of the question){FAINT:#}")?;
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

/// Where a passage is, with lines in the form that editors and terminals understand.
fn place(path: &str, location: &Location) -> String {
    match location {
        Location::Lines { first, last } => format!("{path}:{first}-{last}"),
        other => format!("{path}, {other}"),
    }
}

/// The part of the passage with the most matches, which are marked.
fn snippet(hit: &Hit) -> String {
    let snippet = &hit.passage.snippet;
    let mut marked = String::new();
    if snippet.start > 0 {
        marked.push('…');
    }
    let mut at = 0;
    for [from, to] in &snippet.highlights {
        marked.push_str(&printable(&snippet.text[at..*from]));
        let word = printable(&snippet.text[*from..*to]);
        write!(marked, "{MATCH}{word}{MATCH:#}").expect("writing to a string cannot fail");
        at = *to;
    }
    marked.push_str(&printable(&snippet.text[at..]));
    if snippet.end < hit.passage.text.len() {
        marked.push('…');
    }
    marked
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
        let cut = if hit.passage.truncated { ", question cut" } else { "" };
        writeln!(
            out,
            "     rerank: logit {logit:.4}, probability {probability:.6}{tokens}{windows}{cut}"
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
