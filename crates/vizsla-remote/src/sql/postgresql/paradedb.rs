//! ParadeDB's extension `pg_search`: BM25 within PostgreSQL. In: a database, and a table or the wish for one. Out: whether
//! the table is ranked by it and what is missing for that, the statement that makes an index, and a search as SQL.
//!
//! By the published interface of its versions 0.20 to 0.27. A search is of one table and is no part of a join, since
//! `pdb.score` only means something in the extension's own scan.

mod look;

use std::fmt;

use vizsla::{Error, ErrorKind, IndexSettings, Language, Result};

pub(super) use self::look::Look;
use super::search::{Asked, Values, columns, filters, marked, own_column, shown};
use crate::sql::Foreign;

/// The first version with the operators and the schema `pdb`.
const OLDEST: (u32, u32) = (0, 20);
/// The first version in which k1 and b can be set.
const WITH_PARAMETERS: (u32, u32) = (0, 23);
/// The first version that needs no key field, and warns of one.
const WITHOUT_KEY: (u32, u32) = (0, 26);
/// The largest weight that is taken.
const LARGEST_WEIGHT: f32 = 2048.0;
/// The column by which rows of our own table are identified; tables that are not made for BM25 have none.
const NUMBER: &str = "number";
/// The columns of our own table that are searched.
const OWN: [&str; 4] = ["content", "title", "headings", "path_words"];

/// The extension in a database.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extension {
    version: String,
    number: (u32, u32),
}

impl Extension {
    /// The extension of a version such as `0.27.0`; one that cannot be read is older than all.
    fn new(version: &str) -> Self {
        let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
        let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        Self { version: version.to_owned(), number }
    }

    /// What our own table has besides, to be ranked by BM25.
    pub(super) fn column() -> String {
        format!(", {NUMBER} bigint GENERATED ALWAYS AS IDENTITY UNIQUE")
    }

    /// The statements that make the index of our own table.
    pub(super) fn index(&self, table: &str, settings: &IndexSettings) -> String {
        let options = self.tokenizer_options(settings);
        let options =
            if options.is_empty() { String::new() } else { format!("({})", options.join(", ")) };
        let of = |column: &str| format!("({column}::pdb.unicode_words{options})");
        let columns = OWN.map(of).join(", ");
        let key = if self.number < WITHOUT_KEY {
            format!(" WITH (key_field = '{NUMBER}')")
        } else {
            String::new()
        };
        let parameters = self.parameters(settings);
        format!(
            "CREATE INDEX {table}_bm25 ON {table} USING bm25 ({NUMBER}, {columns}){key}; \
             COMMENT ON INDEX {table}_bm25 IS '{parameters}'"
        )
    }

    /// How words are made of text: near to what our own index does.
    fn tokenizer_options(&self, settings: &IndexSettings) -> Vec<String> {
        let mut options = Vec::new();
        let language = settings.language;
        if !matches!(language, Language::Other | Language::Catalan) {
            options.push(format!("'stemmer={language}'"));
        }
        if matches!(language, Language::English | Language::Other) {
            options.push("'ascii_folding=true'".to_owned());
        }
        if self.number >= WITH_PARAMETERS {
            let bm25 = settings.bm25;
            options.push(format!("'k1={}'", bm25.k1()));
            options.push(format!("'b={}'", bm25.b()));
        }
        options
    }

    /// The parameters of BM25 that an index has, for people.
    fn parameters(&self, settings: &IndexSettings) -> String {
        if self.number < WITH_PARAMETERS {
            return "k1 1.2, b 0.75".to_owned();
        }
        settings.bm25.to_string()
    }
}

/// A table that is ranked by BM25.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bm25 {
    version: String,
    /// What its index was said to be, by whoever made it.
    note: Option<String>,
    /// The column that rows are scored by, which any indexed one can be.
    scored: String,
    /// The column that orders rows of the same score; that of the ids without it.
    tie: Option<String>,
    /// The columns whose words the index has.
    indexed: Vec<String>,
    index: String,
}

impl fmt::Display for Bm25 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BM25 of ParadeDB's pg_search {}", self.version)?;
        self.note.as_ref().map_or(Ok(()), |note| write!(f, ", {note}"))
    }
}

