//! One hit: what it is, where it is, how both stages saw it, and why.

use vizsla::{Explanation, Hit, HitScores};

use super::document::{title_of, url_of};
use super::html::{Html, safe_link};

/// Adds a hit of the index with this name; the name is empty for the first index.
pub(super) fn put_hit(html: &mut Html, index: &str, hit: &Hit) {
    let path = hit.path.as_deref().unwrap_or_default();
    let title = title_of(&hit.title, path, &hit.doc_id);
    let url = url_of(index, (path, &hit.doc_id), hit.passage.ordinal);
    html.put("<li class=\"hit\" data-key=\"{}|{}\"><article>", &[&path, &hit.doc_id]);
    html.put("<h2 dir=\"auto\"><a class=\"title\" href=\"{}\">{}</a></h2>", &[&url, &title]);
    put_place(html, hit);
    put_ranks(html, &hit.scores);
    let snippet = &hit.passage.snippet;
    html.put("<p class=\"snippet\" dir=\"auto\">", &[]);
    html.put(if snippet.start > 0 { "… " } else { "" }, &[]);
    html.marked(&snippet.text, &snippet.highlights);
    html.put(if snippet.end < hit.passage.text.len() { " …</p>" } else { "</p>" }, &[]);
    put_reasons(html, hit);
    html.put("</article></li>", &[]);
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
    if !hit.passage.headings.is_empty() {
        html.put(
            " <span class=\"under\" dir=\"auto\">{}</span>",
            &[&hit.passage.headings.join(" › ")],
        );
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
    if let Some(probability) = scores.rerank_probability {
        html.put(
            "<span class=\"probability\">{} <meter min=\"0\" max=\"1\" value=\"{}\" aria-label=\"probability\"></meter> {}</span>",
            &[&in_words(probability), &format!("{probability:.3}"), &percent(probability)],
        );
    }
    html.put("</p>", &[]);
}

/// How likely the model takes it to be that the passage answers.
fn in_words(probability: f32) -> &'static str {
    match probability {
        p if p >= 0.9 => "very likely answers",
        p if p >= 0.6 => "likely answers",
        p if p >= 0.3 => "may answer",
        p if p >= 0.05 => "hardly answers",
        _ => "very unlikely answers",
    }
}

fn percent(probability: f32) -> String {
    match probability * 100.0 {
        p if p > 0.0 && p < 1.0 => "under 1 %".to_owned(),
        p if p > 99.0 && p < 100.0 => "over 99 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

fn put_reasons(html: &mut Html, hit: &Hit) {
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
    if let (Some(logit), Some(rank)) = (scores.rerank_logit, scores.rerank_rank) {
        fact("Model", &format!("logit {logit:.3}, rank {rank} of the passages"));
    } else {
        fact("Model", "did not read it");
    }
    if let Some(windows) = scores.rerank_windows {
        let tokens = scores.rerank_tokens.map(|tokens| format!("{tokens} tokens in "));
        let noun = if windows == 1 { "window" } else { "windows" };
        let cut = if hit.passage.truncated { "; not all of the passage fitted" } else { "" };
        fact("Read", &format!("{}{windows} {noun}{cut}", tokens.unwrap_or_default()));
    }
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
    fn probabilities_are_said_in_words_and_not_rounded_to_certainty() {
        let said = |p: f32| (in_words(p), percent(p));
        assert_eq!(said(0.999), ("very likely answers", "over 99 %".to_owned()));
        assert_eq!(said(0.62), ("likely answers", "62 %".to_owned()));
        assert_eq!(said(0.4), ("may answer", "40 %".to_owned()));
        assert_eq!(said(0.2), ("hardly answers", "20 %".to_owned()));
        assert_eq!(said(0.001), ("very unlikely answers", "under 1 %".to_owned()));
        assert_eq!(said(0.0).1, "0 %");
        assert_eq!(said(1.0).1, "100 %");
    }
}
