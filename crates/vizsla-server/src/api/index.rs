//! What is in an index, and how its words continue.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State as Shared};
use serde_json::{Value, json};
use vizsla::{Filter, Fusion};

use super::SearchQuery;
use crate::error::ApiError;
use crate::folders::{below, common_folder};
use crate::state::{State, Work};

/// The indexes, with the extensions and folders of their files.
#[utoipa::path(
    get,
    path = "/api/index",
    responses(
        (status = 200, description = "Each index with its counts and facets", body = Object),
        (status = 500, description = "An index is damaged", body = crate::error::ErrorBody),
    )
)]
pub(crate) async fn describe(Shared(state): Shared<Arc<State>>) -> Result<Json<Value>, ApiError> {
    let work = Work::within(state.options.request_timeout);
    let state = Arc::clone(&state);
    work.run(move || {
        let all = state.indexes.iter().map(|served| {
            let files = served.index.files(&Filter::default())?;
            Ok(json!({
                "name": served.name,
                "stats": served.index.stats()?,
                "facets": {"ext": extensions(&files), "folder": folders(&files)},
            }))
        });
        let all = all.collect::<Result<Vec<_>, vizsla::Error>>()?;
        Ok(Json(json!({"model": state.model(), "indexes": all})))
    })
    .await
}

/// How many files have each extension.
pub(crate) fn extensions(files: &[String]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for file in files {
        if let Some(extension) = Path::new(file).extension() {
            *counts.entry(extension.to_string_lossy().to_lowercase()).or_default() += 1;
        }
    }
    counts
}

/// How many files are below each folder of the level at which the files' paths part.
pub(crate) fn folders(files: &[String]) -> BTreeMap<String, usize> {
    let paths = || files.iter().map(String::as_str);
    let common = common_folder(paths()).unwrap_or(Path::new(""));
    let counts = below(common, paths()).into_iter();
    counts.map(|(name, files)| (common.join(name).display().to_string(), files)).collect()
}

/// Words and titles that begin as the last word of the question does.
#[utoipa::path(
    get,
    path = "/api/suggest",
    params(SearchQuery),
    responses(
        (status = 200, description = "Titles that fit, and words that were perhaps meant", body = Object),
        (status = 400, description = "Not understood", body = crate::error::ErrorBody),
        (status = 404, description = "No such index", body = crate::error::ErrorBody),
    )
)]
pub(crate) async fn suggest(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let mut query = SearchQuery::from_url(query.as_deref().unwrap_or_default())?;
    let name = state.searchable(query.index.as_deref())?.name.clone();
    let asked = query.q.clone();
    if asked.chars().last().is_some_and(char::is_alphanumeric) {
        query.q.push('*');
    }
    let request = query.request(&state)?.with_fusion(Fusion::Retrieval);
    let work = Work::within(state.options.request_timeout);
    let state = Arc::clone(&state);
    work.run(move || {
        let response = state.searchable(Some(&name))?.engine.search(&request)?;
        let mut titles: Vec<String> = Vec::new();
        for hit in response.hits {
            let title = if hit.title.is_empty() { hit.doc_id } else { hit.title };
            if !titles.contains(&title) {
                titles.push(title);
            }
        }
        Ok(Json(json!({"query": asked, "titles": titles, "words": response.notes.suggestions})))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_counted_where_paths_part() {
        let files = ["/a/b/x/1.md", "/a/b/x/y/2.MD", "/a/b/z/3.rs", "/a/b/4.rs"].map(str::to_owned);
        let found: Vec<_> = folders(&files).into_iter().collect();
        assert_eq!(found, [("/a/b/x".to_owned(), 2), ("/a/b/z".to_owned(), 1)]);
        let found: Vec<_> = extensions(&files).into_iter().collect();
        assert_eq!(found, [("md".to_owned(), 2), ("rs".to_owned(), 2)]);
        assert!(folders(&[]).is_empty());
    }
}
