//! Small files of different kinds, written here.

use vizsla_core::{Location, Locations, SplitOptions, split};

use crate::{ErrorKind, Extracted, Input, Ocr, ProblemKind, collect};

mod columns;
mod fields;
mod right_to_left;

/// A PDF of these objects, of which the first is the catalogue. Streams are `dict|content`.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut places = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        places.push(file.len());
        let body = match object.split_once('|') {
            Some((dict, content)) => {
                format!("<<{dict}/Length {}>>stream\n{content}\nendstream", content.len())
            }
            None => (*object).to_owned(),
        };
        file.extend(format!("{} 0 obj\n{body}\nendobj\n", i + 1).bytes());
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    file.extend(format!("trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").bytes());
    file
}

const FONT: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";

fn page(content: usize, more: &str) -> String {
    format!(
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R>>>>/Contents {content} 0 R{more}>>"
    )
}

/// A PDF with one page for each content, and these entries in its catalogue.
fn pages(contents: &[&str], catalogue: &str) -> Vec<u8> {
    let kids: Vec<String> = (0..contents.len()).map(|i| format!("{} 0 R", 4 + 2 * i)).collect();
    let mut objects = vec![
        format!("<</Type/Catalog/Pages 2 0 R{catalogue}>>"),
        format!("<</Type/Pages/Count {}/Kids[{}]>>", contents.len(), kids.join(" ")),
        FONT.to_owned(),
    ];
    for (i, content) in contents.iter().enumerate() {
        objects.push(page(5 + 2 * i, ""));
        objects.push(format!("|{content}"));
    }
    pdf(&objects.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Lines of text from a place downwards.
fn lines(x: u32, y: u32, lines: &[&str]) -> String {
    let shown: Vec<String> = lines.iter().map(|line| format!("({line}) Tj T*")).collect();
    format!("BT /F 10 Tf 12 TL 1 0 0 1 {x} {y} Tm {} ET", shown.join(" "))
}

fn read(bytes: &[u8]) -> Extracted {
    collect(Input::bytes("a.pdf", bytes)).unwrap()
}

fn text(bytes: &[u8]) -> String {
    let found = read(bytes);
    found.documents.into_iter().map(|document| document.text).collect()
}

/// A page whose font `S` does not say what A, B and C mean.
fn with_symbols(content: &str) -> Extracted {
    let content = format!("|{content}");
    let music = "<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[.1 0 0 .1 0 0]/FirstChar 65/LastChar 67\
                 /Widths[9 9 9]/Resources<<>>/CharProcs<</x1 6 0 R/x2 6 0 R/x3 6 0 R>>\
                 /Encoding<</Type/Encoding/Differences[65/x1/x2/x3]>>>>";
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 3 0 R/S 7 0 R>>>>/Contents 5 0 R>>";
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 1/Kids[4 0 R]>>",
        FONT,
        page,
        &content,
        "|9 0 d0 0 0 9 9 re f",
        music,
    ];
    read(&pdf(&objects))
}

#[test]
fn words_beside_symbols_without_a_meaning_are_read() {
    let symbols = "BT /S 20 Tf 50 600 Td (ABCABCABCABCABCABCABCABC) Tj ET";
    let words = lines(50, 700, &["Jesu, meine Freude"]);
    let found = with_symbols(&format!("{words} {symbols}"));
    assert_eq!(found.documents[0].text, "Jesu, meine Freude");
    assert_eq!(found.problems.len(), 1, "{found:?}");
    assert_eq!(found.problems[0].kind, ProblemKind::UnreadableText);
}

#[test]
fn a_symbol_without_a_meaning_separates_words() {
    let found =
        with_symbols("BT /F 10 Tf 50 600 Td (start) Tj /S 10 Tf (A) Tj /F 10 Tf (length) Tj ET");
    assert_eq!(found.documents[0].text, "start length");
}

/// A TrueType font of 1000 empty glyphs, which does not say what they mean.
fn font_without_meanings() -> Vec<u8> {
    let mut head = [0; 54];
    head[..4].copy_from_slice(&[0, 1, 0, 0]);
    head[12..16].copy_from_slice(&0x5f0f_3cf5_u32.to_be_bytes());
    head[18..20].copy_from_slice(&1000_u16.to_be_bytes());
    let mut hhea = [0; 36];
    hhea[..4].copy_from_slice(&[0, 1, 0, 0]);
    hhea[35] = 1;
    let maxp = [0, 0, 0x50, 0, 3, 0xe8];
    let (glyf, hmtx, loca) = ([0; 4], [0; 4 + 999 * 2], [0; 1001 * 2]);
    let tables: [(&[u8; 4], &[u8]); 6] = [
        (b"glyf", &glyf),
        (b"head", &head),
        (b"hhea", &hhea),
        (b"hmtx", &hmtx),
        (b"loca", &loca),
        (b"maxp", &maxp),
    ];
    let mut font = vec![0, 1, 0, 0, 0, 6, 0, 64, 0, 2, 0, 32];
    let mut content = Vec::new();
    for (name, table) in tables {
        let at = (12 + 16 * tables.len() + content.len()) as u32;
        font.extend(*name);
        font.extend([[0; 4], at.to_be_bytes(), (table.len() as u32).to_be_bytes()].concat());
        content.extend(table);
        content.resize(content.len().next_multiple_of(4), 0);
    }
    font.extend(content);
    font
}

#[test]
fn the_glyphs_of_a_collection_mean_what_it_says() {
    let font = font_without_meanings();
    let hex: String = font.iter().map(|byte| format!("{byte:02x}")).collect();
    let file = format!("/Filter/ASCIIHexDecode/Length1 {}|{hex}>", font.len());
    let glyphs = "<</Type/Font/Subtype/CIDFontType2/BaseFont/ABCDEF+Mincho/FontDescriptor 8 0 R/CIDToGIDMap/Identity\
                  /CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 6>>/DW 1000>>";
    let descriptor = "<</Type/FontDescriptor/FontName/ABCDEF+Mincho/Flags 4/FontFile2 9 0 R>>";
    // Codes that are the numbers of the collection, and the same characters as a code page of Windows has them.
    for (encoding, shown) in [("Identity-H", "<034B034D>"), ("90ms-RKSJ-H", "<82A082A2>")] {
        let font = format!(
            "<</Type/Font/Subtype/Type0/BaseFont/ABCDEF+Mincho/Encoding/{encoding}/DescendantFonts[7 0 R]>>"
        );
        let content = format!("|BT /F 20 Tf 50 600 Td {shown} Tj ET");
        let objects = [
            "<</Type/Catalog/Pages 2 0 R>>",
            "<</Type/Pages/Count 1/Kids[4 0 R]>>",
            &font,
            &page(5, ""),
            &content,
            "<<>>",
            glyphs,
            descriptor,
            &file,
        ];
        let found = read(&pdf(&objects));
        assert!(found.problems.is_empty(), "{encoding}: {:?}", found.problems);
        assert_eq!(found.documents[0].text, "あい", "{encoding}");
    }
}

#[test]
fn a_turned_page_reads_like_any_other() {
    let content = "BT /F 10 Tf 0 1 -1 0 100 100 Tm (up the page) Tj 0 -12 Td (it goes) Tj ET";
    assert_eq!(text(&pages(&[content], "")), "up the page it goes");
}

#[test]
fn bookmarks_give_headings_and_labels_name_pages() {
    let first = lines(50, 700, &["Preface", "words before"]);
    let second = format!(
        "{} {}",
        lines(50, 700, &["end of it."]),
        lines(50, 500, &["1 Scope", "what it is for"])
    );
    let catalogue = "/PageLabels<</Nums[0<</S/r/St 4>>1<</S/D>>]>>\
        /Outlines<</First 8 0 R>>/Dests<</two[6 0 R/XYZ 0 520 null]>>";
    let mut objects = vec![
        format!("<</Type/Catalog/Pages 2 0 R{catalogue}>>"),
        "<</Type/Pages/Count 2/Kids[4 0 R 6 0 R]>>".to_owned(),
        FONT.to_owned(),
        page(5, ""),
        format!("|{first}"),
        page(7, ""),
        format!("|{second}"),
    ];
    objects.push("<</Title(Preface)/Dest[4 0 R/Fit]/Next 9 0 R>>".to_owned());
    objects.push("<</Title(Scope)/A<</S/GoTo/D/two>>/Next 8 0 R>>".to_owned());
    let found = read(&pdf(&objects.iter().map(String::as_str).collect::<Vec<_>>()));
    assert_eq!(found.problems, []);
    let document = &found.documents[0];
    let passages = split(document, &SplitOptions::default());
    let seen: Vec<_> =
        passages.iter().map(|p| (p.headings.join("/"), p.text.lines().next().unwrap())).collect();
    assert_eq!(seen, [("Preface".to_owned(), "Preface"), ("Scope".to_owned(), "1 Scope")]);
    let Locations::Spans(places) = &document.locations else { panic!("{document:?}") };
    let page = |number, label: &str| Location::Pages {
        first: number,
        last: number,
        label: Some(label.to_owned()),
    };
    let places: Vec<_> = places.iter().map(|(_, place)| place.clone()).collect();
    assert_eq!(places, [page(1, "iv"), page(2, "1")]);
}

#[test]
fn fields_comments_and_attachments_are_found() {
    let widget = "<</Subtype/Widget/Rect[0 0 9 9]/Parent<</V(Jane Doe)>>>>";
    let drawn = "<</Subtype/Widget/Rect[50 600 150 620]/AP<</N 6 0 R>>/V(Paris)>>";
    let note = "<</Subtype/Text/Rect[0 0 9 9]/Contents(Is this right?)>>";
    let file = "<</Subtype/FileAttachment/Rect[0 0 9 9]/FS<</F(notes.txt)/EF<</F 7 0 R>>>>>>";
    let found = read(&pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 1/Kids[4 0 R]>>",
        FONT,
        &page(5, &format!("/Annots[{drawn} {widget} 99 0 R {note} {file}]")),
        &format!("|{}", lines(50, 700, &["Name and city:"])),
        "/Subtype/Form/BBox[0 0 100 20]/Resources<</Font<</F 3 0 R>>>>|BT /F 10 Tf 2 5 Td (Paris) Tj ET",
        "|What was attached.",
    ]));
    let text = &found.documents[0].text;
    for said in ["Name and city:", "Jane Doe", "Is this right?", "Paris"] {
        assert_eq!(text.matches(said).count(), 1, "{said}: {text}");
    }
    assert_eq!(found.documents[1].id, "a.pdf!notes.txt");
    assert_eq!(found.documents[1].text, "What was attached.");
}

