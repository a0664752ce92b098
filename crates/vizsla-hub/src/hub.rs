//! Fetches models from a hub that speaks the Hugging Face protocol. In: a repository and the files wanted. Out: the
//! same files in the [`Cache`], each verified against the hash that the hub or the catalogue gives.

use std::fs::{self, File as DiskFile, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::Agent;
use ureq::Body;
use ureq::http::{HeaderMap, Response, StatusCode};

use crate::cache::{Cache, Repository, hugging_face_home};
use crate::catalogue::File;
use crate::environment;
use crate::error::{Error, ErrorKind};
use crate::hash;
use crate::http::{self, Progress};
use crate::store::is_inside;

/// How many transient failures in a row are tolerated.
const ATTEMPTS: u32 = 5;
/// The longest wait between two attempts, whatever the server asks for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A hub and the credentials to use there.
#[derive(Debug, Clone)]
pub struct Hub {
    endpoint: String,
    token: Option<String>,
    offline: bool,
    agent: Agent,
}

/// A hub's description of a revision.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listing {
    /// The commit that the revision resolves to.
    pub commit: String,
    /// Its files, with sizes and hashes where the hub gives them.
    pub files: Vec<File>,
}

/// What [`Hub::pull`] did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Pulled {
    /// The folder that holds the files.
    pub snapshot: PathBuf,
    /// The commit that they belong to.
    pub commit: String,
    /// How many bytes came over the network.
    pub fetched_bytes: u64,
}

/// What the hub says about one file.
struct Metadata {
    commit: String,
    hash: String,
    bytes: Option<u64>,
    /// Its URL on the hub itself, after any rename of the repository.
    url: String,
}

impl Hub {
    /// The environment's hub: `HF_ENDPOINT`; the token from `HF_TOKEN`, `HUGGING_FACE_HUB_TOKEN`, the file
    /// `HF_TOKEN_PATH` or `token` in `HF_HOME`; no connections with `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`; proxies
    /// from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
    pub fn from_env() -> Self {
        let endpoint =
            environment::text("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned());
        let file = environment::path("HF_TOKEN_PATH")
            .or_else(|| hugging_face_home().map(|home| home.join("token")));
        let token = environment::text("HF_TOKEN")
            .or_else(|| environment::text("HUGGING_FACE_HUB_TOKEN"))
            .or_else(|| fs::read_to_string(file?).ok())
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty());
        let is_on = |name| {
            environment::text(name).is_some_and(|value| {
                ["1", "on", "yes", "true"].contains(&value.trim().to_lowercase().as_str())
            })
        };
        let mut hub = Self::new(&endpoint);
        hub.token = token;
        hub.offline = is_on("HF_HUB_OFFLINE") || is_on("TRANSFORMERS_OFFLINE");
        hub
    }

