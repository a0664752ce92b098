//! Folds what a reply quotes. In a long thread every message repeats the ones before it, which would drown the answer.
//!
//! Out: the message's own words, in which a long quote is cut to its first lines, and the quotes, which follow at the
//! end. Nothing is lost: the message that is quoted may not exist elsewhere. Short quotes stay where they are, as the
//! answers below them make no sense without; so do forwarded messages, which are not answered but passed on.

/// Lines of a quote that is kept where it is.
const SHORT_LINES: usize = 8;
/// Lines of a long quote that remain in its place.
const REMAINING_LINES: usize = 2;
/// Characters of a line as mail programs break them; a paragraph of HTML counts as the lines that it would take.
const LINE: usize = 100;
/// What stands for the lines that are moved to the end.
const FOLD: &str = "[…]";

/// The first header of a message that is answered, in the languages that Outlook is often used in.
#[rustfmt::skip]
const FROM: &[&str] = &[
    "From:", "Von:", "De :", "De:", "Da:", "Van:", "От:", "Od:", "Från:", "Fra:", "Kimden:", "差出人:", "发件人:", "寄件者:",
    "보낸 사람:",
];
/// Those that follow it.
#[rustfmt::skip]
const OTHERS: &[&str] = &[
    "Sent:", "Date:", "To:", "Subject:", "Gesendet:", "An:", "Betreff:", "Envoyé :", "À :", "Objet :", "Enviado:",
    "Para:", "Asunto:", "Assunto:", "Inviato:", "A:", "Oggetto:", "Verzonden:", "Aan:", "Onderwerp:", "Cc:",
    "Отправлено:", "Кому:", "Тема:", "Wysłano:", "Do:", "Temat:", "Skickat:", "Till:", "Ämne:", "Sendt:", "Til:",
    "Emne:", "Gönderilme:", "Kime:", "Konu:", "送信日時:", "宛先:", "件名:", "发送时间:", "收件人:", "主题:", "寄件日期:", "收件者:", "主旨:",
    "보낸 날짜:", "받는 사람:", "제목:",
];

/// A message's own words, and its long quotes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Folded {
    pub(super) own: String,
    pub(super) quotes: Vec<String>,
}

/// Separates the quotes of a text. What is `forwarded` is quoted without marks, but not answered.
pub(super) fn fold(text: &str, forwarded: bool) -> Folded {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let original = original_message(&lines).filter(|_| !forwarded);
    let end = original.unwrap_or(lines.len());
    let has_own_words = lines[..end]
        .iter()
        .any(|line| !line.is_empty() && !is_quoted(line) && !is_attribution(line));
    if !has_own_words {
        return Folded { own: text.trim().to_owned(), quotes: Vec::new() };
    }
    let mut folded = Folded::default();
    let mut at = 0;
    while at < end {
        let length = quoted_lines(&lines[at..end]);
        if length == 0 {
            push_line(&mut folded.own, lines[at]);
            at += 1;
        } else if lines[at.saturating_sub(3)..at + length.min(2)].iter().any(begins_forward) {
            for line in &lines[at..at + length] {
                push_line(&mut folded.own, line);
            }
            at += length;
        } else {
            folded.push(&lines[at..at + length]);
            at += length;
        }
    }
    if original.is_some() {
        folded.push(&lines[end..]);
    }
    folded.own.truncate(folded.own.trim_end().len());
    folded
}

impl Folded {
    fn push(&mut self, quote: &[&str]) {
        let filled = quote.iter().filter(|line| !without_marks(line).is_empty());
        if filled.clone().map(|line| height(line)).sum::<usize>() <= SHORT_LINES {
            for line in quote {
                push_line(&mut self.own, line);
            }
            return;
        }
        let mut left = REMAINING_LINES;
        for line in filled {
            if left == 0 {
                break;
            }
            push_line(&mut self.own, beginning(line, left));
            left = left.saturating_sub(height(line));
        }
        push_line(&mut self.own, FOLD);
        let mut all = String::new();
        for line in quote {
            push_line(&mut all, without_marks(line));
        }
        self.quotes.push(all.trim().to_owned());
    }
}

/// How many lines a line takes.
fn height(line: &str) -> usize {
    line.chars().count().div_ceil(LINE)
}

/// What fits into so many lines, in whole words.
fn beginning(line: &str, lines: usize) -> &str {
    let Some((end, _)) = line.char_indices().nth(lines * LINE) else { return line };
    let fits = &line[..end];
    // The first space may be behind the mark.
    fits.rfind(' ').filter(|at| *at > LINE).map_or(fits, |at| &fits[..at])
}

