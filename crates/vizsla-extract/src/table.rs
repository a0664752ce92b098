//! Comma- or tab-separated values with a header: one document a row.

use vizsla_core::{Document, MetadataValue, SourceLines};

use crate::error::{Error, ErrorKind};

pub(crate) fn documents(name: &str, text: &str) -> Result<Vec<Document>, Error> {
    let delimiter = delimiter(name, text);
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let malformed = |line: u64, error: csv::Error| {
        Error::new(ErrorKind::Malformed, format!("line {line}: is no row")).with_source(error)
    };
    let header = reader.headers().map_err(|error| malformed(1, error))?.clone();
    let column = |names: &[&str]| {
        header.iter().position(|name| names.contains(&name.trim().to_lowercase().as_str()))
    };
    let (id, title, body) =
        (column(&["_id", "id"]), column(&["title"]), column(&["text", "body", "content"]));
    let mut documents = Vec::new();
    let records = reader.records();
    for row in records {
        let row =
            row.map_err(|error| malformed(error.position().map_or(0, csv::Position::line), error))?;
        let first = row.position().map_or(1, csv::Position::line) as u32;
        let last = first + row.iter().map(|cell| cell.matches('\n').count() as u32).sum::<u32>();
        let cell = |column: Option<usize>| {
            column.and_then(|column| row.get(column)).filter(|cell| !cell.is_empty())
        };
        let named = || header.iter().zip(&row).filter(|(_, cell)| !cell.is_empty());
        let text = cell(body).map_or_else(
            || named().map(|(name, cell)| format!("{name}: {cell}")).collect::<Vec<_>>().join("\n"),
            str::to_owned,
        );
        let id = cell(id).map_or_else(|| format!("{name}#{first}"), str::to_owned);
        let mut document = Document::new(id, text)
            .with_title(cell(title).unwrap_or_else(|| crate::file_name(name)))
            .with_lines(SourceLines::Fixed(first, last));
        for (i, (name, cell)) in header.iter().zip(&row).enumerate() {
            if ![title, body].contains(&Some(i)) && !cell.is_empty() {
                document.metadata.insert(name.to_owned(), MetadataValue::from(cell));
            }
        }
        documents.push(document);
    }
    Ok(documents)
}

/// Tab for `.tsv`; else whichever of comma, semicolon and tab the header has most of.
fn delimiter(name: &str, text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |delimiter: u8| header.bytes().filter(|byte| *byte == delimiter).count();
    if name.to_ascii_lowercase().ends_with(".tsv") {
        return b'\t';
    }
    // Of equals the last wins, so the most usual stands last.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_documents() {
        let text = "id,title,text,year\n1,One,\"first\nrow\",2020\n2,,second,\n";
        let all = documents("t.csv", text).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[0].id.as_str(), all[0].title.as_str(), all[0].text.as_str()),
            ("1", "One", "first\nrow")
        );
        assert_eq!(all[0].lines, SourceLines::Fixed(2, 3));
        assert_eq!(all[0].metadata["year"].to_string(), "2020");
        assert_eq!(all[1].title, "t.csv");
    }

    #[test]
    fn without_a_text_column_all_columns_are_the_text() {
        let all = documents("t.csv", "name;breed\nRex;Vizsla\n").unwrap();
        assert_eq!(all[0].text, "name: Rex\nbreed: Vizsla");
        assert_eq!(all[0].id, "t.csv#2");
    }
}