    /// A hub at this address, without a token.
    pub fn new(endpoint: &str) -> Self {
        Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: None,
            offline: false,
            agent: http::agent(),
        }
    }

    /// Asks which files a revision has.
    ///
    /// # Errors
    /// [`ErrorKind::Offline`], [`ErrorKind::NotFound`], [`ErrorKind::Unauthorized`] or [`ErrorKind::Fetch`].
    pub fn files(&self, repository: &Repository) -> Result<Listing, Error> {
        let url = format!(
            "{}/api/models/{}/revision/{}?blobs=true",
            self.endpoint,
            repository.name(),
            repository.revision()
        );
        let what = format!("the files of {repository}");
        let mut response = self.get(&url, None, &what)?;
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Error::new(ErrorKind::Fetch, format!("cannot read {what} from {url}"))
                .with_source(error)
        };
        let body = response.body_mut().read_to_vec().map_err(|error| failed(error.into()))?;
        let answer: serde_json::Value =
            serde_json::from_slice(&body).map_err(|error| failed(error.into()))?;
        let files = answer["siblings"].as_array().into_iter().flatten().filter_map(|sibling| {
            Some(File {
                path: sibling["rfilename"].as_str().filter(|path| is_inside(path))?.to_owned(),
                bytes: sibling["size"].as_u64(),
                sha256: sibling["lfs"]["sha256"].as_str().map(str::to_owned),
            })
        });
        let commit = answer["sha"].as_str().ok_or_else(|| failed("it names no commit".into()))?;
        Ok(Listing { commit: commit.to_owned(), files: files.collect() })
    }

    /// Fetches files into the cache, all of them from one commit: a branch or tag is resolved once, so that one
    /// that moves meanwhile cannot mix two versions. Cached files are not fetched again, partial downloads are
    /// resumed, and when two processes want the same file, one waits for the other. Blocks; cost: the download, and
    /// hashing it.
    ///
    /// # Errors
    /// As [`files`](Self::files), and [`ErrorKind::Verification`] when content does not have the expected hash,
    /// [`ErrorKind::Io`] when it cannot be written. Files fetched before an error stay.
    pub fn pull(
        &self,
        cache: &Cache,
        repository: &Repository,
        files: &[File],
        progress: &dyn Progress,
    ) -> Result<Pulled, Error> {
        let outside = files.iter().find(|file| !is_inside(&file.path));
        if let Some(file) = outside {
            return Err(Error::new(
                ErrorKind::InvalidName,
                format!("{} is not a path within a repository", file.path),
            ));
        }
        let first = files.first().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("{repository} has none of the files wanted"))
        })?;
        let commit = self.metadata(repository, &first.path)?.commit;
        let pinned = Repository::new(repository.name(), &commit)?;
        let mut fetched_bytes = 0;
        for file in files {
            let metadata = self.metadata(&pinned, &file.path)?;
            check_pin(file, &metadata)?;
            fetched_bytes += self.fetch_blob(cache, repository, file, &metadata, progress)?;
            cache.link(repository, &commit, &file.path, &metadata.hash)?;
        }
        cache.write_ref(repository, &commit)?;
        let snapshot = cache.snapshot(repository).ok_or_else(|| {
            Error::new(
                ErrorKind::Io,
                format!("{repository} was fetched but is missing from the cache"),
            )
        })?;
        Ok(Pulled { snapshot, commit, fetched_bytes })
    }

    /// A file's metadata, from the headers at its URL.
    fn metadata(&self, repository: &Repository, path: &str) -> Result<Metadata, Error> {
        let (name, revision) = (repository.name(), repository.revision());
        let mut url = format!("{}/{name}/resolve/{revision}/{path}", self.endpoint);
        let what = format!("{path} of {repository}");
        // A redirect within the hub means that the repository was renamed; one to another host leads to the content.
        for _ in 0..5 {
            let response = self.request(&what, || {
                let request = self.agent.head(&url).header("Accept-Encoding", "identity");
                self.authorized(request)
                    .config()
                    .max_redirects(0)
                    .max_redirects_will_error(false)
                    .http_status_as_error(false)
                    .build()
                    .call()
            })?;
            let headers = response.headers();
            let etag = text(headers, "x-linked-etag").or_else(|| text(headers, "etag"));
            let location = text(headers, "location").unwrap_or_default();
            match (text(headers, "x-repo-commit"), etag) {
                (Some(commit), Some(etag)) => {
                    let hash = etag.trim_start_matches("W/").trim_matches('"').to_owned();
                    let is_hash = |text: &str, lengths: &[usize]| {
                        lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
                    };
                    if !is_hash(&hash, &[40, 64]) || !is_hash(&commit, &[40]) {
                        return Err(Error::new(
                            ErrorKind::Fetch,
                            format!("{url} names no hash for {what}: is it a hub?"),
                        ));
                    }
                    let size = text(headers, "x-linked-size").or_else(|| {
                        text(headers, "content-length").filter(|_| response.status().is_success())
                    });
                    let bytes = size.and_then(|size| size.parse().ok());
                    return Ok(Metadata { commit, hash, bytes, url });
                }
                _ if response.status().is_redirection() && location.starts_with('/') => {
                    url = format!("{}{location}", self.endpoint);
                }
                _ if location.starts_with(&format!("{}/", self.endpoint)) => url = location,
                _ => break,
            }
        }
        Err(Error::new(ErrorKind::Fetch, format!("{url} does not respond like a hub for {what}")))
    }

    /// Fetches a file's content into the cache, and returns how many bytes came over the network.
    fn fetch_blob(
        &self,
        cache: &Cache,
        repository: &Repository,
        file: &File,
        metadata: &Metadata,
        progress: &dyn Progress,
    ) -> Result<u64, Error> {
        let blobs = cache.blobs(repository);
        let blob = blobs.join(&metadata.hash);
        if blob.is_file() {
            return Ok(0);
        }
        fs::create_dir_all(&blobs).map_err(|error| Error::io("create", &blobs, error))?;
        let _alone = lock(&cache.lock_file(repository, &metadata.hash))?;
        if blob.is_file() {
            return Ok(0);
        }
        let partial = blobs.join(format!("{}.incomplete", metadata.hash));
        progress.begin(&file.path, metadata.bytes);
        let fetched = self.fetch_rest(&partial, file, metadata, progress);
        progress.end();
        let fetched = fetched?;
        if let Err(error) = check(&partial, file, metadata) {
            // Resuming from it would only give the same result.
            let _ = fs::remove_file(&partial);
            return Err(error);
        }
        fs::rename(&partial, &blob).map_err(|error| Error::io("write", &blob, error))?;
        Ok(fetched)
    }

    /// Appends to a partial file until it is complete.
    fn fetch_rest(
        &self,
        partial: &Path,
        file: &File,
        metadata: &Metadata,
        progress: &dyn Progress,
    ) -> Result<u64, Error> {
        let mut out = OpenOptions::new()
            .create(true)
            .append(true)
            .open(partial)
            .map_err(|error| Error::io("write", partial, error))?;
        let length = |out: &DiskFile| {
            out.metadata().map(|m| m.len()).map_err(|error| Error::io("read", partial, error))
        };
        let mut have = length(&out)?;
        progress.advance(have);
        let (mut fetched, mut failures) = (0, 0);
        while metadata.bytes.is_none_or(|bytes| have < bytes) {
            let mut response = self.get(&metadata.url, (have > 0).then_some(have), &file.path)?;
            if response.status() != StatusCode::PARTIAL_CONTENT && have > 0 {
                out.set_len(0).map_err(|error| Error::io("write", partial, error))?;
                have = 0;
            }
            let broken = copy(&mut response, &mut out, progress)
                .map_err(|error| no_room(partial, metadata.bytes, error))?;
            let now = length(&out)?;
            fetched += now - have;
            failures = if now > have { 0 } else { failures + 1 };
            have = now;
            match broken {
                None if metadata.bytes.is_none() => break,
                None if metadata.bytes.is_some_and(|bytes| have >= bytes) => break,
                broken if failures >= ATTEMPTS => {
                    let error =
                        Error::new(ErrorKind::Fetch, format!("cannot fetch {}", metadata.url));
                    let reason = broken.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                    return Err(error.with_source(reason));
                }
                _ => thread::sleep(pause(failures)),
            }
        }
        out.sync_all().map_err(|error| Error::io("write", partial, error))?;
        Ok(fetched)
    }

    /// The content at a URL, from the given byte on.
    fn get(&self, url: &str, from: Option<u64>, what: &str) -> Result<Response<Body>, Error> {
        self.request(what, || {
            let mut request = self.agent.get(url).header("Accept-Encoding", "identity");
            if let Some(from) = from {
                request = request.header("Range", format!("bytes={from}-"));
            }
            self.authorized(request).config().http_status_as_error(false).build().call()
        })
    }

    /// Repeats a request until it has a final answer.
    fn request(
        &self,
        what: &str,
        send: impl Fn() -> Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, Error> {
        if self.offline {
            return Err(Error::new(
                ErrorKind::Offline,
                format!("{what} is not on this machine, and HF_HUB_OFFLINE forbids fetching it"),
            ));
        }
        let mut failures = 0;
        loop {
            failures += 1;
            let response = match send() {
                Ok(response) => response,
                Err(error) if failures < ATTEMPTS && is_passing(&error) => {
                    thread::sleep(pause(failures));
                    continue;
                }
                Err(error) => {
                    let message = format!("cannot fetch {what} from {}", self.endpoint);
                    return Err(Error::new(ErrorKind::Fetch, message).with_source(error));
                }
            };
            match response.status().as_u16() {
                200..=399 => return Ok(response),
                429 | 500..=599 if failures < ATTEMPTS => {
                    let asked = text(response.headers(), "retry-after")
                        .and_then(|seconds| seconds.parse().ok())
                        .map(Duration::from_secs);
                    thread::sleep(asked.unwrap_or_else(|| pause(failures)).min(LONGEST_WAIT));
                }
                _ => return Err(self.refusal(what, &response)),
            }
        }
    }

    /// What a response without content means, and the remedy.
    fn refusal(&self, what: &str, response: &Response<Body>) -> Error {
        let status = response.status().as_u16();
        let (kind, why) = match status {
            401 | 403 if self.token.is_some() => (
                ErrorKind::Unauthorized,
                "the token was not accepted: check that it may read this model, and accept the model's terms on its page",
            ),
            401 | 403 => (
                ErrorKind::Unauthorized,
                "it does not exist, or needs a token: check the name, or set HF_TOKEN",
            ),
            404 => (
                ErrorKind::NotFound,
                match text(response.headers(), "x-error-code").as_deref() {
                    Some("RepoNotFound") => "there is no such repository",
                    Some("RevisionNotFound") => "the repository has no such revision",
                    Some("EntryNotFound") => "the revision has no such file",
                    _ => "there is nothing by that name",
                },
            ),
            416 => (
                ErrorKind::Verification,
                "the partial download does not match; remove the .incomplete file",
            ),
            429 => (ErrorKind::Fetch, "too many requests; wait a few minutes, or set HF_TOKEN"),
            _ => (ErrorKind::Fetch, "it does not respond like a hub"),
        };
        Error::new(
            kind,
            format!("cannot fetch {what} from {} (status {status}): {why}", self.endpoint),
        )
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            // Not forwarded to the target of a redirect.
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }
}