/// More than two empty lines in a row, which mail programs leave where a picture was, say no more than two.
fn push_line(text: &mut String, line: &str) {
    if line.is_empty() && text.ends_with("\n\n\n") {
        return;
    }
    text.push_str(line);
    text.push('\n');
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// A line without the marks of the levels at which it is quoted.
fn without_marks(line: &str) -> &str {
    line.trim_start_matches(['>', ' ', '\u{a0}']).trim_end()
}

/// How many lines, from the first, are a quote: quoted lines, and empty ones between them.
fn quoted_lines(lines: &[&str]) -> usize {
    let mut length = 0;
    for (i, line) in lines.iter().enumerate() {
        if is_quoted(line) {
            length = i + 1;
        } else if !line.is_empty() {
            break;
        }
        // A run of empty lines is looked at once, not again from each of its lines.
        if length == 0 || i > length + 3 {
            break;
        }
    }
    length
}

/// Where the quoted message begins that makes up the rest of the text, without marks, as Outlook and web mail write it.
fn original_message(lines: &[&str]) -> Option<usize> {
    (0..lines.len()).find(|at| {
        let rest = &lines[*at..];
        is_marker(rest[0])
            || begins_headers(rest)
                && !lines[at.saturating_sub(2)..*at].iter().any(|line| is_forward(line))
            || is_attribution(rest[0]) && !next_filled(&rest[1..]).is_none_or(is_quoted)
            || rest[0].starts_with("On ")
                && !is_attribution(rest[0])
                && rest.get(1).is_some_and(|next| {
                    rest[0].len() < 200
                        && is_attribution(&format!("{} {next}", rest[0]))
                        && !next_filled(&rest[2..]).is_none_or(is_quoted)
                })
    })
}

fn next_filled<'a>(lines: &[&'a str]) -> Option<&'a str> {
    lines.iter().take(4).find(|line| !line.is_empty()).copied()
}

/// `-----Original Message-----`, in the languages that Outlook is often used in.
fn is_marker(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "original message",
        "original appointment",
        "ursprüngliche nachricht",
        "originalnachricht",
        "message d'origine",
        "message original",
        "mensaje original",
        "mensagem original",
        "messaggio originale",
        "oorspronkelijk bericht",
        "ursprungligt meddelande",
        "oprindelig meddelelse",
        "исходное сообщение",
    ];
    let Some(inner) =
        line.trim().strip_prefix("--").filter(|inner| inner.ends_with("--") && inner.len() < 120)
    else {
        return false;
    };
    let inner = inner.trim_matches(['-', ' ']).to_lowercase();
    WORDS.contains(&inner.as_str())
}

/// `---------- Forwarded message ---------`.
fn is_forward(line: &str) -> bool {
    let line = line.to_lowercase();
    [
        "forwarded",
        "weitergeleitet",
        "transféré",
        "reenviado",
        "inoltrato",
        "encaminhada",
        "doorgestuurd",
    ]
    .iter()
    .any(|word| line.contains(word))
}

/// As [`is_forward`], on a line that says nothing else: `Begin forwarded message:`.
fn begins_forward(line: &&str) -> bool {
    (line.ends_with(':') || line.contains("---")) && is_forward(line)
}

/// `From: …`, `Sent: …`, `To: …`, `Subject: …`: the headers of a message that is answered.
fn begins_headers(lines: &[&str]) -> bool {
    let plain =
        |line: &str| line[..line.floor_char_boundary(20)].replace('*', "").trim_start().to_owned();
    let is_one_of = |line: &str, names: &[&str]| {
        let line = plain(line);
        names.iter().any(|name| line.starts_with(name))
    };
    if !is_one_of(lines[0], FROM) {
        return false;
    }
    let next = lines[1..].iter().filter(|line| !line.is_empty()).take(4);
    next.filter(|line| is_one_of(line, OTHERS)).count() >= 2
}

