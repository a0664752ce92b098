//! Reads and writes the text formats of TREC: runs and relevance judgments. A leading byte-order mark is skipped.

use std::collections::{BTreeMap, BTreeSet};
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

/// Reads a run, `query Q0 document rank score tag` per line. As trec_eval does, the rank is ignored: documents are ordered
/// by score, then by id, both descending; for a document listed twice, the better line counts. Ids are taken verbatim,
/// except on lines whose tag says that [`format_run`] encoded them.
///
/// # Errors
/// [`ParseTrecError`] names the first malformed line.
pub fn parse_run(text: &str) -> Result<Run, ParseTrecError> {
    let mut run: BTreeMap<String, Vec<(String, f32)>> = BTreeMap::new();
    for (line, fields, error) in rows(text, "\"query Q0 document rank score tag\"") {
        let (&[query, _, document, _, score, ref tag @ ..], true) =
            (fields.as_slice(), fields.len() <= 6)
        else {
            return Err(error(line));
        };
        let score: f32 = score
            .parse()
            .ok()
            .filter(|score: &f32| score.is_finite())
            .ok_or_else(|| error(line))?;
        let is_encoded = tag.first().is_some_and(|tag| tag.ends_with(ENCODED));
        let id = |id: &str| if is_encoded { decoded(id) } else { Some(id.to_owned()) };
        let (query, document) = id(query).zip(id(document)).ok_or_else(|| error(line))?;
        run.entry(query).or_default().push((document, score));
    }
    for documents in run.values_mut() {
        documents.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(&a.0)));
        let mut seen = BTreeSet::new();
        documents.retain(|(id, _)| seen.insert(id.clone()));
    }
    Ok(run)
}

/// Ends the tag of a run whose ids are percent-encoded.
const ENCODED: &str = "+percent-encoded";

/// Writes a run, which [`parse_run`] reads back in the same order. trec_eval orders by score and breaks ties by id, so equal
/// scores are made to decrease by the smallest step that keeps the given order.
///
/// The format has white space between its columns and no way to quote it. If an id of the run has white space (paths do), all
/// its ids are percent-encoded as in a URL (only white space, control characters and `%`), and `+percent-encoded` is added to
/// the tag. White space in the tag becomes `-`. For trec_eval, such ids must be encoded in the judgments too.
pub fn format_run(run: &Run, tag: &str) -> String {
    let of_query = |(query, documents): (&String, &Vec<(String, f32)>)| {
        needs_encoding(query) || documents.iter().any(|(id, _)| needs_encoding(id))
    };
    let is_encoded = run.iter().any(of_query);
    let id = |id: &str| if is_encoded { encoded(id) } else { id.to_owned() };
    let mut tag = tag.replace(char::is_whitespace, "-");
    if is_encoded {
        tag.push_str(ENCODED);
    }
    let mut text = String::new();
    for (query, documents) in run {
        let (query, mut previous) = (id(query), f32::INFINITY);
        for (rank, (document, score)) in documents.iter().enumerate() {
            let decreases = *score < previous && score.is_finite();
            let score = if decreases { *score } else { previous.next_down() };
            previous = score;
            writeln!(text, "{query} Q0 {} {} {score} {tag}", id(document), rank + 1)
                .expect("writing to a string cannot fail");
        }
    }
    text
}

fn needs_encoding(id: &str) -> bool {
    id.is_empty() || id.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// Percent-encoding (RFC 3986, section 2.1) of what would not survive in a column. An empty id is a lone `%`.
fn encoded(id: &str) -> String {
    if id.is_empty() {
        return "%".to_owned();
    }
    let mut text = String::with_capacity(id.len());
    for c in id.chars() {
        if c.is_whitespace() || c.is_control() || c == '%' {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                write!(text, "%{byte:02X}").expect("writing to a string cannot fail");
            }
        } else {
            text.push(c);
        }
    }
    text
}

