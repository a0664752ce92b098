//! Tests of what finds what: small collections, a query, and the documents in the order in which they must be found.

use std::num::NonZeroUsize;

use vizsla_core::{Document, QueryNotes, RetrieveRequest, Retriever, Section};

use crate::analysis::{Analysis, Language};
use crate::index::{Index, IndexSettings, WriterOptions};

pub(super) fn index_of(language: Language, texts: &[&str]) -> Index {
    let settings = IndexSettings::default().with_language(language);
    let index = Index::in_memory(settings).unwrap();
    let mut writer = index.writer(&WriterOptions::default().with_threads(1)).unwrap();
    for (number, text) in texts.iter().enumerate() {
        writer.add(&Document::new(format!("{number}"), *text)).unwrap();
    }
    writer.commit().unwrap();
    index
}

fn request(query: &str) -> RetrieveRequest {
    RetrieveRequest::new(query, NonZeroUsize::new(100).unwrap())
}

/// The numbers of the texts found, best first.
pub(super) fn found(index: &Index, query: &str) -> Vec<usize> {
    let ranking = index.retriever().retrieve(&request(query)).unwrap();
    ranking.into_iter().map(|hit| hit.item.passage.doc_id.parse().unwrap()).collect()
}

pub(super) fn notes(index: &Index, query: &str) -> QueryNotes {
    let retriever = index.retriever();
    let mut retrieval = retriever.prepare(&request(query)).unwrap();
    retrieval.candidates().unwrap();
    retrieval.notes().unwrap()
}

