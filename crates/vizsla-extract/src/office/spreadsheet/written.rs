//! A workbook of XLSX whose numbers need not be any. In: the bytes of the file. Out: a file that gives no cell the type
//! of a number, so that what is written in one is read as the number that it is, or else as a text.

use std::io::{Cursor, Read, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

const SHEETS: &str = "xl/worksheets/";

/// Sheets beyond `most` bytes, all together, break off.
pub(super) fn as_written(bytes: &[u8], most: u64) -> ZipResult<Vec<u8>> {
    let mut left = most;
    let mut package = ZipArchive::new(Cursor::new(bytes))?;
    let mut written = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..package.len() {
        let part = package.by_index(i)?;
        let name = part.name()?.into_owned();
        if !name.to_ascii_lowercase().starts_with(SHEETS) {
            written.raw_copy_file(part)?;
            continue;
        }
        let mut sheet = Vec::new();
        part.take(left).read_to_end(&mut sheet)?;
        left = left.saturating_sub(sheet.len() as u64);
        let sheet = String::from_utf8_lossy(&sheet);
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        written.start_file(name, options)?;
        written.write_all(untyped(&sheet).as_bytes())?;
    }
    Ok(written.finish()?.into_inner())
}

/// A number without a type, and without white space around it, is any value.
fn untyped(sheet: &str) -> String {
    let sheet = sheet.replace(" t=\"n\"", "").replace(" t='n'", "");
    let values: Vec<&str> = sheet.split("<v>").map(str::trim_start).collect();
    let values = values.join("<v>");
    let values: Vec<&str> = values.split("</v>").map(str::trim_end).collect();
    values.join("</v>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_their_type_and_the_space_around_them() {
        let sheet = "<c r=\"A1\" t=\"n\"><v> 41\n</v></c><c t='s'><v>1</v></c>";
        assert_eq!(untyped(sheet), "<c r=\"A1\"><v>41</v></c><c t='s'><v>1</v></c>");
    }
}
