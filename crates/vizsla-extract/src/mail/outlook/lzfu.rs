//! Unpacks the RTF body of an Outlook message
//! ([MS-OXRTFCP](https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxrtfcp/)).

/// What the window holds at the beginning.
const START: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
const WINDOW_BYTES: usize = 4096;
const HEADER_BYTES: usize = 16;
const COMPRESSED: &[u8] = b"LZFu";
const STORED: &[u8] = b"MELA";

/// The RTF; what comes before the damage if it is damaged. A byte of input yields at most 9 of output.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let size = u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?) as usize;
    let data = bytes.get(HEADER_BYTES..)?;
    match bytes.get(8..12)? {
        STORED => Some(data[..size.min(data.len())].to_vec()),
        COMPRESSED => Some(decompress(data, size)),
        _ => None,
    }
}

fn decompress(data: &[u8], size: usize) -> Vec<u8> {
    let mut window = [b' '; WINDOW_BYTES];
    window[..START.len()].copy_from_slice(START);
    let mut at = START.len();
    let mut unpacked = Vec::new();
    let mut data = data.iter().copied();
    let mut put = |byte: u8, window: &mut [u8; WINDOW_BYTES], at: &mut usize| {
        unpacked.push(byte);
        window[*at % WINDOW_BYTES] = byte;
        *at = (*at + 1) % WINDOW_BYTES;
        unpacked.len() < size
    };
    'all: while let Some(control) = data.next() {
        for bit in 0..8 {
            if control & (1 << bit) == 0 {
                let Some(byte) = data.next() else { break 'all };
                if !put(byte, &mut window, &mut at) {
                    break 'all;
                }
                continue;
            }
            let (Some(high), Some(low)) = (data.next(), data.next()) else { break 'all };
            let reference = u16::from_be_bytes([high, low]);
            let (offset, length) = (usize::from(reference >> 4), usize::from(reference & 15) + 2);
            // A reference to the place of the next byte marks the end.
            if offset == at {
                break 'all;
            }
            for i in 0..length {
                let byte = window[(offset + i) % WINDOW_BYTES];
                if !put(byte, &mut window, &mut at) {
                    break 'all;
                }
            }
        }
    }
    unpacked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    const EXAMPLE: &[u8] = &[
        0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00,
        0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68,
        0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f,
        0xa0,
    ];

    #[test]
    fn the_example_of_the_specification_is_unpacked() {
        let rtf = unpack(EXAMPLE).unwrap();
        assert_eq!(rtf, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
    }

    #[test]
    fn damaged_bodies_end() {
        for cut in 0..EXAMPLE.len() {
            let _ = unpack(&EXAMPLE[..cut]);
        }
        assert_eq!(unpack(b"xxxx\x02\0\0\0MELAxxxxabc").unwrap(), b"ab");
        let mut hostile = b"xxxx\xff\xff\xff\xffLZFuxxxx".to_vec();
        hostile.extend([0xff; 10_000]);
        assert!(unpack(&hostile).unwrap().len() < 100_000);
    }
}
