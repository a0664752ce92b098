//! Source code: the text as written, with its items (functions, types) as sections, so that passages begin and end with
//! them. Items are found by their keywords and indentation; nothing is parsed.

use std::borrow::Cow;

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
    version: 4,
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
/// Lines of a signature.
const SIGNATURE_LINES: usize = 30;

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

/// Those of them that hold others.
#[rustfmt::skip]
const CONTAINERS: &[&str] = &[
    "class", "struct", "interface", "namespace", "impl", "trait", "object", "enum", "record", "module", "mod",
    "extension", "protocol", "union", "contract",
];

/// Whether a text that nothing else indicates to be a program is: it begins with what runs it.
fn is_program(sample: &Sample<'_>) -> bool {
    let head = sample.head();
    head.strip_prefix("#!").is_some_and(|path| path.trim_start().starts_with('/'))
        || head.starts_with("<?php")
}

/// Whether a text is the page that a program made, and not the program: nothing in it is left to be run.
pub(crate) fn is_made_page(sample: &Sample<'_>) -> bool {
    let is_start = |start: &str| {
        let found = sample.head().get(..start.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(start))
    };
    if !["<!doctype html", "<html"].iter().any(|start| is_start(start)) {
        return false;
    }
    let whole = sample.whole();
    !["<?php", "<?=", "<? ", "<%"].iter().any(|mark| whole.contains(mark))
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

/// An item that has begun.
struct Open {
    indent: usize,
    /// Whether it holds others, as a class or namespace does.
    is_container: bool,
    /// How its members are indented: as the first line in it is.
    members: Option<usize>,
}

/// The items of a source, each from the comments and attributes above it on.
fn items(text: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    // Where what belongs to the next item begins, and how it is indented.
    let mut above: Option<(usize, usize)> = None;
    let mut open: Vec<Open> = Vec::new();
    // Lines up to here are within brackets.
    let mut within = 0;
    let mut end = 0;
    for whole in text.split_inclusive('\n') {
        let start = end;
        end += whole.len();
        let line = whole.trim_end();
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if start < within {
            continue;
        }
        if code.is_empty() {
            above = None;
            continue;
        }
        if belongs_to_next(code) {
            above = above.filter(|(_, known)| *known == indent).or(Some((start, indent)));
            continue;
        }
        let head = Head::of(&text[start..], indent);
        within = start + head.length;
        let is_member = is_member(code, indent, &mut open);
        if line.len() <= SIGNATURE_BYTES && is_item(code, indent, head.opens, is_member) {
            let begin = above.filter(|(_, known)| *known == indent).map_or(start, |(at, _)| at);
            open.retain(|outer| outer.indent < indent);
            let level = open.len() + 1;
            let is_container = is_container(code);
            open.push(Open { indent, is_container, members: None });
            found.push(Heading { start: begin, level, text: signature(&head.text).to_owned() });
        }
        above = None;
    }
    found
}

/// Whether a line may be a member of the item around it. Closes what ends with it.
fn is_member(code: &str, indent: usize, open: &mut Vec<Open>) -> bool {
    if code.starts_with('}') {
        open.retain(|item| item.indent < indent);
    }
    let Some(around) = open.iter_mut().rev().find(|item| item.indent < indent) else {
        return false;
    };
    // `public:` in C++ is between both.
    if around.members.is_none() && !code.ends_with(':') {
        around.members = Some(indent);
    }
    around.is_container && around.members == Some(indent)
}

/// What may be the signature of an item: a line, and those that its brackets take.
struct Head<'a> {
    length: usize,
    /// On one line, but for that of an item without a body.
    text: Cow<'a, str>,
    /// Whether a body in braces follows.
    opens: bool,
}

impl<'a> Head<'a> {
    fn of(text: &'a str, indent: usize) -> Self {
        let mut lines = text.split_inclusive('\n').peekable();
        let first = lines.next().unwrap_or_default();
        let mut head = Self {
            length: first.len(),
            text: Cow::Borrowed(first.trim()),
            opens: opens(first, lines.peek()),
        };
        let Some(count) = bracketed(text, indent).filter(|count| *count > 1) else { return head };
        let mut joined = first.trim().to_owned();
        let mut last = first;
        for line in lines.by_ref().take(count - 1) {
            let code = line.trim();
            let is_close = joined.ends_with('(') || code.starts_with(')');
            joined.push_str(if is_close { "" } else { " " });
            joined.push_str(code);
            head.length += line.len();
            last = line;
        }
        head.opens = opens(last, lines.peek());
        if head.opens || joined.ends_with(':') {
            let mut text = joined.replace(",)", ")");
            crate::output::shorten(&mut text, SIGNATURE_BYTES);
            head.text = Cow::Owned(text);
        }
        head
    }
}

fn opens(line: &str, next: Option<&&str>) -> bool {
    line.trim_end().ends_with('{') || next.is_some_and(|next| next.trim() == "{")
}

