//! How agents name documents. In: an id, a file, a file with lines, or a link, as an agent sends it. Out: the document that
//! is meant, looked up in the index and never in the file system.

use percent_encoding::percent_decode_str;
use vizsla::Filter;

use crate::error::ApiError;
use crate::state::{Searchable, State};

/// Most documents that are named in an error.
const NAMED: usize = 10;

/// A document that was asked for.
#[derive(Debug)]
pub(crate) struct Named<'a> {
    pub(crate) searchable: &'a Searchable,
    pub(crate) path: String,
    pub(crate) id: String,
    /// The lines, pages or the like that were asked for.
    pub(crate) places: Option<[u32; 2]>,
}

/// The id by which agents fetch a document: unique in an index, and the same as long as its file is.
pub(crate) fn public_id(path: Option<&str>, id: &str) -> String {
    match path {
        // Ids that are made of the file's path say it already.
        Some(path) if !path.is_empty() && !id.starts_with(path) => format!("{path}#{id}"),
        _ => id.to_owned(),
    }
}

/// Looks up what an agent calls a document.
pub(crate) fn find<'a>(
    state: &'a State,
    index: Option<&str>,
    name: &str,
) -> Result<Named<'a>, ApiError> {
    let chosen = match index.filter(|index| !index.is_empty()) {
        Some(index) => vec![state.searchable(Some(index))?],
        None => state.indexes.iter().collect(),
    };
    if chosen.is_empty() {
        state.searchable(None)?;
    }
    let forms = forms(name.trim());
    for by in [by_name, by_end_of_path] {
        for (form, places) in &forms {
            for searchable in &chosen {
                let mut found = by(searchable, form)?;
                match found.len() {
                    0 => {}
                    1 => {
                        let (path, id) = found.remove(0);
                        return Ok(Named { searchable, path, id, places: *places });
                    }
                    _ => return Err(ambiguous(form, &found)),
                }
            }
        }
    }
    Err(ApiError::not_found(format!(
        "there is no document {name:?} in the index: take the id from a result of search"
    )))
}

/// What a name may stand for: itself, the file of a link, a file with places.
fn forms(name: &str) -> Vec<(String, Option<[u32; 2]>)> {
    let name = name.strip_prefix("vizsla://").unwrap_or(name);
    let mut forms = vec![(name.to_owned(), None)];
    if let Some(url) = name.strip_prefix("file://") {
        let path = url.split('#').next().unwrap_or_default();
        forms.push((decoded(path), None));
    } else if name.contains('%') {
        forms.push((decoded(name), None));
    }
    for (form, _) in forms.clone() {
        forms.extend(with_places(&form).map(|(path, places)| (path.to_owned(), Some(places))));
    }
    forms
}

/// Splits `a.md:12-40` and `a.md:12`.
fn with_places(name: &str) -> Option<(&str, [u32; 2])> {
    let (path, places) = name.rsplit_once(':')?;
    let (first, last) = places.split_once('-').unwrap_or((places, places));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && !path.is_empty()).then_some((path, [first, last]))
}

/// A URL's text without percent signs.
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

type Keys = Vec<(String, String)>;

fn by_name(searchable: &Searchable, name: &str) -> Result<Keys, ApiError> {
    let index = &searchable.index;
    let files = index.files_with(name)?;
    if !files.is_empty() {
        return Ok(files.into_iter().map(|file| (file, name.to_owned())).collect());
    }
    for (at, _) in name.match_indices('#') {
        let (path, id) = (&name[..at], &name[at + 1..]);
        if !index.document((path, id))?.is_empty() {
            return Ok(vec![(path.to_owned(), id.to_owned())]);
        }
    }
    documents_of(searchable, name)
}

fn documents_of(searchable: &Searchable, path: &str) -> Result<Keys, ApiError> {
    let ids = searchable.index.documents_of(path, NAMED + 1)?;
    Ok(ids.into_iter().map(|id| (path.to_owned(), id)).collect())
}

/// Files whose path ends so: agents leave out the folder they are in.
fn by_end_of_path(searchable: &Searchable, name: &str) -> Result<Keys, ApiError> {
    let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\');
    let name = name.trim_start_matches("./").trim_start_matches('/');
    if name.is_empty() {
        return Ok(Vec::new());
    }
    let escaped: String =
        name.chars().map(|c| if special(c) { format!("[{c}]") } else { c.to_string() }).collect();
    let files = searchable.index.files(&Filter::default().with_path(format!("**/{escaped}")))?;
    let mut found = Vec::new();
    for file in files.iter().take(NAMED + 1) {
        found.extend(documents_of(searchable, file)?);
    }
    Ok(found)
}

fn ambiguous(name: &str, found: &[(String, String)]) -> ApiError {
    let ids: Vec<String> =
        found.iter().take(NAMED).map(|(path, id)| public_id(Some(path), id)).collect();
    let more = if found.len() > NAMED { ", and more: search finds them" } else { "" };
    ApiError::malformed(format!(
        "{name:?} is several documents; fetch one of them: {}{more}",
        ids.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_documents_files_links_and_places() {
        assert_eq!(public_id(Some("/a.md"), "/a.md"), "/a.md");
        assert_eq!(public_id(Some("/a.jsonl"), "7"), "/a.jsonl#7");
        assert_eq!(public_id(Some("/a.csv"), "/a.csv#3"), "/a.csv#3");
        assert_eq!(public_id(None, "7"), "7");
        let names = |name| forms(name).into_iter().map(|(form, _)| form).collect::<Vec<_>>();
        assert_eq!(names("vizsla:///a.md"), ["/a.md"]);
        assert_eq!(names("file:///a%20b.pdf#page=3"), ["file:///a%20b.pdf#page=3", "/a b.pdf"]);
        assert_eq!(forms("a.md:12-40")[1], ("a.md".to_owned(), Some([12, 40])));
        assert_eq!(forms("a.md:12")[1], ("a.md".to_owned(), Some([12, 12])));
        assert_eq!(forms("a.md:40-12").len(), 1);
        assert_eq!(decoded("100%"), "100%");
    }
}
