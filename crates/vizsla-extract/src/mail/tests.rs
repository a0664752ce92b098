//! Whole messages and mailboxes through the readers of this group.

use vizsla_core::{Document, Limits, Location, Locations, SplitOptions, split};

use crate::{Error, Extracted, Format, Input, ProblemKind, extract};

fn read_within(name: &str, bytes: &[u8], limits: &Limits) -> (Extracted, Result<(), Error>) {
    let mut found = Extracted::default();
    let result = extract(Input::bytes(name, bytes), limits, &mut found);
    (found, result)
}

fn read(name: &str, message: &str) -> Extracted {
    let (found, result) = read_within(name, message.as_bytes(), &Limits::default());
    result.unwrap();
    found
}

fn ids(found: &Extracted) -> Vec<&str> {
    found.documents.iter().map(|document| document.id.as_str()).collect()
}

fn places(document: &Document) -> Vec<String> {
    split(document, &SplitOptions::default()).iter().map(|p| p.location.to_string()).collect()
}

fn problems(found: &Extracted) -> Vec<String> {
    found.problems.iter().map(ToString::to_string).collect()
}

/// A message of these parts, each with its headers.
fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--=b\n{part}\n")).collect();
    format!(
        "From: a@b.org\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=\"=b\"\n\n{parts}--=b--\n"
    )
}

const PLAIN: &str = "Content-Type: text/plain\n\nPlain words of some length.";
const HTML: &str = "Content-Type: text/html\n\n<p>Rich words of some length.</p>";

#[test]
fn headers_are_metadata() {
    let found = read(
        "a.eml",
        "From: =?utf-8?Q?J=C3=BCrgen?= <j@x.org>\nTo: Bob <b@x.org>, c@x.org\nCc: Eve <e@x.org>\nDate: Fri, 31 May 2024 09:00:00 +0200\nSubject: =?utf-8?B?R3LDvMOfZQ==?=\n =?utf-8?Q?_aus?=\nMessage-ID: <1@x>\nIn-Reply-To: <0@x>\nList-Id: Talk <talk.x.org>\n\nHello.\n",
    );
    let document = &found.documents[0];
    assert_eq!((document.id.as_str(), document.title.as_str()), ("a.eml", "Grüße aus"));
    let value = |name: &str| document.metadata[name].to_string();
    assert_eq!(value("from"), "Jürgen, j@x.org");
    assert_eq!(value("to"), "Bob, b@x.org, c@x.org");
    assert_eq!(value("date"), "2024-05-31T09:00:00+02:00");
    assert_eq!((value("message_id"), value("in_reply_to")), ("1@x".to_owned(), "0@x".to_owned()));
    assert_eq!(value("list_id"), "talk.x.org");
    assert_eq!(
        document.text,
        "From: Jürgen <j@x.org>\nTo: Bob <b@x.org>, c@x.org\nCc: Eve <e@x.org>\n\nHello."
    );
    assert_eq!(places(document), ["message 1"]);
}

#[test]
fn incomplete_dates_are_metadata() {
    for (written, date) in [
        ("2 Jan 24 10:00 EST", Some("2024-01-02T10:00:00-05:00")),
        ("Tue, 2 Jan 2024 10:00", Some("2024-01-02T10:00:00Z")),
        ("2 Jan 94 10:00:30", Some("1994-01-02T10:00:30Z")),
        ("Tue, 2 Jan 24 10:00 +0100 (CET)", Some("2024-01-02T10:00:00+01:00")),
        ("2 Jan", None),
        ("10:00", None),
        ("soon", None),
    ] {
        let found = read("a.eml", &format!("From: a@b\nDate: {written}\n\nx"));
        let found = found.documents[0].metadata.get("date").map(ToString::to_string);
        assert_eq!(found.as_deref(), date, "{written}");
    }
}

