//! What is remembered of a file, as engines store it.

use serde::{Deserialize, Serialize};
use vizsla::{FileProblem, FileRecord};

/// What is remembered of a file, whole.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    #[serde(flatten)]
    record: FileRecord,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    problems: Vec<FileProblem>,
}

impl StoredRecord {
    pub(crate) fn of(record: &FileRecord) -> Self {
        Self { record: record.clone(), problems: record.problems.clone() }
    }

    pub(crate) fn record(self) -> FileRecord {
        self.record.with_problems(self.problems)
    }
}