/// A page that a black picture covers.
const SCAN: &str = "q 600 0 0 800 0 0 cm BI /W 8 /H 2 /BPC 1 /CS /G ID \x0f\x0f EI Q";

/// Knows what the picture of that page looks like.
struct Fake;

impl Ocr for Fake {
    fn read(&self, picture: &[u8]) -> Result<String, String> {
        let dots = &picture[picture.len() - 1000..];
        assert!(picture.starts_with(b"P5\n1667 2223\n255\n"));
        assert!(dots.iter().all(|dot| *dot == 255), "white on the right");
        Ok("from the\npicture\n".to_owned())
    }
}

#[test]
fn a_scan_is_reported_once_and_read_by_ocr() {
    let file = pages(&[SCAN, &lines(50, 700, &["real text"]), SCAN], "");
    let found = read(&file);
    assert_eq!(found.documents[0].text, "real text");
    assert_eq!(found.problems.len(), 1);
    assert_eq!(found.problems[0].kind, ProblemKind::NoText);
    assert!(found.problems[0].message.contains("2 of 3 pages"), "{:?}", found.problems);
    assert!(read(&pages(&[SCAN], "")).documents.is_empty());

    let found = collect(Input::bytes("a.pdf", &file).with_ocr(&Fake)).unwrap();
    assert_eq!(found.documents[0].text, "from the picture\n\nreal text\n\nfrom the picture");
    assert_eq!(found.problems[0].kind, ProblemKind::ReadByOcr);
}

