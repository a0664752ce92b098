//! Whether the first row of a table names its columns.
//!
//! A row mistaken for a header is lost; a header mistaken for a row becomes a document, which does less harm. So any
//! sign of data counts, and only in tables without one is the first row taken as a header.

use std::collections::HashSet;

use csv::StringRecord;

/// Column names with a meaning elsewhere in this crate.
const KNOWN: &[&str] = &["_id", "id", "title", "text", "body", "content", "name", "url", "date"];

/// Whether `first` is a header of the rows that follow.
pub(crate) fn is_header(first: &StringRecord, rows: &[StringRecord]) -> bool {
    let cells: Vec<&str> = first.iter().map(str::trim).collect();
    if cells.iter().any(|cell| KNOWN.contains(&cell.to_lowercase().as_str())) {
        return true;
    }
    let mut seen = HashSet::new();
    let repeated = cells.iter().any(|cell| !cell.is_empty() && !seen.insert(*cell));
    // `country,2019,2020` is a header with years.
    let numbers: Vec<i64> = cells.iter().filter_map(|cell| cell.parse().ok()).collect();
    let has_series = numbers.len() > 1
        && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
        && cells.iter().any(|cell| !cell.is_empty() && !is_data(cell));
    let has_data =
        cells.iter().any(|cell| is_data(cell) && !(has_series && cell.parse::<i64>().is_ok()));
    !repeated && !has_data && !recurs(&cells, rows)
}

/// Numbers, dates, addresses: nothing that names a column.
fn is_data(cell: &str) -> bool {
    let is_number = cell.parse::<f64>().is_ok_and(f64::is_finite);
    let has_digit = cell.bytes().any(|byte| byte.is_ascii_digit());
    let figures =
        has_digit && cell.chars().all(|c| c.is_ascii_digit() || "-/:., +%$€£".contains(c));
    let address =
        cell.contains("://") || (cell.contains('@') && cell.contains('.') && !cell.contains(' '));
    is_number || figures || address
}

/// Whether a cell recurs in its own column, as values do and names do not.
fn recurs(cells: &[&str], rows: &[StringRecord]) -> bool {
    cells.iter().enumerate().any(|(column, cell)| {
        !cell.is_empty()
            && rows.iter().any(|row| row.get(column).is_some_and(|other| other.trim() == *cell))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headed(table: &[&str]) -> bool {
        let rows: Vec<StringRecord> = table.iter().map(|row| row.split(',').collect()).collect();
        is_header(&rows[0], &rows[1..])
    }

    #[test]
    fn names_make_a_header_and_values_do_not() {
        for header in ["name,breed", "id,2", "country,2019,2020", ",a,b", "Größe,Farbe"] {
            assert!(headed(&[header, "x,1,2"]), "{header}");
        }
        for row in
            ["anna,42,Lisbon", "a,b,a", "2024-05-31,rain", "a,x@y.org", "1,2,3", "3.5,4.5", "a,5"]
        {
            assert!(!headed(&[row, "x,1,2"]), "{row}");
        }
    }

    #[test]
    fn a_value_that_recurs_in_its_column_is_not_a_name() {
        assert!(!headed(&["anna,red", "bob,blue", "eve,red"]));
        assert!(headed(&["who,colour", "bob,blue", "colour,who"]));
    }
}
