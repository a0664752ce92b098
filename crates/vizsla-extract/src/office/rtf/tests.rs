use vizsla_core::{Location, Locations};

use crate::{Document, Input, collect};

fn read(rtf: &[u8]) -> Document {
    collect(Input::bytes("a.rtf", rtf)).unwrap().documents.remove(0)
}

fn text(body: &str) -> String {
    read(format!("{{\\rtf1\\ansi {body}}}").as_bytes()).text
}

#[test]
fn characters_are_decoded_by_font_and_code_page() {
    assert_eq!(text("\\'dcbersicht\\par"), "Übersicht\n");
    assert_eq!(text("\\ansicpg1251 \\'cf\\'f0\\'e8\\'e2\\'e5\\'f2"), "Привет\n");
    assert_eq!(text("\\pc \\'94\\'e1 \\ansicpg852 \\'a5"), "öß ą\n");
    assert_eq!(text("{\\fonttbl{\\f0\\fcharset89 Geneva;}}\\f0 \\'8f\\'e0"), "Па\n");
    let fonts = "{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fnil\\fcharset128 MS Gothic;}{\\f2\\fcharset161 G;}}";
    assert_eq!(
        text(&format!("\\deff0{fonts}\\f1\\'82\\'b1\\'82\\'f1\\f0 \\'e9{{\\f2\\'e1}}\\'e1")),
        "こんéαá\n"
    );
    // The second byte of a character may look like a backslash, or be written as it is.
    assert_eq!(text(&format!("{fonts}\\f1\\'95\\'5c\\'83A")), "表ア\n");
    assert_eq!(text("\\u220\\'dcber \\uc2\\u8364 EU\\uc0\\u228 x"), "Über €äx\n");
    assert_eq!(
        text("\\u-10179?\\u-8704? \\emdash \\ldblquote q\\rdblquote \\~\\{\\}\\\\"),
        "😀 —“q”\u{a0}{}\\\n"
    );
    assert_eq!(text("{\\upr{\\'3f}{\\*\\ud{\\u1070 ?}}} x"), "Ю x\n");
}

#[test]
fn symbol_fonts_show_their_characters() {
    let fonts = "{\\fonttbl{\\f0 Arial;}{\\f3\\froman\\fcharset2\\fprq2 Symbol;}{\\f4\\fcharset2 Wingdings;}}";
    let body = "a{\\f3 \\'61\\'62 \\u8364?\\u-3999?}b{\\f4\\'fc\\'24}{\\footnote\\f3 \\'70}";
    assert_eq!(text(&format!("{fonts}{body}")), "aαβ €αb✓\nπ\n");
}

#[test]
fn what_is_no_text_is_left_out_and_what_is_shown_is_kept() {
    let body = "a{\\pict\\pngblip 89504e47}{\\*\\unknown b{\\i c}}{\\field{\\*\\fldinst HYPERLINK \"x\"}{\\fldrslt link}}\
        {\\v hidden}{\\deleted gone}{\\*\\shppict{\\pict\\bin4 }}}}}} d{\\shp{\\*\\shpinst{\\sp{\\sn n}{\\sv 1}}{\\shptxt box\\par}}}\
        {\\object{\\*\\objdata 0102}{\\result shown}}";
    assert_eq!(text(body), "alink d\nbox\nshown\n");
}

#[test]
fn rows_are_lines_and_cells_are_apart() {
    let row = "\\trowd\\cellx1\\intbl a\\cell b\\cell\\row ";
    assert_eq!(
        text(&format!("{row}{row}after\\line more\\tab x\\par")),
        "a\tb\na\tb\nafter\nmore\tx\n"
    );
}

#[test]
fn notes_follow_the_text_and_have_their_places() {
    let document = read(b"{\\rtf1{\\header\\pard top\\par}{\\header top\\par}one{\\footnote\\pard note {\\b x}\\par} two\\par three{\\*\\annotation\\pard why}\\par}");
    assert_eq!(document.text, "one two\nthree\ntop\nnote x\nwhy\n");
    let Locations::Spans(places) = document.locations else { panic!() };
    let shown: Vec<_> = places.iter().map(|(_, place)| place.to_string()).collect();
    assert_eq!(
        shown,
        [
            "paragraph 1",
            "paragraph 2",
            "headers, paragraph 1",
            "footnotes, paragraph 1",
            "comments, paragraph 1"
        ]
    );
    assert_eq!(places[1].1, Location::Paragraphs { first: 2, last: 2, part: None });
}

#[test]
fn headings_and_properties_are_found() {
    let document = read(
        "{\\rtf1{\\stylesheet{\\s0 Normal;}{\\s1\\b heading 1;}{\\s2\\outlinelevel1 Sub;}{\\*\\cs3 heading 9;}}\
         {\\info{\\title The \\'c4rger}{\\author Ada}{\\creatim\\yr2024\\mo5\\dy3\\hr7\\min9}{\\nofpages3}}\
         \\s1 Top\\par\\pard text\\par\\pard\\s2 Below\\par\\pard\\outlinelevel0 Last\\par}"
            .as_bytes(),
    );
    let paths: Vec<_> = document.sections.iter().map(|s| s.headings.join("/")).collect();
    assert_eq!(paths, ["Top", "Top/Below", "Last"]);
    assert_eq!(document.title, "The Ärger");
    assert_eq!(document.metadata["author"].to_string(), "Ada");
    assert_eq!(document.metadata["date"].to_string(), "2024-05-03T07:09");
    let hour = read(b"{\\rtf1{\\info{\\creatim\\yr2003\\mo4\\dy5\\hr6}}text}");
    assert_eq!(hour.metadata["date"].to_string(), "2003-04-05");
    assert_eq!(read(b"{\\rtf1{\\info{\\title Microsoft Word - x}}text}").title, "a.rtf");
}

#[test]
fn hostile_and_damaged_files_end() {
    let deep = format!("{{\\rtf1 a{}b", "{".repeat(500_000));
    assert_eq!(read(deep.as_bytes()).text, "ab\n");
    let shut = format!("{{\\rtf1 a{}b", "}".repeat(500_000));
    assert_eq!(read(shut.as_bytes()).text, "ab\n");
    assert_eq!(read(b"{\\rtf1 a\\bin99999999 b").text, "a\n");
    assert_eq!(read(b"{\\rtf1 a\\u").text, "a\u{1}\n");
    let found = collect(Input::bytes("p.rtf", b"{\\rtf1{\\pict 00}}")).unwrap();
    assert_eq!(found.problems.len(), 1);
}

#[test]
fn a_text_that_mentions_it_is_no_rtf() {
    assert_eq!(crate::Format::detect("a.txt", b"see {\\rtf1").name(), "text");
    assert_eq!(crate::Format::detect("a.doc", b"{\\rtf1 x}").name(), "rtf");
}

#[test]
fn a_document_that_is_cut_off_is_named_with_its_last_paragraph() {
    let whole =
        b"{\\rtf1{\\info{\\creatim\\yr0\\mo0\\dy0\\hr0\\min0}}one\\par two {\\b three}\\par}";
    let found = collect(Input::bytes("a.rtf", whole)).unwrap();
    assert!(found.problems.is_empty() && !found.documents[0].metadata.contains_key("date"));
    for end in ["}\\par}", "ee}\\par}"] {
        let cut = &whole[..whole.len() - end.len()];
        let found = collect(Input::bytes("a.rtf", cut)).unwrap();
        assert!(found.documents[0].text.starts_with("one\ntwo th"));
        let problem = found.problems[0].to_string();
        assert!(problem.starts_with("paragraph 2: is cut off"), "{problem}");
    }
}
