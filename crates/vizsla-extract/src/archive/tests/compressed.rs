use super::{gzip, ids, places, problems, read, read_within, tar, zip};
use crate::{ErrorKind, Extracted, Input, Limits, extract};

const TEXT: &[u8] = b"# Pointing\nA pointer points.\n";

/// `A pointer points.` and a line end.
const XZ_TEXT: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21, 0x01,
    0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x11, 0x41, 0x20, 0x70, 0x6f, 0x69,
    0x6e, 0x74, 0x65, 0x72, 0x20, 0x70, 0x6f, 0x69, 0x6e, 0x74, 0x73, 0x2e, 0x0a, 0x00, 0x00, 0x00,
    0x45, 0x88, 0x29, 0x69, 0x10, 0xfc, 0x49, 0xc2, 0x00, 0x01, 0x2a, 0x12, 0x4b, 0x08, 0x54, 0xbc,
    0x1f, 0xb6, 0xf3, 0x7d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
];

#[test]
fn a_compressed_file_is_the_file_inside_it() {
    let found = read("d/a.md.gz", &gzip(TEXT));
    assert_eq!(ids(&found), ["d/a.md.gz"]);
    assert_eq!(found.documents[0].title, "Pointing");
    assert_eq!(places(&found), ["lines 1-2"]);
    assert!(found.problems.is_empty());
    let records = gzip(b"{\"id\":\"x\",\"text\":\"a\"}\n{\"text\":\"b\"}\n");
    assert_eq!(ids(&read("a.jsonl.gz", &records)), ["x", "a.jsonl.gz#2"]);
    let mut found = Extracted::default();
    extract(Input::reader("a.jsonl.gz", &mut records.as_slice()), &Limits::default(), &mut found)
        .unwrap();
    assert_eq!(found.documents.len(), 2);
}

#[test]
fn compressed_files_in_a_row_are_one() {
    let mut bytes = gzip(b"one\n");
    bytes.extend(gzip(b"two\n"));
    assert_eq!(read("a.log.gz", &bytes).documents[0].text, "one\ntwo\n");
    let level = ruzstd::encoding::CompressionLevel::Uncompressed;
    let mut bytes = ruzstd::encoding::compress_to_vec(&b"one\n"[..], level);
    bytes.extend(b"\x50\x2a\x4d\x18\x03\0\0\0xxx");
    bytes.extend(ruzstd::encoding::compress_to_vec(&b"two\n"[..], level));
    assert_eq!(read("a.log.zst", &bytes).documents[0].text, "one\ntwo\n");
}

#[test]
fn what_follows_a_compressed_file_is_named_unless_it_is_zeros() {
    let packed = gzip(b"one\n");
    let padded = [&packed, &[0; 1_000][..]].concat();
    for bytes in [&padded, &[&padded, packed.as_slice(), &[0; 512]].concat()] {
        let found = read("a.log.gz", bytes);
        assert!(found.documents[0].text.starts_with("one\n"));
        assert_eq!(problems(&found), [""; 0]);
    }
    assert_eq!(read("a.log.gz", &[&*padded, &packed].concat()).documents[0].text, "one\none\n");
    for bytes in [[&packed, &b"garbage"[..]].concat(), [&padded, &b"\x1f\x8b"[..]].concat()] {
        let found = read("a.log.gz", &bytes);
        assert_eq!(found.documents[0].text, "one\n");
        assert_eq!(
            problems(&found),
            ["is followed by bytes of something else, which are left out"]
        );
    }
    let found = read("a.tar.gz", &[gzip(&tar(&[("a.md", TEXT)])), b"garbage".to_vec()].concat());
    assert_eq!(ids(&found), ["a.tar.gz!a.md"]);
    let records = [gzip(b"{\"text\":\"a\"}\n"), b"garbage".to_vec()].concat();
    let found = read("a.jsonl.gz", &records);
    assert_eq!((found.documents.len(), found.problems.len()), (1, 1), "{:?}", found.problems);
}

/// The same.
const LZMA_TEXT: &[u8] = &[
    93, 0, 0, 128, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 32, 136, 10, 6, 243, 115, 67, 54,
    182, 95, 185, 44, 100, 16, 151, 143, 219, 6, 255, 255, 132, 248, 0, 0,
];

#[test]
fn bzip2_xz_and_lzma_are_read() {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    std::io::Write::write_all(&mut encoder, TEXT).unwrap();
    let bytes = encoder.finish().unwrap();
    assert_eq!(read("a.md.bz2", &bytes).documents[0].title, "Pointing");
    assert_eq!(read("a.md.xz", XZ_TEXT).documents[0].text, "A pointer points.\n");
    for name in ["a.md.lzma", "a.lzma", "renamed.md"] {
        assert_eq!(read(name, LZMA_TEXT).documents[0].text, "A pointer points.\n", "{name}");
    }
    let too_much = [&[93, 0, 0, 0, 0x80], &LZMA_TEXT[5..]].concat();
    for bytes in [&LZMA_TEXT[..16], &too_much] {
        assert!(read_within("a.md.lzma", bytes, &Limits::default()).1.is_err());
    }
}