/// Checks that the catalogue's hash and the hub's agree, where both are known.
fn check_pin(file: &File, metadata: &Metadata) -> Result<(), Error> {
    match &file.sha256 {
        Some(sha256) if metadata.hash.len() == 64 && *sha256 != metadata.hash => Err(Error::new(
            ErrorKind::Verification,
            format!(
                "{} should have the SHA-256 {sha256}, but the hub offers {}",
                file.path, metadata.hash
            ),
        )),
        _ => Ok(()),
    }
}

/// Checks that content has the hash under which the hub stores it, and the pinned one.
fn check(partial: &Path, file: &File, metadata: &Metadata) -> Result<(), Error> {
    let differs = |expected: &str, found: &str| {
        Err(Error::new(
            ErrorKind::Verification,
            format!(
                "{} was fetched with the hash {found} instead of {expected}; it was removed, fetch it again",
                file.path
            ),
        ))
    };
    let found = hash::content_hash(partial, metadata.hash.len())?;
    if found != metadata.hash {
        return differs(&metadata.hash, &found);
    }
    if let Some(sha256) = file.sha256.as_ref().filter(|_| metadata.hash.len() != 64) {
        let found = hash::sha256(partial)?;
        if found != *sha256 {
            return differs(sha256, &found);
        }
    }
    Ok(())
}