#[test]
fn one_alternative_is_read() {
    let text =
        |parts: &[&str]| read("a.eml", &multipart("alternative", parts)).documents[0].text.clone();
    assert_eq!(text(&[PLAIN, HTML]), "From: a@b.org\n\nPlain words of some length.");
    assert_eq!(text(&[HTML, PLAIN]), "From: a@b.org\n\nPlain words of some length.");
    let note = "Content-Type: text/plain\n\nView this email in your browser.";
    let page = "Content-Type: text/html\n\n<p>All that the newsletter has to say.</p>";
    assert_eq!(text(&[note, page]), "From: a@b.org\n\nAll that the newsletter has to say.");
    let less = "Content-Type: text/plain\n\nDear Sam, your order shipped.";
    let more =
        "Content-Type: text/html\n\n<p>Dear Sam, your order shipped.</p><p>Tracking: ZX991</p>";
    assert_eq!(
        text(&[less, more]),
        "From: a@b.org\n\nDear Sam, your order shipped.\n\nTracking: ZX991"
    );
    let empty = "Content-Type: text/plain\n\n";
    assert_eq!(text(&[empty, HTML]), "From: a@b.org\n\nRich words of some length.");
    let nested = "Content-Type: multipart/related; boundary=c\n\n--c\nContent-Type: text/html\n\n<p>Rich</p>\n--c\nContent-Type: image/png\nContent-ID: <x>\n\nx\n--c--";
    let found = read("a.eml", &multipart("alternative", &[PLAIN, nested]));
    assert_eq!(found.documents[0].text, "From: a@b.org\n\nPlain words of some length.");
    assert_eq!(found.documents.len(), 1);
    assert!(found.problems.is_empty());
}

#[test]
fn a_message_without_a_date_has_the_one_of_its_arrival() {
    let found = read(
        "a.eml",
        "From: a@b.org\nReceived: from y by z; Thu, 7 Mar 2019 10:00:00 +0000\nReceived: from x by y; Thu, 7 Mar 2019 09:00:00 +0000\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Budget\nEND:VEVENT\nEND:VCALENDAR\n",
    );
    assert_eq!(found.documents[0].metadata["date"].to_string(), "2019-03-07T10:00:00Z");
    assert_eq!(ids(&found), ["a.eml", "a.eml!part 1.ics"]);
}

#[test]
fn texts_are_read_in_order_and_know_their_part() {
    let found = read("a.eml", &multipart("mixed", &[PLAIN, HTML]));
    let document = &found.documents[0];
    assert_eq!(
        document.text,
        "From: a@b.org\n\nPlain words of some length.\n\nRich words of some length."
    );
    let vizsla_core::Locations::Spans(spans) = &document.locations else { panic!() };
    assert_eq!(spans[1].1.to_string(), "message 1 part 2");
}

#[test]
fn attachments_are_members_with_a_name() {
    let named = "Content-Type: text/plain\nContent-Disposition: attachment; filename=\"../d/a.txt\"\n\nattached";
    let unnamed = "Content-Type: text/csv\n\nid,text\n1,x";
    let binary =
        "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\nAAECAwQ=";
    let forwarded = "Content-Type: message/rfc822\n\nFrom: c@d.org\nSubject: Re: x/y\nMessage-ID: <2@x>\n\nInner.";
    let found =
        read("a.eml", &multipart("mixed", &[PLAIN, named, named, unnamed, binary, forwarded]));
    assert_eq!(
        ids(&found),
        ["a.eml", "a.eml!.._d_a.txt", "a.eml!.._d_a (2).txt", "1", "a.eml!Re: x_y.eml"]
    );
    assert_eq!(found.documents[1].text, "attached");
    assert_eq!(places(&found.documents[4]), ["Re: x_y.eml, message 1"]);
    assert_eq!(found.documents[4].text, "From: c@d.org\n\nInner.");
    assert_eq!(problems(&found), ["1 member is not text: part 5"]);
    assert_eq!(
        found.documents[0].metadata["attachments"].to_string(),
        ".._d_a.txt, .._d_a.txt, part 4.csv, part 5, Re: x_y.eml"
    );
}

