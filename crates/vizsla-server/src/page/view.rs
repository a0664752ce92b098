//! The page of a search. In: what was asked and what came of it. Out: its HTML, whole without any script.

use std::fmt::Display;

use vizsla::{QueryNotes, SearchResponse};

use super::hit::{Shown, put_hit};
use super::html::{Html, put_head, time};
use crate::api::request::SearchQuery;
use crate::facets::{Count, Facets};

/// What a page shows.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) query: SearchQuery,
    /// The names of all indexes.
    pub(super) indexes: Vec<String>,
    /// The name of the model; `None` when the server has none.
    pub(super) model: Option<String>,
    pub(super) facets: Facets,
    pub(super) outcome: Outcome,
}

/// What came of a search.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Nothing was asked.
    Nothing,
    Answer(Box<SearchResponse>),
    Failed(String),
}

/// The page.
pub(super) fn render(view: &View) -> String {
    let mut html = Html::default();
    put_head(&mut html, &view.query.q);
    html.put("<body><header><a class=\"name\" href=\"/\">Vizsla</a>", &[]);
    put_form(&mut html, view);
    html.put(
        "</header><p id=\"status\" role=\"status\" aria-live=\"polite\">{}</p>\
         <progress id=\"read\" aria-label=\"Passages that the model has read\" hidden></progress>\
         <main id=\"main\">",
        &[&status(view)],
    );
    put_main(&mut html, view);
    html.put("</main>", &[]);
    put_dialogs(&mut html);
    html.put("</body></html>", &[]);
    html.into_string()
}

/// What the page has below the form.
pub(super) fn put_main(html: &mut Html, view: &View) {
    match &view.outcome {
        Outcome::Nothing => put_start(html, view),
        Outcome::Failed(why) => {
            html.put("<div class=\"note error\"><h1>That did not work</h1><p>{}</p></div>", &[why]);
        }
        Outcome::Answer(response) => put_answer(html, view, response),
    }
}

fn put_form(html: &mut Html, view: &View) {
    let query = &view.query;
    let model = view.model.as_deref().unwrap_or_default();
    html.put("<form id=\"search\" role=\"search\" action=\"/\" data-model=\"{}\">", &[&model]);
    html.put(
        "<div class=\"ask\"><label for=\"q\" class=\"unseen\">Search for</label>\
         <input id=\"q\" name=\"q\" type=\"search\" value=\"{}\" placeholder=\"Ask a question\" \
         autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" enterkeyhint=\"search\"",
        &[&query.q],
    );
    html.put(if query.q.is_empty() { " autofocus>" } else { ">" }, &[]);
    html.put("<button>Search</button></div><div class=\"choices\">", &[]);
    put_choices(html, view);
    html.put("</div>", &[]);
    for (name, value) in carried(query) {
        html.put("<input type=\"hidden\" name=\"{}\" value=\"{}\">", &[&name, &value]);
    }
    put_filters(html, view);
    html.put("</form>", &[]);
}

fn put_choices(html: &mut Html, view: &View) {
    let query = &view.query;
    if view.indexes.len() > 1 {
        let names = view.indexes.iter().map(|name| (name.clone(), name.clone())).collect();
        put_select(html, ("index", "Index"), names, query.index.as_deref().unwrap_or_default());
    }
    if view.model.is_some() {
        let orders =
            [("", "both stages"), ("bm25", "words alone (BM25)"), ("rerank", "the model alone")];
        put_select(
            html,
            ("fusion", "Order by"),
            owned(&orders),
            query.fusion.as_deref().unwrap_or_default(),
        );
    }
    let numbers = [("", "10 hits"), ("20", "20 hits"), ("50", "50 hits")];
    let limit = query.limit.filter(|limit| *limit != 10).map(|limit| limit.to_string());
    put_select(html, ("limit", "Show"), owned(&numbers), &limit.unwrap_or_default());
    let ages =
        [("", "any time"), ("7d", "past week"), ("1month", "past month"), ("1y", "past year")];
    let since = query.since.as_ref().map(ToString::to_string);
    put_select(html, ("since", "Changed"), owned(&ages), &since.unwrap_or_default());
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(value, text)| ((*value).to_owned(), (*text).to_owned())).collect()
}

