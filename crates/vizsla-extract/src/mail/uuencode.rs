//! Files in the text of old messages, written by `uuencode`: `begin 644 name`, lines of printable characters, `end`.

/// A file that a text holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Takes the files out of a text.
pub(super) fn take_files(text: &str) -> Option<(String, Vec<File>)> {
    if !text.contains("begin ") {
        return None;
    }
    let mut rest = String::new();
    let mut files: Vec<File> = Vec::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let after = lines.clone();
        if let Some(file) = begin(line).and_then(|name| file(name, &mut lines)) {
            files.push(file);
        } else {
            lines = after;
            rest.push_str(line);
        }
    }
    (!files.is_empty()).then_some((rest, files))
}

fn begin(line: &str) -> Option<&str> {
    let (mode, name) = line.trim_end().strip_prefix("begin ")?.split_once(' ')?;
    let is_mode = (3..=4).contains(&mode.len()) && mode.bytes().all(|b| b.is_ascii_digit());
    Some(name.trim()).filter(|name| is_mode && !name.is_empty())
}

/// The file in the next lines, up to `end`; nothing if they are something else.
fn file<'a>(name: &str, lines: &mut impl Iterator<Item = &'a str>) -> Option<File> {
    let mut bytes = Vec::new();
    for line in lines {
        let line = line.trim_end_matches(['\r', '\n']);
        if line == "end" {
            return Some(File { name: name.to_owned(), bytes });
        }
        decode_line(line.as_bytes(), &mut bytes)?;
    }
    None
}

/// The first character of a line tells how many bytes it holds, the others hold 6 bits each.
fn decode_line(line: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let value = |byte: u8| (b' '..=b'`').contains(&byte).then(|| (byte - b' ') & 63);
    let Some((length, data)) = line.split_first() else { return Some(()) };
    let length = usize::from(value(*length)?);
    let start = bytes.len();
    for group in data.chunks(4) {
        // White space at the end of a line, which is zero, is often lost.
        let mut bits = 0u32;
        for i in 0..4 {
            bits = bits << 6 | u32::from(group.get(i).map_or(Some(0), |byte| value(*byte))?);
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    // A line that claims more than it holds is not one.
    if length > data.len().div_ceil(4) * 3 + 3 {
        return None;
    }
    bytes.resize(start + length, 0);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_out_of_the_text() {
        let text = "Hello.\nbegin 644 a.txt\n#0V%T\n`\nend\nBye.\n";
        let (rest, files) = take_files(text).unwrap();
        assert_eq!(rest, "Hello.\nBye.\n");
        assert_eq!(files, [File { name: "a.txt".to_owned(), bytes: b"Cat".to_vec() }]);
    }

    #[test]
    fn what_is_no_file_stays_text() {
        for text in [
            "begin 644 a\nno end #0V%T\n",
            "begin with this\n#0V%T\nend\n",
            "begin 644 a\nlower case\nend\n",
        ] {
            assert_eq!(take_files(text), None);
        }
        assert_eq!(take_files(&"begin 644 a\n".repeat(20_000)), None);
    }
}