#[test]
fn messages_of_a_digest_are_members() {
    let found = read(
        "a.eml",
        &multipart(
            "digest",
            &[
                "\nFrom: c@d.org\nSubject: one\n\nFirst.",
                "\nFrom: c@d.org\nSubject: two\n\nSecond.",
            ],
        ),
    );
    assert_eq!(ids(&found), ["a.eml", "a.eml!one.eml", "a.eml!two.eml"]);
}

#[test]
fn an_invitation_is_a_member() {
    let event = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Budget\nEND:VEVENT\nEND:VCALENDAR";
    let found = read("a.eml", &multipart("alternative", &[PLAIN, event]));
    assert_eq!(ids(&found), ["a.eml", "a.eml!part 2.ics"]);
    assert_eq!(found.documents[1].title, "Budget");
}

#[test]
fn long_quotes_follow_under_a_heading() {
    let quote: String =
        (1..=60).map(|i| format!("> a quoted line, number {i}, of the message before\n")).collect();
    let found = read(
        "a.eml",
        &format!(
            "From: a@b.org\nSubject: Re: s\nMessage-ID: <1@x>\n\nThe answer.\n\nOn 3 May 2024, Ada wrote:\n{quote}\n-- \nBob\n"
        ),
    );
    let document = &found.documents[0];
    let passages = split(document, &SplitOptions::default());
    assert!(passages[0].text.contains("The answer.") && passages[0].text.ends_with("Bob"));
    assert!(!passages[0].text.contains("number 3,"));
    assert_eq!(passages[1].headings, ["Quoted"]);
    assert!(document.text.contains("number 60,"));
}

#[test]
fn what_is_encrypted_or_in_outlooks_own_format_is_named() {
    let pgp = multipart(
        "encrypted; protocol=\"application/pgp-encrypted\"",
        &[
            "Content-Type: application/pgp-encrypted\n\nVersion: 1",
            "Content-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----",
        ],
    );
    let smime = "From: a@b.org\nSubject: s\nMIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nMIAG\n";
    let inline =
        "From: a@b.org\nSubject: s\nMessage-ID: <1@x>\n\n-----BEGIN PGP MESSAGE-----\nxyz\n";
    for (message, method) in [(pgp.as_str(), "OpenPGP"), (smime, "S/MIME"), (inline, "OpenPGP")] {
        let found = read("a.eml", message);
        assert_eq!(found.problems[0].kind, ProblemKind::Protected);
        assert!(found.problems[0].message.contains(method), "{:?}", found.problems);
        assert_eq!(found.documents.len(), 1);
        assert_eq!(found.documents[0].title, "s");
    }
    let tnef = "Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\neJ8+IgEA";
    let found = read("a.eml", &multipart("mixed", &[PLAIN, tnef]));
    assert!(
        problems(&found)[0].starts_with("winmail.dat: is a file of the format TNEF"),
        "{:?}",
        found.problems
    );
}

#[test]
fn any_encoding_is_decoded_declared_or_not() {
    let text = "Grüße aus München, viele Grüße, schöne Tage, für alle, über Österreich";
    let latin = encoding_rs::WINDOWS_1252.encode(text).0;
    for head in [
        "Content-Type: text/plain; charset=iso-8859-1\n",
        "Content-Type: text/plain; charset=x-none\n",
        "",
    ] {
        let mut message =
            format!("From: a@b.org\nSubject: s\nMessage-ID: <1@x>\n{head}\n").into_bytes();
        message.extend(&*latin);
        let (found, _) = read_within("a.eml", &message, &Limits::default());
        assert!(found.documents[0].text.ends_with(text), "{head}: {}", found.documents[0].text);
    }
    let mut page = b"From: a@b.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=windows-1252\nContent-Disposition: attachment; filename=a.html\n\n<p>".to_vec();
    page.extend(&*latin);
    page.extend(b"</p>\n--b--\n");
    let (found, _) = read_within("a.eml", &page, &Limits::default());
    assert_eq!(found.documents[1].text, text);
}