/// A choice; one that the URL makes and the list does not have is added to it.
fn put_select(
    html: &mut Html,
    (name, label): (&str, &str),
    mut options: Vec<(String, String)>,
    chosen: &str,
) {
    if !chosen.is_empty() && options.iter().all(|(value, _)| value != chosen) {
        options.push((chosen.to_owned(), chosen.to_owned()));
    }
    html.put("<label>{} <select name=\"{}\">", &[&label, &name]);
    for (value, text) in &options {
        let template = if value == chosen {
            "<option value=\"{}\" selected>{}</option>"
        } else {
            "<option value=\"{}\">{}</option>"
        };
        html.put(template, &[value, text]);
    }
    html.put("</select></label>", &[]);
}

/// What a search can ask for that the form has no fields for; it is kept from one search to the next.
fn carried(query: &SearchQuery) -> Vec<(&'static str, String)> {
    let text = |value: Option<&dyn Display>| value.map(ToString::to_string);
    let single = [
        ("depth", text(query.depth.as_ref().map(|v| v as _))),
        ("until", text(query.until.as_ref().map(|v| v as _))),
        ("budget", text(query.budget.as_ref().map(|v| v as _))),
        ("min_probability", text(query.min_probability.as_ref().map(|v| v as _))),
        ("syntax", query.syntax.then(|| "1".to_owned())),
    ];
    let single = single.into_iter().filter_map(|(name, value)| Some((name, value?)));
    single.chain(query.meta.iter().map(|pair| ("meta", pair.clone()))).collect()
}

/// The URL of the same search for other words.
fn url_for(query: &SearchQuery, words: &str) -> String {
    let mut pairs = vec![("q", words.to_owned())];
    let optional = [("index", &query.index), ("fusion", &query.fusion)];
    pairs.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    pairs.extend(query.limit.map(|limit| ("limit", limit.to_string())));
    pairs.extend(query.since.iter().map(|since| ("since", since.to_string())));
    pairs.extend(query.path.iter().map(|path| ("path", path.clone())));
    pairs.extend(query.ext.iter().map(|ext| ("ext", ext.clone())));
    pairs.extend(carried(query));
    format!("/?{}", serde_urlencoded::to_string(pairs).unwrap_or_default())
}

/// What the search can be narrowed to.
pub(super) fn put_filters(html: &mut Html, view: &View) {
    let (Facets { ext, folder, base }, query) = (&view.facets, &view.query);
    let chosen = query.ext.len() + query.path.len();
    if ext.len() + folder.len() + chosen == 0 {
        html.put("<details class=\"filters\" hidden></details>", &[]);
        return;
    }
    let is_open = chosen > 0 || matches!(view.outcome, Outcome::Nothing);
    html.put(
        if is_open { "<details class=\"filters\" open>" } else { "<details class=\"filters\">" },
        &[],
    );
    html.put("<summary>Filters<span id=\"chosen\">", &[]);
    if chosen > 0 {
        html.put(" · {} chosen", &[&chosen]);
    }
    html.put("</span></summary>", &[]);
    let of = if query.q.trim().is_empty() { "all files" } else { "what has the words" };
    put_facet(html, ("ext", &format!("Kind of file, of {of}"), ""), ext, &query.ext);
    put_facet(html, ("path", &format!("Folder, of {of}"), base), folder, &query.path);
    html.put("</details>", &[]);
}

