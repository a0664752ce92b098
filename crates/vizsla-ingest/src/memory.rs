//! Bounds the file bytes that all threads together hold in memory.

use std::sync::{Condvar, Mutex, PoisonError};

/// Bytes that may be held at once. A thread that needs more waits until others are done.
#[derive(Debug)]
pub(crate) struct Memory {
    capacity: u64,
    free: Mutex<u64>,
    returned: Condvar,
}

/// Reserved bytes; dropping this returns them.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl Memory {
    pub(crate) fn new(capacity: u64) -> Self {
        Self { capacity, free: Mutex::new(capacity), returned: Condvar::new() }
    }

    /// Waits for this many bytes. A request larger than the total gets all of it, and then runs alone.
    pub(crate) fn take(&self, bytes: u64) -> Held<'_> {
        let bytes = bytes.min(self.capacity);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .returned
            .wait_while(free, |free| *free < bytes)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Held { memory: self, bytes }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.memory.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.memory.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn threads_never_hold_more_than_the_total() {
        let (memory, held) = (Memory::new(10), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for bytes in [3, 7, 10, 4, 25] {
                let (memory, held) = (&memory, &held);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let taken = memory.take(bytes);
                        let now = held.fetch_add(taken.bytes, Ordering::SeqCst) + taken.bytes;
                        assert!(now <= 10, "{now}");
                        held.fetch_sub(taken.bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(*memory.free.lock().unwrap(), 10);
    }
}
