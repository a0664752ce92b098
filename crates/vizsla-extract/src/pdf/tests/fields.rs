//! Form fields and where their values are read.

use super::right_to_left::seen;
use super::{FONT, page, pdf, text};

/// A page that draws this, with fields in these areas, which show a text, or have one that nothing shows.
fn form(content: &str, fields: &[(&str, &str, bool)]) -> String {
    let (mut annotations, mut shown) = (Vec::new(), Vec::new());
    for (i, (area, value, is_shown)) in fields.iter().enumerate() {
        let entry =
            if *is_shown { format!("/AP<</N {} 0 R>>", 6 + i) } else { format!("/V({value})") };
        annotations.push(format!("<</Subtype/Widget/FT/Tx/Rect[{area}]{entry}>>"));
        let numbers: Vec<f64> = area.split(' ').map(|number| number.parse().unwrap()).collect();
        let (width, height) = (numbers[2] - numbers[0], numbers[3] - numbers[1]);
        shown.push(format!(
            "/Subtype/Form/BBox[0 0 {width} {height}]/Resources<</Font<</F 3 0 R>>>>|BT /F 10 Tf 2 6 Td ({value}) Tj ET"
        ));
    }
    let page = page(5, &format!("/Annots[{}]", annotations.join(" ")));
    let content = format!("|{content}");
    let catalogue = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 1/Kids[4 0 R]>>", FONT];
    let drawn = [page.as_str(), content.as_str()];
    let objects = catalogue.into_iter().chain(drawn).chain(shown.iter().map(String::as_str));
    text(&pdf(&objects.collect::<Vec<_>>()))
}

#[test]
fn values_are_read_behind_their_labels() {
    let content = "BT /F 10 Tf 50 700 Td (Name:) Tj 200 0 Td (Born:) Tj -200 -30 Td (Town:) Tj \
        0 -60 Td (Sign here.) Tj ET";
    let fields = [
        ("300 694 400 712", "12 May 1981", true),
        ("100 694 200 712", "Okonkwo", true),
        ("100 664 200 682", "Enugu", false),
    ];
    assert_eq!(
        form(content, &fields),
        "Name: Okonkwo Born: 12 May 1981\n\nTown: Enugu\n\nSign here."
    );
}

#[test]
fn a_label_may_stand_above_its_field() {
    let content = "BT /F 10 Tf 50 700 Td (Family name) Tj 200 0 Td (Given name) Tj \
        -200 -90 Td (Sign here.) Tj ET";
    let fields = [
        ("50 680 200 697", "Okonkwo with a name that is longer than its field", true),
        ("250 680 400 697", "Adaeze", true),
    ];
    let text = form(content, &fields);
    let at = |said: &str| text.find(said).unwrap();
    assert!(at("Family name") < at("Okonkwo with a name that is longer"), "{text}");
    assert!(at("Adaeze") < at("Sign here."), "{text}");
}

#[test]
fn passwords_are_not_read_even_where_they_are_shown() {
    let field = "<</Subtype/Widget/Rect[100 694 200 712]/Parent<</FT/Tx/Ff 8192/V(hunter2)>>/AP<</N 6 0 R>>>>";
    let shown = "/Subtype/Form/BBox[0 0 100 18]/Resources<</Font<</F 3 0 R>>>>|BT /F 10 Tf 2 6 Td (hunter2) Tj ET";
    let file = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 1/Kids[4 0 R]>>",
        FONT,
        &page(5, &format!("/Annots[{field}]")),
        "|BT /F 10 Tf 50 700 Td (Password:) Tj ET",
        shown,
    ]);
    assert_eq!(text(&file), "Password:");
}

#[test]
fn a_label_that_is_read_from_the_right_stands_to_the_right_of_its_field() {
    let drawn = |end: f64, y: u32, text: &str| format!("BT /F 10 Tf {} ET", seen(end, y, text).1);
    let label = drawn(550.0, 700, "החפשמ םש");
    let content = format!("|{label} {}", drawn(550.0, 600, "המיתח"));
    let shown = format!(
        "/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F 3 0 R>>>>|{}",
        drawn(198.0, 8, "ןהכ")
    );
    let file = pdf(&[
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Count 1/Kids[4 0 R]>>",
        FONT,
        &page(5, "/Annots[<</Subtype/Widget/Rect[280 694 480 714]/AP<</N 6 0 R>>>>]"),
        &content,
        &shown,
    ]);
    assert_eq!(text(&file), "שם משפחה כהן\n\nחתימה");
}
