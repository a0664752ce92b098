//! Long work without the interpreter's lock, which Ctrl-C ends.

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;
use vizsla::CancelHandle;

/// How often signals are looked for.
const TICK: Duration = Duration::from_millis(50);

/// Does work on a thread of its own, while this one releases the lock and looks for signals: Python handles them on its main
/// thread alone. Once one raises an exception, the handle is cancelled, and the exception is the result.
pub(crate) fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&CancelHandle) -> T + Send,
) -> PyResult<T> {
    let cancel = CancelHandle::new();
    py.detach(|| {
        thread::scope(|scope| {
            let (done, finished) = sync_channel::<()>(1);
            let worker = scope.spawn(|| {
                // Dropped at the end, whatever that is.
                let _done = done;
                work(&cancel)
            });
            let mut interrupt = Ok(());
            while interrupt.is_ok() && finished.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout)
            {
                let raised = Python::attach(|py| py.check_signals().err());
                interrupt = raised.map_or(Ok(()), Err);
                if interrupt.is_err() {
                    cancel.cancel();
                }
            }
            let result = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
            interrupt.map(|()| result)
        })
    })
}