#[test]
fn encodings_that_the_web_does_not_know_are_decoded() {
    for (charset, bytes, text) in [
        ("hz-gb-2312", &b"~{<:Ky2;S{~}"[..], "己所不欲"),
        ("x-mac-cyrillic", b"\x8f\xf0\xe8\xe2\xe5\xf2", "Привет"),
        ("IBM437", b"Gr\x94\xe1e", "Größe"),
        ("cp852", b"za\xbe\xa2\x88\x86", "zażółć"),
        ("unicode-1-1-utf-7", b"Gr+APYA3w-e", "Größe"),
        ("iso-2022-kr", b"\x1b$)C\x0eGQ1[\x0f", "한글"),
    ] {
        let word: String = bytes.iter().map(|byte| format!("={byte:02X}")).collect();
        let head = format!("From: a@b.org\nSubject: =?{charset}?Q?{word}?=\nMIME-Version: 1.0\n");
        let part = format!("Content-Type: text/plain; charset=\"{charset}\"\n");
        let body = [format!("{head}{part}\n").as_bytes(), bytes].concat();
        let (found, _) = read_within("a.eml", &body, &Limits::default());
        assert_eq!(found.documents[0].title, text, "{charset}");
        assert!(
            found.documents[0].text.ends_with(text),
            "{charset}: {:?}",
            found.documents[0].text
        );
        let parts = format!(
            "{head}Content-Type: multipart/mixed; boundary=b\n\n--b\n{part}Content-Disposition: attachment; filename=a.txt\n\n"
        );
        let attached = [parts.as_bytes(), bytes, b"\n--b--\n"].concat();
        let (found, _) = read_within("a.eml", &attached, &Limits::default());
        assert_eq!(found.documents[1].text.trim_end(), text, "{charset}");
    }
}

#[test]
fn broken_messages_lose_nothing() {
    for (message, text) in [
        ("From: a@b.org\nSubject: s\nno empty line\n", "no empty line"),
        ("no header at all\n", "no header at all"),
        (
            "Subject: s\nContent-Type: multipart/mixed; boundary=b\n\nno boundary at all",
            "no boundary at all",
        ),
        ("Subject: s\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nno end", "no end"),
        (
            "Subject: s\nContent-Transfer-Encoding: base64\n\nnot base64 at all!",
            "not base64 at all!",
        ),
        ("\n\nempty lines first", "empty lines first"),
    ] {
        let found = read("a.eml", message);
        assert!(
            found.documents[0].text.contains(text),
            "{message:?}: {:?}",
            found.documents[0].text
        );
    }
    assert_eq!(read("a.eml", "").documents.len(), 1);
}

#[test]
fn parts_of_a_message_that_is_cut_off_are_decoded() {
    let cut = |encoding: &str, content: &str| {
        let part = format!(
            "Content-Type: text/plain; charset=utf-8; name=a.txt\nContent-Disposition: attachment\nContent-Transfer-Encoding: {encoding}\n\n{content}"
        );
        let whole = multipart("mixed", &[PLAIN, &part]);
        whole.strip_suffix("\n--=b--\n").unwrap().to_owned()
    };
    for (encoding, content, text) in [
        ("base64", "Q29tcGxldGUgd29yZHM=", "Complete words"),
        ("base64", "Q3V0IHdvcmRzIG", "Cut words"),
        ("quoted-printable", "Gr=C3=B6=C3=9Fe =\ncut", "Größe cut"),
        ("quoted-printable", "Gr=C3=B6=C3=9Fe =", "Größe"),
        ("7bit", "Some words", "Some words"),
    ] {
        let message = cut(encoding, content);
        let found = read("a.eml", &message);
        assert_eq!(ids(&found), ["a.eml", "a.eml!a.txt"]);
        assert_eq!(found.documents[1].text.trim_end(), text, "{content}");
        assert_eq!(found.problems[0].kind, ProblemKind::Malformed);
        assert!(problems(&found)[0].contains("message 1: is cut off"), "{:?}", found.problems);
        let mailbox = format!("From a@b Mon Jan  1 00:00:00 2024\n{message}\n\n{MAILBOX}");
        let found = read("in.mbox", &mailbox);
        assert_eq!(found.documents.len(), 6);
        assert_eq!(found.documents[1].text.trim_end(), text, "{content}");
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    }
}

