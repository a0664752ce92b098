//! Whole messages through the reader, made here.

use std::io::{Cursor, Write};

use cfb::CompoundFile;

use crate::{Extracted, Input, Limits, Problem, extract};

type File = CompoundFile<Cursor<Vec<u8>>>;

/// A short property: its type and name, flags, and the value.
fn fixed(id: u16, value: u64) -> Vec<u8> {
    let mut bytes = vec![3, 0];
    bytes.extend(id.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(value.to_le_bytes());
    bytes
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Writes a folder of properties: those of a message, a recipient or an attachment.
fn folder(
    file: &mut File,
    path: &str,
    header: usize,
    short: &[(u16, u64)],
    long: &[(&str, Vec<u8>)],
) {
    if path != "/" {
        file.create_storage(path).unwrap();
    }
    let mut properties = vec![0; header];
    for (id, value) in short {
        properties.extend(fixed(*id, *value));
    }
    let path = path.trim_end_matches('/');
    let mut put = |name: &str, bytes: &[u8]| {
        file.create_stream(format!("{path}/{name}")).unwrap().write_all(bytes).unwrap();
    };
    put("__properties_version1.0", &properties);
    for (name, bytes) in long {
        put(&format!("__substg1.0_{name}"), bytes);
    }
}

fn message(long: &[(&str, Vec<u8>)]) -> File {
    let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    // 2024-05-31, and the code page 1251.
    folder(&mut file, "/", 32, &[(0x0039, 133_616_052_000_000_000), (0x3ffd, 1251)], long);
    file
}

fn read(mut file: File) -> Extracted {
    file.flush().unwrap();
    let bytes = file.into_inner().into_inner();
    let mut found = Extracted::default();
    extract(Input::bytes("a.msg", &bytes), &Limits::default(), &mut found).unwrap();
    found
}

#[test]
fn a_message_tells_who_when_and_what() {
    let mut file = message(&[
        ("0037001F", utf16("Grüße")),
        ("0C1A001F", utf16("Ada")),
        ("5D01001F", utf16("ada@x.org")),
        ("1000001F", utf16("The body.\r\n")),
    ]);
    let bob = [("3001001F", utf16("Bob")), ("39FE001F", utf16("bob@x.org"))];
    folder(&mut file, "/__recip_version1.0_#00000000", 8, &[(0x0c15, 1)], &bob);
    folder(
        &mut file,
        "/__recip_version1.0_#00000001",
        8,
        &[(0x0c15, 2)],
        &[("3001001F", utf16("Eve"))],
    );
    let found = read(file);
    let document = &found.documents[0];
    assert_eq!((document.id.as_str(), document.title.as_str()), ("a.msg", "Grüße"));
    assert_eq!(document.text, "From: Ada <ada@x.org>\nTo: Bob <bob@x.org>\nCc: Eve\n\nThe body.");
    assert_eq!(document.metadata["date"].to_string(), "2024-05-31T05:00:00Z");
    assert!(found.problems.is_empty());
}

#[test]
fn the_body_may_be_html_or_in_a_code_page() {
    let text = |long: &[(&str, Vec<u8>)]| read(message(long)).documents[0].text.clone();
    let russian = encoding_rs::WINDOWS_1251.encode("Привет").0.into_owned();
    assert_eq!(text(&[("1000001E", russian.clone())]), "Привет");
    let page = [&b"<html><body><p>"[..], &russian, b"</p></body></html>"].concat();
    assert_eq!(text(&[("10130102", page)]), "Привет");
    // The code page of the message is that of its other texts.
    for page in ["<html><meta charset=utf-8><p>größe", "<html><p>größe"] {
        assert_eq!(text(&[("10130102", page.into())]), "größe");
    }
    let named = b"<html><meta charset='iso-8859-1'><p>gr\xf6\xdfe".to_vec();
    assert_eq!(text(&[("10130102", named)]), "größe");
}

#[test]
fn attachments_and_messages_inside_are_members() {
    let mut file = message(&[("0037001F", utf16("outer")), ("1000001F", utf16("Outer."))]);
    let first = [("3707001F", utf16("notes.txt")), ("37010102", b"attached".to_vec())];
    folder(&mut file, "/__attach_version1.0_#00000000", 8, &[(0x3705, 1)], &first);
    let second = [("3001001F", utf16("inner"))];
    folder(&mut file, "/__attach_version1.0_#00000001", 8, &[(0x3705, 5)], &second);
    let inner = "/__attach_version1.0_#00000001/__substg1.0_3701000D";
    let long = [("0037001F", utf16("inner")), ("1000001F", utf16("Inner."))];
    folder(&mut file, inner, 24, &[], &long);
    folder(
        &mut file,
        "/__attach_version1.0_#00000002",
        8,
        &[(0x3705, 4)],
        &[("3001001F", utf16("link"))],
    );
    let found = read(file);
    let ids: Vec<_> = found.documents.iter().map(|document| document.id.as_str()).collect();
    assert_eq!(ids, ["a.msg", "a.msg!notes.txt", "a.msg!inner.msg"]);
    assert_eq!(found.documents[2].text, "Inner.");
    assert_eq!(found.problems.len(), 1);
    assert!(found.problems[0].message.starts_with("link: is a link"));
}

#[test]
fn a_message_without_a_readable_body_says_so() {
    let found = read(message(&[("0037001F", utf16("s"))]));
    assert_eq!(found.documents[0].title, "s");
    assert!(found.problems.iter().any(Problem::loses_text));
}

#[test]
fn any_cut_of_a_message_ends() {
    let mut file = message(&[("0037001F", utf16("s")), ("1000001F", utf16("Body."))]);
    file.flush().unwrap();
    let bytes = file.into_inner().into_inner();
    for cut in (0..bytes.len()).step_by(97) {
        let mut found = Extracted::default();
        let _ = extract(Input::bytes("a.msg", &bytes[..cut]), &Limits::default(), &mut found);
        let mut changed = bytes.clone();
        changed[cut] = !changed[cut];
        let _ = extract(Input::bytes("a.msg", &changed), &Limits::default(), &mut found);
    }
}