#[test]
fn titles_come_from_the_largest_text() {
    let content =
        format!("BT /F 24 Tf 50 750 Td (On Pointing) Tj ET {}", lines(50, 700, &["a", "b", "c"]));
    assert_eq!(read(&pages(&[&content], "")).documents[0].title, "On Pointing");
    assert_eq!(read(&pages(&[&lines(50, 700, &["a", "b"])], "")).documents[0].title, "a.pdf");
}

#[test]
fn what_is_said_instead_of_glyphs_counts_and_shadows_do_not() {
    let actual = "BT /F 10 Tf 50 700 Td (a) Tj /Span<</ActualText(ffi)>>BDC (??) Tj EMC (ne) Tj ET";
    assert_eq!(text(&pages(&[actual], "")), "affine");
    let shadow = "BT /F 10 Tf 50 700 Td (bold) Tj ET BT /F 10 Tf 50.2 700 Td (bold) Tj ET";
    assert_eq!(text(&pages(&[shadow], "")), "bold");
}

#[test]
fn numbers_of_notes_are_no_part_of_a_word() {
    let content = "BT /F 10 Tf 50 700 Td (a claim) Tj /F 6 Tf 4 Ts (12) Tj /F 10 Tf 0 Ts ( and 5 m) Tj \
        /F 6 Tf 4 Ts (2) Tj ET BT /F 6 Tf 4 Ts 50 100 Td (12) Tj /F 10 Tf 0 Ts (Proof of it.) Tj ET";
    assert_eq!(text(&pages(&[content], "")), "a claim 12 and 5 m2\n\n12 Proof of it.");
}

