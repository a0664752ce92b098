//! Reads a file in this process: a panic of its reader is an error of the file.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use vizsla::{Document, Limits};
use vizsla_extract::{Input, Problem, Sink, extract};

use crate::problem::ProblemKind;
use crate::read_error::ReadError;

/// Reads the documents of a file. Where the reader panics, what it had found so far stays. A stack overflow or a failed
/// allocation ends the process nevertheless.
pub(crate) fn read(
    input: Input<'_>,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<(), ReadError> {
    let mut sink = Receiving { sink, is_in_sink: false };
    match catch_unwind(AssertUnwindSafe(|| extract(input, limits, &mut sink))) {
        Ok(read) => Ok(read?),
        // The caller's own fault.
        Err(panic) if sink.is_in_sink => resume_unwind(panic),
        Err(panic) => {
            let message = format!("the reader failed on it ({})", panic_message(&*panic));
            Err(ReadError::new(ProblemKind::Died, message))
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// Tells a panic of the reader from one of the sink.
struct Receiving<'a> {
    sink: &'a mut dyn Sink,
    is_in_sink: bool,
}

impl Sink for Receiving<'_> {
    fn document(&mut self, document: Document) -> ControlFlow<()> {
        self.is_in_sink = true;
        let flow = self.sink.document(document);
        self.is_in_sink = false;
        flow
    }

    fn problem(&mut self, problem: Problem) {
        self.is_in_sink = true;
        self.sink.problem(problem);
        self.is_in_sink = false;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufRead};

    use super::*;

    struct Panicking;

    impl io::Read for Panicking {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            panic!("of the reader")
        }
    }

    impl BufRead for Panicking {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            panic!("of the reader")
        }
        fn consume(&mut self, _: usize) {}
    }

    struct Failing;

    impl Sink for Failing {
        fn document(&mut self, _: Document) -> ControlFlow<()> {
            panic!("of the sink")
        }
    }

    #[test]
    fn a_panic_of_the_reader_is_an_error_and_one_of_the_sink_goes_on() {
        let mut found = vizsla_extract::Extracted::default();
        let mut panicking = Panicking;
        let input = Input::reader("a.txt", &mut panicking);
        let error = read(input, &Limits::default(), &mut found).unwrap_err();
        assert_eq!(error.kind, ProblemKind::Died);
        assert!(error.message.contains("of the reader"), "{error:?}");
        let input = Input::bytes("a.txt", b"text");
        let read = || read(input, &Limits::default(), &mut Failing);
        assert!(catch_unwind(AssertUnwindSafe(read)).is_err());
    }
}