/// `On 3 May 2024, Ada wrote:`, in several languages.
fn is_attribution(line: &str) -> bool {
    const FORMS: &[(&str, &str)] = &[
        ("on ", "wrote:"),
        ("am ", "schrieb"),
        ("am ", "schrieben"),
        ("le ", "écrit :"),
        ("le ", "écrit:"),
        ("el ", "escribió:"),
        ("em ", "escreveu:"),
        ("il ", "scritto:"),
        ("op ", "schreef"),
        ("den ", "skrev"),
        ("dnia ", "napisał"),
    ];
    if line.len() > 400 || !line.ends_with(':') || !line.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let line = line.trim_start_matches(['>', ' ']).to_lowercase();
    FORMS.iter().any(|(start, end)| line.starts_with(start) && line.contains(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(lines: usize) -> String {
        (1..=lines).map(|i| format!("> quoted line {i}\n")).collect()
    }

    #[test]
    fn a_short_quote_stays_with_its_answer() {
        let text = format!("On 3 May 2024, Ada wrote:\n{}\nYes.\n\n> more\nNo.", quote(3));
        let folded = fold(&text, false);
        assert_eq!(folded.own, text);
        assert!(folded.quotes.is_empty());
    }

    #[test]
    fn a_long_quote_is_moved_to_the_end_and_nothing_is_lost() {
        let text = format!("Yes.\n\nOn 3 May 2024, Ada wrote:\n{}\n-- \nBob", quote(20));
        let folded = fold(&text, false);
        assert_eq!(
            folded.own,
            "Yes.\n\nOn 3 May 2024, Ada wrote:\n> quoted line 1\n> quoted line 2\n[…]\n\n-- \nBob"
                .replace("-- \n", "--\n")
        );
        assert_eq!(folded.quotes[0].lines().count(), 20);
        assert!(folded.quotes[0].ends_with("quoted line 20"));
    }

    #[test]
    fn what_outlook_and_web_mail_quote_has_no_marks() {
        let body = "line\n".repeat(20);
        for start in [
            "-----Original Message-----\nFrom: Ada",
            "-----Ursprüngliche Nachricht-----\nVon: Ada",
            "From: Ada\n\nSent: Monday\n\nTo: Bob\n\nSubject: Re: x",
            "Von: Ada\nGesendet: Montag\nAn: Bob\nBetreff: x",
            "差出人: Ada\n送信日時: 月曜日\n宛先: Bob\n件名: x",
            "On Fri, 3 May 2024 at 10:00, Ada <ada@x.org> wrote:\n",
            "On Fri, 3 May 2024 at 10:00, Ada Lovelace\n<ada@x.org> wrote:\n",
            "Am 3.5.2024 um 10:00 schrieb Ada:\n",
        ] {
            let folded = fold(&format!("Yes, do.\n\n{start}\n{body}"), false);
            assert!(
                folded.own.starts_with("Yes, do.\n\n") && folded.own.ends_with(FOLD),
                "{start}"
            );
            assert!(folded.own.lines().count() <= 6, "{start}");
            assert_eq!(folded.quotes[0].matches("line").count(), 20, "{start}");
        }
    }

    #[test]
    fn a_message_that_only_quotes_or_forwards_is_kept_as_it_is() {
        let forwarded = format!(
            "FYI\n\n---------- Forwarded message ---------\nFrom: Ada\nDate: x\nSubject: y\nTo: z\n\n{}",
            "text\n".repeat(30)
        );
        for text in [quote(30), forwarded] {
            let folded = fold(&text, false);
            assert_eq!((folded.own.as_str(), folded.quotes.len()), (text.trim(), 0));
        }
    }

    #[test]
    fn a_quote_is_as_long_as_the_lines_that_its_paragraphs_take() {
        let words = "quoted words ".repeat(100);
        let folded =
            fold(&format!("> {words}\n\nNo.\n\nFrom: Ada\nTo: Bob\nSubject: x\n\nkept"), false);
        let (shown, rest) = folded.own.split_once(FOLD).unwrap();
        assert!(shown.len() <= 2 * LINE + 1 && shown.trim_end().ends_with("words"), "{shown}");
        assert_eq!(rest.trim(), "No.\n\nFrom: Ada\nTo: Bob\nSubject: x\n\nkept");
        assert_eq!(folded.quotes, [words.trim()]);
        let unbroken = format!("No.\n\n> {}", "語".repeat(900));
        assert!(fold(&unbroken, false).own.chars().count() < 2 * LINE + 20);
    }

    #[test]
    fn what_is_passed_on_in_quotes_stays() {
        let text = format!("FYI\n\nBegin forwarded message:\n\n{}", quote(30));
        assert_eq!(fold(&text, false).own, text.trim());
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        for part in ["\n", ">\n\n\n", "On 1 \n", "From: a\n", "> a\nb\n", "-----\n"] {
            let _ = fold(&part.repeat(20_000), false);
        }
    }
}