#[test]
fn letters_of_notes_are_no_part_of_a_word() {
    let raised = |before: &str, mark: &str, after: &str| {
        format!("/F 10 Tf 0 Ts ({before}) Tj /F 6 Tf 4 Ts ({mark}) Tj /F 10 Tf 0 Ts ({after}) Tj")
    };
    let names = format!("{} {}", raised("Anna Zeile", "a", ", Kurt Horn"), raised("", "b", " on"));
    let none = format!("{} {}", raised("the 24", "th", " of the XIX"), raised("", "e", " century"));
    let content = format!(
        "BT 50 700 Td {names} {none} ET BT 50 100 Td {} ET",
        raised("", "a", "Department of it.")
    );
    assert_eq!(
        text(&pages(&[&content], "")),
        "Anna Zeile a, Kurt Horn b onthe 24th of the XIXe century\n\na Department of it."
    );
}

#[test]
fn a_form_that_draws_itself_and_a_page_tree_that_holds_itself_end() {
    let file = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 2/Kids[4 0 R 2 0 R]>>",
        FONT,
        "<</Type/Page/MediaBox[0 0 600 800]/Resources<</XObject<</X 6 0 R>>/Font<</F 3 0 R>>>>/Contents 5 0 R>>",
        "|BT /F 10 Tf 50 700 Td (hello) Tj ET /X Do",
        "/Subtype/Form/BBox[0 0 600 800]/Resources<</XObject<</X 6 0 R>>>>|/X Do",
    ]);
    assert_eq!(text(&file), "hello");
}

#[test]
fn a_note_in_a_file_that_was_cut_off_is_no_page() {
    let note = "<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(Check this.)>>";
    let content = format!("|{}", lines(50, 700, &["first"]));
    let page = page(4, "/Annots[2 0 R]");
    let file = pdf(&["<</Type/Catalog/Pages 6 0 R>>", note, FONT, &content, &page]);
    let end = file.windows(4).position(|part| part == b"xref").unwrap();
    let found = read(&file[..end]);
    assert!(found.problems[0].message.contains("1 pages were found"), "{found:?}");
}

#[test]
fn half_a_file_is_an_error_or_says_that_it_is_a_part() {
    let file = pages(&[&lines(50, 700, &["first"]), &lines(50, 700, &["second"])], "");
    let end = file.windows(9).position(|part| part == b"startxref").unwrap();
    for cut in (20..file.len()).step_by(7) {
        match collect(Input::bytes("a.pdf", &file[..cut])) {
            Ok(found) if cut < end => assert!(!found.problems.is_empty(), "{cut}: {found:?}"),
            Ok(_) => {}
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Malformed | ErrorKind::Binary),
                "{cut}: {error}"
            ),
        }
    }
}

#[test]
fn letters_set_apart_are_words() {
    let content =
        "BT /F 12 Tf 4 Tc 50 700 Td (SPACED HEADING) Tj 0 Tc 0 -40 Td (close words) Tj ET";
    assert_eq!(text(&pages(&[content], "")), "SPACED HEADING\n\nclose words");
    // Without a glyph for the space, a wider gap is one.
    let content = "BT /F 12 Tf 4 Tc 50 700 Td [(SPACED)-600(HEADING)] TJ ET";
    assert_eq!(text(&pages(&[content], "")), "SPACED HEADING");
}

#[test]
fn the_value_of_a_form_field_is_read_where_its_appearance_does_not_show_it() {
    let field = |name: &str, more: &str| {
        format!(
            "<</Type/Annot/Subtype/Widget/FT/Tx/T({name})/Rect[50 600 200 620]/AP<</N 6 0 R>>{more}>>"
        )
    };
    let shown = "/Type/XObject/Subtype/Form/BBox[0 0 99 20]/Resources<</Font<</F 3 0 R>>>>|BT /F 9 Tf 2 5 Td (Seen) Tj ET";
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 1/Kids[4 0 R]>>",
        FONT,
        &page(5, "/Annots[7 0 R 8 0 R 9 0 R]"),
        &format!("|{}", lines(50, 700, &["Name:"])),
        shown,
        &field("a", "/V(Seen)"),
        &field("b", "/V(Alice)"),
        &field("c", "/V(secret)/Ff 8192"),
    ];
    let text = text(&pdf(&objects));
    assert_eq!(text.matches("Seen").count(), 1, "{text}");
    assert!(text.contains("Alice") && !text.contains("secret"), "{text}");
}

