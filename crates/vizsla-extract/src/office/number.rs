//! Numbers of cells as people read them. In: a number and the format of its cell. Out: its text, with a sign of per cent
//! or a currency if the format has one.

/// A number by the format of its cell.
pub(crate) fn number(value: f64, format: &str) -> String {
    let codes = codes(format);
    if codes.contains('%') {
        return format!("{}%", digits(value * 100.0));
    }
    let is_padded = codes.len() > 1 && codes.bytes().all(|byte| byte == b'0');
    if is_padded && value >= 0.0 && value.fract() == 0.0 && value < 1e15 {
        return format!("{:0width$}", value as u64, width = codes.len().min(15));
    }
    match currency(format) {
        Some((symbol, true)) => format!("{symbol}{}", digits(value)),
        Some((symbol, false)) => format!("{} {symbol}", digits(value)),
        None => digits(value),
    }
}

/// The sign of a currency in a format, and whether it comes before the number.
fn currency(format: &str) -> Option<(char, bool)> {
    let section = format.split(';').next()?;
    // `[$-409]` is a language without a currency, and `[$€-407]` one with it.
    let section = section.replace("[$-", "[-").replace("[$", "[");
    let (at, symbol) = section.char_indices().find(|(_, c)| "$€£¥₹₽₩₺₪฿".contains(*c))?;
    let number = section.find(['0', '#', '?']).unwrap_or(section.len());
    Some((symbol, at < number))
}

/// A number with the fifteen digits that Excel keeps.
fn digits(value: f64) -> String {
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    if rounded == 0.0 {
        return "0".to_owned();
    }
    if !(1e-9..1e21).contains(&f64::abs(rounded)) {
        return format!("{rounded:e}");
    }
    rounded.to_string()
}

/// The codes of the first section of a format, without literal text, colours and locales.
pub(crate) fn codes(format: &str) -> String {
    let (mut codes, mut chars) = (String::new(), format.chars());
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            '"' => {
                let _ = chars.by_ref().take_while(|c| *c != '"').count();
            }
            '[' => {
                let _ = chars.by_ref().take_while(|c| *c != ']').count();
            }
            '\\' | '_' | '*' => {
                chars.next();
            }
            c => codes.extend(c.to_lowercase()),
        }
    }
    codes
}
