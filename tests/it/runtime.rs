//! Fetching ONNX Runtime, against a server that behaves like the release's host, or worse.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use crate::support::{Ran, Workspace, run};

/// Answers the requests for a release: its description, then its archive.
struct Release {
    address: String,
}

/// What is wrong with the release, if anything.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    WrongHash,
    NoHash,
    CutOff,
    NotFound,
}

impl Release {
    fn serve(archive: Vec<u8>, sha256: &str, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let digest = if fault == Fault::WrongHash { "0".repeat(64) } else { sha256.to_owned() };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(&mut stream.unwrap(), &archive, &digest, fault);
            }
        });
        Self { address }
    }

    fn source(&self) -> vizsla_hub::runtime::Source {
        let mut source = vizsla_hub::runtime::Source::release();
        if let vizsla_hub::runtime::Source::Release { downloads, api } = &mut source {
            *downloads = format!("{}/download", self.address);
            *api = format!("{}/api", self.address);
        }
        source
    }
}

fn answer(stream: &mut TcpStream, archive: &[u8], digest: &str, fault: Fault) {
    let mut request = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    reader.read_line(&mut request).unwrap();
    let mut header = String::new();
    while reader.read_line(&mut header).unwrap() > 2 {
        header.clear();
    }
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let send = |stream: &mut TcpStream, status: &str, length: usize, body: &[u8]| {
        let _ = write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        let _ = stream.write_all(body);
    };
    if fault == Fault::NotFound {
        send(stream, "404 Not Found", 0, b"");
    } else if path.starts_with("/api") {
        let digest =
            if fault == Fault::NoHash { "null".to_owned() } else { format!("\"sha256:{digest}\"") };
        let assets: Vec<_> = ["linux-x64", "linux-aarch64", "osx-arm64"]
            .map(|platform| {
                format!(
                    "{{\"name\": \"onnxruntime-{platform}-{}.tgz\", \"digest\": {digest}}}",
                    vizsla_hub::runtime::VERSION
                )
            })
            .into();
        let body = format!("{{\"assets\": [{}]}}", assets.join(","));
        send(stream, "200 OK", body.len(), body.as_bytes());
    } else {
        let sent = if fault == Fault::CutOff { &archive[..archive.len() / 2] } else { archive };
        send(stream, "200 OK", archive.len(), sent);
    }
}

/// An archive laid out like the release's, with this content as the library.
fn archive(workspace: &Workspace, library: &[u8]) -> (Vec<u8>, String) {
    workspace.write("release/lib/libonnxruntime.so.1.28.0", library);
    workspace.write("release/lib/libonnxruntime_providers_shared.so", b"small");
    let tar = workspace.path("release.tgz");
    let status = Command::new("tar")
        .arg("-czf")
        .arg(&tar)
        .arg("-C")
        .arg(workspace.path(""))
        .arg("release")
        .status()
        .unwrap();
    assert!(status.success());
    let sums = Command::new("sha256sum").arg(&tar).output().unwrap();
    let sha256 = String::from_utf8_lossy(&sums.stdout).split(' ').next().unwrap().to_owned();
    (std::fs::read(tar).unwrap(), sha256)
}

/// Installs in a separate process, because the data folder comes from the environment.
fn install(
    workspace: &Workspace,
    fault: Fault,
) -> (Result<vizsla_hub::runtime::Installed, vizsla_hub::Error>, bool) {
    let (archive, sha256) = archive(workspace, b"the library, larger than its neighbour");
    let release = Release::serve(archive, &sha256, fault);
    let data = workspace.path("data");
    let installed = vizsla_hub::runtime::install_into(&data, &[release.source()], &());
    let there = walk(&data).iter().any(|name| name.starts_with("libonnxruntime"));
    (installed, there)
}

