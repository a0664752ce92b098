//! The repository keeps its own rules.

use std::path::Path;
use std::process::Command;

use crate::support::root;

fn tree(package: &str, features: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            package,
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--locked",
            "--offline",
        ])
        .args(features)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_library_alone_is_light() {
    let packages = tree("vizsla", &["--no-default-features"]);
    for heavy in [
        "ort",
        "ort-sys",
        "tokenizers",
        "clap",
        "anyhow",
        "ureq",
        "reqwest",
        "hyper",
        "rustls",
        "tokio",
        "lopdf",
        "pdf-extract",
        "html5ever",
        "indicatif",
    ] {
        assert!(
            !packages.iter().any(|package| package == heavy),
            "vizsla without features builds {heavy}"
        );
    }
    assert!(
        tree("vizsla", &["--features", "onnx"]).iter().any(|package| package == "ort"),
        "the check sees real packages"
    );
    let core = tree("vizsla-core", &[]);
    for package in core {
        let allowed = [
            "vizsla-core",
            "serde",
            "serde_core",
            "serde_derive",
            "proc-macro2",
            "quote",
            "syn",
            "unicode-ident",
        ];
        assert!(allowed.contains(&package.as_str()), "vizsla-core builds {package}");
    }
}

#[test]
fn looking_for_models_and_measuring_need_no_network() {
    for (package, features) in [
        ("vizsla-hub", &["--no-default-features"][..]),
        ("vizsla-models", &["--no-default-features"]),
        ("vizsla-eval", &[]),
    ] {
        let packages = tree(package, features);
        for heavy in ["ureq", "rustls", "tar", "zip", "flate2", "clap", "indicatif"] {
            assert!(!packages.iter().any(|name| name == heavy), "{package} builds {heavy}");
        }
    }
    assert!(
        tree("vizsla-hub", &[]).iter().any(|name| name == "ureq"),
        "the check sees real packages"
    );
}

#[test]
fn the_architecture_page_names_what_exists() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            page.contains(&format!("`{name}`")),
            "ARCHITECTURE.md does not name the crate {name}"
        );
    }
    // A path in backquotes has a slash and no white space.
    let paths = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.contains('/') && !code.contains([' ', '*', '<', ':']));
    for path in paths {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which does not exist");
    }
}

#[test]
fn every_test_file_is_run_and_no_test_is_ignored() {
    let main = std::fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    for (path, content) in sources(&root().join("tests/it")) {
        let stem = Path::new(&path).file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            stem == "main" || main.contains(&format!("mod {stem};")),
            "tests/it/{stem}.rs is not run"
        );
        let ignore = format!("#[{}", "ignore");
        assert!(!content.contains(&ignore), "{path} has a test that is not run");
    }
}

#[test]
fn no_module_is_named_after_nothing() {
    for (path, _) in sources(&root().join("crates")) {
        for empty in ["utils", "util", "helpers", "common", "misc"] {
            assert!(
                !path.ends_with(&format!("/{empty}.rs")) && !path.contains(&format!("/{empty}/")),
                "{path}"
            );
        }
    }
}

pub(crate) fn sources(dir: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}
