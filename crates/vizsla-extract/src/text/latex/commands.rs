//! The commands and environments that are known, by what becomes of their arguments.

/// Commands whose arguments are no text.
#[rustfmt::skip]
pub(super) const SILENT: &[&str] = &[
    "label", "ref", "eqref", "pageref", "autoref", "cref", "Cref", "vref", "subref", "nameref", "crefrange", "cite",
    "citep", "citet", "citealp", "citealt", "citeauthor", "citeyear", "citeyearpar", "parencite", "textcite", "autocite",
    "footcite", "fullcite", "supercite", "nocite", "bibliography", "bibliographystyle", "input", "include", "import",
    "subimport", "subfile", "includegraphics", "includepdf", "includesvg", "usepackage", "RequirePackage",
    "documentclass", "documentstyle", "pagestyle", "thispagestyle", "setcounter", "addtocounter", "stepcounter",
    "refstepcounter", "setlength", "addtolength", "settowidth", "vspace", "hspace", "index", "pagenumbering",
    "graphicspath", "hypersetup", "definecolor", "colorlet", "bibitem", "addbibresource", "includeonly", "newcounter",
    "newlength", "geometry", "rule", "selectlanguage", "inputminted", "lstset", "lstinputlisting", "lstdefinestyle",
    "fontsize", "fontfamily", "fontseries", "fontshape", "PassOptionsToPackage", "theoremstyle",
    "hyphenation", "phantom", "hphantom", "vphantom", "captionsetup", "tikzset", "pgfplotsset", "usetikzlibrary",
    "usepgfplotslibrary", "sisetup", "setmainfont", "setsansfont", "setmonofont", "linespread", "setstretch",
    "numberwithin", "newif", "cline", "cmidrule", "arraystretch", "DeclareGraphicsExtensions", "externaldocument",
    "usetheme", "usecolortheme", "inst", "addcontentsline", "markboth", "pagecolor", "glsreset", "makeglossaries",
];
/// Commands that define others.
#[rustfmt::skip]
pub(super) const DEFINITIONS: &[&str] = &[
    "newcommand", "renewcommand", "providecommand", "newenvironment", "renewenvironment", "def", "gdef", "edef", "xdef",
    "let", "DeclareMathOperator", "DeclareRobustCommand", "NewDocumentCommand", "RenewDocumentCommand",
    "ProvideDocumentCommand", "newtheorem", "declaretheorem",
];
/// Commands and environments that say in so many braces how or where what follows them is shown.
#[rustfmt::skip]
pub(super) const BEFORE_TEXT: &[(&str, usize)] = &[
    ("adjustbox", 1), ("adjustwidth", 2), ("adjustwidth*", 2), ("addmargin", 1), ("CJK", 2), ("CJK*", 2), ("color", 1),
    ("floatingfigure", 1), ("otherlanguage", 1), ("otherlanguage*", 1), ("subtable", 1), ("tblr", 1), ("longtblr", 1),
    ("xltabular", 2), ("colorbox", 1), ("column", 1), ("fcolorbox", 2), ("foreignlanguage", 1), ("href", 1),
    ("hyperlink", 1), ("hypertarget", 1), ("minipage", 1), ("multicols", 1), ("multicolumn", 2), ("multirow", 2),
    ("parbox", 1), ("raisebox", 1), ("resizebox", 2), ("rotatebox", 1), ("scalebox", 1), ("spacing", 1),
    ("subfigure", 1), ("tabular*", 2), ("tabularx", 2), ("tabulary", 2), ("textcolor", 1), ("wrapfigure", 2),
    ("wraptable", 2),
];
/// Lengths, which a text sets as `\parindent=0pt`.
#[rustfmt::skip]
pub(super) const LENGTHS: &[&str] = &[
    "kern", "mkern", "hskip", "vskip", "parindent", "parskip", "baselineskip", "textwidth", "textheight", "topmargin",
    "oddsidemargin", "evensidemargin", "hsize", "vsize", "headheight", "headsep", "topskip", "leftskip", "rightskip",
    "lineskip", "columnsep", "tabcolsep", "arraycolsep", "hoffset", "voffset", "itemsep", "parsep", "topsep",
];
/// Environments of [`VERBATIM`] that take options.
pub(super) const LISTINGS: &[&str] = &["lstlisting", "minted", "Verbatim"];
/// Environments whose content stays as it is.
#[rustfmt::skip]
pub(super) const VERBATIM: &[&str] = &[
    "verbatim", "verbatim*", "Verbatim", "lstlisting", "minted", "alltt", "equation", "equation*", "align", "align*",
    "gather", "gather*", "multline", "multline*", "eqnarray", "eqnarray*", "displaymath", "math",
];
/// Environments whose options are a name or a remark.
#[rustfmt::skip]
pub(super) const NAMED: &[&str] = &[
    "theorem", "lemma", "proposition", "corollary", "definition", "proof", "remark", "example", "conjecture", "claim",
    "thm", "lem", "prop", "cor", "defn", "rem", "conj",
];
pub(super) const SECTIONS: &[&str] =
    &["part", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph"];

/// The units of lengths.
#[rustfmt::skip]
const UNITS: &[&str] = &[
    "filll", "fill", "fil", "pt", "em", "ex", "cm", "mm", "in", "mu", "pc", "bp", "sp", "dd", "cc",
];

/// Bytes of a length at the start of a text: `=2pt plus 1fil`.
pub(super) fn length(text: &str) -> usize {
    let one = |text: &str| {
        let number = text.trim_start_matches([' ', '=']).trim_start_matches(['-', '+']);
        let after = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let unit = after.trim_start_matches(' ');
        let rest = if let Some(name) = unit.strip_prefix('\\') {
            name.trim_start_matches(|c: char| c.is_ascii_alphabetic())
        } else {
            UNITS.iter().find_map(|known| unit.strip_prefix(known))?
        };
        let is_length = after.len() < number.len() || text.starts_with('=');
        is_length.then_some(text.len() - rest.len())
    };
    let Some(mut end) = one(text) else { return 0 };
    for word in ["plus", "minus"] {
        let more = text[end..].trim_start_matches(' ').strip_prefix(word);
        if let Some(bytes) = more.and_then(|rest| Some(text.len() - rest.len() + one(rest)?)) {
            end = bytes;
        }
    }
    end
}

/// Bytes of what says on which slides of beamer something is, at the start of a text: `<1-3| handout:0>`, `<+->`.
pub(super) fn slides(text: &str) -> usize {
    const MODES: &[&str] =
        &["all", "article", "beamer", "handout", "presentation", "second", "trans"];
    let Some((inner, _)) = text.strip_prefix('<').and_then(|text| text.split_once('>')) else {
        return 0;
    };
    let is_part = |part: &str| {
        MODES.contains(&part)
            || part.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
                && part.chars().all(|c| c.is_ascii_digit() || "+-.()".contains(c))
    };
    let of_modes = |part: &str| part.trim().rsplit(['@', ':']).next().is_some_and(is_part);
    if inner.split(['|', ',']).all(of_modes) { inner.len() + 2 } else { 0 }
}

/// Bytes up to the end of the branch that `\iffalse` leaves out.
pub(super) fn false_branch(text: &str) -> Option<usize> {
    let mut depth = 0u32;
    for (at, _) in text.match_indices('\\') {
        let after = &text[at + 1..];
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = &after[..letters];
        match name {
            "fi" | "else" if depth == 0 => return Some(at + 1 + letters),
            "fi" => depth -= 1,
            // Others than TeX's own take their branches in braces.
            _ if name.starts_with("if") && name != "iff" && !after[letters..].starts_with('{') => {
                depth += 1;
            }
            _ => {}
        }
    }
    None
}

/// The character that a command stands for; empty if it stands for none.
#[rustfmt::skip]
pub(super) fn letter(name: &str) -> &'static str {
    match name {
        "ss" => "ß", "ae" => "æ", "AE" => "Æ", "oe" => "œ", "OE" => "Œ", "o" => "ø", "O" => "Ø", "aa" => "å", "AA" => "Å",
        "l" => "ł", "L" => "Ł", "i" => "ı", "j" => "ȷ", "dj" => "đ", "DJ" => "Đ", "th" => "þ", "TH" => "Þ", "dh" => "ð",
        "DH" => "Ð", "ng" => "ŋ", "NG" => "Ŋ",
        "dots" | "ldots" | "textellipsis" => "…",
        "LaTeX" => "LaTeX", "TeX" => "TeX", "BibTeX" => "BibTeX", "XeTeX" => "XeTeX", "LuaTeX" => "LuaTeX",
        "S" => "§", "P" | "textparagraph" => "¶", "copyright" | "textcopyright" => "©", "textregistered" => "®",
        "texttrademark" => "™", "textdegree" => "°", "dag" => "†", "ddag" => "‡",
        "textbackslash" => "\\", "textasciitilde" => "~", "textasciicircum" => "^", "textunderscore" => "_",
        "textbar" => "|", "textless" => "<", "textgreater" => ">", "slash" => "/", "textbullet" => "•",
        "textendash" => "–", "textemdash" => "—", "guillemotleft" | "og" => "«", "guillemotright" | "fg" => "»",
        "textquotedblleft" => "“", "textquotedblright" => "”", "textquoteleft" => "‘", "textquoteright" => "’",
        "euro" | "texteuro" | "EUR" => "€", "pounds" | "textsterling" => "£",
        "quad" | "qquad" | "hfill" | "hfil" | "space" => " ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use crate::{Input, collect};

    #[test]
    fn what_a_reader_does_not_see_is_left_out() {
        for (source, expected) in [
            ("a\\begin{comment}no \\end{x}\\end{comment}b", "a\n\nb"),
            ("a \\iffalse no \\ifx\\x\\y no\\fi \\iff\\fi b", "a b"),
            ("a \\iffalse no\\else b\\fi", "a b"),
            ("a \\if 0 no\\fi b", "a b"),
            ("a \\iffalse b", "a b"),
            (
                "\\raisebox{2pt}{up} \\makebox[2cm][l]{box} \\multicolumn{2}{c}{Total}",
                "up box Total",
            ),
            ("\\begin{enumerate}[label={[a]},left=1cm]\\item b\\end{enumerate}", "b"),
            ("\\begin{theorem}[Pythagoras]Then\\end{theorem}", "Pythagoras Then"),
            ("\\parindent=0pt \\kern 2pt\\hskip 1em plus 2em minus .5em a", "a"),
            ("\\footnote[1]{note} \\url{http://x.org/a%20b} c", "note http://x.org/a%20b c"),
            ("a\\endinput b", "a"),
            (
                "\\begin{itemize}<+->\\item<1-> a \\pause \\item[b]<2| handout:0> c\\end{itemize}",
                "a\nb c",
            ),
            ("\\only<2>{d} \\alert<alert@3->{e} \\mode<presentation>{f}", "d e f"),
            ("\\verb<1< \\emph{<2>} \\LaTeX<x>", "1 <2> LaTeX<x>"),
            ("\\section{\\texorpdfstring{H$_2$O}{H2O} here}", "H$_2$O here"),
            ("\\section{On \\texorpdfstring{\\logo}{dogs}}", "On dogs"),
            ("K. Lee\\inst{1}", "K. Lee"),
        ] {
            let found = collect(Input::bytes("a.tex", source.as_bytes())).unwrap();
            assert_eq!(found.documents[0].text, expected, "{source}");
        }
    }

    #[test]
    fn accents_and_letters_are_characters() {
        for (source, expected) in [
            ("na\\\"\\i ve, Fran\\c cois, \\v{S}koda", "naïve, François, Škoda"),
            (
                "\\DJ uro, \\'{\\^e}, \\d{h}, \\.Istanbul",
                "Đuro, e\u{302}\u{301}, h\u{323}, I\u{307}stanbul",
            ),
            ("5\\,\\texteuro{} \\P 3", "5 € ¶3"),
        ] {
            let found = collect(Input::bytes("a.tex", source.as_bytes())).unwrap();
            let text = found.documents[0].text.replace('ê', "e\u{302}");
            assert_eq!(text, expected, "{source}");
        }
    }

    #[test]
    fn hostile_conditions_end() {
        for part in [
            "\\iffalse ",
            "\\iffalse \\fi",
            "\\begin{comment}",
            "\\if0 ",
            "\\kern 1",
            "\\begin{theorem}[",
        ] {
            collect(Input::bytes("a.tex", part.repeat(20_000).as_bytes())).unwrap();
        }
    }
}
