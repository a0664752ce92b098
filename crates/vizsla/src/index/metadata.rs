//! What metadata the documents of an index have. In: a name and a value, or nothing. Out: whether a document has them, or
//! all names, from the last commit.

use std::collections::BTreeSet;

use tantivy::collector::Count;
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{Searcher, TantivyError, Term};

use super::{Index, schema};
use crate::error::Result;

impl Index {
    /// Whether a document has this metadata, as [`Filter::with_metadata`](vizsla_core::Filter::with_metadata) asks for it.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn has_metadata(&self, name: &str, value: &str) -> Result<bool> {
        let term = Term::from_field_text(self.fields.metadata, &schema::metadata_term(name, value));
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let found = self.reader.searcher().search(&query, &Count);
        Ok(found.map_err(|error| self.failed("read", error))? > 0)
    }

    /// The names of metadata that can be filtered by, in order; `outer.inner` for a value within another. Cost: reads all
    /// different values.
    ///
    /// # Errors
    /// Those of reading the index.
    pub fn metadata_names(&self) -> Result<Vec<String>> {
        let names = self.names(&self.reader.searcher());
        Ok(names.map_err(|error| self.failed("read", error))?.into_iter().collect())
    }

    fn names(&self, searcher: &Searcher) -> std::result::Result<BTreeSet<String>, TantivyError> {
        let mut names = BTreeSet::new();
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(self.fields.metadata)?;
            let mut terms = inverted.terms().stream()?;
            while terms.advance() {
                if let Some(name) = schema::metadata_name(terms.key())
                    && !names.contains(name)
                {
                    names.insert(name.to_owned());
                }
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use vizsla_core::MetadataValue;

    use crate::{Document, Index, IndexSettings, WriterOptions};

    #[test]
    fn names_and_values_of_metadata_are_known() {
        let index = Index::in_memory(IndexSettings::default()).unwrap();
        let mut writer = index.writer(&WriterOptions::default()).unwrap();
        let tags = MetadataValue::List(vec!["x".into(), "y".into()]);
        let documents = [
            Document::new("1", "One.").with_metadata("kind", "note").with_metadata("tags", tags),
            Document::new("2", "Two.").with_metadata("kind", "letter"),
        ];
        for document in &documents {
            writer.add(document).unwrap();
        }
        writer.commit().unwrap();
        assert_eq!(index.metadata_names().unwrap(), ["kind", "tags"]);
        for (name, value, has) in [
            ("kind", "note", true),
            ("tags", "y", true),
            ("kind", "notes", false),
            ("author", "note", false),
        ] {
            assert_eq!(index.has_metadata(name, value).unwrap(), has, "{name}={value}");
        }
    }
}