/// Held until dropped; another process that wants it waits.
fn lock(path: &Path) -> Result<DiskFile, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    let file = DiskFile::create(path).map_err(|error| Error::io("create", path, error))?;
    file.lock().map_err(|error| Error::io("lock", path, error))?;
    Ok(file)
}

/// Copies what arrives. `Ok(Some(..))` is a broken connection; a failed write is an error.
fn copy(
    response: &mut Response<Body>,
    out: &mut DiskFile,
    progress: &dyn Progress,
) -> io::Result<Option<io::Error>> {
    let mut reader = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => {
                out.write_all(&buffer[..read])?;
                progress.advance(read as u64);
            }
            Err(error) => return Ok(Some(error)),
        }
    }
}

fn no_room(partial: &Path, bytes: Option<u64>, error: io::Error) -> Error {
    if matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge | io::ErrorKind::QuotaExceeded
    ) {
        let needed =
            bytes.map_or_else(String::new, |bytes| format!(" ({} MB in all)", bytes / 1_000_000));
        let message = format!(
            "no room for the rest of {}{needed}: free some space, or set HF_HUB_CACHE to another disk, and run it again to resume",
            partial.display()
        );
        return Error::new(ErrorKind::Io, message).with_source(error);
    }
    Error::io("write", partial, error)
}

/// Whether a retry may succeed.
fn is_passing(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed)
}

fn pause(failures: u32) -> Duration {
    Duration::from_millis(250 << failures.min(6))
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
