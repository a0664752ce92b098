//! Any text is a query, and a query of something is not empty.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vizsla_core::Query;

fuzz_target!(|text: &str| {
    let query = Query::parse(text);
    assert_eq!(query.text.is_empty(), text.trim().is_empty());
    for clause in query.required.iter().chain(&query.excluded) {
        assert!(clause.words.chars().any(char::is_alphanumeric));
    }
});