impl Bm25 {
    /// The table that was just made.
    pub(super) fn made(extension: &Extension, table: &str, settings: &IndexSettings) -> Self {
        Self {
            version: extension.version.clone(),
            note: Some(extension.parameters(settings)),
            scored: NUMBER.to_owned(),
            tie: Some(NUMBER.to_owned()),
            indexed: OWN.map(str::to_owned).to_vec(),
            index: format!("{table}_bm25"),
        }
    }

    /// The query over our own table: score, marked text, fields.
    pub(super) fn own(asked: &Asked<'_>) -> Result<(String, Values)> {
        let (table, weights) = (asked.table, asked.settings.weights);
        let weights = [weights.content(), weights.title(), weights.headings(), weights.path()];
        let fields: Vec<(&str, f32)> =
            OWN.into_iter().zip(weights).filter(|(_, weight)| *weight > 0.0).collect();
        // The body alone is no column.
        let fields = if fields.is_empty() { vec![(OWN[0], 1.0)] } else { fields };
        let text = asked.settings.language.without_stop_words(&asked.query.text);
        let mut search = Search::new(asked);
        search.words(&fields, &text);
        for (not, clause) in asked.clauses() {
            search.phrase(not, &[own_column(clause.field)], &clause.words);
        }
        search.conditions.push_str(&filters(&asked.request.filter, &mut search.values)?);
        let any = search.value(&asked.any());
        let marked = marked(
            &format!("to_tsquery('{0}', {any})", asked.configuration()),
            asked.configuration(),
        );
        let Search { conditions, values, .. } = search;
        // Materialised, so that the server makes no join of it.
        let sql = format!(
            "WITH best AS MATERIALIZED (
               SELECT pdb.score({NUMBER}) AS score, {NUMBER} FROM {table}
               WHERE {conditions} ORDER BY pdb.score({NUMBER}) DESC, {NUMBER} LIMIT $1)
             SELECT best.score, {marked}, p.fields
             FROM best JOIN {table} p USING ({NUMBER}) ORDER BY 1 DESC, {NUMBER}"
        );
        Ok((sql, values))
    }

    /// The query over somebody else's table: score, nothing, id, title, text.
    pub(super) fn foreign(&self, asked: &Asked<'_>, foreign: &Foreign) -> Result<(String, Values)> {
        let fields: Vec<(&str, f32)> =
            foreign.text.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
        let mut search = Search::new(asked);
        search.words(&fields, &asked.query.text);
        for (not, clause) in asked.clauses() {
            let columns = columns(foreign, clause.field)?;
            self.check(&columns)?;
            search.phrase(not, &columns, &clause.words);
        }
        let Search { conditions, values, .. } = search;
        let (table, scored, shown) = (asked.table, &self.scored, shown(foreign));
        let tie = self.tie.as_ref().unwrap_or(&foreign.id);
        let sql = format!(
            "SELECT pdb.score({scored}), NULL::text, {shown} FROM {table}
             WHERE {conditions} ORDER BY pdb.score({scored}) DESC, {tie} LIMIT $1"
        );
        Ok((sql, values))
    }

    /// Refuses columns that the index has no words of.
    fn check(&self, columns: &[&str]) -> Result<()> {
        let has =
            |column: &&&str| !self.indexed.iter().any(|name| name.eq_ignore_ascii_case(column));
        match columns.iter().find(has) {
            None => Ok(()),
            Some(column) => {
                let message = format!(
                    "the index {} of ParadeDB has no words of the column {column}: add it to the index, or leave title: out",
                    self.index
                );
                Err(Error::new(ErrorKind::Unsupported, message))
            }
        }
    }
}

/// The conditions of a search and their values, of which the first says how many rows are wanted.
struct Search<'a> {
    asked: &'a Asked<'a>,
    conditions: String,
    values: Values,
}

impl<'a> Search<'a> {
    fn new(asked: &'a Asked<'a>) -> Self {
        Self { asked, conditions: String::new(), values: vec![Box::new(asked.depth())] }
    }

