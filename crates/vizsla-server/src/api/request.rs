//! What a search may ask for, in a URL or in a body. In: names and values. Out: a [`SearchRequest`].

use std::fmt::Display;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vizsla::{Effort, Filter, FusionPolicy, QuerySyntax, SearchRequest};

use crate::error::ApiError;
use crate::state::State;

/// What a search asks for. In a URL, lists are repeated names or values with commas between them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::IntoParams, utoipa::ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct SearchQuery {
    /// The question.
    pub(crate) q: String,
    /// The name of the index; the first one by default.
    pub(crate) index: Option<String>,
    /// How many hits at most.
    pub(crate) limit: Option<usize>,
    /// How many candidates the model reads.
    pub(crate) depth: Option<usize>,
    /// How the rankings are combined: `bm25`, `rerank`, `log-odds`, `linear:0.7`, `rrf`.
    pub(crate) fusion: Option<String>,
    /// How much of the candidates the model reads: `quick`, `balanced`, `thorough` or `full`.
    pub(crate) effort: Option<String>,
    /// Globs that the path must match one of.
    pub(crate) path: Vec<String>,
    /// Extensions that the file must have one of.
    pub(crate) ext: Vec<String>,
    /// Metadata that the document must have, as `name=value`.
    pub(crate) meta: Vec<String>,
    /// The file must have changed at or after this moment: seconds since 1970, or `7d`, `yesterday`, `2024`, `2024-05`,
    /// `2024-05-31`, `2024-05-31T12:00:00Z`.
    pub(crate) since: Option<Moment>,
    /// The file must have changed before this moment.
    pub(crate) until: Option<Moment>,
    /// Whether to explain the scores.
    pub(crate) explain: bool,
    /// Whether the query is in the engine's own syntax, in which it can be wrong.
    pub(crate) syntax: bool,
    /// Seconds that retrieving and reranking may take together.
    pub(crate) budget: Option<f64>,
    /// The probability that a hit must have, from 0 to 1.
    pub(crate) min_probability: Option<f32>,
}

/// Seconds since 1970, or a moment as people name it; kept as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(crate) enum Moment {
    Seconds(i64),
    Named(String),
}

impl Moment {
    /// In seconds since 1970; `name` is that of the parameter.
    fn seconds(&self, name: &str) -> Result<i64, ApiError> {
        match self {
            Self::Seconds(seconds) => Ok(*seconds),
            Self::Named(text) => vizsla::parse_moment(text).map_err(|error| {
                ApiError::malformed(format!("`{name}`: {text:?}: {error}, or seconds since 1970"))
            }),
        }
    }
}

impl Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds}"),
            Self::Named(text) => f.write_str(text),
        }
    }
}

impl SearchQuery {
    /// Reads the part of a URL after `?`.
    pub(crate) fn from_url(query: &str) -> Result<Self, ApiError> {
        // What is read below would replace such bytes silently.
        percent_decode_str(query).decode_utf8().map_err(|_| {
            ApiError::malformed(
                "the URL must be percent-encoded UTF-8, and some of its bytes are not",
            )
        })?;
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
            .map_err(|error| ApiError::malformed(format!("the URL cannot be read: {error}")))?;
        let mut object = Map::new();
        for (name, value) in pairs {
            // Forms send what was left empty.
            if value.is_empty() && name != "q" {
                continue;
            }
            let value = match name.as_str() {
                "path" | "ext" | "meta" => {
                    let list = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                    if let Value::Array(list) = list {
                        list.extend(value.split(',').map(Value::from));
                    }
                    continue;
                }
                "q" | "index" | "fusion" | "effort" => Value::from(value),
                // Four digits are a year.
                "since" | "until" if value.len() == 4 => Value::from(value),
                "explain" | "syntax" => {
                    Value::from(!matches!(value.as_str(), "0" | "false" | "no"))
                }
                _ => serde_json::from_str(&value).unwrap_or(Value::from(value)),
            };
            object.insert(name, value);
        }
        Self::from_object(object)
    }

    /// Reads a JSON object; `query` is another name of `q`.
    pub(crate) fn from_object(mut object: Map<String, Value>) -> Result<Self, ApiError> {
        if let Some(query) = object.remove("query") {
            object.entry("q").or_insert(query);
        }
        object.retain(|_, value| !value.is_null());
        for name in ["path", "ext", "meta"] {
            if let Some(one @ Value::String(_)) = object.get(name).cloned() {
                object.insert(name.to_owned(), Value::Array(vec![one]));
            }
        }
        serde_path_to_error::deserialize(Value::Object(object))
            .map_err(|error| ApiError::malformed(format!("`{}`: {}", error.path(), error.inner())))
    }

