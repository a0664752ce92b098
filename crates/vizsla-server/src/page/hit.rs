//! One hit: what it is, where it is, how both stages saw it, and why.

use vizsla::{Explanation, Hit, HitScores, Likelihood, Stages};

use super::document::{Place, title_of};
use super::html::{Html, safe_link, time};

/// Where a hit is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// The name of its index; empty for the first one.
    pub(super) index: &'a str,
    /// What was asked.
    pub(super) query: &'a str,
    pub(super) stages: &'a Stages,
}

/// Adds a hit.
pub(super) fn put_hit(html: &mut Html, shown: Shown<'_>, hit: &Hit) {
    let path = hit.path.as_deref().unwrap_or_default();
    let title = title_of(&hit.title, path, &hit.doc_id);
    let snippet = &hit.passage.snippet;
    let place = Place {
        index: shown.index,
        path,
        id: &hit.doc_id,
        ordinal: hit.passage.ordinal,
        query: shown.query,
        answer: snippet.sentence.map(|at| snippet.start + at),
    };
    html.put("<li class=\"hit\" data-key=\"{}|{}\"><article>", &[&path, &hit.doc_id]);
    html.put(
        "<h2 dir=\"auto\"><a class=\"title\" href=\"{}\">{}</a></h2>",
        &[&place.url(), &title],
    );
    put_place(html, hit);
    put_ranks(html, &hit.scores);
    html.put("<p class=\"snippet\" dir=\"auto\">", &[]);
    html.put(if snippet.start > 0 { "… " } else { "" }, &[]);
    html.marked_around(&snippet.text, &snippet.highlights, snippet.sentence);
    html.put(if snippet.end < hit.passage.text.len() { " …</p>" } else { "</p>" }, &[]);
    put_copies(html, hit);
    put_reasons(html, hit, shown.stages);
    html.put("</article></li>", &[]);
}

/// Names the documents that say the same.
fn put_copies(html: &mut Html, hit: &Hit) {
    let names = hit.copies.iter().map(|copy| copy.path.as_deref().unwrap_or(&copy.doc_id));
    let names: Vec<&str> = names.collect();
    if !names.is_empty() {
        html.put("<p class=\"place\">Also in {}</p>", &[&names.join(", ")]);
    }
}

fn put_place(html: &mut Html, hit: &Hit) {
    html.put("<p class=\"place\">", &[]);
    if let Some(path) = &hit.path {
        match hit.link.as_deref().and_then(safe_link) {
            Some(link) => html.put("<a class=\"path\" href=\"{}\">{}</a>", &[&link, path]),
            None => html.put("<span class=\"path\">{}</span>", &[path]),
        };
    }
    if !hit.place.is_empty() {
        html.put(" <span class=\"where\">{}</span>", &[&hit.place]);
    }
    let headings = hit.passage.headings.iter().map(String::as_str);
    let headings: Vec<&str> = headings.filter(|heading| *heading != hit.title).collect();
    if !headings.is_empty() {
        let under = headings.join(" › ");
        html.put(" <span class=\"under\" dir=\"auto\">{}</span>", &[&under]);
    }
    html.put("</p>", &[]);
}

fn put_ranks(html: &mut Html, scores: &HitScores) {
    html.put("<p class=\"ranks\"><span>BM25 <b>#{}</b></span>", &[&scores.retrieval_rank]);
    if let Some(rank) = scores.rerank_rank {
        html.put("<span>model <b>#{}</b></span>", &[&rank]);
        match i64::from(scores.retrieval_rank) - i64::from(rank) {
            0 => html.put("<span class=\"moved\">same place</span>", &[]),
            up @ 1.. => html.put("<span class=\"moved up\">▲ up {}</span>", &[&up]),
            down => html.put("<span class=\"moved down\">▼ down {}</span>", &[&-down]),
        };
    }
    if let Some(likelihood) = scores.likelihood() {
        let answers = in_words(likelihood);
        html.put("<span class=\"likelihood {}\">{}</span>", &[&likelihood, &answers]);
    }
    html.put("</p>", &[]);
}

