//! Numbers of cells as people read them. In: a number and the format of its cell. Out: its text, with the decimals that
//! the format shows, and a sign of per cent or a currency if it has one.

/// A number by the format of its cell.
pub(crate) fn number(value: f64, format: &str) -> String {
    let codes = codes(format);
    if codes.contains('%') {
        return format!("{}%", shown(value * 100.0, &codes));
    }
    let is_padded = codes.len() > 1 && codes.bytes().all(|byte| byte == b'0');
    if is_padded && value >= 0.0 && value.fract() == 0.0 && value < 1e15 {
        return format!("{:0width$}", value as u64, width = codes.len().min(15));
    }
    let shown = shown(value, &codes);
    match currency(format) {
        Some((symbol, true)) => format!("{symbol}{shown}"),
        Some((symbol, false)) => format!("{shown} {symbol}"),
        None => shown,
    }
}

/// A number with the decimals that its format shows, or with all digits where the format says nothing of decimals.
fn shown(value: f64, codes: &str) -> String {
    // Fifteen digits are exact: beyond them, decimals are noise.
    const EXACT: f64 = 1e15;
    let Some((least, most)) = decimals(codes) else { return digits(value) };
    let rounded = significant(value);
    if rounded.abs() * 10f64.powi(most.into()) >= EXACT {
        return digits(value);
    }
    // Halves are rounded up as they are written: 1.005, which is a little less in binary, to 1.01.
    let rounded = rounded * (1.0 + 2.0 * f64::EPSILON);
    let mut text = format!("{rounded:.0$}", usize::from(most));
    let zeros = text.len() - text.trim_end_matches('0').len();
    text.truncate(text.len() - zeros.min(usize::from(most - least)));
    if text.ends_with('.') {
        text.pop();
    }
    match text.strip_prefix('-') {
        Some(zero) if !zero.contains(|c: char| matches!(c, '1'..='9')) => zero.to_owned(),
        _ => text,
    }
}

/// How many decimals a format shows at least and at most; `None` where it has none, or scales numbers in another way.
fn decimals(codes: &str) -> Option<(u8, u8)> {
    let (whole, fraction) = codes.split_once('.')?;
    let end = fraction.find(|c| !matches!(c, '0' | '#' | '?')).unwrap_or(fraction.len());
    let (places, rest) = fraction.split_at(end);
    // A comma at the end of the digits stands for thousands that are not shown.
    let is_scaled = whole.ends_with(',') || rest.starts_with(',') || rest.contains('e');
    let least = places.bytes().filter(|place| *place == b'0').count().try_into().ok()?;
    let most = places.len().try_into().ok()?;
    (most > 0 && !is_scaled).then_some((least, most))
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

/// A number rounded to the fifteen digits that Excel keeps.
fn significant(value: f64) -> f64 {
    format!("{value:.14e}").parse().unwrap_or(value)
}

/// A number with all its digits, in the notation of powers where it is very large or small.
fn digits(value: f64) -> String {
    let rounded = significant(value);
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
