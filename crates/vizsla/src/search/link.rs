//! Links that open a file at a place in it.

use std::fmt::Write as _;
use std::path::Path;

use vizsla_core::Location;

/// The URL ([RFC 8089](https://www.rfc-editor.org/rfc/rfc8089)) of a file, which must have an absolute path, with the
/// place as its fragment where there is a standard for that. A file inside another one gives the URL of the outer one.
pub fn file_url(path: &str, location: &Location) -> Option<String> {
    if !Path::new(path).is_absolute() {
        return None;
    }
    let mut url = url_of(path);
    if let Some(fragment) = location.fragment() {
        url.push('#');
        url.push_str(&fragment);
    }
    Some(url)
}

fn url_of(path: &str) -> String {
    // Canonical paths of Windows begin in this way.
    let path = path.strip_prefix(r"\\?\").unwrap_or(path);
    let (host, path) = match path.strip_prefix(r"UNC\") {
        Some(share) if cfg!(windows) => ("", share),
        _ => ("/", path.strip_prefix('/').unwrap_or(path)),
    };
    let mut url = format!("file://{host}");
    for byte in path.bytes() {
        match byte {
            b'\\' if cfg!(windows) => url.push('/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                url.push(char::from(byte));
            }
            other => write!(url, "%{other:02X}").expect("writing to a string cannot fail"),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_open_files_at_places() {
        let page = Location::Pages { first: 12, last: 13, label: Some("iv".into()) };
        let path = if cfg!(windows) { r"C:\a b\é.pdf" } else { "/C:/a b/é.pdf" };
        let url = file_url(path, &page).unwrap();
        assert_eq!(url, "file:///C:/a%20b/%C3%A9.pdf#page=12");
        let inside = Location::Member { path: "b.pdf".into(), at: Box::new(page) };
        assert_eq!(file_url(path, &inside).unwrap(), "file:///C:/a%20b/%C3%A9.pdf");
        assert_eq!(file_url("relative.pdf", &inside), None);
    }
}
