//! Whether a dash before a word excludes it, or makes it the option of a command. In: a query and a word with a dash.

/// Programs whose options have one dash and a word, or a bundle of letters that could be one.
const COMMANDS: [&str; 76] = [
    "adb",
    "apt",
    "awk",
    "bash",
    "bsdtar",
    "cargo",
    "chmod",
    "chown",
    "clang",
    "cmake",
    "cmd",
    "cp",
    "cpio",
    "curl",
    "date",
    "dd",
    "df",
    "diff",
    "docker",
    "du",
    "echo",
    "ffmpeg",
    "ffprobe",
    "find",
    "gcc",
    "gdb",
    "git",
    "gpg",
    "grep",
    "gzip",
    "head",
    "history",
    "ifconfig",
    "ip",
    "java",
    "javac",
    "journalctl",
    "kill",
    "kubectl",
    "ldapsearch",
    "ln",
    "ls",
    "lsof",
    "make",
    "mkdir",
    "mount",
    "mv",
    "netstat",
    "nmap",
    "npm",
    "openssl",
    "pip",
    "ping",
    "pkill",
    "powershell",
    "ps",
    "psql",
    "ripgrep",
    "rm",
    "robocopy",
    "rsync",
    "scp",
    "sed",
    "sort",
    "ssh",
    "sudo",
    "systemctl",
    "tail",
    "tar",
    "terraform",
    "top",
    "unzip",
    "wget",
    "xargs",
    "xcodebuild",
    "zip",
];
/// Programs that are called as other things are, which may well be meant instead.
const AMBIGUOUS: [&str; 15] = [
    "cargo", "date", "echo", "find", "head", "history", "java", "kill", "make", "mount", "ping",
    "sort", "tail", "top", "zip",
];
/// Options that such programs have.
const OPTIONS: [&str; 30] = [
    "all",
    "amend",
    "aux",
    "classpath",
    "color",
    "debug",
    "delete",
    "depth",
    "exec",
    "force",
    "help",
    "iname",
    "jar",
    "list",
    "mtime",
    "name",
    "newer",
    "path",
    "perm",
    "print",
    "quiet",
    "recursive",
    "regex",
    "server",
    "size",
    "type",
    "user",
    "verbose",
    "version",
    "xdev",
];
/// Words of questions about commands.
const ABOUT: [&str; 12] = [
    "argument",
    "arguments",
    "command",
    "do",
    "does",
    "flag",
    "flags",
    "mean",
    "means",
    "option",
    "options",
    "switch",
];

/// Whether the dash at `at`, before `word`, excludes the word; not in a query that speaks of commands, unless it is in
/// letters that no option has.
pub(crate) fn excludes(query: &str, at: usize, word: &str, of_commands: impl Fn() -> bool) -> bool {
    let is_first = query[..at].trim().is_empty();
    if is_first || !word.chars().all(char::is_alphabetic) {
        return false;
    }
    if !word.is_ascii() {
        return true;
    }
    let small = word[1..].bytes().all(|byte| byte.is_ascii_lowercase());
    let lower = word.to_ascii_lowercase();
    let vowel = |byte: u8| b"aeiouy".contains(&byte);
    let is_word = small && lower.len() >= 3 && lower.bytes().any(vowel);
    is_word && !OPTIONS.contains(&lower.as_str()) && !of_commands()
}

/// Whether a query names a command, or has an option of one.
pub(crate) fn speaks_of_commands(query: &str) -> bool {
    let lower = query.to_lowercase();
    let other_option = |token: &str| {
        let name = token.trim_start_matches('-');
        token.starts_with("--") && !name.is_empty()
            || token.starts_with('-')
                && name.chars().count() <= 2
                && name.starts_with(char::is_alphabetic)
    };
    let named = |token: &str| COMMANDS.contains(&token) && !AMBIGUOUS.contains(&token);
    lower
        .split_whitespace()
        .any(|token| named(token) || ABOUT.contains(&token) || other_option(token))
}