    /// The request, with the server's own settings where it has none.
    pub(crate) fn request(&self, state: &State) -> Result<SearchRequest, ApiError> {
        let mut request = SearchRequest::new(&self.q)
            .with_depth(self.depth.unwrap_or(state.options.depth))
            .with_filter(self.filter()?)
            .with_syntax(self.query_syntax())
            .with_retrieval_fallback()
            .with_folded_copies()
            .with_notes();
        if let Some(limit) = self.limit {
            request = request.with_limit(limit);
        }
        if let Some(fusion) = self.fusion()? {
            request = request.with_fusion(fusion);
        }
        if let Some(effort) = self.effort()? {
            request = request.with_effort(effort);
        }
        if self.explain {
            request = request.with_explanation();
        }
        if let Some(least) = self.min_probability {
            request = request.with_min_probability(least);
        }
        let most = state.options.request_timeout;
        let budget = match self.budget {
            Some(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| {
                ApiError::malformed("`budget` must be a number of seconds, 0 or more")
            })?,
            None => state.options.budget.unwrap_or(most),
        };
        Ok(request.with_budget(budget.min(most)))
    }

    pub(crate) fn query_syntax(&self) -> QuerySyntax {
        if self.syntax { QuerySyntax::Native } else { QuerySyntax::Text }
    }

    fn fusion(&self) -> Result<Option<FusionPolicy>, ApiError> {
        let parse = |text: &String| {
            text.parse::<FusionPolicy>()
                .map_err(|error| ApiError::malformed(format!("`fusion`: {error}")))
        };
        self.fusion.as_ref().map(parse).transpose()
    }

    fn effort(&self) -> Result<Option<Effort>, ApiError> {
        let parse = |text: &String| {
            text.parse::<Effort>()
                .map_err(|error| ApiError::malformed(format!("`effort`: {error}")))
        };
        self.effort.as_ref().map(parse).transpose()
    }

    pub(crate) fn filter(&self) -> Result<Filter, ApiError> {
        let seconds = |name: &str, moment: &Option<Moment>| {
            moment.as_ref().map(|moment| moment.seconds(name)).transpose()
        };
        let (since, until) = (seconds("since", &self.since)?, seconds("until", &self.until)?);
        let mut filter = Filter::default().with_modified(since, until);
        for path in &self.path {
            filter.paths.extend(globs(path));
        }
        for extension in &self.ext {
            filter = filter.with_extension(extension.trim_start_matches('.'));
        }
        for pair in &self.meta {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                ApiError::malformed(format!("`meta`: {pair:?} must be name=value"))
            })?;
            filter = filter.with_metadata(name, value);
        }
        Ok(filter)
    }
}

/// A path without wildcards is a file or a folder, wherever it is.
pub(crate) fn globs(path: &str) -> Vec<String> {
    let path = path.trim();
    if path.contains(['*', '?', '[', '{']) {
        return vec![path.to_owned()];
    }
    let path = path.trim_end_matches('/');
    vec![path.to_owned(), format!("{path}/**")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_url_and_a_body_say_the_same() {
        let url = SearchQuery::from_url(
            "q=how%20to&limit=3&path=docs&path=src,lib&ext=md&meta=a%3Db&explain=1&budget=0.5&since=&x=y",
        )
        .unwrap();
        let body = json!({
            "query": "how to", "limit": 3, "path": ["docs", "src", "lib"], "ext": "md", "meta": ["a=b"], "explain": true,
            "budget": 0.5, "depth": null,
        });
        let body = SearchQuery::from_object(body.as_object().unwrap().clone()).unwrap();
        assert_eq!(url, body);
    }

    #[test]
    fn a_path_is_a_file_a_folder_or_a_glob() {
        assert_eq!(globs("docs/"), ["docs", "docs/**"]);
        assert_eq!(globs(" src/**/*.rs "), ["src/**/*.rs"]);
    }

    #[test]
    fn moments_are_seconds_or_as_people_name_them() {
        let from = |url: &str| SearchQuery::from_url(url).unwrap().filter().unwrap().modified_from;
        let year = vizsla::parse_moment("2024").unwrap();
        assert_eq!(from("q=x&since=2024"), Some(year));
        assert_eq!(from(&format!("q=x&since={year}")), Some(year));
        assert!(from("q=x&since=7d") > Some(year));
        let body = json!({"q": "x", "since": "2024", "until": -5});
        let query = SearchQuery::from_object(body.as_object().unwrap().clone()).unwrap();
        let filter = query.filter().unwrap();
        assert_eq!((filter.modified_from, filter.modified_until), (Some(year), Some(-5)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (url, named) in
            [("q=x&limit=many", "limit"), ("q=x&since=1.5", "since"), ("q=caf%E9", "UTF-8")]
        {
            let error = SearchQuery::from_url(url).unwrap_err();
            assert!(error.text().contains(named), "{url}: {}", error.text());
        }
        let query = SearchQuery::from_url("q=x&until=tomorrowish").unwrap();
        let error = query.filter().unwrap_err();
        assert!(error.text().contains("`until`: \"tomorrowish\""), "{}", error.text());
        let query = SearchQuery { meta: vec!["a".to_owned()], ..SearchQuery::default() };
        assert!(query.filter().is_err());
        let query = SearchQuery { fusion: Some("magic".to_owned()), ..SearchQuery::default() };
        assert!(query.fusion().is_err());
    }
}