fn put_facet(
    html: &mut Html,
    (name, legend, base): (&str, &str, &str),
    counts: &[Count],
    chosen: &[String],
) {
    let unlisted = chosen.iter().filter(|value| counts.iter().all(|count| count.value != **value));
    let unlisted = unlisted.map(|value| Count { value: value.clone(), count: 0 });
    let all: Vec<Count> = counts.iter().cloned().chain(unlisted).collect();
    if all.is_empty() {
        return;
    }
    html.put("<fieldset><legend>{}</legend>", &[&legend]);
    for Count { value, count } in &all {
        let template = if chosen.contains(value) {
            "<label class=\"chip\"><input type=\"checkbox\" name=\"{}\" value=\"{}\" checked> {}"
        } else {
            "<label class=\"chip\"><input type=\"checkbox\" name=\"{}\" value=\"{}\"> {}"
        };
        let shown = value.strip_prefix(base).unwrap_or(value).trim_start_matches('/');
        html.put(template, &[&name, value, &shown]);
        html.put(" <span class=\"count\">{}</span></label>", &[count]);
    }
    html.put("</fieldset>", &[]);
}

fn put_start(html: &mut Html, view: &View) {
    if view.indexes.is_empty() {
        html.put(
            "<div class=\"note\"><h1>This server has no index</h1><p>It reranks, and searches nothing. Make an index \
             with <code>vizsla index FOLDER</code> and start the server with <code>--index DIR</code>.</p></div>",
            &[],
        );
        return;
    }
    let second = match &view.model {
        Some(model) => {
            format!("Then {model} reads the best passages and puts the ones that answer first.")
        }
        None => "This server has no model, so that they stay in that order.".to_owned(),
    };
    html.put(
        "<div class=\"note\"><h1>Search</h1><p>BM25 finds passages by their words. {}</p>\
         <p class=\"quiet\">Words are enough; <code>\"a phrase\"</code> must be there as it is, <code>-word</code> must \
         not, <code>word*</code> begins words.</p></div>",
        &[&second],
    );
}

/// What was found and how long it took, in a line.
pub(super) fn status(view: &View) -> String {
    let Outcome::Answer(response) = &view.outcome else { return String::new() };
    let hits = response.hits.len();
    let documents = if hits == 1 { "document" } else { "documents" };
    let matched = response.matched.map(|matched| {
        let least = if matched.exact { "" } else { "at least " };
        let passages = if matched.passages == 1 { "passage matches" } else { "passages match" };
        format!(" · {least}{} {passages}", matched.passages)
    });
    let retrieved = format!("BM25 {}", time(response.stages.retrieve.ms));
    let read = response.stages.rerank.as_ref().filter(|_| hits > 0).map(|stage| {
        let mut said = format!(" · model read {} in {}", stage.passages, time(stage.ms));
        for (count, what) in [(stage.cached, "remembered"), (stage.unread, "unread")] {
            if count > 0 {
                said.push_str(&format!(", {count} {what}"));
            }
        }
        said
    });
    let (matched, read) = (matched.unwrap_or_default(), read.unwrap_or_default());
    format!("{hits} {documents}{matched} · {retrieved}{read}")
}

fn put_answer(html: &mut Html, view: &View, response: &SearchResponse) {
    if let Some(why) = &response.degraded {
        html.put(
            "<p class=\"note warning\"><strong>In BM25’s order alone:</strong> {}</p>",
            &[why],
        );
    }
    put_notes(html, &view.query, &response.notes);
    if response.hits.is_empty() {
        put_none(html, view);
        return;
    }
    html.put("<h1 class=\"unseen\">Results for {}</h1><ol class=\"hits\">", &[&response.query]);
    let shown = Shown {
        index: view.query.index.as_deref().unwrap_or_default(),
        query: &view.query.q,
        stages: &response.stages,
    };
    for hit in &response.hits {
        put_hit(html, shown, hit);
    }
    html.put("</ol>", &[]);
}

