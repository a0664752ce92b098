//! Quantities, as packages for units write them: numbers, and a unit whose commands are its words.

use super::Page;
use crate::text::flow::Gap;

/// Commands, by how many numbers come before the unit.
const QUANTITIES: &[(&str, usize)] =
    &[("SI", 1), ("qty", 1), ("SIrange", 2), ("qtyrange", 2), ("si", 0), ("unit", 0)];

impl Page<'_> {
    /// Reads `\SI{5}{\kilo\metre}` and the like, whose command came last; false if it is another.
    pub(super) fn quantity(&mut self, name: &str) -> bool {
        let Some((_, numbers)) = QUANTITIES.iter().find(|(known, _)| *known == name) else {
            return false;
        };
        for _ in 0..*numbers {
            self.options();
            let number = self.argument();
            self.number(number);
        }
        let options = self.options();
        let mut unit = self.argument();
        // Other packages have `\unit[5]{km}` and `\unit{5}{km}`.
        if *numbers == 0 && self.rest.starts_with('{') {
            self.number(unit);
            unit = self.argument();
        } else if *numbers == 0 && !options.contains('=') {
            self.number(options);
        }
        let unit = unit.replace(['\\', '{', '}', '~'], " ");
        self.say(unit.trim());
        true
    }

    fn number(&mut self, number: &str) {
        if self.is_inner {
            self.say(&number.replace('\\', " "));
        } else {
            let number = self.inline(number);
            self.say(&number);
        }
        self.flow.separate(Gap::Space);
    }
}

#[cfg(test)]
mod tests {
    use crate::{Input, collect};

    #[test]
    fn units_are_words() {
        for (source, expected) in [
            ("\\SI{5}{\\kilo\\metre\\per\\second},", "5 kilo metre per second,"),
            ("a \\qty[x=1]{12}{km} b", "a 12 km b"),
            ("\\SIrange{1}{2}{\\degreeCelsius}.", "1 2 degreeCelsius."),
            ("in \\unit{\\metre}.", "in metre."),
            ("\\unit{90--207}{\\GeV}", "90–207 GeV"),
            ("\\unit[5]{km}", "5 km"),
            ("\\emph{\\SI{5}{\\volt}}", "5 volt"),
        ] {
            let found = collect(Input::bytes("a.tex", source.as_bytes())).unwrap();
            assert_eq!(found.documents[0].text, expected, "{source}");
        }
        collect(Input::bytes("a.tex", "\\SI{".repeat(20_000).as_bytes())).unwrap();
        let deep = format!("{}{}", "\\SI{".repeat(900), "}".repeat(900));
        collect(Input::bytes("a.tex", deep.as_bytes())).unwrap();
    }
}
