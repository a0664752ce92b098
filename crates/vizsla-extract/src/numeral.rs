//! Roman numerals, as pages and lists are numbered. In: a number. Out: how it is written.

/// A number in small Roman numerals; in digits where there are none or too many.
pub(crate) fn roman(number: usize) -> String {
    const NUMERALS: [(usize, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    if !(1..=10_000).contains(&number) {
        return number.to_string();
    }
    let (mut left, mut roman) = (number, String::new());
    for (value, numeral) in NUMERALS {
        roman.push_str(&numeral.repeat(left / value));
        left %= value;
    }
    roman
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals() {
        assert_eq!((roman(4), roman(1999)), ("iv".into(), "mcmxcix".into()));
        assert_eq!((roman(0), roman(10_001)), ("0".into(), "10001".into()));
    }
}
