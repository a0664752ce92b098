//! Calls what may panic on a damaged file, so that the file costs itself.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a call returns, or what it panics with. What it was working on must not be used again then.
pub(crate) fn guarded<T>(call: impl FnOnce() -> T) -> std::thread::Result<T> {
    catch_unwind(AssertUnwindSafe(call))
}