#[test]
fn a_message_behind_a_multipart_without_end_is_read() {
    let inner = "Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Transfer-Encoding: base64\n\nSW5uZXIgd29yZHM=";
    let found = read("a.eml", &multipart("mixed", &[inner, PLAIN]));
    assert_eq!(
        found.documents[0].text,
        "From: a@b.org\n\nInner words\n\nPlain words of some length."
    );
    assert!(found.problems.is_empty());
}

#[test]
fn mail_whose_lines_end_in_cr_alone_is_read() {
    let message = "Return-Path: <a@b>\nFrom: a@b\nSubject: s\n\nBody.\nMore.\n".replace('\n', "\r");
    assert_eq!(Format::detect("a", message.as_bytes()).name(), "message");
    let found = read("a.eml", &message);
    assert_eq!(found.documents[0].title, "s");
    assert_eq!(found.documents[0].text.replace('\r', ""), "From: a@b\n\nBody.\nMore.");
    let mailbox = MAILBOX.replace('\n', "\r");
    assert_eq!(Format::detect("a", mailbox.as_bytes()).name(), "mbox");
    let texts = |mailbox: &str| -> Vec<String> {
        let found = read("in.mbox", mailbox);
        found.documents.iter().map(|document| document.text.replace('\r', "")).collect()
    };
    assert_eq!(texts(&mailbox), texts(MAILBOX));
}

#[test]
fn words_that_a_program_broke_are_whole() {
    for (parameters, text) in [
        ("format=flowed; delsp=yes", "That was broken."),
        ("Format=Flowed; DelSp=Yes", "That was broken."),
        ("format=flowed", "That was bro\nken."),
        ("delsp=yes", "That was bro\nken."),
    ] {
        let message =
            format!("From: a@b\nContent-Type: text/plain; {parameters}\n\nThat was bro \nken.\n");
        let found = read("a.eml", &message);
        assert_eq!(found.documents[0].text, format!("From: a@b\n\n{text}"), "{parameters}");
    }
}

#[test]
fn what_a_page_uses_is_no_text_of_the_message() {
    let place = "Content-Location: http://x/a";
    let style = format!("Content-Type: text/css\n{place}.css\n\nbody{{color:red}}");
    let script = format!("Content-Type: text/javascript; name=a.js\n{place}.js\n\nrun()");
    let old = format!("Content-Type: application/x-javascript\n{place}.js\n\nrun()");
    let font = format!("Content-Type: font/woff2\n{place}.woff2\n\nwOF2");
    let found = read("a.mht", &multipart("related", &[HTML, &style, &script, &old, &font]));
    assert_eq!(ids(&found), ["a.mht"]);
    assert_eq!(found.documents[0].text, "From: a@b.org\n\nRich words of some length.");
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let sent = "Content-Type: text/css\nContent-Disposition: attachment; filename=a.css\n\nbody{color:red}";
    let found = read("a.eml", &multipart("mixed", &[HTML, sent]));
    assert_eq!(ids(&found), ["a.eml", "a.eml!a.css"]);
}

#[test]
fn enriched_text_loses_its_commands_only() {
    let found = read(
        "a.eml",
        "From: a@b\nContent-Type: text/enriched\n\n<bold>Bold</bold> and <<literal <color><param>red</param>word</color>\n",
    );
    assert_eq!(found.documents[0].text, "From: a@b\n\nBold and <literal word");
}

