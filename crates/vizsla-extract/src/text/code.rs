//! Source code: the text as written, with its items (functions, types) as sections, so that passages begin and end with
//! them. Items are found by their keywords and indentation; nothing is parsed.

use vizsla_core::{Document, MetadataValue};

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::sample::Sample;
use crate::text::decode;
use crate::text::headings::{Heading, sections};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "code",
    title: "source code",
    version: 3,
    extensions: EXTENSIONS,
    recognise: Recognise::Text { begins: |c| matches!(c, '#' | '<'), shows: is_program },
    is_foreign: false,
    read: Read::Whole(read),
};

#[rustfmt::skip]
const EXTENSIONS: &[&str] = &[
    "rs", "py", "pyi", "pyx", "pyw", "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte",
    "java", "kt", "kts", "scala", "sc", "groovy", "gradle", "clj", "cljs", "cljc", "edn", "go", "c", "h",
    "cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "inl", "ipp", "cu", "cuh", "m", "mm", "cs", "fs", "fsx",
    "fsi", "vb", "vbs", "bas", "rb", "rake", "gemspec", "erb", "php", "phtml", "swift", "sh", "bash", "zsh",
    "fish", "ksh", "ps1", "psm1", "bat", "cmd", "sql", "ddl", "psql", "plsql", "lua", "r", "jl", "pl", "pm",
    "t", "raku", "hs", "lhs", "ml", "mli", "elm", "purs", "ex", "exs", "erl", "hrl", "dart", "zig", "nim",
    "cr", "d", "v", "sv", "svh", "vhd", "vhdl", "f", "for", "f77", "f90", "f95", "f03", "f08", "pas", "pp",
    "dpr", "ada", "adb", "ads", "cob", "cbl", "lisp", "lsp", "el", "scm", "ss", "rkt", "tcl", "awk", "sed",
    "asm", "s", "nasm", "proto", "thrift", "graphql", "gql", "tf", "tfvars", "hcl", "nix", "sol", "vy",
    "cmake", "mk", "mak", "bzl", "bazel", "css", "scss", "sass", "less", "styl", "glsl", "vert", "frag",
    "wgsl", "hlsl", "coffee", "hx", "vala", "odin", "gd", "applescript", "ahk", "vim", "lean", "agda",
    "idr", "thy", "prolog", "pro", "st", "i", "y", "l", "dockerfile",
];

/// Longer lines are data, not signatures.
const SIGNATURE_BYTES: usize = 200;

/// Words that begin an item, after words such as `public`.
#[rustfmt::skip]
const ITEMS: &[&str] = &[
    "fn", "def", "class", "struct", "enum", "trait", "impl", "interface", "func", "function", "sub", "module",
    "mod", "object", "protocol", "extension", "record", "union", "namespace", "macro_rules!", "defmodule", "defp",
    "defn", "defun", "defmacro", "procedure", "subroutine", "type", "package", "contract", "message", "service",
    "fun", "proc", "init", "constructor", "create", "test",
];
/// What may come before.
#[rustfmt::skip]
const MODIFIERS: &[&str] = &[
    "pub", "public", "private", "protected", "internal", "static", "final", "abstract", "async", "export",
    "default", "const", "unsafe", "extern", "override", "virtual", "inline", "sealed", "open", "data", "partial",
    "native", "synchronized", "declare", "local", "suspend", "case", "pure", "recursive", "or", "replace",
    "explicit", "constexpr", "mut", "template",
];

/// Whether a text that nothing else indicates to be a program is: it begins with what runs it.
fn is_program(sample: &Sample<'_>) -> bool {
    let head = sample.head();
    head.strip_prefix("#!").is_some_and(|path| path.trim_start().starts_with('/'))
        || head.starts_with("<?php")
}

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    let sections = sections(items(&text), output);
    let name = crate::output::file_name(&output.name).to_owned();
    let mut document =
        Document::new(&output.name, text).with_title(name.clone()).with_sections(sections);
    if let Some((_, extension)) = name.rsplit_once('.') {
        let extension = extension.to_ascii_lowercase();
        document.metadata.insert("code".to_owned(), MetadataValue::from(extension));
    }
    let _ = output.document(document);
    Ok(())
}

/// The items of a source, each from the comments and attributes above it on.
fn items(text: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    // Where what belongs to the next item begins, and how it is indented.
    let mut above: Option<(usize, usize)> = None;
    let mut start = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(whole) = lines.next() {
        let line = whole.trim_end();
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let next = lines.peek().map_or("", |next| next.trim());
        if code.is_empty() {
            above = None;
        } else if belongs_to_next(code) {
            above = above.filter(|(_, known)| *known == indent).or(Some((start, indent)));
        } else {
            if line.len() <= SIGNATURE_BYTES && is_item(code, indent, next) {
                let begin = above.filter(|(_, known)| *known == indent).map_or(start, |(at, _)| at);
                let level = if indent == 0 { 1 } else { 2 };
                found.push(Heading { start: begin, level, text: signature(code).to_owned() });
            }
            above = None;
        }
        start += whole.len();
    }
    found
}

