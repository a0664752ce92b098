//! The index that we make in an engine, so that its BM25 is as near to ours as it can be.
//!
//! Words by Unicode's rules, lower-cased, folded to ASCII and stemmed by the language's Snowball stemmer; stop words are
//! indexed, and left out of queries. Length is counted in the same steps as ours, k1 and b are ours. What differs: our own
//! index also knows spelling variants of a word as one group, and an engine's shards each have their own statistics
//! unless they are asked to share them.

use serde_json::{Value, json};
use vizsla::{IndexSettings, Language};

use crate::fields::VERSION;

/// What every field of text is analysed with when it is indexed, and phrases of queries with.
pub(super) const ANALYZER: &str = "vizsla";
/// The same without stop words.
const SEARCH_ANALYZER: &str = "vizsla_search";

/// The body of a request that makes the index.
pub(super) fn of_passages(
    settings: &IndexSettings,
    shards: Option<u32>,
    replicas: Option<u32>,
) -> Value {
    let text = || {
        json!({
            "type": "text",
            "analyzer": ANALYZER,
            "search_analyzer": SEARCH_ANALYZER,
            "search_quote_analyzer": ANALYZER,
            "similarity": "vizsla",
        })
    };
    let number = || json!({"type": "long", "index": false, "doc_values": false});
    let keyword = || json!({"type": "keyword"});
    let mut properties = json!({
        "content": text(), "title": text(), "headings": text(), "path_words": text(),
        "doc_id": keyword(), "path": keyword(), "extension": keyword(), "meta": keyword(), "run": keyword(),
        "ordinal": {"type": "integer"},
        "modified": {"type": "long"},
        "text_from": number(), "start_byte": number(), "end_byte": number(),
        "location": {"type": "object", "enabled": false},
        "metadata": {"type": "object", "enabled": false},
    });
    if settings.separate_body {
        properties["body"] = text();
    }
    let mut index = json!({
        "analysis": analysis(settings.language),
        "similarity": {"vizsla": {"type": "BM25", "k1": settings.bm25.k1(), "b": settings.bm25.b()}},
    });
    if let Some(shards) = shards {
        index["number_of_shards"] = shards.into();
    }
    if let Some(replicas) = replicas {
        index["number_of_replicas"] = replicas.into();
    }
    json!({
        "settings": {"index": index},
        "mappings": {
            "dynamic": "strict",
            "_meta": {"vizsla": {"version": VERSION, "settings": settings}},
            "properties": properties,
        },
    })
}

/// The body of a request that makes the index of what is remembered of files, beside that of passages.
pub(super) fn of_files(replicas: Option<u32>) -> Value {
    let mut index = json!({"number_of_shards": 1});
    if let Some(replicas) = replicas {
        index["number_of_replicas"] = replicas.into();
    }
    json!({
        "settings": {"index": index},
        "mappings": {
            "dynamic": "strict",
            "properties": {
                "path": {"type": "keyword"},
                "record": {"type": "object", "enabled": false},
                "state": {"type": "object", "enabled": false},
                "writer": {"type": "object", "enabled": false},
            },
        },
    })
}

fn analysis(language: Language) -> Value {
    let mut filters = vec!["lowercase"];
    if language == Language::English {
        filters.insert(0, "vizsla_possessive");
    }
    let mut defined = json!({
        "vizsla_possessive": {"type": "stemmer", "language": "possessive_english"},
    });
    let mut searching = filters.clone();
    let is_known = !matches!(language, Language::Other | Language::Tamil);
    if is_known {
        let name = format!("_{language}_");
        defined["vizsla_stop"] = json!({"type": "stop", "stopwords": name});
        defined["vizsla_stem"] = json!({"type": "stemmer", "language": stemmer(language)});
        searching.push("vizsla_stop");
    }
    for filters in [&mut filters, &mut searching] {
        if is_latin(language) {
            filters.push("asciifolding");
        }
        if is_known {
            filters.push("vizsla_stem");
        }
    }
    json!({
        "filter": defined,
        "analyzer": {
            ANALYZER: {"type": "custom", "tokenizer": "standard", "filter": filters},
            SEARCH_ANALYZER: {"type": "custom", "tokenizer": "standard", "filter": searching},
        },
    })
}

/// Whether marks on letters can be dropped before stemming.
fn is_latin(language: Language) -> bool {
    matches!(language, Language::English | Language::Other)
}

/// The engine's name for the stemmer nearest to Snowball's.
fn stemmer(language: Language) -> String {
    match language {
        Language::English => "porter2".to_owned(),
        Language::German => "german2".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mapping_carries_our_parameters_and_settings() {
        let settings = IndexSettings::default();
        let body = of_passages(&settings, Some(3), None);
        let index = &body["settings"]["index"];
        assert_eq!(index["similarity"]["vizsla"]["k1"], json!(settings.bm25.k1()));
        assert_eq!(
            (&index["number_of_shards"], index.get("number_of_replicas")),
            (&json!(3), None)
        );
        let stored = &body["mappings"]["_meta"]["vizsla"]["settings"];
        assert_eq!(serde_json::from_value::<IndexSettings>(stored.clone()).unwrap(), settings);
        assert!(body["mappings"]["properties"].get("body").is_none());
    }

    #[test]
    fn every_language_has_an_analysis() {
        for language in Language::ALL {
            let analysis = analysis(language);
            let filters = analysis["analyzer"][ANALYZER]["filter"].as_array().unwrap();
            assert!(filters.contains(&json!("lowercase")), "{language}");
        }
    }
}
