//! What is read as a run is written so that it is read as the same run, and judgments are read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vizsla_eval::trec;

fuzz_target!(|text: &str| {
    let _ = trec::parse_qrels(text);
    let Ok(run) = trec::parse_run(text) else { return };
    let again = trec::parse_run(&trec::format_run(&run, "fuzz")).expect("what was written is read");
    let ids = |run: &vizsla_eval::metrics::Run| -> Vec<(String, Vec<String>)> {
        let ids =
            |documents: &[(String, f32)]| documents.iter().map(|(id, _)| id.clone()).collect();
        run.iter().map(|(query, documents)| (query.clone(), ids(documents))).collect()
    };
    assert_eq!(ids(&again), ids(&run));
});
