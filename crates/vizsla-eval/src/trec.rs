//! Reads and writes the text formats of TREC: runs and relevance judgments.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::metrics::{Qrels, Run};

/// A line that does not have the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTrecError {
    line: usize,
    text: String,
    expected: &'static str,
}

impl fmt::Display for ParseTrecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: expected {}, found {:?}", self.line, self.expected, self.text)
    }
}

impl std::error::Error for ParseTrecError {}

/// Reads a run, `query Q0 document rank score tag` a line. As trec_eval does, the rank is ignored: documents are ordered
/// by score, then by id, both descending; of a document listed twice the better line counts.
///
/// # Errors
/// [`ParseTrecError`] names the first line that has another form.
pub fn parse_run(text: &str) -> Result<Run, ParseTrecError> {
    let mut run: BTreeMap<String, Vec<(String, f32)>> = BTreeMap::new();
    for (line, fields, error) in rows(text, "\"query Q0 document rank score tag\"") {
        let (&[query, _, document, _, score, ..], true) = (fields.as_slice(), fields.len() <= 6)
        else {
            return Err(error(line));
        };
        let score: f32 = score
            .parse()
            .ok()
            .filter(|score: &f32| score.is_finite())
            .ok_or_else(|| error(line))?;
        run.entry(query.to_owned()).or_default().push((document.to_owned(), score));
    }
    Ok(run
        .into_iter()
        .map(|(query, mut documents)| {
            documents.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
            let mut seen = std::collections::BTreeSet::new();
            documents.retain(|(id, _)| seen.insert(id.clone()));
            (query, documents)
        })
        .collect())
}

/// Writes a run. trec_eval orders by score and breaks ties by id, so equal scores are made to decrease by the smallest
/// step that keeps the given order.
pub fn format_run(run: &Run, tag: &str) -> String {
    let mut text = String::new();
    for (query, documents) in run {
        let mut previous = f32::INFINITY;
        for (rank, (document, score)) in documents.iter().enumerate() {
            let score = if *score < previous { *score } else { previous.next_down() };
            previous = score;
            writeln!(text, "{query} Q0 {document} {} {score} {tag}", rank + 1)
                .expect("writing to a string cannot fail");
        }
    }
    text
}

/// Reads judgments: TREC's `query 0 document grade`, or BEIR's table with tabs, `query-id  corpus-id  score`.
///
/// # Errors
/// [`ParseTrecError`] names the first line that has neither form.
pub fn parse_qrels(text: &str) -> Result<Qrels, ParseTrecError> {
    let mut qrels = Qrels::new();
    for (line, fields, error) in
        rows(text, "\"query 0 document grade\" or \"query-id<tab>corpus-id<tab>score\"")
    {
        let (query, document, grade) = match fields.as_slice() {
            [query, _, document, grade] | [query, document, grade] => (*query, *document, *grade),
            _ => return Err(error(line)),
        };
        if line == 1 && grade == "score" {
            continue;
        }
        let grade: i32 = grade.parse().map_err(|_| error(line))?;
        qrels.entry(query.to_owned()).or_default().insert(document.to_owned(), grade);
    }
    Ok(qrels)
}

type Row<'a, F> = (usize, Vec<&'a str>, F);

fn rows<'a>(
    text: &'a str,
    expected: &'static str,
) -> impl Iterator<Item = Row<'a, impl Fn(usize) -> ParseTrecError>> {
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(move |(i, text)| {
        let error = move |line| ParseTrecError { line, text: text.to_owned(), expected };
        (i + 1, text.split_whitespace().collect(), error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_ordered_as_trec_eval_orders_it() {
        let run = parse_run("q Q0 a 1 1.5 t\nq Q0 b 9 2.5 t\n\nq Q0 c 3 1.5 t\nq Q0 a 4 0.5 t\n")
            .unwrap();
        let ids: Vec<_> = run["q"].iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["b", "c", "a"]);
    }

    #[test]
    fn written_scores_decrease_strictly_so_that_order_survives() {
        let run = Run::from([(
            "q".into(),
            vec![("a".into(), 2.0), ("b".into(), 2.0), ("c".into(), 2.0)],
        )]);
        let again = parse_run(&format_run(&run, "t")).unwrap();
        assert_eq!(
            again["q"].iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
            ["a", "b", "c"]
        );
    }

    #[test]
    fn both_forms_of_judgments_are_read() {
        let beir = parse_qrels("query-id\tcorpus-id\tscore\nq\td\t2\n").unwrap();
        assert_eq!(beir, parse_qrels("q 0 d 2\n").unwrap());
    }

    #[test]
    fn errors_name_the_line() {
        assert!(
            parse_run("q Q0 a 1 1.5 t\nq Q0 a 1\n").unwrap_err().to_string().starts_with("line 2")
        );
        assert!(parse_run("q Q0 a 1 nan t").is_err());
        assert!(parse_qrels("q 0 d high").unwrap_err().to_string().starts_with("line 1"));
    }
}
