//! A search by PostgreSQL's own full text search. In: a question to a table. Out: SQL with its values, for rows by
//! `ts_rank_cd`, which knows no idf.

use postgres::types::ToSql;
use vizsla::{
    Clause, Error, ErrorKind, Filter, IndexSettings, Language, Query, QueryField, Result,
    RetrieveRequest,
};

use crate::fields;
use crate::glob::regular_expression;
use crate::sql::retrieval::MARKS;
use crate::sql::{Foreign, words};

/// The values of a statement, in order.
pub(super) type Values = Vec<Box<dyn ToSql + Sync + Send>>;

/// The analysis of a table that Vizsla did not make.
const FOREIGN_LANGUAGE: &str = "english";

/// A question to a table.
pub(super) struct Asked<'a> {
    pub(super) table: &'a str,
    pub(super) settings: IndexSettings,
    pub(super) query: &'a Query,
    /// The words of the query that tell something.
    pub(super) words: &'a [String],
    pub(super) request: &'a RetrieveRequest,
}

impl Asked<'_> {
    /// The server's name for the analysis of our own table.
    pub(super) fn configuration(&self) -> &'static str {
        configuration(self.settings.language)
    }

    /// How many rows are wanted at most.
    pub(super) fn depth(&self) -> i64 {
        self.request.depth.get() as i64
    }

    /// A query of the server's for any of the words; they have no operators in them.
    pub(super) fn any(&self) -> String {
        // In quotes, as signs may stand within it.
        let quoted = |prefix: &String| prefix.to_lowercase().replace('\'', "''");
        let prefixes = self.query.prefixes.iter().map(|prefix| format!("'{}':*", quoted(prefix)));
        self.words.iter().cloned().chain(prefixes).collect::<Vec<_>>().join(" | ")
    }

    /// The required and the excluded clauses, with what stands before them.
    pub(super) fn clauses(&self) -> impl Iterator<Item = (&'static str, &Clause)> {
        let required = self.query.required.iter().map(|clause| ("", clause));
        required.chain(self.query.excluded.iter().map(|clause| ("NOT ", clause)))
    }

    /// The query over our own table: score, marked text, fields.
    pub(super) fn own(&self) -> Result<(String, Values)> {
        let Self { table, .. } = self;
        let language = self.configuration();
        let mut values: Values = vec![Box::new(self.any()), Box::new(self.depth())];
        let mut conditions = String::new();
        for (not, clause) in self.clauses() {
            let (field, with) = match own_column(clause.field) {
                "content" => ("search".to_owned(), language),
                column => (format!("to_tsvector('simple', {column})"), "simple"),
            };
            values.push(Box::new(words::phrase(clause)));
            conditions.push_str(&format!(
                " AND {not}{field} @@ phraseto_tsquery('{with}', ${})",
                values.len()
            ));
        }
        conditions.push_str(&filters(&self.request.filter, &mut values)?);
        let marked = marked("q.q", language);
        let sql = format!(
            "WITH q AS (SELECT to_tsquery('{language}', $1) AS q), best AS (
               SELECT ts_rank_cd(search, q.q, 1|32)::real AS score, key FROM {table}, q
               WHERE search @@ q.q{conditions} ORDER BY 1 DESC, key LIMIT $2)
             SELECT best.score, {marked}, p.fields FROM best JOIN {table} p USING (key), q ORDER BY 1 DESC"
        );
        Ok((sql, values))
    }

    /// The query over somebody else's table: score, nothing, id, title, text.
    pub(super) fn foreign(&self, foreign: &Foreign) -> Result<(String, Values)> {
        let Self { table, .. } = self;
        let vector = |columns: &[&str]| {
            let all: Vec<String> = columns.iter().map(|name| text_of(name)).collect();
            format!("to_tsvector('{FOREIGN_LANGUAGE}', {})", all.join(" || ' ' || "))
        };
        let mut values: Values = vec![Box::new(self.any()), Box::new(self.depth())];
        let mut conditions = String::new();
        for (not, clause) in self.clauses() {
            let vector = vector(&columns(foreign, clause.field)?);
            values.push(Box::new(words::phrase(clause)));
            conditions.push_str(&format!(
                " AND {not}{vector} @@ phraseto_tsquery('{FOREIGN_LANGUAGE}', ${})",
                values.len()
            ));
        }
        let (vector, shown) = (vector(&columns(foreign, None)?), shown(foreign));
        let sql = format!(
            "SELECT ts_rank_cd({vector}, q.q, 1|32)::real, NULL::text, {shown}
             FROM {table}, (SELECT to_tsquery('{FOREIGN_LANGUAGE}', $1) AS q) q
             WHERE {vector} @@ q.q{conditions} ORDER BY 1 DESC, 3 LIMIT $2"
        );
        Ok((sql, values))
    }
}

