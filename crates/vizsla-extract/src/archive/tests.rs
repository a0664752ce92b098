//! Whole files through the readers of this group, with archives made here.

mod archives;
mod compressed;

use std::io::Write as _;

use vizsla_core::{Limits, SplitOptions, split};

use crate::{Error, Extracted, Input, extract};

fn read_within(name: &str, bytes: &[u8], limits: &Limits) -> (Extracted, Result<(), Error>) {
    let mut found = Extracted::default();
    let result = extract(Input::bytes(name, bytes), limits, &mut found);
    (found, result)
}

fn read(name: &str, bytes: &[u8]) -> Extracted {
    let (found, result) = read_within(name, bytes, &Limits::default());
    result.unwrap();
    found
}

fn ids(found: &Extracted) -> Vec<&str> {
    found.documents.iter().map(|document| document.id.as_str()).collect()
}

fn places(found: &Extracted) -> Vec<String> {
    let passages = found.documents.iter().flat_map(|d| split(d, &SplitOptions::default()));
    passages.map(|passage| passage.location.to_string()).collect()
}

fn problems(found: &Extracted) -> Vec<String> {
    found.problems.iter().map(ToString::to_string).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A ZIP archive of deflated members; names that end with `/` are folders.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in members {
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}