    /// The place of a text, which has no character of code 0.
    fn value(&mut self, text: &str) -> String {
        self.values.push(Box::new(text.replace('\0', " ")));
        // Its type decides what an operator does.
        format!("${}::text", self.values.len())
    }

    /// Any of the words in any of the fields, or a word that begins as one of the prefixes.
    fn words(&mut self, fields: &[(&str, f32)], text: &str) {
        let largest = fields.iter().map(|(_, weight)| *weight).fold(LARGEST_WEIGHT, f32::max);
        let boost = |weight: f32| {
            let weight = weight * LARGEST_WEIGHT / largest;
            let is_plain = (weight - 1.0).abs() <= f32::EPSILON;
            if is_plain { String::new() } else { format!("::pdb.boost({weight})") }
        };
        let words = self.value(text);
        let all =
            fields.iter().map(|(name, weight)| format!("{name} ||| {words}{}", boost(*weight)));
        let mut any: Vec<String> = all.collect();
        let prefixes = self.asked.query.prefixes.iter();
        // Letters and digits, of which none means anything in a regular expression; words of the index have no signs.
        for prefix in prefixes.filter(|prefix| prefix.chars().all(char::is_alphanumeric)) {
            let pattern = self.value(&(prefix.to_lowercase() + ".*"));
            any.extend(fields.iter().map(|(name, weight)| {
                format!("{name} @@@ pdb.regex({pattern}){}", boost(*weight))
            }));
        }
        self.conditions = format!("({})", any.join(" OR "));
    }

