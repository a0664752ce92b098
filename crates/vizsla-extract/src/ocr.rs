//! Reading the text in pictures, which somebody else does.

/// Reads the text in pictures.
pub trait Ocr: Sync {
    /// The text in a picture, which is a file of a common format such as PNG or JPEG. Lines of a paragraph follow each
    /// other, and paragraphs are separated by blank lines.
    ///
    /// # Errors
    /// Why it could not be read, in lower case and without a full stop.
    fn read(&self, picture: &[u8]) -> Result<String, String>;
}

/// The paragraphs that OCR has read, with their lines joined and words divided at line ends made whole.
pub(crate) fn paragraphs(read: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut paragraph = String::new();
    for line in read.lines().map(str::trim).chain([""]) {
        if line.is_empty() {
            if paragraph.chars().any(char::is_alphanumeric) {
                paragraphs.push(std::mem::take(&mut paragraph));
            }
            paragraph.clear();
            continue;
        }
        let is_divided =
            paragraph.strip_suffix('-').is_some_and(|word| word.ends_with(char::is_alphabetic));
        if is_divided && line.starts_with(char::is_lowercase) {
            paragraph.pop();
        } else if !paragraph.is_empty() {
            paragraph.push(' ');
        }
        paragraph.push_str(line);
    }
    paragraphs
}
