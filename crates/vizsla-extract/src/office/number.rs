//! Numbers of cells as people read them. In: a number and the format of its cell. Out: its text, with the decimals that
//! the format shows, and a sign of per cent or a currency if it has one.

/// A number by the format of its cell.
pub(crate) fn number(value: f64, format: &str) -> String {
    let codes = codes(format);
    let is_share = codes.contains('%');
    let is_padded = codes.len() > 1 && codes.bytes().all(|byte| byte == b'0');
    let shown = if is_share {
        shown(value * 100.0, &codes)
    } else if is_padded && value >= 0.0 && value.fract() == 0.0 && value < 1e15 {
        format!("{:0width$}", value as u64, width = codes.len().min(15))
    } else {
        shown(value, &codes)
    };
    let (sign, digits) =
        shown.strip_prefix('-').map_or(("", shown.as_str()), |digits| ("-", digits));
    let affixes = Affixes::of(format, !sign.is_empty());
    let is_marked = !is_share || affixes.before.contains('%') || affixes.after.contains('%');
    let mark = if is_marked { "" } else { "%" };
    format!("{sign}{}{digits}{}{mark}", affixes.before, affixes.after)
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

/// What a format writes before and after a number, such as a currency or a unit.
#[derive(Default)]
struct Affixes {
    before: String,
    after: String,
}

impl Affixes {
    /// Those of the section of a format for positive or for negative numbers. Nothing where a condition chooses it.
    fn of(format: &str, is_negative: bool) -> Self {
        let is_conditional = ["[<", "[>", "[="].iter().any(|condition| format.contains(condition));
        let mut chars = format.chars();
        let positive = Self::section(&mut chars).unwrap_or_default();
        if is_conditional {
            return Self::default();
        }
        let Some(mut negative) = is_negative.then(|| Self::section(&mut chars)).flatten() else {
            return positive;
        };
        // The sign of the number is enough.
        negative.before.retain(|c| !matches!(c, '-' | '('));
        negative.after.retain(|c| !matches!(c, '-' | ')'));
        negative
    }

    /// Those of the next section, if it shows a number.
    fn section(chars: &mut std::str::Chars<'_>) -> Option<Self> {
        let (mut affixes, mut has_number, mut is_scaled) = (Self::default(), false, false);
        while let Some(c) = chars.next() {
            let literal = match c {
                ';' => break,
                '"' => chars.by_ref().take_while(|c| *c != '"').collect(),
                '[' => {
                    // `[$-409]` is a language without a currency, and `[$€-407]` one with it.
                    let code: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    let symbol = code.strip_prefix('$').and_then(|code| code.split('-').next());
                    symbol.unwrap_or_default().to_owned()
                }
                '\\' => chars.next().into_iter().collect(),
                '_' | '*' => {
                    chars.next();
                    continue;
                }
                ',' if has_number => {
                    is_scaled = true;
                    continue;
                }
                '0' | '#' | '?' | 'G' | 'E' => {
                    // What is between digits is no unit. `General` and the sign of an exponent go with them.
                    let more = if c == 'G' { "eneral" } else { "" };
                    *chars = chars.as_str().strip_prefix(more).unwrap_or(chars.as_str()).chars();
                    affixes.after.clear();
                    (has_number, is_scaled) = (true, false);
                    continue;
                }
                _ if c.is_ascii_alphanumeric() || matches!(c, '.' | ',' | '@') => continue,
                c => c.to_string(),
            };
            let side = if has_number { &mut affixes.after } else { &mut affixes.before };
            side.push_str(&literal);
        }
        if is_scaled {
            // All digits are shown, of which the unit counts the thousands.
            affixes.after.clear();
        }
        let blank = affixes.before.len() - affixes.before.trim_start().len();
        affixes.before.drain(..blank);
        affixes.after.truncate(affixes.after.trim_end().len());
        has_number.then_some(affixes)
    }
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