    /// Words side by side in one of the columns, which must be there or must not, and count nothing.
    fn phrase(&mut self, not: &str, columns: &[&str], words: &str) {
        let words = self.value(words);
        let any: Vec<String> =
            columns.iter().map(|name| format!("{name} ### {words}::pdb.boost(0)")).collect();
        self.conditions.push_str(&format!(" AND {not}({})", any.join(" OR ")));
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use vizsla::{FieldWeights, Filter, Query, RetrieveRequest};

    use super::*;

    const DEPTH: NonZeroUsize = NonZeroUsize::new(50).unwrap();

    /// The SQL of a query of our own table, without line breaks, and its values but the depth.
    fn own(settings: IndexSettings, query: &str, filter: Filter) -> (String, Vec<String>) {
        let (query, request) =
            (Query::parse(query), RetrieveRequest::new(query, DEPTH).with_filter(filter));
        let words = vec!["heron".to_owned()];
        let asked =
            Asked { table: "notes", settings, query: &query, words: &words, request: &request };
        shown(Bm25::own(&asked).unwrap())
    }

    fn shown((sql, values): (String, Values)) -> (String, Vec<String>) {
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        (sql, values.iter().skip(1).map(|value| format!("{value:?}")).collect())
    }

    fn products() -> (Bm25, Foreign) {
        let bm25 = Bm25 {
            version: "0.22.0".to_owned(),
            note: None,
            scored: "id".to_owned(),
            tie: Some("id".to_owned()),
            indexed: vec!["name".to_owned(), "description".to_owned()],
            index: "products_words".to_owned(),
        };
        let text = vec![("name".to_owned(), 2.5), ("description".to_owned(), 1.0)];
        (bm25, Foreign { text, title: Some("name".to_owned()), id: "sku".to_owned() })
    }

    fn foreign(query: &str) -> Result<(String, Vec<String>)> {
        let (bm25, foreign) = products();
        let (query, request) = (Query::parse(query), RetrieveRequest::new(query, DEPTH));
        let (settings, words) = (IndexSettings::default(), Vec::new());
        let asked =
            Asked { table: "products", settings, query: &query, words: &words, request: &request };
        bm25.foreign(&asked, &foreign).map(shown)
    }

    #[test]
    fn a_search_of_our_own_table_is_one_of_one_table() {
        let (sql, values) = own(
            IndexSettings::default(),
            "the \"grey heron\" fis* -title:otter",
            Filter::default().with_extension("md"),
        );
        let best = sql.split_once(") SELECT").unwrap().0;
        assert_eq!(
            best,
            "WITH best AS MATERIALIZED ( SELECT pdb.score(number) AS score, number FROM notes WHERE \
             (content ||| $2::text OR path_words ||| $2::text::pdb.boost(0.25) \
             OR content @@@ pdb.regex($3::text) OR path_words @@@ pdb.regex($3::text)::pdb.boost(0.25)) \
             AND (content ### $4::text::pdb.boost(0)) AND NOT (title ### $5::text::pdb.boost(0)) AND extension = ANY($6) \
             ORDER BY pdb.score(number) DESC, number LIMIT $1"
        );
        assert!(
            sql.ends_with("FROM best JOIN notes p USING (number) ORDER BY 1 DESC, number"),
            "{sql}"
        );
        // Stop words say nothing, unless they are all that there is.
        assert_eq!(values[..4], ["\"grey heron fis\"", "\"fis.*\"", "\"grey heron\"", "\"otter\""]);
        let (_, values) = own(IndexSettings::default(), "to be or not to be", Filter::default());
        assert_eq!(values[0], "\"to be or not to be\"");
    }

    #[test]
    fn any_text_is_a_value_and_weights_are_in_range() {
        let (sql, values) =
            own(IndexSettings::default(), "it's 'x'\0y; DROP TABLE z", Filter::default());
        assert!(!sql.contains("DROP"), "{sql}");
        assert_eq!(values[0], "\"it's 'x' y; DROP TABLE z\"");
        let weights = FieldWeights::default().with_title(8192.0).with_path(0.0).with_content(4.0);
        let mut settings = IndexSettings::default();
        settings.weights = weights;
        let (sql, _) = own(settings, "heron", Filter::default());
        assert!(
            sql.contains("(content ||| $2::text OR title ||| $2::text::pdb.boost(2048))"),
            "{sql}"
        );
    }

    #[test]
    fn a_search_of_another_table_has_its_columns_weights_and_key() {
        let (sql, values) = foreign("red \"rain coat\" -title:hat").unwrap();
        assert_eq!(
            sql,
            "SELECT pdb.score(id), NULL::text, sku::text, coalesce(name, ''), coalesce(description, '') FROM products WHERE \
             (name ||| $2::text::pdb.boost(2.5) OR description ||| $2::text) \
             AND (name ### $3::text::pdb.boost(0) OR description ### $3::text::pdb.boost(0)) \
             AND NOT (name ### $4::text::pdb.boost(0)) ORDER BY pdb.score(id) DESC, id LIMIT $1"
        );
        assert_eq!(values, ["\"red rain coat\"", "\"rain coat\"", "\"hat\""]);
        let error = foreign("heading:x y").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let (mut bm25, _) = products();
        bm25.indexed.remove(0);
        assert!(
            bm25.check(&["name"]).unwrap_err().to_string().contains("no words of the column name")
        );
    }

    #[test]
    fn an_index_is_made_as_the_version_has_it() {
        let of = |version: &str| Extension::new(version).index("notes", &IndexSettings::default());
        assert_eq!(
            of("0.20.0"),
            "CREATE INDEX notes_bm25 ON notes USING bm25 (number, \
             (content::pdb.unicode_words('stemmer=english', 'ascii_folding=true')), \
             (title::pdb.unicode_words('stemmer=english', 'ascii_folding=true')), \
             (headings::pdb.unicode_words('stemmer=english', 'ascii_folding=true')), \
             (path_words::pdb.unicode_words('stemmer=english', 'ascii_folding=true'))) \
             WITH (key_field = 'number'); COMMENT ON INDEX notes_bm25 IS 'k1 1.2, b 0.75'"
        );
        let with_parameters = of("0.25.3");
        assert!(
            with_parameters.contains("'ascii_folding=true', 'k1=0.9', 'b=0.4')"),
            "{with_parameters}"
        );
        assert!(with_parameters.ends_with(
            "WITH (key_field = 'number'); COMMENT ON INDEX notes_bm25 IS 'k1 0.9, b 0.4'"
        ));
        assert!(!of("0.26.0").contains("key_field"));
        let mut settings = IndexSettings::default();
        settings.language = Language::Catalan;
        assert!(
            Extension::new("0.20.0").index("n", &settings).contains("(title::pdb.unicode_words),")
        );
    }
}
