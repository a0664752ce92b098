//! Splits the text of a table into rows of cells, as RFC 4180 and the programs that write tables do.
//!
//! In: text and a delimiter. Out: rows with the lines they are on. A quote that is not closed, or that something other
//! than the next cell follows, would make a strict reader take the rest of the file for one cell; here it costs only its
//! row, which is read again without quotes.

/// A row of a table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// First line, from 1.
    pub(crate) first: u32,
    /// Last line: quoted cells may have line breaks.
    pub(crate) last: u32,
    pub(crate) cells: Vec<String>,
    /// Whether its quotes make no sense, so that it was read without them.
    pub(crate) has_wrong_quote: bool,
}

/// The rows of a table. Blank lines are skipped.
pub(crate) struct Rows<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    delimiter: u8,
}

impl<'a> Rows<'a> {
    /// `line` is the number of the first line.
    pub(crate) fn new(text: &'a str, line: u32, delimiter: u8) -> Self {
        Self { text, at: 0, line, delimiter }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Moves on to `end`, counting the line breaks on the way.
    fn advance(&mut self, end: usize) {
        let passed = &self.text.as_bytes()[self.at..end];
        for (i, byte) in passed.iter().enumerate() {
            let is_break = match byte {
                b'\n' => true,
                b'\r' => self.byte(self.at + i + 1) != Some(b'\n'),
                _ => false,
            };
            self.line = self.line.saturating_add(u32::from(is_break));
        }
        self.at = end;
    }

    /// The cells of the row at `at` and where it ends; `None` when a quote makes no sense.
    fn quoted_row(&self, mut at: usize) -> Option<(Vec<String>, usize)> {
        let mut cells = Vec::new();
        loop {
            let spaces = self.text.as_bytes()[at..].iter().take_while(|byte| **byte == b' ');
            let quote = at + spaces.count();
            if self.byte(quote) == Some(b'"') {
                let (cell, end) = self.quoted_cell(quote)?;
                cells.push(cell);
                at = end;
            } else {
                let end = self.cell_end(at);
                cells.push(self.text[at..end].to_owned());
                at = end;
            }
            if self.byte(at) != Some(self.delimiter) {
                return Some((cells, at));
            }
            at += 1;
        }
    }

    /// Where a cell without quotes ends.
    fn cell_end(&self, at: usize) -> usize {
        let ends = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\n' | b'\r');
        let length = self.text.as_bytes()[at..].iter().position(ends);
        length.map_or(self.text.len(), |length| at + length)
    }

    /// The cell whose opening quote is at `open`, and where it ends. Quotes within are doubled, or follow a backslash.
    fn quoted_cell(&self, open: usize) -> Option<(String, usize)> {
        let (mut cell, mut from) = (String::new(), open + 1);
        let mut search = from;
        loop {
            let quote = search + memchr::memchr(b'"', &self.text.as_bytes()[search..])?;
            if self.byte(quote + 1) == Some(b'"') {
                cell.push_str(&self.text[from..=quote]);
                from = quote + 2;
            } else if let Some(end) = self.after_quote(quote + 1) {
                cell.push_str(&self.text[from..quote]);
                return Some((cell, end));
            } else if quote > from && self.byte(quote - 1) == Some(b'\\') {
                cell.push_str(&self.text[from..quote - 1]);
                from = quote;
            } else {
                return None;
            }
            search = from.max(quote + 1);
        }
    }

    /// Where the cell ends if nothing but spaces follow its closing quote.
    fn after_quote(&self, at: usize) -> Option<usize> {
        let spaces = self.text.as_bytes()[at..].iter().take_while(|byte| **byte == b' ');
        let end = at + spaces.count();
        let is_end = self
            .byte(end)
            .is_none_or(|byte| byte == self.delimiter || matches!(byte, b'\n' | b'\r'));
        is_end.then_some(end)
    }

    fn plain_row(&self, at: usize) -> (Vec<String>, usize) {
        let breaks = memchr::memchr2(b'\n', b'\r', &self.text.as_bytes()[at..]);
        let end = breaks.map_or(self.text.len(), |length| at + length);
        let cells = self.text[at..end].split(char::from(self.delimiter));
        (cells.map(str::to_owned).collect(), end)
    }
}

/// `="00123"` is how a text that looks like a number is kept as it is by Excel.
fn unwrap_formula(cell: &mut String) {
    let text = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    if let Some(text) = text.filter(|text| !text.contains('"')) {
        *cell = text.to_owned();
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let blank = self.text.as_bytes()[self.at..].iter();
        let start = self.at + blank.take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.advance(start);
        self.byte(start)?;
        let quoted = self.quoted_row(start);
        let has_wrong_quote = quoted.is_none();
        let (mut cells, end) = quoted.unwrap_or_else(|| self.plain_row(start));
        cells.iter_mut().for_each(unwrap_formula);
        let first = self.line;
        self.advance(end);
        Some(Row { first, last: self.line, cells, has_wrong_quote })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        Rows::new(text, 1, b',').map(|row| row.cells).collect()
    }

    #[test]
    fn quotes_protect_delimiters_and_line_breaks() {
        let rows: Vec<Row> = Rows::new("a,\"b, \"\"c\"\"\nd\"\r\n\r\n, \"e\" ,", 1, b',').collect();
        assert_eq!(rows[0].cells, ["a", "b, \"c\"\nd"]);
        assert_eq!((rows[0].first, rows[0].last), (1, 2));
        assert_eq!(rows[1].cells, ["", "e", ""]);
        assert_eq!(rows[1].first, 4);
        assert_eq!(cells("a\rb\r\"c \\\"d\\\" e\"\r"), [["a"], ["b"], ["c \"d\" e"]]);
    }

    #[test]
    fn a_wrong_quote_costs_only_its_row() {
        let text = "1,\"open\n2,fine\n3,\"a \"b\" c\",x\n4,5\" pipe\n5,\"last";
        let rows: Vec<Row> = Rows::new(text, 1, b',').collect();
        let wrong: Vec<u32> =
            rows.iter().filter(|row| row.has_wrong_quote).map(|row| row.first).collect();
        assert_eq!(wrong, [1, 3, 5]);
        assert_eq!(rows[1].cells, ["2", "fine"]);
        assert_eq!(rows[3].cells, ["4", "5\" pipe"]);
        assert_eq!(rows[4].cells, ["5", "\"last"]);
    }

    #[test]
    fn texts_that_excel_wraps_in_formulas_are_read() {
        let text = "=\"00123\",\"=\"\"00124\"\"\"\n=\"a\"&\"b\",=SUM(A1)\n=\"\",=\"";
        let expected = [["00123", "00124"], ["=\"a\"&\"b\"", "=SUM(A1)"], ["", "=\""]];
        assert_eq!(cells(text), expected);
    }

    proptest! {
        #[test]
        fn every_table_that_is_written_is_read(
            table in proptest::collection::vec(
                proptest::collection::vec("[a-z\",\n é]{0,6}", 2..5), 1..8
            )
        ) {
            let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
            let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",");
            let text = table.iter().map(line).collect::<Vec<_>>().join("\r\n");
            prop_assert_eq!(cells(&text), table);
        }

        #[test]
        fn no_word_is_lost(text in "[a-c\",\n\r;\\\\ ]{0,60}") {
            let read: String = cells(&text).concat().concat();
            let letters = |text: &str| text.matches(|c: char| c.is_alphabetic()).count();
            prop_assert_eq!(letters(&read), letters(&text));
        }
    }
}
