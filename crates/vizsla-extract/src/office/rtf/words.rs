//! Splits RTF into groups, control words, bytes and text. Any bytes are split; nothing is an error.

/// A part of an RTF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// `\'e4`
    Byte(u8),
    Text(&'a [u8]),
    /// A backslash with something other than a letter.
    Symbol(char),
    /// `\par`, `\fs24`
    Word(&'a str, Option<i32>),
}

pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(length.min(self.bytes.len()));
        self.bytes = rest;
        taken
    }

    fn take_while(&mut self, is: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.bytes.iter().take_while(|byte| is(**byte)).count();
        self.take(length)
    }

    /// What follows a backslash.
    fn control(&mut self) -> Option<Token<'a>> {
        let word = self.take_while(|byte| byte.is_ascii_alphabetic());
        if word.is_empty() {
            let symbol = *self.take(1).first()?;
            return Some(if symbol == b'\'' { self.byte() } else { Token::Symbol(symbol.into()) });
        }
        let minus =
            self.bytes.starts_with(b"-") && self.bytes.get(1).is_some_and(u8::is_ascii_digit);
        self.take(usize::from(minus));
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<i32>().ok());
        let number = number.map(|number| if minus { -number } else { number });
        if self.bytes.starts_with(b" ") {
            self.take(1);
        }
        if word == b"bin" {
            self.take(number.and_then(|length| usize::try_from(length).ok()).unwrap_or(0));
        }
        Some(Token::Word(std::str::from_utf8(word).ok()?, number))
    }

    fn byte(&mut self) -> Token<'a> {
        let digits = self.bytes.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                self.take(2);
                Token::Byte(byte)
            }
            None => Token::Symbol('\''),
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.take_while(|byte| matches!(byte, b'\r' | b'\n' | 0));
        match self.bytes.first()? {
            b'{' => {
                self.take(1);
                Some(Token::Open)
            }
            b'}' => {
                self.take(1);
                Some(Token::Close)
            }
            b'\\' => {
                self.take(1);
                self.control()
            }
            _ => Some(Token::Text(
                self.take_while(|byte| !matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0)),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_with_a_space_or_what_is_not_part_of_them() {
        let tokens: Vec<_> =
            Tokens::new(b"{\\b1\\u-10 x\\par-y\\'e4\\'zz\r\n\\bin3 {}\\\\z\\~}").collect();
        assert_eq!(
            tokens,
            [
                Token::Open,
                Token::Word("b", Some(1)),
                Token::Word("u", Some(-10)),
                Token::Text(b"x"),
                Token::Word("par", None),
                Token::Text(b"-y"),
                Token::Byte(0xe4),
                Token::Symbol('\''),
                Token::Text(b"zz"),
                Token::Word("bin", Some(3)),
                Token::Word("z", None),
                Token::Symbol('~'),
                Token::Close,
            ][..]
        );
    }
}
