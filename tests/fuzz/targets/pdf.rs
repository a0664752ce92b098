//! PDF: whole files, and the content of a page.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, content)) => vizsla_fuzz::read("a.pdf", &page(content)),
        _ => vizsla_fuzz::read("a.pdf", data),
    }
});

/// A file of one page with this content. It has no table of objects; readers find them by searching.
fn page(content: &[u8]) -> Vec<u8> {
    let head = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
        2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 5 0 R/Resources<</Font<</F 4 0 R>>>>>>endobj\n\
        4 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n";
    let stream = format!("5 0 obj<</Length {}>>stream\n", content.len());
    let tail = b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF";
    [head.as_bytes(), stream.as_bytes(), content, tail].concat()
}
