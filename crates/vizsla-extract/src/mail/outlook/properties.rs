//! The properties of an Outlook message and of what is inside it
//! ([MS-OXMSG](https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxmsg/)): short ones in one stream,
//! texts and bytes each in a stream of its own, named after the property.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use cfb::CompoundFile;

use crate::text::charset::Charset;
use crate::text::decode;

/// Types of properties.
const UNICODE: u16 = 0x001f;
const BYTES_OF_A_CODE_PAGE: u16 = 0x001e;
const BINARY: u16 = 0x0102;

/// The message itself, a recipient or an attachment.
pub(super) struct Properties<'a, F> {
    file: &'a mut CompoundFile<F>,
    folder: PathBuf,
    /// The short ones.
    fixed: Vec<u8>,
    most: u64,
}

impl<'a, F: Read + Seek> Properties<'a, F> {
    /// Those in `folder`; `header` bytes precede the list of the short ones, and no stream longer than `most` is read.
    pub(super) fn new(
        file: &'a mut CompoundFile<F>,
        folder: &Path,
        header: usize,
        most: u64,
    ) -> Self {
        let mut properties = Self { file, folder: folder.to_owned(), fixed: Vec::new(), most };
        let fixed = properties.stream("__properties_version1.0").unwrap_or_default();
        properties.fixed = fixed.get(header..).unwrap_or_default().to_vec();
        properties
    }

    fn stream(&mut self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(name);
        let mut bytes = Vec::new();
        let stream = self.file.open_stream(path).ok()?;
        // What could be read of a damaged stream is better than nothing.
        let _ = stream.take(self.most).read_to_end(&mut bytes);
        Some(bytes)
    }

    /// The value of a short property.
    fn fixed(&self, id: u16) -> Option<[u8; 8]> {
        let entries = self.fixed.chunks_exact(16);
        let mut found = entries.filter(|entry| entry[2..4] == id.to_le_bytes());
        found.next().and_then(|entry| entry[8..16].try_into().ok())
    }

    pub(super) fn number(&self, id: u16) -> Option<u32> {
        self.fixed(id).map(|value| u32::from_le_bytes([value[0], value[1], value[2], value[3]]))
    }

    /// A time, as intervals of 100 ns since 1601.
    pub(super) fn time(&self, id: u16) -> Option<u64> {
        self.fixed(id).map(u64::from_le_bytes)
    }

    pub(super) fn binary(&mut self, id: u16) -> Option<Vec<u8>> {
        self.stream(&format!("__substg1.0_{id:04X}{BINARY:04X}")).filter(|bytes| !bytes.is_empty())
    }

    /// A text, which is in UTF-16, or in the code page of the message.
    pub(super) fn text(&mut self, id: u16, page: Option<Charset>) -> Option<String> {
        let text = if let Some(bytes) = self.stream(&format!("__substg1.0_{id:04X}{UNICODE:04X}")) {
            encoding_rs::UTF_16LE.decode_without_bom_handling(&bytes).0.into_owned()
        } else {
            let name = format!("__substg1.0_{id:04X}{BYTES_OF_A_CODE_PAGE:04X}");
            decoded(&self.stream(&name)?, page)
        };
        let text = text.trim_end_matches('\0');
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }
}

/// Bytes as text: in the code page unless they are plainly in another.
pub(super) fn decoded(bytes: &[u8], page: Option<Charset>) -> String {
    page.and_then(|page| page.decode_exactly(bytes)).unwrap_or_else(|| decode::decode_text(bytes))
}
