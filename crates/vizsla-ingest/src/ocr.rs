//! Reads pictures with the program Tesseract. What it has read is kept in a folder, so that no picture is read twice.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vizsla_extract::Ocr;

/// How long one picture may take unless the caller says otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The time between two looks at whether the program has ended.
const PAUSE: Duration = Duration::from_millis(5);
/// Bytes of the program's messages that are looked at.
const MESSAGES: u64 = 4096;

/// The program [Tesseract](https://github.com/tesseract-ocr/tesseract), run once for each picture.
#[derive(Debug, Clone)]
pub struct Tesseract {
    program: PathBuf,
    languages: Option<String>,
    cache: Option<PathBuf>,
    timeout: Duration,
}

impl Tesseract {
    /// The program at a path, or one of this name that the system finds, such as `tesseract`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), languages: None, cache: None, timeout: TIMEOUT }
    }

    /// Sets the languages of the text, as the program names them: `eng`, `deu+fra`.
    pub fn with_languages(mut self, languages: impl Into<String>) -> Self {
        self.languages = Some(languages.into());
        self
    }

    /// Sets a folder in which what was read is kept.
    pub fn with_cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// Sets how long one picture may take.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The version of the program, which shows that it can be run.
    ///
    /// # Errors
    /// When it cannot.
    pub fn version(&self) -> Result<String, String> {
        let output = Command::new(&self.program).arg("--version").stdin(Stdio::null()).output();
        let output = output.map_err(|error| self.cannot_run(&error))?;
        // Old versions print it as a message.
        let both = [output.stdout, output.stderr].concat();
        let first =
            String::from_utf8_lossy(&both).lines().next().unwrap_or_default().trim().to_owned();
        Ok(first)
    }

    fn cannot_run(&self, error: &io::Error) -> String {
        let program = self.program.display();
        if error.kind() == io::ErrorKind::NotFound {
            format!("the program {program} is not installed")
        } else {
            format!("the program {program} cannot be run: {error}")
        }
    }

    /// The file in which what is read in a picture is kept.
    fn kept(&self, picture: &[u8]) -> Option<PathBuf> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.languages.as_deref().unwrap_or_default().as_bytes());
        hasher.update(b"\0");
        hasher.update(picture);
        let name = format!("{}.txt", hasher.finalize().to_hex());
        Some(self.cache.as_ref()?.join(name))
    }

    /// Runs the program. It turns pictures that stand on their side or head, for which it needs a file that may not be
    /// installed; it is run without turning them then.
    fn run(&self, picture: &[u8]) -> Result<String, String> {
        const WITH_ORIENTATION: &str = "1";
        const WITHOUT: &str = "3";
        let until = Instant::now() + self.timeout;
        match self.run_once(picture, WITH_ORIENTATION, until) {
            Err(_) if Instant::now() < until => self.run_once(picture, WITHOUT, until),
            read => read,
        }
    }

    fn run_once(&self, picture: &[u8], mode: &str, until: Instant) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command.args(["stdin", "stdout", "--psm", mode]);
        if let Some(languages) = &self.languages {
            command.args(["-l", languages]);
        }
        // One picture on one processor: several are read at the same time.
        command.env("OMP_THREAD_LIMIT", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.cannot_run(&error))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (ended, text, messages) = std::thread::scope(|scope| {
            scope.spawn(|| {
                // The program may end before it has read all; its exit status says so.
                stdin.map(|mut stdin| stdin.write_all(picture))
            });
            let text = scope.spawn(|| read_all(stdout, u64::MAX));
            let messages = scope.spawn(|| read_all(stderr, MESSAGES));
            let ended = wait(&mut child, until);
            (ended, text.join().unwrap_or_default(), messages.join().unwrap_or_default())
        });
        match ended {
            Ok(true) => Ok(text),
            Ok(false) => {
                let first = messages.lines().find(|line| !line.trim().is_empty());
                Err(first.unwrap_or("the program failed without a word").trim().to_owned())
            }
            Err(message) => Err(message),
        }
    }
}

