//! Numbers as text, without a minus sign before zero: a difference of -0.00001 is 0.0000 at four places.

/// With four decimal places.
pub(crate) fn fixed(value: f64) -> String {
    let text = format!("{value:.4}");
    match text.strip_prefix('-') {
        Some(rest) if rest == "0.0000" => rest.to_owned(),
        _ => text,
    }
}

/// With four decimal places and a sign.
pub(crate) fn signed(value: f64) -> String {
    let text = fixed(value);
    if text.starts_with('-') { text } else { format!("+{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_minus_sign() {
        for (value, plain, with_sign) in [
            (-0.0, "0.0000", "+0.0000"),
            (-0.000_01, "0.0000", "+0.0000"),
            (0.000_01, "0.0000", "+0.0000"),
            (-0.000_06, "-0.0001", "-0.0001"),
            (0.25, "0.2500", "+0.2500"),
        ] {
            assert_eq!((fixed(value).as_str(), signed(value).as_str()), (plain, with_sign));
        }
    }
}