/// The text of the row `p` of our own table, with marks around the words of a query of the server's.
pub(super) fn marked(query: &str, language: &str) -> String {
    let marks = format!("StartSel={}, StopSel={}, HighlightAll=true", MARKS[0], MARKS[1]);
    format!("ts_headline('{language}', p.content, {query}, '{marks}')")
}

/// The column of our own table in which a clause is looked for.
pub(super) fn own_column(field: Option<QueryField>) -> &'static str {
    match field {
        Some(QueryField::Title) => "title",
        Some(QueryField::Headings) => "headings",
        Some(QueryField::Path) => "path_words",
        _ => "content",
    }
}

/// The columns of somebody else's table in which a clause is looked for.
pub(super) fn columns(foreign: &Foreign, field: Option<QueryField>) -> Result<Vec<&str>> {
    let missing = match field {
        None => return Ok(foreign.text.iter().map(|(name, _)| name.as_str()).collect()),
        Some(QueryField::Body) => match read(foreign) {
            empty if empty.is_empty() => "body: needs a column of text= that is not the title",
            columns => return Ok(columns),
        },
        Some(QueryField::Title) => match &foreign.title {
            Some(title) => return Ok(vec![title]),
            None => "title: needs a column that the address does not name: add title=COLUMN to it",
        },
        Some(_) => {
            "a table that Vizsla did not make has no headings and no paths: leave out heading: and path:"
        }
    };
    Err(Error::new(ErrorKind::Unsupported, missing))
}

/// The columns that are read as the text: all that are searched but the title.
fn read(foreign: &Foreign) -> Vec<&str> {
    let names = foreign.text.iter().map(|(name, _)| name.as_str());
    names.filter(|name| Some(*name) != foreign.title.as_deref()).collect()
}

/// What is shown of a row of somebody else's table: id, title, text.
pub(super) fn shown(foreign: &Foreign) -> String {
    let title = foreign.title.as_deref().map_or_else(|| "''".to_owned(), text_of);
    let text: Vec<String> = read(foreign).into_iter().map(text_of).collect();
    let text = if text.is_empty() { "''".to_owned() } else { text.join(" || E'\\n' || ") };
    format!("{}::text, {title}, {text}", foreign.id)
}

fn text_of(column: &str) -> String {
    format!("coalesce({column}, '')")
}

/// A filter as conditions, whose values are added.
pub(super) fn filters(filter: &Filter, values: &mut Values) -> Result<String> {
    let mut sql = String::new();
    for globs in [&filter.paths, &filter.names] {
        if !globs.is_empty() {
            let all = globs.iter().map(|glob| Ok(format!("^({})$", regular_expression(glob)?)));
            values.push(Box::new(all.collect::<Result<Vec<String>>>()?.join("|")));
            sql.push_str(&format!(" AND path ~ ${}", values.len()));
        }
    }
    if !filter.extensions.is_empty() {
        let extensions = filter.extensions.iter();
        let extensions = extensions.map(|end| end.trim_start_matches('.').to_lowercase());
        values.push(Box::new(extensions.collect::<Vec<_>>()));
        sql.push_str(&format!(" AND extension = ANY(${})", values.len()));
    }
    if !filter.metadata.is_empty() {
        let terms = filter.metadata.iter().map(|(name, value)| fields::metadata_term(name, value));
        values.push(Box::new(terms.collect::<Vec<_>>()));
        sql.push_str(&format!(" AND meta @> ${}", values.len()));
    }
    for (bound, at) in [(">=", filter.modified_from), ("<", filter.modified_until)] {
        if let Some(at) = at {
            values.push(Box::new(at));
            sql.push_str(&format!(" AND modified {bound} ${}", values.len()));
        }
    }
    Ok(sql)
}

/// The server's name for the analysis of a language.
pub(super) fn configuration(language: Language) -> &'static str {
    match language {
        Language::Arabic => "arabic",
        Language::Catalan => "catalan",
        Language::Danish => "danish",
        Language::Dutch => "dutch",
        Language::English => "english",
        Language::Finnish => "finnish",
        Language::French => "french",
        Language::German => "german",
        Language::Greek => "greek",
        Language::Hungarian => "hungarian",
        Language::Italian => "italian",
        Language::Norwegian => "norwegian",
        Language::Portuguese => "portuguese",
        Language::Romanian => "romanian",
        Language::Russian => "russian",
        Language::Spanish => "spanish",
        Language::Swedish => "swedish",
        Language::Turkish => "turkish",
        _ => "simple",
    }
}
