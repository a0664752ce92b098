//! Scores that outlive the program: a file of records of equal size, each with a checksum. What is damaged is forgotten, since
//! a score can always be computed again.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use vizsla_core::RerankScore;

/// What a score belongs to: half of a BLAKE3 hash of model, query and passage, so that collisions are not to be expected.
pub(crate) type Key = [u8; 16];

/// The first bytes of the file; they change with its format.
const HEADER: &[u8; RECORD] = b"vizsla scores 1: key, score, sum";
/// Bytes of a record: key, logit, tokens, windows, flags, and the checksum of all these.
const RECORD: usize = 32;
const BODY: usize = RECORD - 4;
/// How many scores are kept; twice as many may lie in the file.
const KEPT: usize = 1 << 15;

/// A file of scores, read when it is opened.
#[derive(Debug)]
pub(crate) struct ScoreFile {
    path: PathBuf,
    scores: HashMap<Key, RerankScore>,
}

impl ScoreFile {
    /// The scores in a file; none where there is no file or none of this format. Cost: reading at most 2 MiB.
    pub(crate) fn open(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let records = fs::read(&path).map(|bytes| records(&bytes)).unwrap_or_default();
        Self { path, scores: records.into_iter().collect() }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<RerankScore> {
        self.scores.get(key).map(|score| score.with_cached(true))
    }

    /// Adds scores. Several programs may do so at once. What is in memory is bounded as the file is.
    pub(crate) fn add(&mut self, scores: &[(Key, RerankScore)]) -> io::Result<()> {
        if self.scores.len() > 2 * KEPT {
            self.scores.clear();
        }
        self.scores.extend(scores.iter().copied());
        if scores.is_empty() {
            return Ok(());
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&self.path)?;
        // The lock is given back with the file.
        file.lock()?;
        let written: Vec<u8> = scores.iter().flat_map(record).collect();
        let length = file.metadata()?.len();
        if length / RECORD as u64 > 2 * KEPT as u64 || !is_of_this_format(&mut file)? {
            return rewrite(&mut file, &self.path, &written);
        }
        // What a crash has left of a record is overwritten.
        file.seek(SeekFrom::Start(length - length % RECORD as u64))?;
        file.write_all(&written)
    }
}

fn is_of_this_format(file: &mut File) -> io::Result<bool> {
    let mut header = [0; RECORD];
    match io::Read::read_exact(file, &mut header) {
        Ok(()) => Ok(&header == HEADER),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Keeps the newest records and adds some.
fn rewrite(file: &mut File, path: &Path, added: &[u8]) -> io::Result<()> {
    let known = records(&fs::read(path)?);
    let newest = &known[known.len().saturating_sub(KEPT)..];
    let mut bytes = HEADER.to_vec();
    bytes.extend(newest.iter().flat_map(record));
    bytes.extend(added);
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)?;
    file.set_len(bytes.len() as u64)
}

fn record((key, score): &(Key, RerankScore)) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..16].copy_from_slice(key);
    record[16..20].copy_from_slice(&score.logit.to_le_bytes());
    record[20..24].copy_from_slice(&score.tokens.unwrap_or(u32::MAX).to_le_bytes());
    let windows = u16::try_from(score.windows).unwrap_or(u16::MAX);
    record[24..26].copy_from_slice(&windows.to_le_bytes());
    record[26] = u8::from(score.truncated);
    let sum = checksum(&record[..BODY]);
    record[BODY..].copy_from_slice(&sum);
    record
}

/// The records whose checksums fit, oldest first.
fn records(bytes: &[u8]) -> Vec<(Key, RerankScore)> {
    let Some(rest) = bytes.strip_prefix(HEADER.as_slice()) else { return Vec::new() };
    let intact =
        rest.chunks_exact(RECORD).filter(|chunk| chunk[BODY..] == checksum(&chunk[..BODY]));
    intact.filter_map(parse).collect()
}

