//! The program in README.md, compiled and run as printed by a crate outside the workspace.

use std::process::Command;

use crate::support::{Workspace, root};

/// The only block of README.md in a language.
fn block(readme: &str, language: &str) -> String {
    let start = format!("```{language}\n");
    let mut blocks = readme.split(&start).skip(1);
    let block = blocks.next().and_then(|rest| rest.split("```").next()).unwrap().to_owned();
    assert!(blocks.next().is_none(), "README.md has more than one block of {language}");
    block
}

#[test]
fn the_program_in_the_readme_compiles_and_runs_as_printed() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let program = block(&readme, "rust");
    let inside = program.split("fn main()").nth(1).unwrap();
    assert!(inside.lines().count() - 3 <= 6, "the quickstart is short: {inside}");
    let workspace = Workspace::new();
    workspace.write("src/main.rs", &program);
    let git = "git = \"https://github.com/vizsla/vizsla\"";
    let path = format!("path = {:?}", root().join("crates/vizsla"));
    let dependencies = block(&readme, "toml");
    assert!(dependencies.contains(git), "{dependencies}");
    workspace.write(
        "Cargo.toml",
        format!(
            "[package]\nname = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n{}\n[profile.dev]\ndebug = false\n",
            dependencies.replace(git, &path),
        ),
    );
    // The versions that the tests were built with.
    std::fs::copy(root().join("Cargo.lock"), workspace.path("Cargo.lock")).unwrap();
    let people = "Berlin had 3,520,031 registered inhabitants in 2016.";
    workspace.write("docs/museums.txt", "Berlin is well known for its museums.");
    workspace.write("docs/people.txt", people);
    workspace.ok(&["index", "docs", "--index", "notes.idx"]);
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), Into::into);
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline"])
        .current_dir(workspace.path(""))
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.lines().next().unwrap().contains(people), "{printed}");
}
