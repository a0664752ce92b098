//! Bounds on everything that comes from outside: files, requests and queries.

/// How much of anything that comes from outside is accepted. The defaults suit interactive use on one's own machine; a
/// server lowers them. Input over a limit is an error that names the limit, or is truncated and reported; it is never
/// dropped silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a file that is read into memory whole.
    pub file_bytes: u64,
    /// Bytes of one record in a file that is read record by record, such as a line of JSON Lines.
    pub record_bytes: usize,
    /// Bytes of text that one file may yield, whatever its size: formats repeat and compress content.
    pub text_bytes: usize,
    /// Bytes of metadata kept for one document, names included.
    pub metadata_bytes: usize,
    /// How deeply elements or values may be nested.
    pub nesting: usize,
    /// Bytes of one member of an archive, or of one compressed file, when unpacked.
    pub member_bytes: u64,
    /// Bytes that one file may unpack to, all members together.
    pub unpacked_bytes: u64,
    /// Members of one file, all levels together.
    pub members: usize,
    /// How many containers may be inside each other, such as an archive within an archive.
    pub container_depth: usize,
    /// Milliseconds that reading one file may take.
    pub file_milliseconds: u64,
    /// Bytes of a query.
    pub query_bytes: usize,
    /// Candidates that a request may ask for.
    pub depth: usize,
    /// Hits that a request may ask for.
    pub hits: usize,
    /// Values of a filter, all kinds together.
    pub filter_values: usize,
    /// Unknown query words for which spellings are suggested.
    pub suggestions: usize,
}

impl Limits {
    /// Sets the largest file, in bytes, that is read whole; a record, or a member of an archive when unpacked, may be as
    /// large.
    pub fn with_file_bytes(mut self, bytes: u64) -> Self {
        self.file_bytes = bytes;
        self.member_bytes = bytes;
        self.unpacked_bytes = self.unpacked_bytes.max(bytes);
        self.record_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self
    }

    /// Sets how many bytes of text one file may yield.
    pub fn with_text_bytes(mut self, bytes: usize) -> Self {
        self.text_bytes = bytes;
        self
    }

    /// Sets how many bytes of metadata are kept for one document.
    pub fn with_metadata_bytes(mut self, bytes: usize) -> Self {
        self.metadata_bytes = bytes;
        self
    }

    /// Sets how deeply elements or values may be nested.
    pub fn with_nesting(mut self, levels: usize) -> Self {
        self.nesting = levels;
        self
    }

    /// Sets how many milliseconds reading one file may take.
    pub fn with_file_milliseconds(mut self, milliseconds: u64) -> Self {
        self.file_milliseconds = milliseconds;
        self
    }

    /// Sets how many bytes a query may have.
    pub fn with_query_bytes(mut self, bytes: usize) -> Self {
        self.query_bytes = bytes;
        self
    }

    /// Sets how many candidates a request may ask for.
    pub fn with_depth(mut self, candidates: usize) -> Self {
        self.depth = candidates;
        self
    }

    /// Sets how many hits a request may ask for.
    pub fn with_hits(mut self, hits: usize) -> Self {
        self.hits = hits;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
            record_bytes: 64 << 20,
            text_bytes: 256 << 20,
            metadata_bytes: 64 << 10,
            nesting: 512,
            member_bytes: 64 << 20,
            unpacked_bytes: 1 << 30,
            members: 10_000,
            container_depth: 4,
            file_milliseconds: 60_000,
            query_bytes: 64 << 10,
            depth: 100_000,
            hits: 100_000,
            filter_values: 1_000,
            suggestions: 3,
        }
    }
}