#[test]
fn a_page_without_its_content_is_reported_even_if_its_form_has_text() {
    let parts = page(5, "").replace("/Contents 5 0 R", "/Contents[98 0 R 99 0 R]");
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 4/Kids[4 0 R 6 0 R 7 0 R 9 0 R]>>",
        FONT,
        &page(99, "/Annots[8 0 R]"),
        &format!("|{}", lines(50, 700, &["Name:"])),
        &parts,
        &page(5, "").replace("/Contents 5 0 R", "/Contents[]"),
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/Rect[50 600 200 620]/V(Alice)>>",
        &page(5, ""),
    ];
    let found = read(&pdf(&objects));
    assert!(found.documents[0].text.contains("Alice"));
    let message = "2 of 4 pages are damaged and incomplete (pages 1-2)";
    assert_eq!(found.problems.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(), [message]);
}

#[test]
fn a_file_without_any_text_says_so() {
    let found = read(&pages(&["10 10 m 90 90 l S", ""], ""));
    assert_eq!(found.problems.len(), 1);
    assert_eq!(found.problems[0].kind, ProblemKind::NoText);
    assert!(found.problems[0].message.contains("its 2 pages"), "{found:?}");
}

#[test]
fn what_only_looks_repeated_stays() {
    let ticket = |i: u32| lines(50, 740, &[&format!("Ticket {i}")]);
    let contents: Vec<String> = (1..=6).map(ticket).collect();
    let contents: Vec<&str> = contents.iter().map(String::as_str).collect();
    let text = text(&pages(&contents, ""));
    assert!((1..=6).all(|i| text.contains(&format!("Ticket {i}"))), "{text}");
}

#[test]
fn the_title_is_the_first_of_several_large_texts() {
    let large = |y: u32, text: &str| format!("BT /F 20 Tf 50 {y} Td ({text}) Tj ET");
    let body = lines(
        50,
        500,
        &["Some words in the usual size", "go on and on here.", "More.", "Still more."],
    );
    let content = format!(
        "{} {} {} {body}",
        large(740, "On the Habits"),
        large(716, "of Otters"),
        large(600, "Introduction")
    );
    let mut file = pages(&[&content], "");
    file.extend([0; 4096]);
    let found = read(&file);
    assert_eq!(found.documents[0].title, "On the Habits of Otters");
    assert!(found.problems.is_empty(), "{found:?}");
}

/// A PDF whose page asks for another program, with a form of these streams.
fn form(template: &str, data: &str, catalogue: &str) -> Vec<u8> {
    let catalogue = format!(
        "<</Type/Catalog/Pages 2 0 R/AcroForm<</XFA[(template)6 0 R(datasets)7 0 R]>>{catalogue}>>"
    );
    let content =
        format!("|{}", lines(50, 700, &["Please wait... If this message is not", "replaced"]));
    let (template, data) = (format!("|{template}"), format!("|{data}"));
    pdf(&[
        &catalogue,
        "<</Type/Pages/Count 1/Kids[4 0 R]>>",
        FONT,
        &page(5, ""),
        &content,
        &template,
        &data,
    ])
}

#[test]
fn a_form_that_no_page_draws_is_read_from_its_template_and_data() {
    let template = "<template><subform><draw><value><text>Application</text></value></draw><field name='n'><caption><value><text>Name</text></value></caption></field></subform></template>";
    let data = "<datasets><data><f><n>Jane Doe</n></f></data></datasets>";
    for catalogue in ["/NeedsRendering true", ""] {
        let found = read(&form(template, data, catalogue));
        assert_eq!(found.problems, []);
        assert_eq!(found.documents[0].text, "Application\n\nName\n\nName: Jane Doe");
    }
    let found = read(&form("<template", "", "/NeedsRendering true"));
    assert_eq!(found.problems[0].kind, ProblemKind::NoText);
    assert!(found.problems[0].message.contains("XFA"));
    // A form whose page shows what it says.
    let drawn = "<template><draw><value><text>replaced</text></value></draw></template>";
    assert_eq!(read(&form(drawn, "", "")).documents[0].text.matches("replaced").count(), 1);
}
