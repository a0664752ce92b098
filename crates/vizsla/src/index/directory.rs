//! The folder of an index: it may be read-only, keeps its list of segments twice, and remembers why writing failed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use serde::{Deserialize, Serialize};
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, INDEX_WRITER_LOCK, Lock, META_LOCK,
    MmapDirectory, RamDirectory, TerminatingWrite, WatchCallback, WatchHandle, WritePtr,
};

use super::durable::write_whole;

/// The segment folder within an index folder.
pub(crate) const SEGMENTS_DIR: &str = "segments";
/// The engine's list of segments.
pub(crate) const META: &str = "meta.json";
const COPY_FILE: &str = "segments-copy.json";

/// Whether the file of this name is the copy of the list of segments.
pub(crate) fn is_copy(name: &str) -> bool {
    name == COPY_FILE
}

/// The engine's own directory, with four differences. A read-only folder can be read: a reader holds a lock while it
/// opens files, so that no writer removes them in the meantime, and where no lock can be written there is no writer
/// either. The list of segments is written to a copy first, so that damage to either can be found and repaired. The
/// kind of the last write error is remembered, because the engine's threads do not pass it on. And a writer that has
/// given back its lock can change nothing more, see [`Gate`].
#[derive(Debug, Clone)]
pub(crate) struct IndexFolder {
    inner: Box<dyn Directory>,
    /// Where the segments are; `None` when in memory.
    segments: Option<PathBuf>,
    failure: LastFailure,
    /// `None` for readers, and for whoever creates the index.
    gate: Option<Arc<Gate>>,
}

/// What a writer changes passes here. The engine's threads may live longer than a writer that is dropped while they
/// merge: without a gate, one could list the segments as they were over what the next writer has committed since.
#[derive(Debug)]
pub(crate) struct Gate(RwLock<bool>);

impl Gate {
    fn open() -> Arc<Self> {
        Arc::new(Self(RwLock::new(true)))
    }

    /// Passes, and stays open for as long as the value lives.
    fn pass(&self) -> io::Result<RwLockReadGuard<'_, bool>> {
        let open = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if *open { Ok(open) } else { Err(io::Error::other("the writer is closed")) }
    }
}

/// The writer's end of a gate, closed when it is dropped; this waits for a change in progress.
#[derive(Debug)]
pub(crate) struct OpenGate(Arc<Gate>);

impl OpenGate {
    pub(crate) fn close(&self) {
        *self.0.0.write().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Drop for OpenGate {
    fn drop(&mut self) {
        self.close();
    }
}

/// The kind of the last write error.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastFailure(Arc<Mutex<Option<io::ErrorKind>>>);

impl LastFailure {
    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.kind());
        })
    }

    /// The kind. Several threads of a writer fail for one reason, so it stays until it is cleared.
    pub(crate) fn kind(&self) -> Option<io::ErrorKind> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the kind, once writing has worked again or starts anew.
    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl IndexFolder {
    pub(crate) fn open(segments: &Path) -> tantivy::Result<Self> {
        let inner = Box::new(MmapDirectory::open(segments)?);
        let segments = Some(segments.to_owned());
        Ok(Self { inner, segments, failure: LastFailure::default(), gate: None })
    }

    pub(crate) fn in_memory() -> Self {
        let inner = Box::new(RamDirectory::create());
        Self { inner, segments: None, failure: LastFailure::default(), gate: None }
    }

    pub(crate) fn failure(&self) -> &LastFailure {
        &self.failure
    }

    /// The same folder for a writer that holds its lock, until the gate is closed.
    pub(crate) fn for_writing(&self) -> (Self, OpenGate) {
        let gate = Gate::open();
        (Self { gate: Some(Arc::clone(&gate)), ..self.clone() }, OpenGate(gate))
    }

    /// Takes the lock that a writer holds from before it opens the index until after its gate is closed.
    pub(crate) fn lock_for_writing(&self) -> std::result::Result<DirectoryLock, LockError> {
        self.lock(&INDEX_WRITER_LOCK)
    }

    fn lock(&self, lock: &Lock) -> std::result::Result<DirectoryLock, LockError> {
        let Some(segments) = &self.segments else { return self.inner.acquire_lock(lock) };
        match FileLock::acquire(&segments.join(&lock.filepath), lock.is_blocking) {
            Ok(held) => Ok(DirectoryLock::from(Box::new(held))),
            Err(fs::TryLockError::WouldBlock) => Err(LockError::LockBusy),
            Err(fs::TryLockError::Error(error)) => Err(LockError::wrap_io_error(error)),
        }
    }

    fn pass(&self) -> io::Result<Option<RwLockReadGuard<'_, bool>>> {
        self.gate.as_deref().map(Gate::pass).transpose()
    }
}

/// A locked file. The lock is given back by name and not, as the engine does, by closing the file: a process that is being
/// started on another thread holds every open file for a moment, and the lock with it.
struct FileLock(fs::File);

