//! Hits for a reader: colour only on a terminal.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use vizsla::{Bm25Explanation, Hit, HitScores, SearchResponse};

/// About how many characters of a passage are shown.
const SNIPPET_CHARS: usize = 480;

const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const MATCH: Style = AnsiColor::Yellow.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Prints hits, each with place, scores and best passage, and what each stage took.
pub(crate) fn print_response(response: &SearchResponse, explain: bool) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if let Some(reason) = &response.degraded {
        super::note(&format!("degraded to BM25 alone: {reason}"));
    }
    for correction in &response.advice.corrections {
        let (word, instead) = (&correction.word, &correction.instead);
        super::note(&if correction.used {
            format!("no passage has {word:?}: searched for {instead:?} instead")
        } else {
            format!("no passage has {word:?}: did you mean {instead:?}? (--fuzzy searches for it)")
        });
    }
    for words in &response.advice.dropped {
        super::note(&format!(
            "no passage has {words:?} as it was asked for: searched without that condition"
        ));
    }
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

fn print_hit(out: &mut impl Write, hit: &Hit) -> io::Result<()> {
    let title = if hit.title.is_empty() { &hit.doc_id } else { &hit.title };
    let headings: String = hit
        .passage
        .headings
        .iter()
        .filter(|heading| *heading != title)
        .map(|heading| format!(" › {heading}"))
        .collect();
    writeln!(out, "{:>3}. {TITLE}{title}{TITLE:#}{headings}", hit.rank)?;
    let place = match &hit.path {
        Some(path) => {
            format!("{}:{}-{}", relative(path), hit.passage.start_line, hit.passage.end_line)
        }
        None => hit.doc_id.clone(),
    };
    writeln!(out, "     {place}")?;
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
    let bm25 = format!("score {score:.3} · BM25 {:.2} (#{})", scores.bm25, scores.bm25_rank);
    let (Some(logit), Some(probability), Some(rank)) =
        (scores.rerank_logit, scores.rerank_probability, scores.rerank_rank)
    else {
        return bm25;
    };
    let moved = match i64::from(scores.bm25_rank) - i64::from(rank) {
        0 => "unmoved".to_owned(),
        up @ 1.. => format!("▲{up}"),
        down => format!("▼{}", -down),
    };
    format!("{bm25} · rerank {logit:+.2}, {:.1} % (#{rank}, {moved})", probability * 100.0)
}

/// The path as it would be typed from here.
fn relative(path: &str) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| Path::new(path).strip_prefix(here).ok());
    relative.map_or_else(|| path.to_owned(), |relative| relative.display().to_string())
}

/// The part of the passage with most matches, matches marked.
fn snippet(hit: &Hit) -> String {
    let text = &hit.passage.text;
    let (start, end) = window(text, &hit.passage.highlights);
    let mut marked = String::new();
    if start > 0 {
        marked.push('…');
    }
    let mut at = start;
    for [from, to] in
        hit.passage.highlights.iter().filter(|[from, to]| *from >= start && *to <= end)
    {
        marked.push_str(&text[at..*from]);
        marked.push_str(&format!("{MATCH}{}{MATCH:#}", &text[*from..*to]));
        at = *to;
    }
    marked.push_str(&text[at..end]);
    if end < text.len() {
        marked.push('…');
    }
    marked
}

/// Begins at the line or word before the match from which on most matches follow within the window.
fn window(text: &str, highlights: &[[usize; 2]]) -> (usize, usize) {
    if text.len() <= SNIPPET_CHARS {
        return (0, text.len());
    }
    let follow = |from: usize| {
        highlights
            .iter()
            .filter(|[start, end]| *start >= from && *end <= from + SNIPPET_CHARS)
            .count()
    };
    // Of equals the first is best, so the search runs backwards: `max_by_key` keeps the last.
    let best = highlights
        .iter()
        .rev()
        .map(|[start, _]| *start)
        .max_by_key(|start| follow(*start))
        .unwrap_or(0);
    let context = ceil_boundary(text, best.saturating_sub(60));
    let start = if context == 0 {
        0
    } else {
        text[context..].find(char::is_whitespace).map_or(best, |i| (context + i + 1).min(best))
    };
    let limit = ceil_boundary(text, (start + SNIPPET_CHARS).min(text.len()));
    let end = if limit == text.len() {
        limit
    } else {
        text[start..limit].rfind(char::is_whitespace).map_or(limit, |i| start + i)
    };
    (start, end)
}

fn ceil_boundary(text: &str, mut index: usize) -> usize {
    while !text.is_char_boundary(index) {
        index += 1;
    }
    index
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
        Some(explanation) => print_bm25(out, explanation),
        None => writeln!(out, "     BM25: no term-by-term account for this kind of query"),
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
    writeln!(out, "{rank:>3}. {logit:+8.3} {:>6.1} %  {text}", probability * 100.0)
}