/// Comments, attributes, decorators and annotations.
fn belongs_to_next(code: &str) -> bool {
    ["//", "/*", "*", "#", "@", "--", ";", "%", "'''", "\"\"\"", "[<", "(*", "{-", "template"]
        .iter()
        .any(|start| code.starts_with(start))
        || code.starts_with('[') && code.ends_with(']')
}

fn is_item(code: &str, indent: usize, next: &str) -> bool {
    if indent > 8 {
        return false;
    }
    let mut words = code
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | '<' | '{' | ':'))
        .filter(|word| !word.is_empty());
    let first =
        words.by_ref().find(|word| !MODIFIERS.contains(&word.to_ascii_lowercase().as_str()));
    let is_named = words.next().is_some_and(|word| {
        word.starts_with(|c: char| {
            c.is_alphanumeric() || matches!(c, '_' | '$' | '*' | '"' | '[' | '`' | '&')
        })
    });
    let keyword = first.is_some_and(|word| ITEMS.contains(&word.to_ascii_lowercase().as_str()));
    if keyword && is_named && !code.ends_with(';') {
        return true;
    }
    // `int main(void) {`, `name() {`, `const name = (x) => {`, `(define (name x)`.
    let opens = code.ends_with('{') || next == "{";
    let calls = code.contains('(') && !code.starts_with(['}', ')', '(']) && !is_statement(code);
    indent == 0 && opens && calls
        || indent == 0 && (code.starts_with("(def") || code.contains("=> {") || code.contains("= function"))
        // A method: `public int size() {`
        || indent > 0 && indent <= 4 && opens && calls && !code.contains(" = ") && !code.contains("=>") && !code.starts_with('.')
            && code.split('(').next().is_some_and(|before| before.split_whitespace().count() >= 2)
}

fn is_statement(code: &str) -> bool {
    let first = code.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    matches!(
        first,
        "if" | "for"
            | "while"
            | "switch"
            | "match"
            | "else"
            | "return"
            | "catch"
            | "do"
            | "try"
            | "using"
            | "with"
            | "foreach"
            | "elif"
            | "unless"
            | "until"
            | "case"
            | "let"
            | "loop"
            | "throw"
            | "new"
            | "await"
            | "yield"
    )
}

/// A signature without what opens its body.
fn signature(code: &str) -> &str {
    code.trim_end_matches(['{', ':', '=', ' ']).trim_end()
}

#[cfg(test)]
mod tests {
    use crate::{Document, Input, collect};

    fn document(name: &str, text: &str) -> Document {
        collect(Input::bytes(name, text.as_bytes())).unwrap().documents.remove(0)
    }

    fn check(name: &str, text: &str, expected: &[&str]) {
        let document = document(name, text);
        assert_eq!(document.text, text);
        let paths: Vec<_> =
            document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, expected, "{name}");
    }

    #[test]
    fn items_are_sections() {
        check(
            "a.rs",
            "use a;\n\n/// Doc.\n#[inline]\npub fn one(x: u8) -> u8 {\n    if x(1) {\n    }\n}\n\nimpl A {\n    fn two() {}\n}\n",
            &["pub fn one(x: u8) -> u8", "impl A", "impl A > fn two() {}"],
        );
        check(
            "a.py",
            "import a\n\n@dec\ndef one(x):\n    return 1\n\nclass B(C):\n    async def two(self):\n        pass\n",
            &["def one(x)", "class B(C)", "class B(C) > async def two(self)"],
        );
        check(
            "a.c",
            "#include <a.h>\n\nstatic int\nmain(int a)\n{\n    while (a) {\n    }\n}\n",
            &["main(int a)"],
        );
        check(
            "A.java",
            "public class A {\n    public int size() {\n        return f(1);\n    }\n}\n",
            &["public class A", "public class A > public int size()"],
        );
        check(
            "a.js",
            "const one = (x) => {\n};\n\nexport default function two() {\n  foo(() => {\n  });\n}\n",
            &["const one = (x) =>", "export default function two()"],
        );
        check("a.sql", "create table a (\n id int\n);\n\nselect 1;\n", &["create table a ("]);
        check("a.go", "func (s *S) Do() error {\n}\n", &["func (s *S) Do() error"]);
    }

    #[test]
    fn comments_belong_to_the_item_below() {
        let text = "x = 1\n\n// About a.\n// More.\nfn a() {}\n";
        assert!(text[document("a.rs", text).sections[0].start..].starts_with("// About"));
    }
}
