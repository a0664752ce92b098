//! The questions of docs/beside-others.md, asked of the program, so that its column there is what it does.

use serde_json::Value;

use crate::support::{Workspace, fixture, root};

fn records() -> Vec<Value> {
    let lines = std::fs::read_to_string(fixture("beside-others.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_is_found_is_what_the_comparison_says() {
    let workspace = Workspace::new();
    let records = records();
    for record in &records {
        let name = format!("docs/{}", record["file"].as_str().unwrap());
        workspace.write(&name, record["text"].as_str().unwrap());
    }
    workspace.ok(&["index", "docs", "--index", "index"]);
    let asked = records.iter().filter_map(|record| Some((record, record["query"].as_str()?)));
    let mut wrong = Vec::new();
    for (record, query) in asked {
        let args = ["search", "--index", "index", "--fusion", "bm25", "--json", "--", query];
        let answer: Value = serde_json::from_str(&workspace.run(&args).out).unwrap();
        let hits = answer["hits"].as_array().unwrap().iter();
        let names: Vec<&str> =
            hits.map(|hit| hit["path"].as_str().unwrap().rsplit('/').next().unwrap()).collect();
        let first = names.first().copied() == record["file"].as_str();
        let without = record["without"].as_str().is_none_or(|other| !names.contains(&other));
        if (first && without) != record["found"].as_bool().unwrap() {
            wrong.push(format!("{query}: {names:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_comparison_has_all_questions_and_answers() {
    let table = std::fs::read_to_string(root().join("docs/beside-others.md")).unwrap();
    let mut found = 0;
    for record in records() {
        let Some(query) = record["query"].as_str() else { continue };
        let row = table.lines().find(|line| line.starts_with(&format!("| `{query}` |")));
        let row = row.unwrap_or_else(|| panic!("no row for {query}"));
        let says = row.split('|').nth(3).unwrap().trim();
        let is_found = record["found"].as_bool().unwrap();
        assert_eq!(says == "yes", is_found, "{row}");
        found += usize::from(is_found);
    }
    assert!(table.contains(&format!("| Vizsla | {found} of 30 |")));
}
