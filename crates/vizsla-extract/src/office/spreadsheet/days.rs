//! Days as a workbook shows them. In: a day and the format of its cell. Out: what people see, where the format itself says in
//! which order; what depends on whose computer it is stands nowhere in the file.

/// Names of months by the language of a format, the low ten bits of its code.
const MONTHS: &[(u32, &str)] = &[
    (GERMAN, "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
    (
        ENGLISH,
        "January February March April May June July August September October November December",
    ),
    (
        0x0a,
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    ),
    (0x0c, "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    (
        0x10,
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    ),
    (
        0x13,
        "januari februari maart april mei juni juli augustus september oktober november december",
    ),
    (
        0x16,
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    ),
];
const ENGLISH: u32 = 0x09;
const GERMAN: u32 = 0x07;

/// Year, month and day as their format shows them: `03/01/2022`, `3. Januar 2022`, `January 2022`. `None` where it has no
/// year of four digits, or begins with it as ISO 8601 does, or has names in a language that is not known.
pub(super) fn shown((year, month, day): (u16, u8, u8), format: &str) -> Option<String> {
    let (mut shown, mut literal, mut language) = (String::new(), String::new(), None);
    let mut chars = format.chars().peekable();
    let mut has_year = false;
    while let Some(c) = chars.next() {
        let lower = c.to_ascii_lowercase();
        if !matches!(lower, 'd' | 'm' | 'y') {
            match lower {
                ';' | 'h' | 's' | '@' => break,
                '"' => literal.extend(chars.by_ref().take_while(|c| *c != '"')),
                '[' => {
                    let code: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    let code = code.strip_prefix("$-")?;
                    language = u32::from_str_radix(code, 16).ok().map(|code| code & 0x3ff);
                }
                '\\' => literal.extend(chars.next()),
                '_' | '*' => drop(chars.next()),
                // The sign that the language sets between numbers.
                '/' if language == Some(GERMAN) => literal.push('.'),
                _ if c.is_alphanumeric() => return None,
                _ => literal.push(c),
            }
            continue;
        }
        let mut count = 1;
        while chars.next_if(|next| next.eq_ignore_ascii_case(&c)).is_some() {
            count += 1;
        }
        let part = match (lower, count) {
            ('d', 1) => day.to_string(),
            ('d', 2) => format!("{day:02}"),
            ('m', 1) => month.to_string(),
            ('m', 2) => format!("{month:02}"),
            ('m', 3) if matches!(language, None | Some(ENGLISH)) => {
                name(ENGLISH, month)?.chars().take(3).collect()
            }
            // Without a language it is that of the computer, which writes a day with a point if it is not English.
            ('m', 4) if language.is_some() || !literal.contains('.') => {
                name(language.unwrap_or(ENGLISH), month)?.to_owned()
            }
            ('y', 3 | 4) if !shown.is_empty() => {
                has_year = true;
                format!("{year:04}")
            }
            // The day of the week goes with what sets it apart.
            ('d', _) => {
                literal.clear();
                continue;
            }
            _ => return None,
        };
        let before = std::mem::take(&mut literal);
        shown.push_str(if shown.is_empty() {
            before.trim_start_matches([',', '.', ' '])
        } else {
            &before
        });
        shown.push_str(&part);
    }
    has_year.then_some(shown)
}

fn name(language: u32, month: u8) -> Option<&'static str> {
    let (_, names) = MONTHS.iter().find(|(known, _)| *known == language)?;
    names.split(' ').nth(usize::from(month).checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_their_format_says() {
        for (format, expected) in [
            ("dd/mm/yyyy", Some("04/01/2023")),
            ("mm/dd/yyyy hh:mm", Some("01/04/2023")),
            ("DD.MM.YYYY", Some("04.01.2023")),
            ("d\\.m\\.yyyy;@", Some("4.1.2023")),
            ("mmmm yyyy", Some("January 2023")),
            ("d mmm yyyy", Some("4 Jan 2023")),
            ("mmmm\\ d\\,\\ yyyy", Some("January 4, 2023")),
            ("[$-407]d\\. mmmm yyyy", Some("4. Januar 2023")),
            ("[$-407]d/\\ mmmm\\ yyyy;@", Some("4. Januar 2023")),
            ("[$-40C]dddd d mmmm yyyy", Some("4 janvier 2023")),
            ("[$-409]dddd, mmmm dd, yyyy", Some("January 04, 2023")),
            ("d\" de \"mmmm yyyy", Some("4 de January 2023")),
            ("d. mmmm yyyy", None),
            ("[$-415]d mmmm yyyy", None),
            ("yyyy-mm-dd", None),
            ("yyyy/mm/dd", None),
            ("mm-dd-yy", None),
            ("m/d/yy h:mm", None),
            ("d-mmm", None),
            ("General", None),
            ("[h]:mm", None),
            ("h:mm", None),
        ] {
            assert_eq!(shown((2023, 1, 4), format).as_deref(), expected, "{format}");
        }
    }
}