impl FileLock {
    fn acquire(path: &Path, waits: bool) -> std::result::Result<Self, fs::TryLockError> {
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(path);
        let file = file.map_err(fs::TryLockError::Error)?;
        if waits {
            file.lock().map_err(fs::TryLockError::Error)?;
        } else {
            file.try_lock()?;
        }
        Ok(Self(file))
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing the file gives the lock back, too.
        let _ = self.0.unlock();
    }
}

impl Directory for IndexFolder {
    fn get_file_handle(
        &self,
        path: &Path,
    ) -> std::result::Result<Arc<dyn FileHandle>, OpenReadError> {
        self.inner.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> std::result::Result<(), DeleteError> {
        let _open = self.pass().map_err(|error| DeleteError::IoError {
            io_error: Arc::new(error),
            filepath: path.to_owned(),
        })?;
        self.inner.delete(path)
    }

    fn exists(&self, path: &Path) -> std::result::Result<bool, OpenReadError> {
        self.inner.exists(path)
    }

    fn open_write(&self, path: &Path) -> std::result::Result<WritePtr, OpenWriteError> {
        let _open =
            self.pass().map_err(|error| OpenWriteError::wrap_io_error(error, path.to_owned()))?;
        let file = self.inner.open_write(path).inspect_err(|error| {
            if let OpenWriteError::IoError { io_error, .. } = error {
                let _ = self.failure.note::<()>(Err(io_error.kind().into()));
            }
        })?;
        let watched = WatchedFile { file, failure: self.failure.clone() };
        Ok(io::BufWriter::new(Box::new(watched)))
    }

    fn atomic_read(&self, path: &Path) -> std::result::Result<Vec<u8>, OpenReadError> {
        self.inner.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let _open = self.pass()?;
        if let (Some(segments), true) = (&self.segments, path == Path::new(META)) {
            self.failure.note(SegmentsCopy::write(segments, data))?;
        }
        self.failure.note(self.inner.atomic_write(path, data))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.failure.note(self.inner.sync_directory())
    }

    fn acquire_lock(&self, lock: &Lock) -> std::result::Result<DirectoryLock, LockError> {
        if self.gate.is_some() && lock.filepath == INDEX_WRITER_LOCK.filepath {
            // Whoever opened the gate holds it, and gives it back only when the gate is closed.
            return Ok(DirectoryLock::from(Box::new(())));
        }
        match self.lock(lock) {
            Err(LockError::IoError(error))
                if lock.filepath == META_LOCK.filepath && is_read_only(&error) =>
            {
                Ok(DirectoryLock::from(Box::new(())))
            }
            result => result,
        }
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.inner.watch(callback)
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

struct WatchedFile {
    file: WritePtr,
    failure: LastFailure,
}

impl io::Write for WatchedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.failure.note(self.file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.failure.note(self.file.flush())
    }
}

impl TerminatingWrite for WatchedFile {
    fn terminate_ref(&mut self, token: AntiCallToken) -> io::Result<()> {
        self.failure.note(self.file.terminate_ref(token))
    }
}

/// The second copy of the list of segments. It is written before the list itself, and records the list's hash before
/// and after: any other content of the list is damage, whenever a crash occurred.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SegmentsCopy {
    /// BLAKE3 of the list that this one replaces; `None` when there was none.
    previous: Option<String>,
    /// BLAKE3 of the list.
    current: String,
    list: String,
}

impl SegmentsCopy {
    fn path(segments: &Path) -> PathBuf {
        segments.parent().unwrap_or(segments).join(COPY_FILE)
    }

    /// Keeps a copy of the list that is about to be written.
    pub(crate) fn write(segments: &Path, list: &[u8]) -> io::Result<()> {
        let previous = fs::read(segments.join(META)).ok().map(|list| hash_of(&list));
        let list = String::from_utf8(list.to_vec()).map_err(io::Error::other)?;
        let copy = Self { previous, current: hash_of(list.as_bytes()), list };
        write_whole(&Self::path(segments), &serde_json::to_vec(&copy)?)
    }

    /// The copy, or what is wrong with it.
    pub(crate) fn read(segments: &Path) -> std::result::Result<Self, String> {
        let path = Self::path(segments);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let copy: Self = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{}: cannot be parsed ({error})", path.display()))?;
        if copy.current == hash_of(copy.list.as_bytes()) {
            Ok(copy)
        } else {
            Err(format!("{}: its checksum does not match", path.display()))
        }
    }

    /// Whether `list` is the version written last or, if a crash came between the two writes, the one before.
    pub(crate) fn accounts_for(&self, list: &[u8]) -> bool {
        let hash = hash_of(list);
        hash == self.current || Some(hash) == self.previous
    }

    pub(crate) fn list(&self) -> &str {
        &self.list
    }
}

fn hash_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