/// How many lines the brackets take that the first one opens: parameters, and not a body or a statement.
fn bracketed(text: &str, indent: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (number, line) in text.split_inclusive('\n').take(SIGNATURE_LINES).enumerate() {
        let line = line.trim_end();
        let code = line.trim_start();
        let is_inner = line.len() - code.len() > indent || code.starts_with(')');
        if depth == 0 && memchr::memchr(b'(', code.as_bytes()).is_none() {
            return None;
        }
        if line.len() > SIGNATURE_BYTES || code.is_empty() || number > 0 && !is_inner {
            return None;
        }
        let code = code.split(" //").next().unwrap_or_default();
        let (mut in_string, mut is_escaped) = (false, false);
        for byte in code.bytes() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                b';' | b'{' | b'}' if depth > 0 => return None,
                _ => {}
            }
        }
        if depth == 0 {
            return Some(number + 1);
        }
    }
    None
}

/// Comments, attributes, decorators and annotations.
fn belongs_to_next(code: &str) -> bool {
    ["//", "/*", "*", "#", "@", "--", ";", "%", "'''", "\"\"\"", "[<", "(*", "{-", "template"]
        .iter()
        .any(|start| code.starts_with(start))
        || code.starts_with('[') && code.ends_with(']')
}

/// The words of a line from the first one that is no modifier on.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| c.is_whitespace() || matches!(c, '(' | '<' | '{' | ':'))
        .filter(|word| !word.is_empty())
        .skip_while(|word| MODIFIERS.contains(&word.to_ascii_lowercase().as_str()))
}

fn is_container(code: &str) -> bool {
    words(code).next().is_some_and(|word| CONTAINERS.contains(&word.to_ascii_lowercase().as_str()))
}

fn is_item(code: &str, indent: usize, opens: bool, is_member: bool) -> bool {
    if indent > 8 && !is_member {
        return false;
    }
    let mut words = words(code);
    let first = words.next();
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
    let calls = code.contains('(') && !code.starts_with(['}', ')', '(']) && !is_statement(code);
    let begins = opens && calls;
    if indent == 0 {
        return begins
            || code.starts_with("(def")
            || code.contains("=> {")
            || code.contains("= function");
    }
    // A method: `public int size() {`, or `size() {` where a method is to be expected.
    begins
        && (is_member || indent <= 4)
        && !code.contains(" = ")
        && !code.contains("=>")
        && !code.starts_with('.')
        && (is_member
            || code.split('(').next().is_some_and(|before| before.split_whitespace().count() >= 2))
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
    fn a_signature_may_take_several_lines() {
        check(
            "a.c",
            "void f(int, char **,\n    struct s *);\n\n/* Entry. */\nint\nf(int a, /* x */\n   char **b,\n   struct s *s)\n{\n\tg(a,\n\t  b);\n}\n\nstatic int g(\n    int a) {\n}\n",
            &["f(int a, /* x */ char **b, struct s *s)", "static int g(int a)"],
        );
        check(
            "a.py",
            "def one(\n    a,\n    type: str,\n):\n    two(\n        a,\n    )\n",
            &["def one(a, type: str)"],
        );
        check("a.rs", "fn one(\n    a: u8,\n) -> u8 {\n    a\n}\n", &["fn one(a: u8) -> u8"]);
        check("a.js", "run(\n  a,\n  () => {\n    b(\n      c);\n  },\n);\n", &[]);
    }

    #[test]
    fn methods_are_known_by_where_they_stand() {
        check(
            "a.cs",
            "namespace A\n{\n    public class B\n    {\n        public int C(int x)\n        {\n            if (x)\n            {\n            }\n        }\n\n        public int D(\n            int x)\n        {\n        }\n    }\n}\n",
            &[
                "namespace A",
                "namespace A > public class B",
                "namespace A > public class B > public int C(int x)",
                "namespace A > public class B > public int D(int x)",
            ],
        );
        check(
            "a.ts",
            "export class A {\n  b(x: number): number {\n    c(x, () => {\n    });\n  }\n}\n\nd({\n  e(x) {\n  }\n});\n",
            &["export class A", "export class A > b(x: number): number", "d("],
        );
        check(
            "a.h",
            "class A {\n public:\n  // Makes one.\n  A(int x) {\n  }\n};\n",
            &["class A", "class A > A(int x)"],
        );
    }

    #[test]
    fn hostile_sources_take_linear_time() {
        for part in ["(\n ", "f(\n", "class A {\n ", "\n", "f(a,\n  b)\n"] {
            let _ = super::items(&part.repeat(100_000));
        }
    }

    #[test]
    fn comments_belong_to_the_item_below() {
        let text = "x = 1\n\n// About a.\n// More.\nfn a() {}\n";
        assert!(text[document("a.rs", text).sections[0].start..].starts_with("// About"));
    }
}