fn put_notes(html: &mut Html, query: &SearchQuery, notes: &QueryNotes) {
    let sentences = notes.sentences();
    if sentences.is_empty() {
        return;
    }
    html.put("<ul class=\"note notes\">", &[]);
    if !notes.suggestions.is_empty() {
        let mut words = query.q.clone();
        for suggestion in &notes.suggestions {
            words = suggestion.apply(&words);
        }
        let url = url_for(query, &words);
        html.put("<li>Did you mean <a href=\"{}\">{}</a>?", &[&url, &words]);
        for used in notes.suggestions.iter().filter(|suggestion| suggestion.used) {
            html.put(" <span class=\"quiet\">{}</span>", &[used]);
        }
        html.put("</li>", &[]);
    }
    for sentence in &sentences[notes.suggestions.len().min(sentences.len())..] {
        html.put("<li>{}</li>", &[sentence]);
    }
    html.put("</ul>", &[]);
}

fn put_none(html: &mut Html, view: &View) {
    html.put("<div class=\"note\"><h1>Nothing found</h1><p>No passage has these words", &[]);
    let query = &view.query;
    let all = SearchQuery {
        ext: Vec::new(),
        path: Vec::new(),
        meta: Vec::new(),
        since: None,
        until: None,
        ..query.clone()
    };
    if all == *query {
        html.put(". Try other words, or fewer.</p></div>", &[]);
    } else {
        let url = url_for(&all, &query.q);
        html.put(
            " within the filters. <a href=\"{}\">Search without filters</a></p></div>",
            &[&url],
        );
    }
}

