//! Text that is read from right to left.

use super::{pages, text};

/// How wide a letter is.
const WIDTH: f64 = 5.56;

/// A text as it is seen from left to right, drawn to the left of a place. Returns where it begins, too.
pub(super) fn seen(end: f64, y: u32, text: &str) -> (f64, String) {
    let start = end - WIDTH * text.chars().count() as f64;
    let mut x = start;
    let mut drawn = String::new();
    for c in text.chars() {
        let said = u32::from(c);
        drawn.push_str(&format!(
            "/Span<</ActualText<feff{said:04x}>>>BDC 1 0 0 1 {x} {y} Tm (n) Tj EMC "
        ));
        x += WIDTH;
    }
    (start, drawn)
}

/// Lines of pieces that are drawn one after the other from the right.
fn read(lines: &[&[&str]]) -> String {
    let mut drawn = String::new();
    for (line, y) in lines.iter().zip((0..700).rev().step_by(14)) {
        let mut end = 550.0;
        for piece in *line {
            let (start, piece) = seen(end, y, piece);
            drawn.push_str(&piece);
            end = start;
        }
    }
    text(&pages(&[&format!("BT /F 10 Tf {drawn} ET")], ""))
}

#[test]
fn pieces_that_are_drawn_from_the_right_are_one_line() {
    let lines: [&[&str]; 2] = [
        &["( יתנש חוד", "2023", ")"],
        &[
            "-ב הלדג הרבחה",
            "15.5%",
            " תנשב ",
            "2023",
            " תמועל ,",
            "12,300",
            " הלבט ואר( ",
            "4",
            ".)",
        ],
    ];
    assert_eq!(
        read(&lines),
        "דוח שנתי (2023)\nהחברה גדלה ב-15.5% בשנת 2023, לעומת 12,300 (ראו טבלה 4)."
    );
}

#[test]
fn a_line_that_begins_with_latin_runs_like_its_paragraph() {
    let lines: [&[&str]; 3] = [
        &["ראודה תבותכו ,תילגנאה הפשב ףסונ עדימ ללוכ רתאה"],
        &["Example Corporation Limited", "ומכ תורבח לש "],
        &[".םויה לכ הנימז"],
    ];
    assert_eq!(
        read(&lines),
        "האתר כולל מידע נוסף בשפה האנגלית, וכתובת הדואר Example Corporation Limited של חברות כמו זמינה כל היום."
    );
}

#[test]
fn paragraphs_that_run_to_the_left_end_at_their_left_edge() {
    let lines: [&[&str]; 3] = [
        &["תורוש המכ ךרואל ךישממו ןאכ ליחתמ"],
        &[".ןושארה רוטה ףוסב"],
        &["וירחא אב ינשה רוטה לבא"],
    ];
    assert_eq!(
        read(&lines),
        "מתחיל כאן וממשיך לאורך כמה שורות בסוף הטור הראשון.\n\nאבל הטור השני בא אחריו"
    );
}
