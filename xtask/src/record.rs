//! `cargo xtask record`: the journey that README.md shows, recorded from the program.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anstyle_svg::Term;
use anyhow::{Context, bail};
use clap::Args;

use crate::{copy_folder, package_dirs, release_program, root, set_up};

/// What is typed, in the folder of documents and one below it, and how many lines of the answer are shown.
const JOURNEY: [(&str, &str, usize); 4] = [
    ("", "vizsla index", 4),
    ("", "vizsla how is a regular expression compiled", 12),
    ("jiff", "vizsla search \"add a month to a date\" --compact --limit 3", 5),
    ("", "vizsla search \"find the time zone of the system\" --ext md --limit 1 --explain", 17),
];
/// Seconds for which a step is looked at before the next.
const PAUSE: f64 = 2.5;
/// Columns of the terminal.
const COLUMNS: usize = 108;

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Record this program instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

pub(crate) fn record(args: &RecordArgs) -> anyhow::Result<()> {
    set_up()?;
    let program = release_program(args.program.as_deref())?;
    // Under a home folder of its own, so that paths are those of anybody.
    let home = tempfile::tempdir()?;
    let notes = home.path().join("notes");
    for package in package_dirs()? {
        let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.rsplit_once('-').map_or(name.as_str(), |(name, _)| name).to_owned();
        copy_folder(&package, &notes.join(name))?;
    }
    let mut steps = Vec::new();
    for (folder, typed, lines) in JOURNEY {
        let start = Instant::now();
        let said = run(&program, home.path(), &notes.join(folder), typed)?;
        steps.push((shown(typed, folder, &said, lines), start.elapsed().as_secs_f64()));
    }
    let picture = root().join("docs/search.svg");
    fs::write(&picture, film(&steps)?)?;
    println!("{}", picture.display());
    Ok(())
}

/// What the program says, in colour.
fn run(program: &Path, home: &Path, folder: &Path, typed: &str) -> anyhow::Result<String> {
    // A shell takes the quotes off; the program is known to it by its name.
    let line = typed.replacen("vizsla", "\"$VIZSLA\"", 1);
    let output = Command::new("sh")
        .args(["-c", &line])
        .current_dir(folder)
        .env("VIZSLA", program)
        .env("ORT_DYLIB_PATH", vizsla_hub::runtime::locate(None)?)
        .env("HOME", home)
        .env("CLICOLOR_FORCE", "1")
        .env("COLUMNS", COLUMNS.to_string())
        .output()?;
    if output.status.code().is_none_or(|code| code > 3) || output.stdout.is_empty() {
        bail!("`{typed}` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A prompt, what was typed, and the beginning of the answer.
fn shown(typed: &str, folder: &str, said: &str, lines: usize) -> String {
    let place = if folder.is_empty() { "~/notes".to_owned() } else { format!("~/notes/{folder}") };
    let mut text = format!("\x1b[32m{place} $\x1b[0m {typed}\n");
    let all: Vec<&str> = said.trim_end().lines().collect();
    all.iter().take(lines).for_each(|line| text.push_str(&wrapped(line)));
    if all.len() > lines {
        text.push_str("\x1b[2m…\x1b[0m\n");
    }
    text
}

/// A line as a terminal shows it: broken at its right border. Escape sequences take no place.
fn wrapped(line: &str) -> String {
    let (mut text, mut column, mut rest) = (String::new(), 0, line);
    while let Some(next) = rest.chars().next() {
        // Colours end with a letter, links with the sequence that closes them.
        let end = match rest.as_bytes() {
            [0x1b, b']', ..] => rest.find("\x1b\\").map(|at| at + 2),
            [0x1b, ..] => rest.find(|c: char| c.is_ascii_alphabetic()).map(|at| at + 1),
            _ => None,
        };
        if end.is_none() && column == COLUMNS {
            text.push('\n');
            column = 0;
        }
        let (part, left) = rest.split_at(end.unwrap_or(next.len_utf8()));
        text.push_str(part);
        column += usize::from(end.is_none());
        rest = left;
    }
    text + "\n"
}

/// One picture below the other, each appearing in its turn; where nothing moves, all of them.
fn film(steps: &[(String, f64)]) -> anyhow::Result<String> {
    let term = Term::new().background(false).min_width_px(COLUMNS * 17 / 2);
    let (mut body, mut top, mut width, mut time) = (String::new(), 12, 0, 0.0);
    for (text, took) in steps {
        let picture = term.render_svg(text);
        let size = |name: &str| -> anyhow::Result<usize> {
            let (_, rest) = picture.split_once(&format!("{name}=\"")).context("no size")?;
            Ok(rest.split_once("px").context("no size")?.0.parse()?)
        };
        let (wide, high) = (size("width")?, size("height")?);
        let at =
            format!("<svg class=\"step\" style=\"animation-delay:{time:.1}s\" x=\"8\" y=\"{top}\"");
        body.push_str(&picture.replacen("<svg", &at, 1));
        (top, width, time) = (top + high, width.max(wide), time + took.max(0.4) + PAUSE);
    }
    let (width, height) = (width + 16, top + 12);
    let mut all = String::new();
    write!(
        all,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <style>.step{{animation:step .3s backwards}}@keyframes step{{from{{opacity:0}}}}\
         @media (prefers-reduced-motion:reduce){{.step{{animation:none}}}}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#1b1f27\"/>\n{body}</svg>\n"
    )?;
    Ok(all)
}
