//! Reads the command line. In: the arguments. Out: a command; words that are no command are a question to search for.

use std::ffi::OsString;
use std::path::Path;

use clap::builder::{StringValueParser, StyledStr, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error, Parser};

/// Stands for the dash of a word that is no option, until the words have been told from the options.
const DASH: char = '\u{F8FF}';

/// A parsed command line.
#[derive(Debug)]
pub(crate) struct Parsed<C> {
    pub(crate) cli: C,
    /// A command that the first word of a question may have been meant as.
    pub(crate) resembles: Option<String>,
    /// Words with a dash that were taken as part of the question, because no option is called so.
    pub(crate) dashed: Vec<String>,
    /// The command line that searches for the words of this one, when they may have been meant as a question.
    pub(crate) as_question: Option<String>,
}

impl<C> Parsed<C> {
    fn of(cli: C) -> Self {
        Self { cli, resembles: None, dashed: Vec::new(), as_question: None }
    }
}

/// Reads the arguments of the program, the first of which is its name.
pub(crate) fn parse<C: Parser>(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<C>, Error> {
    let mut args: Vec<OsString> = args.into_iter().map(with_text_marked).collect();
    let mut command = C::command();
    let first = args.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    if first == "search" {
        return question(&mut command, args);
    }
    if command.find_subcommand(&first).is_some() || first == "help" {
        return named(&mut command, &args);
    }
    let names = command.get_subcommands().map(Command::get_name);
    let resembles = names.filter(|name| is_slip(&first, name)).map(str::to_owned).next();
    let alone = args.len() < 3 && (first.is_empty() || resembles.is_some());
    let mut error = None;
    if alone || first.starts_with('-') {
        match read(&mut command, &args) {
            Ok(cli) => return Ok(Parsed::of(cli)),
            Err(other) if alone || !other.use_stderr() => return Err(other),
            Err(other) => error = Some(other).filter(|it| it.kind() == ErrorKind::UnknownArgument),
        }
    }
    args.insert(1, "search".into());
    match question(&mut command, args) {
        Ok(parsed) => Ok(Parsed { resembles, ..parsed }),
        Err(of_question) => Err(error.unwrap_or(of_question)),
    }
}

fn read<C: Parser>(command: &mut Command, args: &[OsString]) -> Result<C, Error> {
    let matches = command.try_get_matches_from_mut(args)?;
    C::from_arg_matches(&matches).map_err(|error| error.format(command))
}

/// Reads a command line that begins with the name of a command.
fn named<C: Parser>(command: &mut Command, args: &[OsString]) -> Result<Parsed<C>, Error> {
    let as_question = as_question(args);
    let mut error = match read(command, args) {
        Ok(cli) => return Ok(Parsed { as_question, ..Parsed::of(cli) }),
        Err(error) => error,
    };
    if let Some(question) = as_question.filter(|_| error.use_stderr()) {
        let tip = StyledStr::from(format!("to search for these words, use '{question}'"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    Err(error)
}

/// Reads a search. A word with one dash that is no option, as in `curl -L`, belongs to the question when that has other
/// words; one with two dashes is more likely a mistyped option.
fn question<C: Parser>(command: &mut Command, mut args: Vec<OsString>) -> Result<Parsed<C>, Error> {
    let mut dashed = Vec::new();
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let has_words = args[2.min(end)..end].iter().any(|arg| !arg.to_string_lossy().starts_with('-'));
    for arg in args.iter_mut().take(end).skip(2).filter(|arg| has_words && is_word_with_dash(arg)) {
        dashed.push(arg.to_string_lossy().into_owned());
        *arg = marked(arg);
    }
    loop {
        let error = match read(command, &args) {
            Ok(cli) => return Ok(Parsed { dashed, ..Parsed::of(cli) }),
            Err(error) => error,
        };
        let Some(at) = unknown_short(&args, &error) else { return Err(error) };
        let mut others = args[2..].iter().enumerate().filter(|(other, _)| other + 2 != at);
        if !others.any(|(_, arg)| !arg.to_string_lossy().starts_with('-')) {
            return Err(error);
        }
        dashed.push(args[at].to_string_lossy().into_owned());
        args[at] = marked(&args[at]);
    }
}

/// Whether what begins like an option of one letter is a word: no value of that option is written so.
fn is_word_with_dash(arg: &OsString) -> bool {
    let text = arg.to_string_lossy();
    let Some(word) = text.strip_prefix('-').filter(|word| word.chars().all(char::is_alphabetic))
    else {
        return false;
    };
    let mut letters = word.chars();
    let (option, value) = (letters.next(), letters.as_str());
    let is_value = match option {
        Some('i') => Path::new(value).exists(),
        Some('t') => vizsla_ingest::file_type(value).is_ok(),
        Some('h' | 'n' | 'V') => false,
        _ => return false,
    };
    value.chars().count() > 1 && !is_value
}

/// Where the word is that has an unknown option of one letter.
fn unknown_short(args: &[OsString], error: &Error) -> Option<usize> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let option = error.get(ContextKind::InvalidArg)?.to_string();
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let has = |arg: &OsString| {
        let text = arg.to_string_lossy();
        text.starts_with(&option) && !text.starts_with("--")
    };
    args[..end].iter().position(has).filter(|at| *at >= 2)
}

/// The command line that searches for these words instead, when they begin with a command and go on like a question: in
/// several words, not all of which are files, and without options.
fn as_question(args: &[OsString]) -> Option<String> {
    let words: Vec<&str> = args[1..].iter().map(|arg| arg.to_str()).collect::<Option<_>>()?;
    let plain = |word: &&str| !word.starts_with('-') && !word.contains(['/', '\\', '=', DASH]);
    let is_question = words.len() >= 2
        && words[0] != "search"
        && words.iter().all(plain)
        && !words[1..].iter().all(|word| Path::new(word).exists());
    is_question.then(|| format!("vizsla search {}", words.join(" ")))
}

/// Whether a word is a name with one letter too many, missing, or another, or with two letters in each other's place.
/// Parsers take much less likeness for a mistake, as that of "zebra" and "rerank".
fn is_slip(word: &str, name: &str) -> bool {
    let (word, name): (Vec<char>, Vec<char>) = (word.chars().collect(), name.chars().collect());
    let same = word.iter().zip(&name).take_while(|(a, b)| a == b).count();
    let (word, name) = (&word[same..], &name[same..]);
    match (word, name) {
        ([a, b, rest @ ..], [c, d, others @ ..]) if (a, b) == (d, c) && rest == others => true,
        ([_, rest @ ..], [_, others @ ..]) if rest == others => true,
        ([_, rest @ ..], _) if rest == name => true,
        (_, [_, others @ ..]) => word == others,
        _ => false,
    }
}

/// A quoted question may begin with a dash, as in "-40 degrees": no option has white space before its value. Nor is any
/// a number.
fn with_text_marked(arg: OsString) -> OsString {
    let text = arg.to_string_lossy();
    let name = text.split('=').next().unwrap_or_default();
    let number = text.strip_prefix('-').is_some_and(|rest| rest.parse::<f64>().is_ok());
    let is_text = text.starts_with('-') && name.contains(char::is_whitespace);
    if is_text || (number && text.contains(|c: char| c.is_ascii_digit())) {
        marked(&arg)
    } else {
        arg
    }
}

fn marked(arg: &OsString) -> OsString {
    arg.to_string_lossy().replacen('-', &DASH.to_string(), 1).into()
}

/// Reads a word of a question as it was typed.
pub(super) fn word() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().map(|word| match word.strip_prefix(DASH) {
        Some(rest) => format!("-{rest}"),
        None => word,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::super::Command as Commands;
    use super::*;

    fn asked(line: &[&str]) -> Result<(String, Option<String>), Error> {
        let parsed = parse::<Cli>(["vizsla"].iter().chain(line).map(OsString::from))?;
        match parsed.cli.command {
            Commands::Search(args) => Ok((args.query.join(" "), parsed.resembles)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_that_are_no_command_are_a_question() {
        for line in [
            &["how do I report a bug"] as &[&str],
            &["how", "do", "I", "report", "a", "bug"],
            &["how", "do", "I", "-n", "3", "report", "a", "bug", "--json"],
            &["search", "how", "do", "I", "report", "--json", "a", "bug"],
        ] {
            assert_eq!(asked(line).unwrap(), ("how do I report a bug".to_owned(), None));
        }
        for word in ["flamingo", "zebra", "what"] {
            assert_eq!(asked(&[word]).unwrap().0, word);
        }
        for line in [
            &["search for gold"] as &[&str],
            &["search", "search for gold"],
            &["search", "search", "for", "gold"],
        ] {
            assert_eq!(asked(line).unwrap(), ("search for gold".to_owned(), None));
        }
        assert_eq!(asked(&["--", "index", "funds"]).unwrap().0, "index funds");
        assert_eq!(asked(&["-n", "3", "how", "so"]).unwrap().0, "how so");
    }

    #[test]
    fn a_dash_is_text_where_no_option_is_called_so() {
        for (line, words) in [
            (&["search", "-40 degrees", "-n", "3"] as &[&str], "-40 degrees"),
            (&["-40 degrees"], "-40 degrees"),
            (&["-40", "degrees"], "-40 degrees"),
            (&["what", "does", "curl", "-L", "do"], "what does curl -L do"),
            (&["search", "tar", "-xzf", "file", "-n", "2"], "tar -xzf file"),
            (&["-T", "of", "ssh"], "-T of ssh"),
            (&["java", "-island"], "java -island"),
            (&["search", "jaguar", "-team", "-native"], "jaguar -team -native"),
            (&["a", "page", "-html", "-Vue", "-n3"], "a page -html -Vue"),
            (&["a", "page", "-trust", "-n", "3"], "a page"),
            (&["search", "--", "-L"], "-L"),
        ] {
            assert_eq!(asked(line).unwrap().0, words);
        }
        for line in [&["-L"] as &[&str], &["search", "-L"], &["git", "push", "--forse"]] {
            assert!(asked(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn words_after_a_command_may_be_a_question() {
        let args =
            |line: &[&str]| ["vizsla"].iter().chain(line).map(OsString::from).collect::<Vec<_>>();
        for line in [
            &["check", "engine", "light"] as &[&str],
            &["info", "desk", "opening", "hours"],
            &["model", "trains"],
            &["eval", "my", "results"],
        ] {
            let error = parse::<Cli>(args(line)).unwrap_err().to_string();
            assert!(error.contains(&format!("'vizsla search {}'", line.join(" "))), "{error}");
        }
        let parsed = parse::<Cli>(args(&["index", "funds", "explained"])).unwrap();
        assert_eq!(parsed.as_question.as_deref(), Some("vizsla search index funds explained"));
        for line in [
            &["index"] as &[&str],
            &["index", "a/b", "c"],
            &["index", "--prune"],
            &["search", "a", "b"],
        ] {
            assert_eq!(parse::<Cli>(args(line)).unwrap().as_question, None, "{line:?}");
        }
        let error = parse::<Cli>(args(&["check", "--bogus"])).unwrap_err().to_string();
        assert!(!error.contains("vizsla search"), "{error}");
    }

    #[test]
    fn a_mistyped_command_is_still_an_error_when_alone_and_noted_otherwise() {
        for word in ["serach", "searc", "seaarch", "seerch"] {
            let error = asked(&[word]).unwrap_err();
            assert!(error.to_string().contains("search"), "{error}");
        }
        let (words, resembles) = asked(&["serach", "my", "notes"]).unwrap();
        assert_eq!((words.as_str(), resembles.as_deref()), ("serach my notes", Some("search")));
        for line in [&["--bogus"] as &[&str], &["search", "x", "--bogus"], &["x", "--bogus"], &[]] {
            assert!(asked(line).is_err(), "{line:?}");
        }
    }
}
