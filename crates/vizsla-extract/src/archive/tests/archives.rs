use super::{gzip, ids, places, problems, read, read_within, tar, zip};
use crate::{ErrorKind, Limits, ProblemKind};

#[test]
fn members_are_documents_below_their_archive() {
    let inner = zip(&[("deep.txt", b"one\ntwo\n")]);
    let bytes = zip(&[("docs/", b""), ("docs/a.md", b"# A\n"), ("docs/inner.zip", &inner)]);
    let found = read("x.zip", &bytes);
    assert_eq!(ids(&found), ["x.zip!docs/a.md", "x.zip!docs/inner.zip!deep.txt"]);
    assert_eq!(places(&found), ["docs/a.md, line 1", "docs/inner.zip!deep.txt, lines 1-2"]);
    assert!(found.documents.iter().all(|document| document.path.as_deref() == Some("x.zip")));
    assert!(found.problems.is_empty());
}

#[test]
fn members_of_one_name_are_told() {
    let mut bytes = zip(&[("a.txt", b"first"), ("b.txt", b"second")]);
    for at in memchr::memmem::find_iter(&bytes.clone(), "b.txt") {
        bytes[at] = b'a';
    }
    let found = read("x.zip", &bytes);
    assert_eq!(ids(&found), ["x.zip!a.txt"]);
    assert!(
        problems(&found)[0]
            .contains("1 member is left out for a later one of the same name: a.txt")
    );
}

#[test]
fn what_a_walk_would_skip_is_skipped() {
    for bytes in [
        zip(&[
            ("a.txt", b"a"),
            ("__MACOSX/._a.txt", b"x"),
            (".git/config", b"x"),
            ("d/.DS_Store", b"x"),
        ]),
        tar(&[("./a.txt", b"a"), ("./.hidden", b"x"), ("d/__MACOSX/b", b"x")]),
    ] {
        let found = read("x", &bytes);
        assert_eq!(ids(&found), ["x!a.txt"]);
        assert!(found.problems.is_empty());
    }
}

#[test]
fn members_that_are_not_text_make_one_problem() {
    let binary = b"\xca\xfe\xba\xbe\0\0\0\x34".repeat(20_000);
    let names: Vec<String> = (0..12).map(|i| format!("{i}.class")).collect();
    let mut members: Vec<(&str, &[u8])> =
        names.iter().map(|name| (name.as_str(), &*binary)).collect();
    members.push(("a.txt", b"a"));
    members.push(("small", b"\0\x01\x02"));
    let found = read("x.jar", &zip(&members));
    assert_eq!(ids(&found), ["x.jar!a.txt"]);
    assert_eq!(
        problems(&found),
        ["13 members are not text: 0.class, 1.class, 2.class and 10 more"]
    );
    assert_eq!(found.problems[0].kind, ProblemKind::NotText);
}

#[test]
fn protected_and_strange_members_are_named_and_the_rest_is_read() {
    let mut bytes = zip(&[("a.txt", b"a"), ("b.txt", b"b"), ("c.txt", b"c")]);
    // Before a member, flags are at 6 and the method is at 8; in the directory, two bytes further.
    for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let starts: Vec<usize> = memchr::memmem::find_iter(&bytes, signature).collect();
        bytes[starts[0] + flags] |= 1;
        bytes[starts[1] + flags + 2] = 98;
    }
    let found = read("x.zip", &bytes);
    assert_eq!(ids(&found), ["x.zip!c.txt"]);
    assert_eq!(found.problems[0].kind, ProblemKind::Protected, "{:?}", found.problems);
    assert_eq!(found.problems[0].message, "1 member needs a password: a.txt");
    assert!(found.problems[1].message.contains("b.txt"), "{:?}", found.problems);
}

#[test]
fn names_may_be_the_same_or_in_any_encoding() {
    let bytes = tar(&[("a.txt", b"one"), ("a.txt", b"two"), ("b\u{1b}[2J.txt", b"three")]);
    assert_eq!(ids(&read("x", &bytes)), ["x!a.txt", "x!a (2).txt", "x!b\u{fffd}[2J.txt"]);
    // UTF-8 that is not declared, and code page 437.
    let mut bytes = zip(&[("Gr_____.txt", b"a"), ("K_lte.txt", b"b")]);
    for start in memchr::memmem::find_iter(&bytes.clone(), b"Gr_____") {
        bytes[start..start + 7].copy_from_slice("Grüße".as_bytes());
    }
    for start in memchr::memmem::find_iter(&bytes.clone(), b"K_lte") {
        bytes[start + 1] = 0x84;
    }
    assert_eq!(ids(&read("x", &bytes)), ["x!Grüße.txt", "x!Kälte.txt"]);
}

#[test]
fn a_name_in_unicode_beside_the_stored_one_counts() {
    // Version, CRC of the stored name, name.
    let mut field = vec![1];
    let mut crc = flate2::Crc::new();
    crc.update(b"K_lte.txt");
    field.extend(crc.sum().to_le_bytes());
    field.extend("Кälte.txt".as_bytes());
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut options = zip::write::FileOptions::<zip::write::ExtendedFileOptions>::default();
    options.add_extra_field(0x7075, field, true).unwrap();
    writer.start_file("K_lte.txt", options).unwrap();
    std::io::Write::write_all(&mut writer, b"cold").unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert_eq!(ids(&read("x.zip", &bytes)), ["x.zip!Кälte.txt"]);
}

