//! Reads the command line. In: the arguments. Out: a command; words that are no command are a question to search for.

use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};
use clap::{Error, Parser};

/// A parsed command line.
#[derive(Debug)]
pub(crate) struct Parsed<C> {
    pub(crate) cli: C,
    /// A command that the first word of a question may have been meant as.
    pub(crate) resembles: Option<String>,
}

/// Reads the arguments of the program, the first of which is its name.
pub(crate) fn parse<C: Parser>(
    args: impl IntoIterator<Item = OsString>,
) -> Result<Parsed<C>, Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let error = match C::try_parse_from(dashes_last(args.clone())) {
        Ok(cli) => return Ok(Parsed { cli, resembles: None }),
        Err(error) => error,
    };
    if !is_question::<C>(&args) {
        return Err(error);
    }
    let resembles = suggested(&error);
    if resembles.is_some() && args.len() == 2 {
        return Err(error);
    }
    let mut search = args;
    search.insert(1, "search".into());
    Ok(Parsed { cli: C::try_parse_from(dashes_last(search))?, resembles })
}

/// Whether the first word is neither a command nor an option.
fn is_question<C: Parser>(args: &[OsString]) -> bool {
    let Some(first) = args.get(1).and_then(|word| word.to_str()) else { return false };
    let mut command = C::command();
    command.build();
    !first.starts_with('-') && !first.is_empty() && command.find_subcommand(first).is_none()
}

/// The command that comes nearest to an unknown word; the parser names it last.
fn suggested(error: &Error) -> Option<String> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let value = error.get(ContextKind::SuggestedSubcommand)?;
    let text = value.to_string();
    text.split(", ").last().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// A quoted question may begin with a dash, as in "-40 degrees": no option has white space before its value.
fn dashes_last(args: Vec<OsString>) -> Vec<OsString> {
    let is_search = args.get(1).is_some_and(|name| name == "search");
    if !is_search || args.iter().any(|arg| arg == "--") {
        return args;
    }
    let is_text = |arg: &OsString| {
        let text = arg.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        text.starts_with('-') && name.contains(char::is_whitespace)
    };
    let (texts, mut args): (Vec<_>, Vec<_>) = args.into_iter().partition(is_text);
    if !texts.is_empty() {
        args.push("--".into());
        args.extend(texts);
    }
    args
}

#[cfg(test)]
mod tests {
    use super::super::{Cli, Command};
    use super::*;

    fn question(line: &[&str]) -> Result<(String, Option<String>), Error> {
        let parsed = parse::<Cli>(["vizsla"].iter().chain(line).map(OsString::from))?;
        match parsed.cli.command {
            Command::Search(args) => Ok((args.query.join(" "), parsed.resembles)),
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
            assert_eq!(question(line).unwrap(), ("how do I report a bug".to_owned(), None));
        }
        assert_eq!(question(&["flamingo"]).unwrap().0, "flamingo");
        assert_eq!(question(&["search", "-40 degrees", "-n", "3"]).unwrap().0, "-40 degrees");
    }

    #[test]
    fn a_mistyped_command_is_still_an_error_when_alone_and_noted_otherwise() {
        let error = question(&["serach"]).unwrap_err();
        assert!(error.to_string().contains("search"), "{error}");
        let (words, resembles) = question(&["serach", "my", "notes"]).unwrap();
        assert_eq!((words.as_str(), resembles.as_deref()), ("serach my notes", Some("search")));
        for line in [&["--bogus"] as &[&str], &["search", "x", "--bogus"], &["x", "--bogus"], &[]] {
            assert!(question(line).is_err(), "{line:?}");
        }
    }
}
