//! Columns, tables and indexes.

use super::{lines, pages, text};

#[test]
fn columns_are_read_one_after_the_other() {
    let left = lines(
        50,
        700,
        &["The left column comes first and has divi-", "ded words in it, and then, with no end,"],
    );
    let right = lines(320, 700, &["the right column goes on. It ends.", "So."]);
    assert_eq!(
        text(&pages(&[&format!("{left} {right}")], "")),
        "The left column comes first and has divided words in it, and then, with no end, the right column goes on. It ends. So."
    );
}

/// Rows of texts side by side, drawn row by row, the right ones a little lower.
fn rows(y: u32, rows: &[(&str, &str)], lower: u32) -> String {
    let row = |(i, (left, right)): (u32, &(&str, &str))| {
        let y = y - 12 * i;
        let place = |x: u32, y: u32, text: &str| format!("1 0 0 1 {x} {y} Tm ({text}) Tj");
        format!("{} {}", place(50, y, left), place(320, y - lower, right))
    };
    let drawn: Vec<String> = (0..).zip(rows).map(row).collect();
    format!("BT /F 10 Tf {} ET", drawn.join(" "))
}

#[test]
fn columns_that_are_drawn_line_by_line_are_read_one_after_the_other() {
    let columns = [
        (
            "The left column tells a story of otters, which",
            "the right one of something else, and it has as",
        ),
        (
            "swim in the river all day long and do not care",
            "many lines as the other, or one or two more of",
        ),
        (
            "for anything that is written on the pages that",
            "them, since nobody counts how many there are in",
        ),
        (
            "people keep on drawing, line by line, although",
            "a column before it is set, and so they differ a",
        ),
        (
            "they are meant to be read column by column and",
            "little at the end, where the last sentence goes",
        ),
        (
            "not in any other way. This is where they rest.",
            "on and on until it comes to its end at last.",
        ),
    ];
    let title = lines(
        50,
        720,
        &["A title that reaches across both of the columns that follow it here, all of it"],
    );
    let footer = lines(
        50,
        600,
        &["And a last line that reaches across both of the columns as well, to the end."],
    );
    for lower in [0, 3, 6] {
        let drawn = format!("{title} {} {footer}", rows(700, &columns, lower));
        let text = text(&pages(&[&drawn], ""));
        let left = text.find("otters, which swim in the river all day").unwrap();
        let right = text.find("something else, and it has as many lines").unwrap();
        assert!(left < right && text.find("they rest.").unwrap() < right, "{text}");
        assert!(text.starts_with("A title") && text.ends_with("to the end."), "{text}");
    }
}

#[test]
fn the_columns_of_an_index_are_read_one_after_the_other() {
    let words = "adder badger crane dormouse eagle ferret goose hedgehog ibex jackal kestrel lynx marten newt otter";
    let entries: Vec<String> =
        (1..).zip(words.split(' ')).map(|(i, word)| format!("{word}, {i}, {}", i + 20)).collect();
    let drawn: Vec<String> = (0..15)
        .map(|i| {
            let (row, column) = (i / 3, i % 3);
            let (x, y) = (50 + 150 * column, 700 - 12 * row);
            format!("1 0 0 1 {x} {y} Tm ({}) Tj", entries[column * 5 + row])
        })
        .collect();
    let text = text(&pages(&[&format!("BT /F 10 Tf {} ET", drawn.join(" "))], ""));
    assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), entries.join(" "));
}

#[test]
fn columns_of_chinese_are_read_one_after_the_other() {
    let line = |x: u32, row: u32, text: &str| {
        let hex: String = text.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
        let y = 700 - 12 * row;
        let width = "x".repeat(text.chars().count() * 2);
        format!("/Span <</ActualText <feff{hex}>>> BDC 1 0 0 1 {x} {y} Tm ({width}) Tj EMC")
    };
    let columns = [
        ("左边的栏讲述河里水獭的故事", "右边的栏讲的是另外一件事情"),
        ("它们整天在水里游来游去不管", "而且它的行数和左边的栏一样"),
        ("人们在纸上一行一行写了什么", "多或者多一行少一行没有人去"),
        ("虽然这些字本来是要一栏一栏", "数它们究竟有多少行所以最后"),
        ("地读下来而不是横着读过去的", "一句话会继续下去直到结束为"),
        ("它们在这里休息直到天黑。　", "止然后就没有别的话可说了。"),
    ];
    let drawn: Vec<String> = (0..)
        .zip(columns)
        .map(|(row, (left, right))| format!("{} {}", line(50, row, left), line(320, row, right)))
        .collect();
    let text = text(&pages(&[&format!("BT /F 10 Tf {} ET", drawn.join(" "))], ""));
    assert!(text.contains("不管人们在纸上") && text.contains("没有人去数它们"), "{text}");
}

#[test]
fn a_row_of_a_table_does_not_go_on_in_a_footer() {
    let row = |y: u32, cells: [&str; 2]| {
        format!("1 0 0 1 50 {y} Tm ({}) Tj 1 0 0 1 250 {y} Tm ({}) Tj", cells[0], cells[1])
    };
    let table = format!("{} {}", row(700, ["Otter", "NL"]), row(688, ["Badger", "UK"]));
    let content = format!("BT /F 10 Tf {table} 1 0 0 1 50 60 Tm (otters page 1) Tj ET");
    assert_eq!(text(&pages(&[&content], "")), "Otter NL\nBadger UK\n\notters page 1");
}

#[test]
fn tables_are_read_row_by_row() {
    let table = [
        (
            "What does an otter eat all day long, my friend?",
            "It eats fish, and whatever else there may be.",
        ),
        (
            "Where does an otter sleep when the day is over?",
            "It sleeps on its back, and holds another paw.",
        ),
        (
            "How does an otter open what it finds down there?",
            "It takes a stone that it has always with it.",
        ),
        (
            "When does an otter teach its young ones to swim?",
            "It does when they are about ten weeks of age.",
        ),
        (
            "Why does an otter never drink any salted water?",
            "It does drink some of it, and is none the worse.",
        ),
        (
            "Which of the otters is the largest one of them?",
            "The one of the sea, by weight, if not by length.",
        ),
    ];
    let text = text(&pages(&[&rows(700, &table, 0)], ""));
    for (question, answer) in table {
        assert!(text.contains(&format!("{question} {answer}")), "{text}");
    }
}
