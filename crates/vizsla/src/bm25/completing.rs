//! Tests of what is completed or corrected: words of which a query has the beginning, and words that nothing has.

use vizsla_core::Document;

use super::matching::{found, index_of, notes};
use crate::analysis::Language;
use crate::index::{Index, IndexSettings, WriterOptions};

#[test]
fn a_shortened_hash_is_found_in_the_whole_one() {
    let texts = [
        "commit 3f2a1bc9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3",
        "image sha256:9c2f8e7d6b5a41302f1e0d9c8b7a6958473625140f1e2d3c4b5a69788796a5b4 pushed",
        "reverts 3f2a1bc",
        "decade1 facade 1234567890",
    ];
    let index = index_of(Language::English, &texts);
    assert_eq!(found(&index, "9c2f8e7d6b5a"), [1]);
    assert_eq!(found(&index, "in 9C2F8E7 pushed"), [1]);
    assert_eq!(notes(&index, "9c2f8e7d6b5a").prefixes[0].words, 1);
    // One that is written so is meant.
    assert_eq!(found(&index, "3f2a1bc"), [2]);
    for query in ["1234567", "abc1234", "9c2f8"] {
        assert_eq!(found(&index, query), [] as [usize; 0], "{query}");
        assert!(notes(&index, query).prefixes.is_empty(), "{query}");
    }
}

#[test]
fn words_that_begin_so() {
    let texts = ["the configuration file", "configure it", "a confident man", "other"];
    let index = index_of(Language::English, &texts);
    let mut all = found(&index, "configur*");
    all.sort_unstable();
    assert_eq!(all, [0, 1]);
    assert_eq!(found(&index, "config"), [] as [usize; 0]);
    // Longer than the stem under which the word is indexed.
    let longer = index_of(Language::English, &["he is running", "the computation", "a cart"]);
    assert_eq!(found(&longer, "runn*"), [0]);
    assert_eq!(found(&longer, "computati*"), [1]);
    assert_eq!(found(&longer, "carto*"), [] as [usize; 0]);
    let note = notes(&index, "config");
    assert_eq!(note.suggestions.len(), 1);
    assert!(note.suggestions[0].suggestion.starts_with("config"), "{note:?}");
    assert_eq!(notes(&index, "conf*").prefixes[0].words, 2);
    let letters = || 'a'..='j';
    let many: Vec<String> =
        letters().flat_map(|a| letters().map(move |b| format!("prefixq{a}{b}q"))).collect();
    let many = many.join(" ");
    let index = index_of(Language::English, &[many.as_str()]);
    let note = notes(&index, "prefix*");
    assert_eq!((note.prefixes[0].words, note.prefixes[0].used), (100, 64));
    assert!(note.sentences()[0].contains("64 most frequent of 100"));
}

#[test]
fn beginnings_are_words_as_written() {
    let texts = [
        "the port of aeroskobing",
        "the port of Ærøskøbing",
        "a cafeteria",
        "une cafétéria",
        "other",
    ];
    let index = index_of(Language::English, &texts);
    assert_eq!(found(&index, "Ærø*"), [1, 0]);
    assert_eq!(found(&index, "aero*"), [0, 1]);
    assert_eq!(found(&index, "Ærøs*"), [1, 0]);
    assert_eq!(found(&index, "cafe*"), [2, 3]);
    assert_eq!(found(&index, "cafe\u{301}*"), [3, 2]);
    assert_eq!(notes(&index, "Ærø*").prefixes[0].words, 2);
    let french = index_of(Language::French, &["L’homme est là", "les chats", "un hommage"]);
    for query in ["l'hom*", "l’hom*"] {
        assert_eq!(found(&french, query), [2, 0], "{query}");
        assert!(notes(&french, query).suggestions.is_empty(), "{query}");
    }
    let irish = index_of(Language::English, &["the O'Reilly book", "other"]);
    assert_eq!(found(&irish, "o'rei*"), [0]);
}

#[test]
fn beginnings_may_have_signs_within() {
    let texts = [
        "host 10.42.7.19 and v3.14.2",
        "the main-nav-bar of a page",
        "MAX_RETRY_COUNT is 3",
        "123e4567-e89b-12d3-a456-426614174000",
        "C++ and C",
        "flag -N of an e-mail, 104 and 31 times max 3",
    ];
    let index = index_of(Language::English, &texts);
    for (query, text) in [
        ("10.4*", 0),
        ("10.*", 0),
        ("v3.*", 0),
        ("3.1*", 0),
        ("main-n*", 1),
        ("MAX_RE*", 2),
        ("max_*", 2),
        ("123e4567-e*", 3),
        ("c+*", 4),
    ] {
        assert_eq!(found(&index, query).first(), Some(&text), "{query}");
        assert_eq!(notes(&index, query).prefixes.len(), 1, "{query}");
    }
}

#[test]
fn a_star_stands_for_words_of_a_field_and_of_what_is_excluded() {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    for (id, title, text) in
        [("0", "Goulash", "Stir it."), ("1", "Jaguar", "A cat."), ("2", "Other", "jaguar, cars")]
    {
        writer.add(&Document::new(id, text).with_title(title)).unwrap();
    }
    writer.commit().unwrap();
    assert_eq!(found(&index, "title:gou*"), [0]);
    assert_eq!(found(&index, "stir title:gou*"), [0]);
    assert_eq!(notes(&index, "title:gou*").dropped, [] as [&str; 0]);
    assert_eq!(notes(&index, "title:gox* stir").dropped, ["title:gox*"]);
    assert_eq!(found(&index, "jaguar -\"car*\""), [1]);
}

#[test]
fn suggestions_are_for_words_and_can_be_found() {
    let texts =
        ["a well-known heron of the year", "the theory there", "some knowledge of the known"];
    let index = index_of(Language::English, &texts);
    for query in ["the", "thee", "well-knwon", "state-of-teh-heron", "x y", "getKnwonHeron"] {
        assert!(notes(&index, query).suggestions.is_empty(), "{query}: {:?}", notes(&index, query));
    }
    let suggested = |query: &str| -> Vec<String> {
        notes(&index, query).suggestions.into_iter().map(|found| found.suggestion).collect()
    };
    assert_eq!(suggested("hreon of theorry"), ["heron", "theory"]);
    assert_eq!(suggested("theorry -heron"), ["theory"]);
    assert!(suggested("hreon -year").is_empty(), "{:?}", suggested("hreon -year"));
}