/// What only the script opens.
fn put_dialogs(html: &mut Html) {
    html.put(
        "<dialog id=\"preview\" aria-label=\"Document\"></dialog>\
         <dialog id=\"help\" aria-labelledby=\"keys\"><h2 id=\"keys\">Keys</h2><dl>\
         <div><dt><kbd>/</kbd></dt><dd>to the question</dd></div>\
         <div><dt><kbd>j</kbd> <kbd>k</kbd> or <kbd>↓</kbd> <kbd>↑</kbd></dt><dd>next and previous hit</dd></div>\
         <div><dt><kbd>Enter</kbd></dt><dd>read the hit in its document</dd></div>\
         <div><dt><kbd>e</kbd></dt><dd>why it is there</dd></div>\
         <div><dt><kbd>Esc</kbd></dt><dd>close, or back to the question</dd></div>\
         <div><dt><kbd>?</kbd></dt><dd>this list</dd></div></dl>\
         <form method=\"dialog\"><label><input id=\"letters\" type=\"checkbox\" checked> use letters and signs as keys</label>\
         <button>Close</button></form></dialog>",
        &[],
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn response(changes: &Value) -> SearchResponse {
        let mut whole = json!({
            "query": "<script>alert(1)</script>", "degraded": null, "fusion": "linear:0.7",
            "matched": {"passages": 90, "exact": false},
            "stages": {
                "retrieve": {"ms": 3.21, "candidates": 20}, "fuse": {"ms": 0.1, "documents": 18},
                "rerank": {"model": "m", "ms": 143.2, "passages": 18, "cached": 2, "tokens": 900, "unread": 0, "windowed": 0,
                    "truncated": 0},
            },
            "hits": [{
                "rank": 1, "doc_id": "d", "path": "/a/<b>.md", "place": "lines 1-2", "link": "javascript:alert(1)",
                "title": "<script>alert(2)</script>", "score": 1.5, "metadata": {},
                "scores": {"retrieval": 4.0, "retrieval_rank": 7, "rerank_logit": 4.6, "rerank_probability": 0.99,
                    "rerank_rank": 1, "rerank_tokens": 60, "rerank_windows": 1},
                "passage": {"text": "<img src=x> heron", "headings": ["One", "<Two>"], "ordinal": 0, "location": {"lines":
                    {"first": 1, "last": 2}}, "start_byte": 0, "end_byte": 17, "highlights": [[12, 17]], "truncated": false,
                    "snippet": {"text": "<img src=x> heron", "highlights": [[12, 17]], "start": 0, "end": 17}},
                "explanation": {"bm25": {"k1": 1.2, "b": 0.75, "length": 40, "average_length": 60.0, "terms": [{
                    "field": "text", "term": "<heron>", "query_weight": 1.0, "frequency": 2.0, "passages": 12, "idf": 2.0,
                    "score": 2.5}]}},
            }],
        });
        for (name, value) in changes.as_object().unwrap() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    fn view(outcome: Outcome) -> View {
        let query = match &outcome {
            Outcome::Nothing => String::new(),
            _ => "<script>alert(1)</script>".to_owned(),
        };
        View {
            query: SearchQuery { q: query, ..SearchQuery::default() },
            indexes: vec!["notes".to_owned()],
            model: Some("<model>".to_owned()),
            facets: Facets {
                ext: vec![Count { value: "<md>".to_owned(), count: 3 }],
                folder: vec![Count { value: "/a/<x>".to_owned(), count: 3 }],
                base: "/a".to_owned(),
            },
            outcome,
        }
    }

    fn answered(changes: &Value) -> String {
        render(&view(Outcome::Answer(Box::new(response(changes)))))
    }

    #[test]
    fn whatever_was_asked_and_found_stays_text() {
        let page = answered(&json!({}));
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        for never in ["<img", "javascript:", "<b>", "<Two>", "<heron>", "<md>", "<model>"] {
            let page = page.replace("<b>#", "");
            assert!(!page.contains(never), "{never} in {page}");
        }
        assert!(page.contains("&lt;img src=x&gt; <mark>heron</mark>"));
    }

    #[test]
    fn a_hit_shows_both_stages() {
        let page = answered(&json!({}));
        for part in [
            "BM25 <b>#7</b>",
            "model <b>#1</b>",
            "▲ up 6",
            "likely answers",
            "lines 1-2",
            "One › &lt;Two&gt;",
            "href=\"/document?path=%2Fa%2F%3Cb%3E.md&amp;id=d&amp;ordinal=0&amp;q=%3Cscript",
            "the model 143 ms for 18 passages",
            "1 document · at least 90 passages match · BM25 3.2 ms · model read 18 in 143 ms, 2 remembered",
            "logit 4.600",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }

    #[test]
    fn each_state_says_what_it_is() {
        let suggestion =
            json!([{"word": "alert", "suggestion": "alarm", "used": false, "rare": false}]);
        let notes = json!({"suggestions": suggestion, "excluded": ["duck"]});
        let page = answered(&json!({"hits": [], "notes": notes}));
        assert!(page.contains("Nothing found") && page.contains("duck"));
        let link = "href=\"/?q=%3Cscript%3Ealarm%281%29%3C%2Fscript%3E\"";
        assert!(page.contains(link), "{page}");
        let page = answered(&json!({"degraded": "the model <failed>"}));
        assert!(
            page.contains("In BM25’s order alone") && page.contains("the model &lt;failed&gt;")
        );
        let page = render(&view(Outcome::Failed("a <reason>".to_owned())));
        assert!(page.contains("That did not work") && page.contains("a &lt;reason&gt;"));
        let page = render(&view(Outcome::Nothing));
        assert!(page.contains(" autofocus>") && page.contains("<h1>Search</h1>"));
        let none = View { indexes: Vec::new(), ..view(Outcome::Nothing) };
        assert!(render(&none).contains("This server has no index"));
    }

    #[test]
    fn what_the_url_asks_for_is_kept() {
        let mut asking = view(Outcome::Answer(Box::new(response(&json!({"hits": []})))));
        asking.query.ext = vec!["rs".to_owned(), "odd".to_owned()];
        asking.query.meta = vec!["a=b".to_owned()];
        asking.query.limit = Some(7);
        asking.query.fusion = Some("rrf".to_owned());
        let page = render(&asking);
        for part in [
            "name=\"ext\" value=\"rs\" checked",
            "<span class=\"count\">3</span>",
            "name=\"ext\" value=\"odd\" checked",
            "type=\"hidden\" name=\"meta\" value=\"a=b\"",
            "<option value=\"7\" selected>",
            "<option value=\"rrf\" selected>",
            "href=\"/?q=%3Cscript%3Ealert%281%29%3C%2Fscript%3E&amp;fusion=rrf&amp;limit=7\"",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
}