#[test]
fn text_in_utf8_that_claims_to_be_something_else_is_read() {
    for charset in ["us-ascii", "iso-8859-1"] {
        let message = format!(
            "From: a@b\nSubject: x\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\nGrüße aus München"
        );
        let found = crate::collect(crate::Input::bytes("a.eml", message.as_bytes())).unwrap();
        assert!(found.documents[0].text.ends_with("Grüße aus München"), "{found:?}");
    }
}

#[test]
fn messages_are_recognised_by_their_headers() {
    let format = |name: &str, text: &str| Format::detect(name, text.as_bytes()).name();
    assert_eq!(format("1234.host:2,S", "Return-Path: <a@b>\nFrom: a@b\nTo: b@c\n\nx"), "message");
    assert_eq!(
        format("a.txt", "From: Ada\nTo: Bob\nSubject: Lunch\nDate: Monday\n\nDear Bob"),
        "text"
    );
    assert_eq!(format("a.md", "---\ntitle: x\nfrom: y\n---\n"), "markdown");
    assert_eq!(format("a.txt", "HTTP/1.1 200 OK\nDate: x\nContent-Type: y\n\n"), "text");
    assert_eq!(
        format("a.txt", "Date: x\nServer: y\nMIME-Version: 1.0\nContent-Type: y\n\n"),
        "text"
    );
    assert_eq!(format("a.emlx", "42\nFrom: a@b\nSubject: s\nMessage-ID: <x>\n\nx"), "message");
    assert_eq!(format("a", "From a@b Mon Jan  1 00:00:00 2024\nFrom: a@b\n\nx"), "mbox");
    assert_eq!(format("a.txt", "From here to there it is far\nand so: on\n"), "text");
    let patch =
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: a@b\n";
    assert_eq!(format("a.patch", patch), "text");
    assert_eq!(
        format("a.eml", "%PDF-1.4"),
        if cfg!(feature = "pdf") { "pdf" } else { "named_message" }
    );
    assert_eq!(
        format("a.mht", "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n"),
        "mhtml"
    );
}

#[test]
fn apple_mail_and_web_archives_are_read() {
    let message = "From: a@b.org\nSubject: s\nMessage-ID: <1@x>\n\nBody.\n";
    let found =
        read("a.emlx", &format!("{}\n{message}<?xml version=\"1.0\"?><plist/>", message.len()));
    assert_eq!(found.documents[0].text, "From: a@b.org\n\nBody.");
    let page = "From: <Saved by Blink>\nSnapshot-Content-Location: https://x.org/\nSubject: T\nMIME-Version: 1.0\nContent-Type: multipart/related; type=\"text/html\"; boundary=\"b\"\n\n--b\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<html><head><meta charset=3D\"iso-8859-1\"><title>Gr=C3=BC=C3=9Fe</title></head><body><nav>no</nav><p>Words.</p></body></html>\n--b\nContent-Type: text/css\n\np {}\n--b--\n";
    let found = read("a.mhtml", page);
    assert_eq!(
        (found.documents[0].title.as_str(), found.documents[0].text.as_str()),
        ("Grüße", "Words.")
    );
    let first = Location::Message { number: 1, part: Some("1".to_owned()) };
    assert_eq!(found.documents[0].locations, Locations::Fixed(first));
    let frames =
        page.replace("<nav>no</nav><p>Words.</p></body>", "</body><noframes>Words.</noframes>");
    assert_eq!(read("a.mhtml", &frames).documents[0].text, "Words.");
    let explorer = page.replace("<Saved by Blink>", "\"Saved by Windows Internet Explorer 11\"");
    let explorer = explorer.replace("Snapshot-Content-Location: https://x.org/\n", "");
    assert_eq!(read("a.mhtml", &explorer).documents, found.documents);
    assert_eq!(found.documents.len(), 1);
}

