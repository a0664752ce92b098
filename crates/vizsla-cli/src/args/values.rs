//! Values of options, from text.

use std::time::Duration;

pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim().to_uppercase();
    let digits = text.trim_end_matches("IB").trim_end_matches('B');
    let (number, shift) = match digits.chars().last() {
        Some('K') => (&digits[..digits.len() - 1], 10),
        Some('M') => (&digits[..digits.len() - 1], 20),
        Some('G') => (&digits[..digits.len() - 1], 30),
        _ => (digits, 0),
    };
    let number: u64 =
        number.trim().parse().map_err(|_| "give a number, optionally with K, M or G".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is too large".to_owned())
}

pub(super) fn parse_depth(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("give a whole number of at least 1".to_owned()),
        Ok(depth) => Ok(depth),
    }
}

pub(super) fn parse_k(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|k: &f32| k.is_finite() && *k >= 0.0)
        .ok_or_else(|| "give a number of at least 0".to_owned())
}

pub(super) fn parse_probability(text: &str) -> Result<f32, String> {
    text.parse()
        .ok()
        .filter(|p| (0.0..=1.0).contains(p))
        .ok_or_else(|| "give a number from 0 to 1".to_owned())
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    parsed
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "give a time with its unit, such as 150ms or 2s".to_owned())
}

pub(super) fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("give NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A type of file, and the names that such files have.
#[derive(Debug, Clone)]
pub(crate) struct FileType {
    pub(crate) name: String,
    pub(crate) globs: Vec<String>,
}

pub(super) fn parse_type(text: &str) -> Result<FileType, String> {
    match vizsla_ingest::file_type(text) {
        Ok(globs) => Ok(FileType { name: text.to_owned(), globs }),
        Err(near) if near.is_empty() => Err("there is no such type of file".to_owned()),
        Err(near) => Err(format!("there is no such type of file; there are {}", near.join(", "))),
    }
}

pub(super) fn parse_extension(text: &str) -> Result<String, String> {
    let extension = text.trim().trim_start_matches(['*', '.']);
    if extension.is_empty() || extension.contains(['/', '*', '?']) {
        return Err("give extensions such as md or md,txt".to_owned());
    }
    Ok(extension.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_have_no_dot_and_types_a_known_name() {
        for text in ["md", ".md", "*.md", " md"] {
            assert_eq!(parse_extension(text).unwrap(), "md");
        }
        assert!(parse_extension(".").is_err());
        assert_eq!(parse_type("rust").unwrap().globs, ["*.rs", "*.RS"]);
        assert!(parse_type("rusty").unwrap_err().contains("rust"));
    }
}