#[test]
fn a_compressed_archive_is_an_archive() {
    let bytes = gzip(&tar(&[("a.md", TEXT)]));
    for name in ["x.tgz", "x.tar.gz", "x.gz", "x"] {
        assert_eq!(ids(&read(name, &bytes)), [format!("{name}!a.md")]);
    }
    let inside = zip(&[("logs/a.log.gz", &gzip(b"line\n"))]);
    let found = read("x.zip", &inside);
    assert_eq!(ids(&found), ["x.zip!logs/a.log.gz"]);
    assert_eq!(places(&found), ["logs/a.log.gz, line 1"]);
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let mut limits = Limits::default();
    limits.member_bytes = 10_000;
    let (found, result) = read_within("a.txt.gz", &gzip(&b"ab\n".repeat(10_000)), &limits);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TooLarge);
    assert!(found.documents.is_empty());
    // Whatever the ratio, up to that.
    let quiet = b"12:00 all is well\n".repeat(200_000);
    assert_eq!(read("a.log.gz", &gzip(&quiet)).documents[0].text.len(), quiet.len());
}

#[test]
fn a_stream_of_records_ends_where_it_grows_without_end() {
    let line = b"{\"text\":\"a\"}\n";
    let mut bytes = line.repeat(10);
    bytes.extend(vec![b' '; 4 << 20]);
    bytes.extend(line);
    let limits = Limits::default().with_file_bytes(1 << 20);
    let (found, _) = read_within("a.jsonl.gz", &gzip(&bytes), &limits);
    assert_eq!(found.documents.len(), 10);
    assert!(
        problems(&found).iter().any(|p| p.contains("unpacks to more than")),
        "{:?}",
        found.problems
    );
}

#[test]
fn an_archive_and_its_compression_are_one_level() {
    let nested = |levels: usize| {
        (0..levels).fold(("a.md".to_owned(), TEXT.to_vec()), |(name, bytes), _| {
            ("inner.tar.gz".to_owned(), gzip(&tar(&[(name.as_str(), bytes.as_slice())])))
        })
    };
    assert_eq!(read("a.tgz", &nested(4).1).documents[0].title, "Pointing");
    assert!(problems(&read("a.tgz", &nested(5).1))[0].contains("more than 4 containers"));
}

#[test]
fn files_compressed_again_and_again_are_refused() {
    let mut bytes = TEXT.to_vec();
    for _ in 0..3 {
        bytes = gzip(&bytes);
    }
    assert_eq!(read("a.gz", &bytes).documents.len(), 1);
    for _ in 0..3 {
        bytes = gzip(&bytes);
    }
    let (found, result) = read_within("a.gz", &bytes, &Limits::default());
    assert_eq!(result.unwrap_err().kind(), ErrorKind::TooLarge);
    assert!(found.documents.is_empty());
}

#[test]
fn what_comes_before_the_damage_is_read() {
    let text: String = (0..20_000).map(|i| format!("line {i}\n")).collect();
    let bytes = gzip(text.as_bytes());
    let found = read("a.txt.gz", &bytes[..bytes.len() / 2]);
    assert!(found.documents[0].text.starts_with("line 0\nline 1\n"));
    assert!(problems(&found)[0].contains("copy it again"), "{:?}", found.problems);
    let found = read("a.jsonl.gz", &gzip(b"{\"text\":\"a\"}\n")[..20]);
    assert!(problems(&found).iter().any(|p| p.contains("damaged")), "{:?}", found.problems);
}

#[test]
fn any_cut_of_any_compressed_file_ends() {
    let bzip2 = {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        std::io::Write::write_all(&mut encoder, TEXT).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = ruzstd::encoding::compress_to_vec(TEXT, ruzstd::encoding::CompressionLevel::Fastest);
    for (name, bytes) in [
        ("a.gz", gzip(TEXT)),
        ("a.bz2", bzip2),
        ("a.zst", zstd),
        ("a.xz", XZ_TEXT.to_vec()),
        ("a.lzma", LZMA_TEXT.to_vec()),
    ] {
        for cut in 0..bytes.len() {
            let _ = read_within(name, &bytes[..cut], &Limits::default());
            let mut changed = bytes.clone();
            changed[cut] ^= 0x55;
            let _ = read_within(name, &changed, &Limits::default());
        }
    }
}

#[test]
fn a_file_that_only_has_the_name_is_text() {
    assert_eq!(read("a.gz", TEXT).documents[0].text.as_bytes(), TEXT);
    let mut found = Extracted::default();
    let mut reader = TEXT;
    extract(Input::reader("a.gz", &mut reader), &Limits::default(), &mut found).unwrap();
    assert_eq!(found.documents.len(), 1);
}
