//! What is made from the description of the command line. In: that description. Out: completions for shells, manual pages.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

/// The script that completes this program's command lines in a shell.
pub(crate) fn completions<C: CommandFactory>(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut C::command(), "vizsla", &mut script);
    script
}

/// Writes a manual page for the program and one for each command.
pub(crate) fn manual_pages<C: CommandFactory>(dir: &Path) -> io::Result<()> {
    clap_mangen::generate_to(C::command(), dir)
}
