//! Prints what the readers make of files: documents, the place of each part, and problems.
//!
//! `cargo run -p vizsla-extract --all-features --example extract -- FILE...`

#![allow(clippy::print_stdout, reason = "this is a program")]

use vizsla_core::{SplitOptions, split};
use vizsla_extract::{Extracted, Input, Limits, extract};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for name in std::env::args().skip(1) {
        let bytes = std::fs::read(&name)?;
        let mut found = Extracted::default();
        println!("=== {name}");
        if let Err(error) = extract(Input::bytes(&name, &bytes), &Limits::default(), &mut found) {
            println!("error {:?}: {error}", error.kind());
        }
        for problem in &found.problems {
            println!("problem {:?}: {problem}", problem.kind);
        }
        for document in &found.documents {
            println!("--- {} | {} | {:?}", document.id, document.title, document.metadata);
            for passage in split(document, &SplitOptions::default()) {
                println!(
                    "[{} | {}]\n{}",
                    passage.location,
                    passage.headings.join(" › "),
                    passage.text
                );
            }
        }
    }
    Ok(())
}
