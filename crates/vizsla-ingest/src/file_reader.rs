//! Reads a file: in this process, or in a worker where its format is safer read there.

use std::fmt;
use std::path::Path;

use vizsla::{CancelHandle, Limits};
use vizsla_extract::{Format, Input, Sink};

use crate::content::{Content, Opened};
use crate::in_process;
use crate::problem::Problem;
use crate::read_error::ReadError;
use crate::worker::{Job, Pool, WorkerCommand};

/// Reads files as an index does.
///
/// Without workers, everything is read in this process. A panic of a reader then costs one file, but a damaged or hostile
/// file of a foreign format ([`Format::is_foreign`]) may make its reader exhaust memory, overflow the stack or never end,
/// which nothing within a process can prevent.
pub struct FileReader {
    limits: Limits,
    workers: Option<Pool>,
}

impl FileReader {
    /// Reads within these limits, in this process.
    pub fn new(limits: Limits) -> Self {
        Self { limits, workers: None }
    }

    /// Reads foreign formats in workers, and pictures of text in these languages if there are any.
    pub fn with_workers(mut self, command: WorkerCommand, ocr: Option<String>) -> Self {
        self.workers = Some(Pool::new(command, self.limits, ocr));
        self
    }

    /// Hands the documents of a file to `sink`. Returns the format that it has been read as.
    ///
    /// # Errors
    /// Why nothing, or nothing more, could be read.
    pub fn read(
        &self,
        path: &Path,
        sink: &mut dyn Sink,
        cancel: &CancelHandle,
    ) -> Result<Format, Problem> {
        let name = path.to_string_lossy();
        let failed = |error: ReadError| error.of(&name);
        let Opened { format, mut content, .. } =
            Opened::open(path, &self.limits).map_err(failed)?;
        self.read_content(&name, format, &mut content, sink, cancel).map_err(failed)?;
        Ok(format)
    }

    /// Whether pictures of text are read.
    pub(crate) fn has_ocr(&self) -> bool {
        self.workers.as_ref().is_some_and(Pool::has_ocr)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Reads what has been opened already.
    pub(crate) fn read_content(
        &self,
        name: &str,
        format: Format,
        content: &mut Content,
        sink: &mut dyn Sink,
        cancel: &CancelHandle,
    ) -> Result<(), ReadError> {
        let is_foreign = format.is_foreign() && format.is_read();
        let workers = self.workers.as_ref();
        if let Some(pool) =
            workers.filter(|pool| is_foreign || (format == Format::PICTURE && pool.has_ocr()))
        {
            return pool.read(Job { name, format, time: pool.time(), cancel }, content, sink);
        }
        let input = match content {
            Content::Bytes(bytes) => Input::bytes(name, bytes),
            Content::File(file) => Input::reader(name, file),
        };
        in_process::read(input.with_format(format), &self.limits, sink)
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader").field("limits", &self.limits).finish_non_exhaustive()
    }
}