#[test]
fn an_archive_behind_a_program_is_read() {
    let bytes = zip(&[("a.txt", b"text"), ("d/b.md", b"# B\n")]);
    for (name, stub) in [("setup.exe", &b"MZ\x90\0\x03\0"[..]), ("app.pyz", b"#!/usr/bin/python\n")]
    {
        let found = read(name, &[stub, &bytes].concat());
        assert_eq!(ids(&found), [format!("{name}!a.txt"), format!("{name}!d/b.md")]);
        assert_eq!(problems(&found), [""; 0]);
    }
}

#[test]
fn long_names_of_tar_are_read_and_links_are_not() {
    let long = format!("{}/a.txt", "d".repeat(300));
    let mut builder = tar::Builder::new(tar_with(&long));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", "a.txt").unwrap();
    let found = read("x.tar", &builder.into_inner().unwrap());
    assert_eq!(ids(&found), [format!("x.tar!{long}")]);
}

/// A TAR archive with one member, without the zeros at its end.
fn tar_with(name: &str) -> Vec<u8> {
    let mut bytes = tar(&[(name, b"text")]);
    bytes.truncate(bytes.len() - 1024);
    bytes
}

#[test]
fn tar_with_sizes_that_are_not_there_ends() {
    let mut bytes = tar(&[("a.txt", b"text"), ("b.txt", b"text")]);
    let huge = 1024..1536;
    let mut header = tar::Header::from_byte_slice(&bytes[huge.clone()]).clone();
    header.set_size(u64::MAX / 2);
    header.set_cksum();
    bytes[huge].copy_from_slice(header.as_bytes());
    let found = read("x.tar", &bytes);
    assert_eq!(ids(&found)[0], "x.tar!a.txt");
    assert!(!found.problems.is_empty());
}

#[test]
fn a_long_header_is_not_held_in_memory() {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(8 << 20);
    header.set_cksum();
    let mut bytes = tar_with("a.txt");
    bytes.extend(header.as_bytes());
    bytes.extend(vec![b'x'; 8 << 20]);
    let found = read("x.tar", &bytes);
    assert_eq!(ids(&found), ["x.tar!a.txt"]);
    assert_eq!(found.problems.len(), 1);
}

#[test]
fn a_zip_without_its_directory_is_searched() {
    let text: String = (0..5_000).map(|i| format!("line {i}\n")).collect();
    let bytes = zip(&[("a.txt", b"first"), ("b.txt", text.as_bytes())]);
    let found = read("x.zip", &bytes[..bytes.len() / 2]);
    assert_eq!(ids(&found), ["x.zip!a.txt", "x.zip!b.txt"]);
    assert!(found.documents[1].text.starts_with("line 0\n"));
    assert_eq!(found.problems.len(), 1);
    assert!(found.problems[0].message.ends_with("b.txt is read as far as it goes"));
    let (_, result) = read_within("x.zip", b"PK\x03\x04nothing", &Limits::default());
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Malformed);
}

#[test]
fn bombs_are_bounded() {
    let bomb = zip(&[("a.txt", &vec![b'a'; 8 << 20]), ("b.txt", b"b")]);
    let (found, _) = read_within("x.zip", &bomb, &Limits::default().with_file_bytes(1 << 20));
    assert_eq!(ids(&found), ["x.zip!b.txt"]);
    assert_eq!(found.problems[0].kind, ProblemKind::TooLarge);
    let mut limits = Limits::default();
    limits.unpacked_bytes = 100;
    let many: Vec<(String, Vec<u8>)> =
        (0..20).map(|i| (format!("{i}.txt"), vec![b'a'; 30])).collect();
    let members: Vec<(&str, &[u8])> = many.iter().map(|(n, b)| (n.as_str(), &**b)).collect();
    let (found, _) = read_within("x.zip", &zip(&members), &limits);
    assert_eq!(found.documents.len(), 3);
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    limits = Limits::default();
    limits.members = 5;
    let (found, _) = read_within("x.zip", &zip(&members), &limits);
    assert_eq!(found.documents.len(), 5);
    assert_eq!(problems(&found), ["has more than 5 members; the rest is left out"]);
}

#[test]
fn archives_inside_each_other_are_read_to_a_depth() {
    let mut bytes = b"text".to_vec();
    for level in 0..6 {
        bytes = zip(&[("text.txt", format!("level {level}").as_bytes()), ("inner.zip", &bytes)]);
    }
    let found = read("x.zip", &bytes);
    assert_eq!(found.documents.len(), 4);
    assert!(problems(&found)[0].contains("more than 4 containers"), "{:?}", found.problems);
}

#[test]
fn formats_that_are_not_read_are_named() {
    for (name, start, title) in [
        ("a.7z", &b"7z\xbc\xaf\x27\x1c\0\x04"[..], "7-Zip"),
        ("a", b"Rar!\x1a\x07\x01\0", "RAR"),
        ("a.lz4", b"\x04\x22\x4d\x18\0", "LZ4"),
    ] {
        let (_, result) = read_within(name, start, &Limits::default());
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.to_string(), format!("is a file of the format {title}: unpack it first"));
    }
}

#[test]
fn any_cut_and_any_change_of_an_archive_ends() {
    let inner = gzip(b"inner");
    let members: &[(&str, &[u8])] = &[("a.txt", b"some text"), ("b.gz", &inner)];
    for bytes in [zip(members), tar(members)] {
        for at in 0..bytes.len().min(1_600) {
            let _ = read_within("x", &bytes[..at], &Limits::default());
            let mut changed = bytes.clone();
            changed[at] = !changed[at];
            let _ = read_within("x.zip", &changed, &Limits::default());
        }
    }
}
