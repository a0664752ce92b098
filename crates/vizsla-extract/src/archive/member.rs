//! Unpacks one member of an archive within the limits.

use std::io::Read;
use std::ops::ControlFlow;

use vizsla_core::Metadata;

use crate::output::Output;
use crate::sink::ProblemKind;

/// Bytes by which a member is seen to be text or of a known format.
const HEAD_BYTES: u64 = 64 << 10;

/// Whether a walk over a folder would skip this: hidden files, and what macOS adds to archives.
pub(super) fn is_hidden(path: &str) -> bool {
    path.split(['/', '\\'])
        .any(|part| part == "__MACOSX" || part.starts_with('.') && !matches!(part, "." | ".."))
}

/// Unpacks the member at `path` and reads it. Returns whether to go on.
pub(super) fn read(path: &str, reader: &mut dyn Read, output: &mut Output<'_>) -> ControlFlow<()> {
    if !output.takes_members() {
        return ControlFlow::Break(());
    }
    let limit = output.unpacked_left();
    let mut bytes = Vec::new();
    let mut result = reader.take(HEAD_BYTES.min(limit)).read_to_end(&mut bytes);
    if bytes.len() as u64 == HEAD_BYTES && output.skips(path, &bytes) {
        return ControlFlow::Continue(());
    }
    if result.is_ok() {
        let rest = limit.saturating_add(1).saturating_sub(bytes.len() as u64);
        result = reader.take(rest).read_to_end(&mut bytes);
    }
    if bytes.len() as u64 > limit {
        output.has_unpacked(bytes.len() as u64);
        let message =
            format!("{path}: unpacks to more than the {limit} bytes allowed; unpack it first");
        output.problem(ProblemKind::TooLarge, None, message);
        return if output.unpacked_left() == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        };
    }
    if result.is_err() {
        let kept = if bytes.is_empty() { "" } else { "; what comes before the damage is read" };
        let message = format!("{path}: is damaged{kept}");
        output.problem(ProblemKind::Malformed, None, message);
        if bytes.is_empty() {
            return ControlFlow::Continue(());
        }
    }
    output.member(path, &bytes, Metadata::new())
}
