//! Text without further structure, source code included.

use vizsla_core::Document;

pub(crate) fn document(name: &str, text: String) -> Document {
    Document::new(name, text).with_title(crate::file_name(name))
}
