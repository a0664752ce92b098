//! The names of the members of a ZIP file. In: names as they are stored. Out: names as text.
//!
//! Where they are not UTF-8, they are in the encoding of the computer that made the archive, which only the names show: all
//! of them together, since a single one is short.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use crate::text::charset::Charset;

/// Bytes of names that are enough to tell their encoding.
const SAMPLE_BYTES: usize = 64 << 10;

/// Code pages of DOS, which the detector does not know, or knows less well, above all of short names: of America, which is
/// the one of the standard, Western Europe, Central Europe, Russia, Greece, and Japan.
const DOS: [u32; 6] = [437, 850, 852, 866, 737, 932];

/// How the names of an archive are encoded.
pub(super) struct Names(Option<Charset>);

impl Names {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut sample = Vec::new();
        for name in names.filter(|name| std::str::from_utf8(name).is_err()) {
            sample.extend_from_slice(name);
            sample.push(b'\n');
            if sample.len() > SAMPLE_BYTES {
                break;
            }
        }
        Self(Some(sample).filter(|sample| !sample.is_empty()).and_then(|sample| charset(&sample)))
    }

    pub(super) fn text(&self, raw: &[u8]) -> String {
        match (std::str::from_utf8(raw), self.0) {
            (Err(_), Some(charset)) => charset.decode(raw),
            _ => String::from_utf8_lossy(raw).into_owned(),
        }
    }
}

/// The encoding that makes most of the names words: the detector's guess or one of DOS. Where one of Latin letters is as
/// good as another, it is the standard's.
fn charset(sample: &[u8]) -> Option<Charset> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let guess = Charset::Known(detector.guess(None, Utf8Detection::Deny));
    let dos = DOS.into_iter().filter_map(Charset::of_code_page);
    // Where bytes make no characters, those that do tell nothing.
    let dos = dos.filter(|charset| charset.decode_exactly(sample).is_some());
    let is_latin = guess.decode(sample).chars().all(|c| script(c) != Script::Other);
    let mut candidates: Vec<Charset> = dos.collect();
    candidates.insert(usize::from(is_latin), guess);
    // The last one of the best is taken.
    candidates.into_iter().rev().max_by(|a, b| {
        let [(a, all_of_a), (b, all_of_b)] = [a, b].map(|charset| words(&charset.decode(sample)));
        (a * all_of_b).cmp(&(b * all_of_a))
    })
}

/// Of the characters that are not ASCII, how many stand as they do in words, and how many there are.
fn words(text: &str) -> (usize, usize) {
    let characters: Vec<char> = text.chars().collect();
    let at = |at: Option<usize>| at.and_then(|at| characters.get(at)).copied().unwrap_or(' ');
    let (mut good, mut all) = (0, 0);
    for (i, c) in characters.iter().enumerate().filter(|(_, c)| !c.is_ascii()) {
        all += 1;
        good += usize::from(fits(at(i.checked_sub(1)), *c, at(i.checked_add(1))));
    }
    (good, all)
}

/// Whether a character may stand between these: a letter beside letters of its script, no capital behind a small letter, and
/// marks where they belong. Scripts without spaces stand beside anything.
fn fits(last: char, c: char, next: char) -> bool {
    let beside = [last, next].map(script);
    match script(c) {
        Script::None if matches!(c, '’' | '‘') => !beside.contains(&Script::None),
        Script::None => matches!(c, '–' | '—' | '…' | '“' | '”') && beside.contains(&Script::None),
        Script::EastAsian => true,
        own => {
            let is_word =
                beside.contains(&own) && beside.iter().all(|s| *s == own || *s == Script::None);
            let is_torn =
                c.is_uppercase() && last.is_lowercase() || c.is_lowercase() && next.is_uppercase();
            is_word && !is_torn
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    /// No letter.
    None,
    Latin,
    Greek,
    Other,
    EastAsian,
}

fn script(c: char) -> Script {
    match c {
        'ª' | 'º' | 'µ' | 'ƒ' | 'ⁿ' | '\u{ff61}'..='\u{ff9f}' => Script::None,
        // With the punctuation that is as wide.
        '\u{2e80}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff01}'..='\u{ffe6}' => Script::EastAsian,
        c if !c.is_alphabetic() => Script::None,
        '\0'..='\u{24f}' => Script::Latin,
        '\u{370}'..='\u{3ff}' => Script::Greek,
        _ => Script::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &[&[u8]]) -> Vec<String> {
        let all = Names::of(names.iter().copied());
        names.iter().map(|name| all.text(name)).collect()
    }

    fn encoded(label: &str, name: &str) -> Vec<u8> {
        encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().encode(name).0.into_owned()
    }

    #[test]
    fn names_show_their_encoding_together() {
        for (label, names) in [
            ("ibm866", &["Отчет за год.txt", "Счёт/Приложение 2.doc"][..]),
            ("ibm866", &["Договор.pdf"]),
            ("windows-1251", &["Отчет за год.txt", "Счёт/Приложение 2.doc"]),
            ("windows-1251", &["Договор.pdf"]),
            ("shift_jis", &["報告書.txt", "資料/会議メモ.txt"]),
            ("shift_jis", &["新しいフォルダー/テスト.txt"]),
            ("shift_jis", &["日本語.txt"]),
            ("shift_jis", &["テスト.txt"]),
            ("gbk", &["工作报告.txt", "新建文件夹/说明.doc"]),
            ("gbk", &["会议记录2024.txt"]),
            ("big5", &["會議記錄.txt", "新增資料夾/說明.doc"]),
            ("euc-kr", &["보고서.txt", "새 폴더/회의록.hwp"]),
            ("windows-1252", &["Größe – Übersicht.txt", "It’s über.txt"]),
            ("windows-1253", &["Αναφορά έτους.txt", "Νέος φάκελος/κείμενο.txt"]),
        ] {
            let raw: Vec<Vec<u8>> = names.iter().map(|name| encoded(label, name)).collect();
            let raw: Vec<&[u8]> = raw.iter().map(Vec::as_slice).collect();
            assert_eq!(read(&raw), names, "{label}");
        }
    }

    #[test]
    fn names_of_dos_are_in_its_code_pages() {
        for (raw, expected) in [
            (&b"K\x84lte.txt"[..], "Kälte.txt"),
            (b"\x9abersicht f\x81r \x8epfel.txt", "Übersicht für Äpfel.txt"),
            (b"R\x82sum\x82 \x85 jour.txt", "Résumé à jour.txt"),
            (b"Stra\xe1e.txt", "Straße.txt"),
            (b"\x80\xa4\x98\xad\xa6\xa8\xe1 \xe2\xab\xa6\xac\xaa.txt", "Αναφορά έτους.txt"),
            (b"Informa\x87\xc6o e relat\xa2rio.txt", "Informação e relatório.txt"),
            (b"Za\xbe\xa2\x88\x86 g\xa9\x98l\xa5 ja\xab\xe4.txt", "Zażółć gęślą jaźń.txt"),
        ] {
            assert_eq!(read(&[raw]), [expected]);
        }
        assert_eq!(read(&["Grüße".as_bytes(), b"a"]), ["Grüße", "a"]);
        assert_eq!(read(&[]), [""; 0]);
    }
}