impl Ocr for Tesseract {
    fn read(&self, picture: &[u8]) -> Result<String, String> {
        let kept = self.kept(picture);
        if let Some(text) = kept.as_ref().and_then(|kept| fs::read_to_string(kept).ok()) {
            return Ok(text);
        }
        let text = self.run(picture)?;
        if let Some(kept) = kept {
            // Without it the picture is read again, that is all.
            let _ = keep(&kept, &text);
        }
        Ok(text)
    }
}

/// Everything that a pipe gives; what is over the limit is read but not kept.
fn read_all(pipe: Option<impl Read>, limit: u64) -> String {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        let _ = pipe.by_ref().take(limit).read_to_end(&mut bytes);
        let _ = io::copy(&mut pipe, &mut io::sink());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for the end of a program, and whether it was successful. One that takes too long is ended.
fn wait(child: &mut Child, until: Instant) -> Result<bool, String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if Instant::now() < until => std::thread::sleep(PAUSE),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("it took too long".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// Writes a file that is never seen half-written.
fn keep(file: &Path, text: &str) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let unfinished = file.with_extension(format!("{}-{count}.part", std::process::id()));
    fs::write(&unfinished, text)?;
    fs::rename(&unfinished, file).inspect_err(|_| {
        let _ = fs::remove_file(&unfinished);
    })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Mutex;

    use super::*;

    /// One test at a time: a program cannot be run while a process just started by another test still has it open.
    static ONE: Mutex<()> = Mutex::new(());

    /// A program that does what this script says.
    fn program(folder: &Path, script: &str) -> PathBuf {
        let path = folder.join("tesseract");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_picture_is_given_to_the_program_once() {
        let _one = ONE.lock();
        let folder = tempfile::tempdir().unwrap();
        let script = format!("echo x >> {}/runs; cat; echo \"$@\"", folder.path().display());
        let reader = Tesseract::new(program(folder.path(), &script))
            .with_languages("deu+fra")
            .with_cache(folder.path().join("kept"));
        let read = "a picture\nstdin stdout --psm 1 -l deu+fra\n";
        assert_eq!(reader.read(b"a picture\n").unwrap(), read);
        assert_eq!(reader.read(b"a picture\n").unwrap(), read);
        let runs = || fs::read_to_string(folder.path().join("runs")).unwrap().lines().count();
        assert_eq!(runs(), 1);
        reader.with_languages("eng").read(b"a picture\n").unwrap();
        assert_eq!(runs(), 2, "other languages read something else");
        let kept: Vec<_> = fs::read_dir(folder.path().join("kept")).unwrap().flatten().collect();
        assert!(kept.iter().all(|file| file.path().extension().is_some_and(|it| it == "txt")));
    }

    #[test]
    fn a_program_that_cannot_turn_pictures_is_run_without() {
        let _one = ONE.lock();
        let folder = tempfile::tempdir().unwrap();
        let script = "cat > /dev/null; test \"$4\" = 3 || exit 1; echo read";
        assert_eq!(Tesseract::new(program(folder.path(), script)).read(b"p").unwrap(), "read\n");
    }

    #[test]
    fn failures_are_named_and_nothing_is_kept_of_them() {
        let _one = ONE.lock();
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept");
        let missing = Tesseract::new(folder.path().join("none")).with_cache(&kept);
        assert!(missing.read(b"p").unwrap_err().ends_with("none is not installed"));
        let script = "echo 'Error: no such language' >&2; exit 1";
        let failing = Tesseract::new(program(folder.path(), script)).with_cache(&kept);
        assert_eq!(failing.read(b"p").unwrap_err(), "Error: no such language");
        let slow = Tesseract::new(program(folder.path(), "exec sleep 100"))
            .with_cache(&kept)
            .with_timeout(Duration::ZERO);
        assert_eq!(slow.read(b"p").unwrap_err(), "it took too long");
        assert!(!kept.exists());
    }
}
