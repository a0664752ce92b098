//! Text without further structure, source code included.

use std::ops::ControlFlow;

use vizsla_core::Document;

use crate::output::Output;

/// Version of this reader.
pub(crate) const VERSION: u32 = 1;

pub(crate) fn document(text: String, output: &mut Output<'_>) -> ControlFlow<()> {
    let title = crate::output::file_name(output.name).to_owned();
    output.document(Document::new(output.name, text).with_title(title))
}