/// How likely the passage answers. Figures would say more than is known.
fn in_words(likelihood: Likelihood) -> &'static str {
    match likelihood {
        Likelihood::Likely => "likely answers",
        Likelihood::Perhaps => "perhaps answers",
        _ => "unlikely to answer",
    }
}

fn percent(probability: f32) -> String {
    match probability * 100.0 {
        p if p > 0.0 && p < 1.0 => "under 1 %".to_owned(),
        p if p > 99.0 && p < 100.0 => "over 99 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

fn put_reasons(html: &mut Html, hit: &Hit, stages: &Stages) {
    let scores = &hit.scores;
    html.put("<details class=\"why\"><summary>Why it is here</summary><dl>", &[]);
    let mut fact = |name: &str, value: &str| {
        html.put("<div><dt>{}</dt><dd>{}</dd></div>", &[&name, &value]);
    };
    fact("Place", &format!("{} in the answer, fused score {:.3}", hit.rank, hit.score));
    fact(
        "BM25",
        &format!("{:.3}, rank {} of the passages", scores.retrieval, scores.retrieval_rank),
    );
    if let (Some(logit), Some(rank), Some(probability)) =
        (scores.rerank_logit, scores.rerank_rank, scores.rerank_probability)
    {
        let logit = format!("logit {logit:.3}, sigmoid {}", percent(probability));
        fact("Model", &format!("{logit}, rank {rank} of the passages"));
    } else {
        fact("Model", "did not read it");
    }
    if let Some(windows) = scores.rerank_windows {
        let tokens = scores.rerank_tokens.map(|tokens| format!("{tokens} tokens in "));
        let noun = if windows == 1 { "window" } else { "windows" };
        let cut = if hit.passage.truncated { "; not all of the passage fitted" } else { "" };
        fact("Read", &format!("{}{windows} {noun}{cut}", tokens.unwrap_or_default()));
    }
    let read = stages.rerank.as_ref().filter(|stage| stage.passages > 0).map(|stage| {
        let each = time(stage.ms / stage.passages as f64);
        format!("; the model {} for {} passages, {each} each", time(stage.ms), stage.passages)
    });
    let retrieved = format!("BM25 {}", time(stages.retrieve.ms));
    fact("Time", &format!("{retrieved}{}", read.unwrap_or_default()));
    html.put("</dl>", &[]);
    match &hit.explanation {
        Some(Explanation::Bm25(bm25)) => put_terms(html, bm25),
        Some(Explanation::Other(account)) => {
            html.put("<pre tabindex=\"0\">{}</pre>", &[account]);
        }
        _ => {}
    }
    html.put("</details>", &[]);
}

/// The terms as bars, each as long as its share of the largest.
fn put_terms(html: &mut Html, bm25: &vizsla::Bm25Explanation) {
    let most = bm25.terms.iter().map(|term| term.score).fold(f32::MIN_POSITIVE, f32::max);
    html.put(
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Terms\"><table><thead><tr>",
        &[],
    );
    for column in ["Term", "Adds", "", "Field", "Times", "In passages"] {
        html.put(if column.is_empty() { "<td></td>" } else { "<th scope=\"col\">" }, &[]);
        if !column.is_empty() {
            html.put("{}</th>", &[&column]);
        }
    }
    html.put("</tr></thead><tbody>", &[]);
    for term in &bm25.terms {
        html.put(
            "<tr><th scope=\"row\" dir=\"auto\">{}</th><td>{}</td>",
            &[&term.term, &format!("{:.2}", term.score)],
        );
        html.put(
            "<td><meter min=\"0\" max=\"{}\" value=\"{}\" aria-label=\"share\"></meter></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            &[&most, &term.score.max(0.0), &term.field, &term.frequency, &term.passages],
        );
    }
    html.put(
        "</tbody></table></div><p class=\"quiet\">{} words in the passage, {} on average; k1 {}, b {}</p>",
        &[&bm25.length, &format!("{:.0}", bm25.average_length), &bm25.k1, &bm25.b],
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_not_rounded_to_certainty() {
        let said = [0.999, 0.62, 0.001, 0.0, 1.0].map(percent);
        assert_eq!(said, ["over 99 %", "62 %", "under 1 %", "0 %", "100 %"]);
    }
}
