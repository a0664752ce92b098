//! Which rows of a sheet name its columns. In: rows in order, of which only what matters for that is known. Out: where
//! the names begin in the text: one row, or two when names of groups of columns are above.

/// Maximum bytes of the name of one column.
const NAME_BYTES: usize = 80;
/// Rows among which the one with the names of the columns is.
const HEADER_ROWS: usize = 20;
/// Rows below it that show how many columns there are.
const SAMPLE_ROWS: usize = 50;
/// Rows below years and dates that show whether these are names or values.
const PERIOD_ROWS: usize = 10;
/// As many rows must be known.
pub(crate) const ROWS: usize = HEADER_ROWS + SAMPLE_ROWS;

/// A cell that is not empty.
pub(crate) struct Cell {
    /// Column, from 1.
    pub(crate) column: u32,
    /// What it shows.
    pub(crate) text: String,
    /// Whether it is neither a number, nor a date and the like.
    pub(crate) is_text: bool,
}

impl Cell {
    fn is_name(&self) -> bool {
        let name = self.text.trim();
        self.is_text && name.len() <= NAME_BYTES && !name.ends_with(':')
    }

    /// A day by ISO 8601, which may stand in brackets after what the cell shows; else all that it shows.
    fn period(&self) -> &str {
        let inner = self.text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
        inner.map_or(self.text.as_str(), |(_, inner)| inner)
    }

    /// Whether it is a year or a day, which may be the name of a column as well as a value.
    fn is_period(&self) -> bool {
        let text = self.period();
        let shape = |pattern: &str| {
            let mut both = text.bytes().zip(pattern.bytes());
            text.len() == pattern.len()
                && both.all(
                    |(byte, sign)| {
                        if sign == b'0' { byte.is_ascii_digit() } else { byte == sign }
                    },
                )
        };
        let is_recent = text.starts_with("19") || text.starts_with("20");
        !self.is_text && is_recent && (shape("0000") || shape("0000-00-00"))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Names only.
    Names,
    /// Years or days in order, and names beside them at most.
    Periods,
    Values,
}

/// What is known of a row.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// Where it begins in the text.
    start: usize,
    /// Its number in the sheet.
    number: u32,
    /// How many cells it has, and the first and the last column of them.
    pub(crate) cells: usize,
    columns: (u32, u32),
    kind: Kind,
    has_name: bool,
    has_period: bool,
}

impl Row {
    pub(crate) fn of(start: usize, number: u32, cells: &[Cell]) -> Self {
        let periods: Vec<&Cell> = cells.iter().filter(|cell| cell.is_period()).collect();
        let names = cells.iter().filter(|cell| cell.is_name()).count();
        let is_sorted = periods.is_sorted_by(|a, b| a.period() < b.period())
            || periods.is_sorted_by(|a, b| a.period() > b.period());
        let kind = if cells.len() > 1 && names == cells.len() {
            Kind::Names
        } else if periods.len() > 1 && periods.len() + names == cells.len() && is_sorted {
            Kind::Periods
        } else {
            Kind::Values
        };
        let column = |cell: Option<&Cell>| cell.map_or(1, |cell| cell.column);
        Self {
            start,
            number,
            cells: cells.len(),
            columns: (column(cells.first()), column(cells.last())),
            kind,
            has_name: names > 0,
            has_period: !periods.is_empty(),
        }
    }
}

/// The names of the columns in the first rows of a sheet: the first row with names only, nearly as many as the rows below
/// have cells. One with values right below it is preferred, because notes above a table may be texts side by side too.
pub(crate) fn of_sheet(rows: &[Row]) -> Option<Vec<usize>> {
    let candidates: Vec<usize> =
        (0..rows.len().min(HEADER_ROWS)).filter(|at| may_name(rows, *at)).collect();
    let valued = candidates.iter().find(|at| has_values_below(rows, **at));
    valued.or(candidates.first()).map(|at| with_groups(rows, *at))
}

/// The names with which the rows after an empty one begin: nothing but a title is above them, and values are below, for
/// texts may as well go on the table above.
pub(crate) fn of_block(rows: &[Row]) -> Option<Vec<usize>> {
    let at = (0..rows.len().min(HEADER_ROWS))
        .find(|at| may_name(rows, *at) && has_values_below(rows, *at))?;
    let (above, rest) = rows.split_at_checked(at)?;
    let (names, below) = rest.split_first()?;
    let is_title =
        |row: &Row| row.cells == 1 || row.kind != Kind::Values && row.cells < names.cells;
    let with_values = below.iter().filter(|row| row.kind != Kind::Names).count();
    let begins = above.iter().all(is_title) && with_values * 3 >= below.len() * 2;
    begins.then(|| with_groups(rows, at))
}

/// Whether a row can name the columns of those below it.
fn may_name(rows: &[Row], at: usize) -> bool {
    let Some((row, below)) = rows.get(at..).and_then(<[Row]>::split_first) else { return false };
    let covers = below.iter().take(SAMPLE_ROWS).map(|row| row.cells).max();
    let covers = covers.is_some_and(|widest| row.cells * 5 >= widest * 3);
    let are_names = match row.kind {
        Kind::Names => true,
        // Days of birth and of death are values: the rows below have such, too.
        Kind::Periods => {
            let below = below.get(..PERIOD_ROWS).unwrap_or(below);
            let alike = below.iter().filter(|row| row.has_period).count();
            let has_corner = || below.iter().any(|below| below.columns.0 < row.columns.0);
            (row.has_name || has_corner()) && alike * 3 <= below.len() && has_values_below(rows, at)
        }
        Kind::Values => false,
    };
    covers && are_names
}

fn has_values_below(rows: &[Row], at: usize) -> bool {
    rows.get(at + 1).is_some_and(|row| row.kind != Kind::Names)
}

/// The start of a row of names, after that of the row right above it, if that names groups of its columns.
fn with_groups(rows: &[Row], at: usize) -> Vec<usize> {
    let Some(names) = rows.get(at) else { return Vec::new() };
    let groups = at.checked_sub(1).and_then(|above| rows.get(above)).filter(|groups| {
        let is_within = groups.columns.0 >= names.columns.0 && groups.columns.1 <= names.columns.1;
        let is_above = groups.number.saturating_add(1) == names.number;
        is_above && is_within && groups.kind != Kind::Values && groups.cells < names.cells
    });
    groups.into_iter().chain([names]).map(|row| row.start).collect()
}