fn parse(record: &[u8]) -> Option<(Key, RerankScore)> {
    let number = |from: usize| Some(u32::from_le_bytes(record[from..from + 4].try_into().ok()?));
    let tokens = number(20)?;
    let windows = u16::from_le_bytes(record[24..26].try_into().ok()?);
    let mut score = RerankScore::new(f32::from_bits(number(16)?)).with_windows(windows.into());
    score.tokens = (tokens != u32::MAX).then_some(tokens);
    score.truncated = record[26] != 0;
    Some((record[..16].try_into().ok()?, score))
}

fn checksum(body: &[u8]) -> [u8; 4] {
    let hash = blake3::hash(body);
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> Key {
        let mut key = Key::default();
        key[..4].copy_from_slice(&number.to_le_bytes());
        key
    }

    fn score(number: u32) -> RerankScore {
        RerankScore::new(number as f32 / 7.0).with_tokens(number, number % 2 == 1).with_windows(3)
    }

    fn scores(numbers: std::ops::Range<u32>) -> Vec<(Key, RerankScore)> {
        numbers.map(|number| (key(number), score(number))).collect()
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores");
        (folder, path)
    }

    #[test]
    fn scores_are_found_again_and_marked() {
        let (_folder, path) = folder();
        assert_eq!(ScoreFile::open(&path).get(&key(1)), None);
        ScoreFile::open(&path).add(&scores(0..3)).unwrap();
        let mut file = ScoreFile::open(&path);
        file.add(&scores(3..5)).unwrap();
        let again = ScoreFile::open(&path);
        for number in 0..5 {
            let expected = Some(score(number).with_cached(true));
            assert_eq!((file.get(&key(number)), again.get(&key(number))), (expected, expected));
        }
        let unknown = RerankScore::new(-1.5);
        file.add(&[(key(9), unknown)]).unwrap();
        assert_eq!(ScoreFile::open(&path).get(&key(9)), Some(unknown.with_cached(true)));
    }

    #[test]
    fn what_is_damaged_is_forgotten_and_the_rest_kept() {
        let (_folder, path) = folder();
        ScoreFile::open(&path).add(&scores(0..4)).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in RECORD..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            let file = ScoreFile::open(&path);
            let lost = (at / RECORD - 1) as u32;
            for number in 0..4 {
                assert_eq!(file.get(&key(number)).is_some(), number != lost, "{at} {number}");
            }
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            ScoreFile::open(&path).add(&scores(7..8)).unwrap();
            let file = ScoreFile::open(&path);
            assert!(file.get(&key(7)).is_some(), "{length}");
            assert_eq!(file.get(&key(0)).is_some(), length >= 2 * RECORD, "{length}");
        }
        fs::write(&path, "somebody's notes, which are longer than a header").unwrap();
        ScoreFile::open(&path).add(&scores(7..8)).unwrap();
        assert!(ScoreFile::open(&path).get(&key(7)).is_some());
    }

    #[test]
    fn the_file_is_bounded_and_the_newest_stay() {
        let (_folder, path) = folder();
        let count = 2 * KEPT as u32 + 10;
        ScoreFile::open(&path).add(&scores(0..count)).unwrap();
        ScoreFile::open(&path).add(&scores(count..count + 1)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), ((KEPT + 2) * RECORD) as u64);
        let file = ScoreFile::open(&path);
        assert!(file.get(&key(count)).is_some() && file.get(&key(count - 1)).is_some());
        assert!(file.get(&key(0)).is_none());
    }

    #[test]
    fn several_programs_may_add_at_once() {
        let (_folder, path) = folder();
        std::thread::scope(|scope| {
            for thread in 0..8u32 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..20 {
                        let number = thread * 100 + number;
                        ScoreFile::open(path).add(&scores(number..number + 1)).unwrap();
                    }
                });
            }
        });
        let file = ScoreFile::open(&path);
        let kept =
            |thread: u32| (0..20).all(|number| file.get(&key(thread * 100 + number)).is_some());
        assert!((0..8).all(kept));
    }
}