fn walk(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            names.extend(walk(&entry.path()));
        } else {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn a_release_is_fetched_verified_and_kept() {
    let workspace = Workspace::new();
    let (installed, _) = install(&workspace, Fault::None);
    let installed = installed.unwrap();
    assert!(!installed.was_there);
    assert_eq!(std::fs::read(&installed.path).unwrap(), b"the library, larger than its neighbour");
    let again = vizsla_hub::runtime::install_into(&workspace.path("data"), &[], &()).unwrap();
    assert!(again.was_there && again.sha256 == installed.sha256);
    // A damaged library is fetched again; with no source here, that is an error.
    std::fs::write(&installed.path, "damaged").unwrap();
    assert!(vizsla_hub::runtime::install_into(&workspace.path("data"), &[], &()).is_err());
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn a_bad_release_leaves_nothing() {
    for (fault, words) in [
        (Fault::WrongHash, "was not installed"),
        (Fault::NoHash, "states no SHA-256"),
        (Fault::CutOff, "cannot fetch"),
        (Fault::NotFound, "cannot fetch"),
    ] {
        let workspace = Workspace::new();
        let (installed, there) = install(&workspace, fault);
        let error = installed.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!there, "{error}");
        assert!(walk(&workspace.path("data")).is_empty(), "no scraps are left");
    }
}

fn setup(workspace: &Workspace, from: &str) -> Ran {
    let mut command = workspace.command(&["setup", "--from", from]);
    run(command.env("VIZSLA_DATA_DIR", workspace.path("data")), b"")
}

#[test]
fn a_local_library_is_installed_and_used() {
    let workspace = Workspace::new();
    let library = vizsla_hub::runtime::locate(None).unwrap();
    let ran = setup(&workspace, &library.display().to_string());
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut command = workspace.command(&["rerank", "dog"]);
    let ran = run(
        command.env("VIZSLA_DATA_DIR", workspace.path("data")).env_remove("ORT_DYLIB_PATH"),
        b"a dog\n",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_file_that_is_not_a_library_is_refused() {
    let workspace = Workspace::new();
    workspace.write("notes.txt", "x");
    let ran = setup(&workspace, "notes.txt");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("notes.txt") && ran.err.contains(".tgz"), "{}", ran.err);
    assert_eq!(setup(&workspace, "missing.whl").code, 2);
}

/// A cloned repository may contain a folder `pip`, which `python3 -m pip` would run from within it.
#[cfg(unix)]
#[test]
fn nothing_in_the_working_folder_is_run() {
    let workspace = Workspace::new();
    let marker = workspace.path("ran");
    let trap = format!("open({:?}, 'w')", marker.display().to_string());
    workspace.write("pip/__main__.py", trap);
    workspace.write("pip/__init__.py", "");
    let python = |args: &[&str]| {
        let mut command = Command::new("python3");
        command.args(args).current_dir(workspace.path("")).status().is_ok_and(|s| s.success())
    };
    // Where there is a Python, the trap works.
    assert!(!python(&["-m", "pip"]) || marker.exists());
    let _ = std::fs::remove_file(&marker);
    let mut command = workspace.command(&["setup"]);
    command
        .env("VIZSLA_DATA_DIR", workspace.path("data"))
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    // Nothing answers there, so nothing leaves this machine.
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]
    {
        command.env(name, "http://127.0.0.1:9");
    }
    command
        .env("PIP_NO_INDEX", "1")
        .env("PIP_RETRIES", "0")
        .env("PIP_FIND_LINKS", workspace.path(""));
    let ran = run(&mut command, b"");
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("vizsla setup --from PATH"), "{}", ran.err);
    assert!(!marker.exists(), "pip/__main__.py of the working folder was run");
}

/// Builds from 1.29 on keep an identifier in the user's cache folder, and a database of what they will send, unless they
/// are told not to. They also do without where variables say that a test is run.
#[test]
fn the_library_leaves_nothing_in_the_home_folder() {
    let workspace = Workspace::new();
    workspace.write("docs/a.md", "Vizslas point at birds.");
    workspace.write("home/kept", "");
    let library = vizsla_hub::runtime::locate(None).unwrap();
    for args in [&["index", "docs"][..], &["search", "birds", "--index", "docs/.vizsla"]] {
        let mut command = workspace.command(args);
        command.env_clear().env("HOME", workspace.path("home")).env("ORT_DYLIB_PATH", &library);
        let ran = run(&mut command, b"");
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    assert_eq!(walk(&workspace.path("home")), ["kept"]);
}