/// Decodes an id; `None` when the text is not a valid encoding.
fn decoded(text: &str) -> Option<String> {
    if text == "%" {
        return Some(String::new());
    }
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (hex, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// Reads judgments: TREC's `query 0 document grade`, or BEIR's table with tabs, `query-id  corpus-id  score`, whose ids may
/// contain spaces.
///
/// # Errors
/// [`ParseTrecError`] names the first line that has neither form.
pub fn parse_qrels(text: &str) -> Result<Qrels, ParseTrecError> {
    let mut qrels = Qrels::new();
    let expected = "\"query 0 document grade\" or \"query-id<tab>corpus-id<tab>score\"";
    for (line, fields, error) in rows(text, expected) {
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
    // A file that was put together from several may have a byte order mark in the middle.
    let begins = |c: char| c.is_whitespace() || c == '\u{feff}';
    let rows = text.lines().map(move |line| line.trim_start_matches(begins)).enumerate();
    rows.filter(|(_, line)| !line.is_empty()).map(move |(i, text)| {
        let error = move |line| ParseTrecError { line, text: text.to_owned(), expected };
        (i + 1, columns(text), error)
    })
}

/// Three tab-separated columns are BEIR's table; anything else is separated by white space.
fn columns(line: &str) -> Vec<&str> {
    let tabbed: Vec<&str> = line.split('\t').map(str::trim).collect();
    let is_table = tabbed.len() == 3 && tabbed.iter().all(|column| !column.is_empty());
    if is_table { tabbed } else { line.split_whitespace().collect() }
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
    fn a_byte_order_mark_is_no_part_of_an_id() {
        for mark in ["\u{feff}", " \u{feff}", "\u{feff} \u{feff}"] {
            let run = parse_run(&format!("{mark}q Q0 a 1 1.5 t\n{mark}q Q0 b 2 1 t\n")).unwrap();
            assert_eq!(run["q"].len(), 2);
            assert_eq!(parse_run(&format_run(&run, "t")).unwrap()["q"].len(), 2);
            assert!(parse_qrels(&format!("{mark}q 0 d 2\n")).unwrap().contains_key("q"));
            assert!(parse_run(&format!("{mark}\n")).unwrap().is_empty());
        }
    }

    #[test]
    fn ids_with_white_space_survive_and_others_are_left_alone() {
        let run = |ids: &[&str]| -> Run {
            let scores = (1..).map(|rank| -rank as f32);
            [("q 1".into(), ids.iter().map(ToString::to_string).zip(scores).collect())].into()
        };
        let paths = run(&["/My Documents/100%.md", "a\u{a0}b\n", "%20", ""]);
        let text = format_run(&paths, "my tag");
        assert!(
            text.starts_with("q%201 Q0 /My%20Documents/100%25.md 1 -1 my-tag+percent-encoded\n")
        );
        assert_eq!(parse_run(&text).unwrap(), paths);
        // Runs of other programs may have such ids and mean them literally.
        let plain = Run::from([("q".into(), vec![("a%20b".into(), 1.0)])]);
        assert_eq!(format_run(&plain, "t"), "q Q0 a%20b 1 1 t\n");
        assert_eq!(parse_run("q Q0 a%20b 1 1 t\n").unwrap(), plain);
        for broken in ["%2", "%zz", "%ff"] {
            assert!(parse_run(&format!("q Q0 {broken} 1 1 t{ENCODED}")).is_err(), "{broken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_run_is_read_back(ids in proptest::collection::btree_set(".{0,6}", 1..9)) {
            let documents: Vec<_> = ids.into_iter().map(|id| (id, 0.0)).collect();
            let run = Run::from([(" q".to_owned(), documents)]);
            let again = parse_run(&format_run(&run, "tag")).unwrap();
            let ids = |run: &Run| run[" q"].iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
            proptest::prop_assert_eq!(ids(&again), ids(&run));
        }
    }

    #[test]
    fn both_forms_of_judgments_are_read() {
        let beir = parse_qrels("query-id\tcorpus-id\tscore\nq\td\t2\n").unwrap();
        assert_eq!(beir, parse_qrels("q 0 d 2\n").unwrap());
        assert_eq!(beir, parse_qrels("q\t0\td\t2\n").unwrap());
        let spaced = parse_qrels("query-id\tcorpus-id\tscore\nq 1\tmy file\t2\n").unwrap();
        assert_eq!(spaced["q 1"]["my file"], 2);
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