const MAILBOX: &str = "From a@b.org Mon Jan  1 00:00:00 2024\nFrom: a@b.org\nSubject: one\nContent-Length: 3\n\nFirst.\n>From here.\n>>From there.\nFrom now on, no separator.\n\nFrom b@b.org Tue Jan  2 00:00:00 2024\nSubject: two\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSecond.\n--b\nContent-Type: text/plain; name=a.txt\n\nattached\n--b--\n\nFrom c Wed Jan  3 0:00:00 2024 +0100\n\nThird.\n";

#[test]
fn messages_of_a_mailbox_are_documents() {
    let mut found = Extracted::default();
    let mut reader = std::io::BufReader::with_capacity(7, MAILBOX.as_bytes());
    extract(
        Input::reader("in.mbox", &mut std::io::BufReader::new(&mut reader)),
        &Limits::default(),
        &mut found,
    )
    .unwrap();
    assert_eq!(ids(&found), ["in.mbox#1", "in.mbox#2", "in.mbox#2!a.txt", "in.mbox#3"]);
    assert_eq!(
        found.documents[0].text,
        "From: a@b.org\n\nFirst.\nFrom here.\n>From there.\nFrom now on, no separator."
    );
    assert_eq!(places(&found.documents[1]), ["message 2"]);
    assert_eq!(places(&found.documents[2]), ["message 2!a.txt, line 1"]);
    assert_eq!(found.documents[3].text, "Third.");
    assert!(found.problems.is_empty());
    assert_eq!(read("in.mbox", MAILBOX), found);
}

#[test]
fn a_mailbox_has_limits_for_each_message() {
    let mut limits = Limits::default();
    limits.record_bytes = 1_000;
    limits.members = 3;
    let long = format!(
        "From a@b Mon Jan  1 00:00:00 2024\nSubject: long\nMessage-ID: <1>\n\n{}\n\n",
        "word ".repeat(1_000)
    );
    let (found, _) = read_within("in.mbox", format!("{long}{MAILBOX}").as_bytes(), &limits);
    assert_eq!(found.documents.len(), 5);
    assert_eq!(found.problems[0].kind, ProblemKind::TooLarge);
    assert!(found.documents[0].text.len() <= 1_000);
    let many = "From a@b Mon Jan  1 00:00:00 2024\nSubject: s\nContent-Type: text/csv; name=a.csv\n\nx,y\n1,2\n\n".repeat(50);
    let (found, _) = read_within("in.mbox", many.as_bytes(), &limits);
    assert_eq!(found.documents.len(), 100, "{:?}", found.problems);
    assert!(found.problems.is_empty());
}

#[test]
fn hostile_messages_end() {
    let nested = |head: &str, depth: usize| head.repeat(depth);
    let multiparts: String = (0..20_000)
        .map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\n\n--b{i}\n"))
        .collect();
    for message in [
        multiparts,
        nested("Content-Type: message/rfc822\n\n", 20_000),
        nested("Content-Type: multipart/digest; boundary=b\n\n--b\n\n", 10_000),
        format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\nx\n".repeat(20_000)),
        format!("Subject: {}\n\nx", "=?utf-8?Q?a?= ".repeat(20_000)),
        format!("To: {}\n\nx", "a <b@c>, ".repeat(20_000)),
        format!("X: {}", "\n ".repeat(100_000)),
    ] {
        let (found, _) = read_within("a.eml", message.as_bytes(), &Limits::default());
        assert!(found.documents.len() < 20_001);
    }
}

#[test]
fn files_of_uuencode_are_members() {
    let found = read(
        "a.eml",
        "From: a@b\nSubject: s\nMessage-ID: <1>\n\nHere.\nbegin 644 a.txt\n#0V%T\n`\nend\n",
    );
    assert_eq!(ids(&found), ["a.eml", "a.eml!a.txt"]);
    assert_eq!(found.documents[1].text, "Cat");
}