/// Each row: texts, a query, the texts that it finds in order.
type Row<'a> = (&'a [&'a str], &'a str, &'a [usize]);

fn check(language: Language, rows: &[Row<'_>]) {
    let mut wrong = Vec::new();
    for (texts, query, expected) in rows {
        let found = found(&index_of(language, texts), query);
        if found != *expected {
            wrong.push(format!("{query:?} in {texts:?}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn marks_and_letters() {
    check(
        Language::English,
        &[
            (&["a café here", "a cafe here", "a tea here"], "cafe", &[1, 0]),
            (&["a cafe here", "a café here", "a tea here"], "café", &[1, 0]),
            (&["Nguyen said", "Nguyễn said", "Tran said"], "Nguyễn", &[1, 0]),
            (&["Nguyễn said", "Nguyen said", "Tran said"], "nguyen", &[1, 0]),
            (&["city Köln", "city Ko\u{308}ln", "city Bonn"], "Köln", &[0, 1]),
            (&["city Köln", "city Bonn"], "koln", &[0]),
            (&["the Łódź tram", "the Lodz tram"], "lodz", &[1, 0]),
            (&["die Straße dort", "die Strasse dort"], "strasse", &[1, 0]),
            (&["die Straße dort", "die Strasse dort"], "straße", &[0, 1]),
            (&["smørrebrød", "bread"], "smorrebrod", &[0]),
            (&["Đà Nẵng", "Hanoi"], "da nang", &[0]),
            (&["an encyclopædia", "a bus"], "encyclopaedia", &[0]),
            (&["hors d'œuvre", "a bus"], "oeuvre", &[0]),
            (&["Þingvellir", "lake"], "thingvellir", &[0]),
            (&["İstanbul trip", "Ankara trip"], "istanbul", &[0]),
            (&["ISTANBUL trip", "Ankara trip"], "istanbul", &[0]),
            (&["ΛΌΓΟΣ", "έργο"], "λογος", &[0]),
            (&["новая ёлка", "дом"], "елка", &[0]),
            (&["мой дом", "другой"], "мои", &[]),
            (&["résumé attached", "resume work", "other"], "resume", &[1, 0]),
            (&["naïve façade", "plain"], "naive facade", &[0]),
            (&["Dvořák", "Bach"], "dvorak", &[0]),
            (&["señor", "sir"], "senor", &[0]),
            (&["مُحَمَّد", "other"], "محمد", &[0]),
            (&["مدرسة كبيرة", "مدرسه كبيرة", "other"], "مدرسه", &[1, 0]),
            (&["مدرسه كبيرة", "مدرسة كبيرة", "other"], "مدرسة", &[1, 0]),
            (&["مستشفى", "other"], "مستشفي", &[0]),
            (&["إسلام", "اسلام", "other"], "اسلام", &[1, 0]),
            (&["کتاب", "other"], "كتاب", &[0]),
        ],
    );
}

#[test]
fn widths_spaces_and_what_is_not_seen() {
    check(
        Language::English,
        &[
            (&["ｆｕｌｌ ｗｉｄｔｈ", "other"], "full width", &[0]),
            (&["an oﬃce", "other"], "office", &[0]),
            (&["co\u{AD}op\u{AD}er\u{AD}ate", "other"], "cooperate", &[0]),
            (&["\u{202B}שלום\u{202C} x", "other"], "שלום", &[0]),
            (&["\u{FEFF}heading", "other"], "heading", &[0]),
            (&["north\u{A0}pole", "other"], "pole", &[0]),
            (&["north\u{3000}pole", "other"], "\"north pole\"", &[0]),
            (&["I can’t go", "other"], "can't", &[0]),
            (&["I can't go", "other"], "cant", &[0]),
            (&["I can't go", "other"], "can’t", &[0]),
            (&["state‑of‑the‑art", "other"], "\"state-of-the-art\"", &[0]),
            (&["area in m²", "other"], "m2", &[0]),
            (&["CO₂ levels", "other"], "co2", &[0]),
            (&["levels of CO2", "other"], "CO₂", &[0]),
            (&["results¹ show", "other"], "result", &[0]),
            (&["ﾃｽﾄ", "other"], "テスト", &[0]),
            (&["می\u{200C}خواهم", "other"], "میخواهم", &[0]),
            (&["chapter Ⅳ", "other"], "IV", &[0]),
            (&["zero\u{200B}width", "other"], "zerowidth", &[0]),
            (&["zero\u{200B}width", "other"], "width", &[0]),
            (&["Hawaiʻi", "other"], "hawaii", &[0]),
            (&["Qurʾān", "other"], "quran", &[0]),
        ],
    );
}

#[test]
fn languages() {
    check(
        Language::French,
        &[
            (&["L’avion décolle", "le train"], "avion", &[0]),
            (&["l'avion décolle", "le train"], "avions", &[0]),
            (&["qu'une école", "le train"], "ecole", &[0]),
            (&["aujourd'hui", "demain"], "aujourd’hui", &[0]),
            (&["jusqu'alors", "demain"], "alors", &[0]),
            (&["des forêts", "demain"], "foret", &[0]),
        ],
    );
    check(
        Language::Italian,
        &[
            (&["dell'arte", "altro"], "arte", &[0]),
            (&["l’università", "altro"], "universita", &[0]),
        ],
    );
    check(Language::Other, &[(&["l'escola", "altre"], "escola", &[0])]);
    check(
        Language::Catalan,
        &[
            (&["l’home diu", "la dona"], "home", &[0]),
            (&["un got d'aigua", "un got"], "aigües", &[0]),
            (&["el col·legi", "la casa"], "collegi", &[0]),
            (&["el col·legi", "la casa"], "col.legi", &[0]),
            (&["el coŀlegi", "la casa"], "col·legi", &[0]),
        ],
    );
    check(
        Language::Turkish,
        &[
            (&["ISPARTA ili", "başka"], "ısparta", &[0]),
            (&["İZMİR ili", "başka"], "izmir", &[0]),
            (&["İzmir'de gün", "Ankara’ya yol"], "izmir", &[0]),
            (&["İzmir'de gün", "Ankara’ya yol"], "ankara", &[1]),
            (&["ISPARTA ili", "başka"], "isparta", &[0]),
        ],
    );
    check(
        Language::German,
        &[
            (&["die Häuser", "der Baum"], "Haus", &[0]),
            (&["Grüße", "Baum"], "grusse", &[0]),
            (&["die Gärten", "der Baum"], "garten", &[0]),
        ],
    );
}

#[test]
fn names_in_code_and_versions() {
    check(
        Language::English,
        &[
            (&["the hall C was", "a C++ book", "a C book"], "C++", &[1]),
            (&["a C# book", "a C book"], "C#", &[0]),
            (&["in F# code", "in F code"], "f#", &[0]),
            (&["use .NET now", "a net result"], ".NET", &[0, 1]),
            (&["compile with g++ here", "the g here"], "g++", &[0]),
            (&["a c++17 feature", "a c++ feature", "the c feature x"], "c++17 compiler", &[0, 1]),
            (&["a c++17 book", "plain c"], "c++", &[0]),
            (&["install node.js", "install nodejs", "install it"], "nodejs", &[1, 0]),
            (&["install nodejs", "install node.js", "install it"], "node.js", &[1, 0]),
            (&["at 192.168.1.10 now", "at 10.0.0.1"], "192.168", &[0]),
            (&["at 192.168.1.10 now", "at 192.168.1.11 now", "no"], "192.168.1.11", &[1, 0]),
            (&["release v1.2.3", "release v2.0.0"], "1.2", &[0]),
            (&["release v1.2.3", "release v2.0.0"], "1.2.3", &[0]),
            (&["release 1.2.3", "release v2.0.0"], "v1.2.3", &[0]),
            (&["on 2024-01-15", "on 2023-02-15"], "2024-01", &[0]),
            (&["on 2024-01-15", "in 2024 at 01"], "2024-01-15", &[0, 1]),
            (&["class HTTPServer", "other"], "server", &[0]),
            (&["class HTTPServer", "other"], "httpserver", &[0]),
            (&["parseJSONFile()", "other"], "json", &[0]),
            (&["call getUserName()", "other"], "get_user_name", &[0]),
            (&["call get_user_name()", "other"], "getUserName", &[0]),
            (&["call get-user-name", "other"], "getUserName", &[0]),
            (&["call getUserName()", "other"], "get user name", &[0]),
            (&["call getUserName()", "other"], "\"user name\"", &[0]),
            (&["get user name", "getUserName", "user"], "getUserName", &[1, 0, 2]),
            (&["call parseJSON2XML()", "other"], "json", &[0]),
            (&["call parseJSON2XML()", "other"], "xml", &[0]),
            (&["call parseJSON2XML()", "other"], "parsejson2xml", &[0]),
            (&["an OAuth2Client", "other"], "oauth", &[0]),
            (&["an OAuth2Client", "other"], "client", &[0]),
            (&["an OAuth2Client", "other"], "oauth2client", &[0]),
            (&["the utf8Decoder", "other"], "utf8", &[0]),
            (&["the utf8Decoder", "other"], "decoder", &[0]),
            (&["the utf8Decoder", "other"], "utf", &[0]),
            (&["load get3DModels", "other"], "models", &[0]),
            (&["run sha256sum", "other"], "sha256sum", &[0]),
            (&["run sha256sum", "other"], "sha256*", &[0]),
            (&["la la te te la", "a LaTeX paper", "a paper"], "LaTeX paper", &[1, 2]),
            (&["la la te te la", "a latex file", "the TeX file"], "LaTeX", &[1]),
            (&["openDB now", "a db", "other"], "openDB", &[0, 1]),
            (&["many PDFs here", "other"], "PDFs", &[0]),
            (&["com.example.MyClass", "other"], "myclass", &[0]),
            (&["com.example.MyClass", "other"], "class", &[0]),
            (&["ASP.NET core", "other"], "asp.net", &[0]),
            (&["a net now", "use ADO.NET now", "use .NET now"], ".NET", &[2, 1, 0]),
            (&["kubernetes v1.29.3", "other"], "1.29", &[0]),
            (&["an x86-64 build", "other"], "x86_64", &[0]),
            (&["price £20.50", "other"], "20.50", &[0]),
            (&["ERR_CONNECTION_REFUSED", "other"], "connection refused", &[0]),
            (&["TCP/IP stack", "other"], "tcp ip", &[0]),
            (&["the Objective-C book", "the C book"], "objective-c", &[0, 1]),
            (&["std::vec here", "other"], "vec", &[0]),
        ],
    );
}

#[test]
fn addresses_emoji_and_signs() {
    check(
        Language::English,
        &[
            (&["mail john.smith@example.com", "other"], "john.smith@example.com", &[0]),
            (&["mail john.smith@example.com", "other"], "smith", &[0]),
            (&["mail john.smith@example.com", "other"], "example.com", &[0]),
            (&["see https://docs.rs/serde/latest/index.html", "other"], "serde", &[0]),
            (&["see https://docs.rs/serde/latest/index.html", "other"], "docs.rs", &[0]),
            (&["great 👍 work", "other"], "👍", &[0]),
            (&["great 👍🏽 work", "other"], "👍", &[0]),
            (&["love ❤️ it", "other"], "❤", &[0]),
            (&["flag 🇫🇷 here", "flag 🇩🇪 here"], "🇫🇷", &[0]),
            (
                &[
                    "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
                    "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
                ],
                "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}",
                &[1],
            ),
            (&["base64Encode here", "other"], "base64", &[0]),
            (&["getÜberName here", "other"], "über", &[0]),
            (&["in C♯ minor", "in C minor"], "C#", &[0]),
            (&["costs 100 now", "costs $100 now"], "$100", &[1, 0]),
            (&["about 50 of it", "about 50% of it"], "50%", &[1, 0]),
            (&["fees of €1,000", "other"], "1000", &[0]),
            (&["a rust belt", "about #rust now"], "#rust", &[1, 0]),
            (&["ask @alice there", "other"], "alice", &[0]),
            (&["the R&D team", "the team"], "R&D", &[0]),
            (&["U.S. law", "other"], "US law", &[0]),
            (&["made in USA", "other"], "U.S.A.", &[0]),
        ],
    );
}

#[test]
fn compounds_joined_and_split() {
    check(
        Language::English,
        &[
            (&["a re-entrant lock", "a reentrant lock", "a lock"], "reentrant", &[1, 0]),
            (&["a reentrant lock", "a re-entrant lock", "no"], "re-entrant", &[1, 0]),
            (&["the wi-fi here", "other"], "wifi", &[0]),
            (&["the wifi here", "other"], "wi-fi", &[0]),
            (&["send e-mail", "other"], "email", &[0]),
            (&["send email", "other"], "e-mail", &[0]),
            (&["the file-system", "other"], "filesystem", &[0]),
            (&["the filesystem", "other"], "file-system", &[0]),
            (&["the filesystem", "other"], "file system", &[0]),
            (&["SHA-256 sum", "other"], "sha256", &[0]),
            (&["sha256 sum", "other"], "SHA-256", &[0]),
            (&["utf8 text", "other"], "UTF-8", &[0]),
            (&["O'Reilly book", "other"], "oreilly", &[0]),
            (&["O’Reilly book", "other"], "reilly", &[0]),
        ],
    );
}

#[test]
fn numbers_and_what_they_count() {
    check(
        Language::English,
        &[
            (&["a 10 km run", "a 10km run", "a run"], "10 km", &[0, 1]),
            (&["a 10km run", "a 10 km run", "other"], "10km", &[0, 1]),
            (&["a 10km run", "a 10 km run", "km 10"], "\"10 km\"", &[1, 0]),
            (&["a 10km run", "a 10 km run", "km 10"], "\"10km\"", &[0, 1]),
            (&["a 3.5mm jack", "other"], "3.5 mm", &[0]),
            (&["use python3.11", "other"], "python 3.11", &[0]),
            (&["use Python 3.11", "other"], "python3.11", &[0]),
            (&["see RFC 2616", "see RFC 9999"], "rfc2616", &[0, 1]),
            (&["an OAuth2 flow", "other"], "oauth", &[0]),
            (&["the p53 gene", "page 53"], "p53", &[0]),
            (
                &["pays 1,000", "pays 1.000", "pays 1'000", "pays 1 000", "pays 10"],
                "1000",
                &[0, 1, 2, 3],
            ),
            (&["pays 10\u{202F}000", "pays 10 000.", "other"], "10000", &[0, 1]),
            (&["pays 1000", "other"], "1 000", &[0]),
            (&["pays 1234567", "other"], "1,234,567", &[0]),
            (&["it costs 1,50", "other"], "1.50", &[0]),
            (&["see 3,4,5", "other"], "4", &[0]),
            (&["at 52.52,13.40", "other"], "13.40", &[0]),
            (&["call 555-123-4567", "other"], "5551234567", &[0]),
            (&["call 5551234567", "other"], "555.123.4567", &[0]),
            (&["ISBN 978-3-16-148410-0", "other"], "9783161484100", &[0]),
            (&["on 15.01.2024", "other"], "2024", &[0]),
            (&["on 15.01.2024", "other"], "15.01", &[0]),
        ],
    );
}

#[test]
fn a_single_character_of_a_script_without_spaces() {
    check(
        Language::Other,
        &[
            (&["水を飲む", "他"], "水", &[0]),
            (&["大阪の水道水", "他"], "水", &[0]),
            (&["大阪の道", "水道"], "水道", &[1]),
            (&["학교에서", "다"], "학", &[0]),
        ],
    );
}

#[test]
fn stop_words_and_phrases() {
    check(
        Language::English,
        &[
            (
                &["to be or not to be", "it was not to be or so", "other"],
                "to be or not to be",
                &[0],
            ),
            (&["not for this", "other"], "this not", &[0]),
            (&["the who played", "who played"], "\"the who\"", &[0]),
            (&["the man in the moon", "man on a moon"], "\"man in the moon\"", &[0]),
            (&["the dog", "a cat"], "the cat", &[1]),
            (&["café noir", "noir cafe"], "\"cafe noir\"", &[0]),
            (&["cafe noir", "noir cafe"], "\"café noir\"", &[0]),
            (&["a re-entrant lock", "re lock entrant"], "\"re entrant lock\"", &[0]),
            (&["jaguar cars", "jaguar cats"], "jaguar -cars", &[1]),
            (&["curl -L follows", "other"], "curl -L", &[0]),
            (&["the email address", "address, email"], "\"e-mail address\"", &[0]),
            (&["the e-mail address", "an email to address"], "\"email address\"", &[0]),
            (&["the on-line e-mail form", "e-mail on form"], "\"on-line email form\"", &[0]),
            (&["a hostname here", "here host name"], "\"host-name here\"", &[0]),
            (&["a JavaScript engine", "java engine script"], "\"javascript engine\"", &[0]),
            (&["the new iPhone 15", "new phone 15"], "\"new iphone 15\"", &[0]),
            (&["an XMLHttpRequest object"], "\"xmlhttprequest object\"", &[0]),
        ],
    );
}

#[test]
fn scripts_whose_spaces_do_not_separate_words() {
    check(
        Language::Other,
        &[
            (&["ประเทศไทยมีอาหารอร่อย", "หอพักราคาถูก รอการอนุมัติ"], "อาหาร", &[0, 1]),
            (&["แมวกินปลา", "มาปลากินแวม"], "แมว", &[0]),
            (&["ພາສາລາວ", "ລາຄາ"], "ພາສາ", &[0]),
        ],
    );
}

#[test]
fn dates_and_times_are_words() {
    check(
        Language::English,
        &[
            (&["2026-01-15T10:00:01Z disk full", "2026-02-15 15 items"], "2026-01-15", &[0, 1]),
            (&["2026-01-15T10:00:01Z full", "on 2026-01-15"], "\"2026-01-15\"", &[0, 1]),
            (&["at 2026-01-15T11:22:33.123+01:00", "other"], "\"11:22\"", &[0]),
            (&["20260115T112233Z", "other"], "20260115", &[0]),
        ],
    );
}

#[test]
fn headings_within_a_passage_are_headings() {
    let text = "Guide\nOf it.\nSetup\nRun it.\nTuning\nMeasure.";
    let section = |name: &str, above: &[&str]| {
        let headings = above.iter().chain([&name]).map(|name| (*name).to_owned()).collect();
        Section::new(text.find(name).unwrap(), headings)
    };
    let sections =
        vec![section("Guide", &[]), section("Setup", &["Guide"]), section("Tuning", &["Guide"])];
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default()).unwrap();
    writer.add(&Document::new("0", text).with_sections(sections)).unwrap();
    writer.add(&Document::new("1", "Tuning is not a heading here.")).unwrap();
    writer.commit().unwrap();
    for query in ["heading:guide", "heading:tuning", "heading:setup measure"] {
        assert_eq!(found(&index, query), [0], "{query}");
        assert!(notes(&index, query).is_empty(), "{query}");
    }
    assert_eq!(notes(&index, "measure -heading:nothing").excluded, ["heading:nothing"]);
    assert_eq!(notes(&index, "measure heading:run").dropped, ["heading:run"]);
}

#[test]
fn names_of_files_and_folders() {
    let index = Index::in_memory(IndexSettings::default()).unwrap();
    let mut writer = index.writer(&WriterOptions::default()).unwrap();
    for (id, path, text) in [
        ("0", "/home/ann/notes/kubernetes-notes.md", "Minutes of the meeting."),
        ("1", "/home/ann/apollo/landing.txt", "They met at noon."),
        ("2", "/home/ann/letter.txt", "About kubernetes."),
        ("3", "/home/ann/src/mod.rs", "A file."),
        ("4", "/home/ann/src/mod.py", "Another file."),
    ] {
        writer.add(&Document::new(id, text).with_path(path)).unwrap();
    }
    writer.commit().unwrap();
    assert_eq!(found(&index, "kubernetes"), [2, 0]);
    assert_eq!(found(&index, "path:apollo"), [1]);
    assert_eq!(found(&index, "apollo"), [1]);
    assert_eq!(found(&index, "path:apollo met"), [1]);
    for query in ["path:mod.rs", "path:src/mod.rs", "path:MOD.RS file"] {
        assert_eq!(found(&index, query), [3], "{query}");
    }
    assert_eq!(found(&index, "path:letter.txt"), [2]);
    assert!(found(&index, "ann").is_empty() && found(&index, "txt").is_empty());
}

#[test]
fn what_is_found_is_marked_as_it_stands() {
    for (text, query, marked) in [
        ("une tasse de Cafe\u{301} noir", "cafe", "Cafe\u{301}"),
        ("the co\u{AD}operate way", "cooperate", "co\u{AD}operate"),
        ("see the re-entrant lock", "reentrant", "re-entrant"),
        ("call getUserName() now", "user", "User"),
        ("call getUserName() now", "get_user_name", "getUserName"),
        ("a ｃａｆé here", "café", "ｃａｆé"),
        ("about C++, or so", "c++", "C++"),
        ("an oﬃce", "office", "oﬃce"),
        ("«\u{202B}word\u{202C}»", "word", "word"),
    ] {
        let index = index_of(Language::English, &[text]);
        let retriever = index.retriever();
        let mut retrieval = retriever.prepare(&request(query)).unwrap();
        let ranking = retrieval.candidates().unwrap();
        let candidate = &ranking.into_iter().next().expect(text).item;
        let marks: Vec<&str> =
            retrieval.highlight(candidate).into_iter().map(|range| &text[range]).collect();
        assert_eq!(marks, [marked], "{query}");
    }
}

#[test]
fn spellings_share_one_weight() {
    let index = index_of(Language::English, &["café café cafe", "café", "tea"]);
    let retriever = index.retriever();
    let mut retrieval = retriever.prepare(&request("cafe")).unwrap();
    let ranking = retrieval.candidates().unwrap();
    assert_eq!(
        retrieval.matched().map(|matched| (matched.passages, matched.exact)),
        Some((2, true))
    );
    let best = ranking.into_iter().next().unwrap();
    let Some(vizsla_core::Explanation::Bm25(explained)) = retrieval.explain(&best.item).unwrap()
    else {
        panic!("no explanation")
    };
    let [term] = explained.terms.as_slice() else { panic!("{explained:?}") };
    assert!((term.frequency - 2.6).abs() < 1e-5 && term.passages == 2, "{term:?}");
    assert!((term.score - best.score).abs() < 1e-5);
}

#[test]
fn plain_analysis_is_a_setting() {
    let settings = IndexSettings::default().with_analysis(Analysis::Plain);
    let index = Index::in_memory(settings).unwrap();
    let mut writer = index.writer(&WriterOptions::default()).unwrap();
    writer.add(&Document::new("0", "The café of the getUserName")).unwrap();
    writer.commit().unwrap();
    assert_eq!(found(&index, "café"), [0]);
    assert_eq!(found(&index, "username user"), [0]);
    assert!(found(&index, "cafe").is_empty() && found(&index, "the").is_empty());
}

#[test]
fn pruning_changes_no_ranking_of_spellings() {
    let mut random = fastrand::Rng::with_seed(7);
    let spellings = ["cafe", "café", "CAFÉ", "cafè", "re-entrant", "reentrant", "noir", "rose"];
    let mut text = || {
        let length = random.usize(3..30);
        let word = |random: &mut fastrand::Rng| match random.usize(0..3) {
            0 => spellings[random.usize(0..spellings.len())].to_owned(),
            _ => format!("w{}", random.usize(0..400)),
        };
        (0..length).map(|_| word(&mut random)).collect::<Vec<_>>().join(" ")
    };
    let texts: Vec<String> = (0..6000).map(|_| text()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let index = index_of(Language::English, &texts);
    let ranked = |query: &str, depth: usize| {
        let request = RetrieveRequest::new(query, NonZeroUsize::new(depth).unwrap());
        let ranking = index.retriever().retrieve(&request).unwrap();
        ranking.into_iter().map(|hit| (hit.item.passage.doc_id, hit.score)).collect::<Vec<_>>()
    };
    for query in ["cafe w7", "café w3 w9", "reentrant rose", "re-entrant cafè noir w11"] {
        let all = ranked(query, 6000);
        assert_eq!(ranked(query, 20), all[..20], "{query}");
    }
}
