//! The corpus of a judged collection as an index.

use std::fmt;
use std::fs::{self, File};
use std::io::BufReader;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use vizsla::{
    Analysis, Document, FieldWeights, FileRecord, Index, IndexSettings, IndexWriter, Language,
    Limits, SplitOptions, WriterOptions, content_hash,
};
use vizsla_extract::{Format, Input, Problem, Sink, extract};

use crate::error::{Error, ErrorKind, Result};

/// How a corpus is indexed; unset options have the index's defaults.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CorpusOptions {
    /// The language of the texts.
    pub language: Option<Language>,
    /// How texts become terms.
    pub analysis: Option<Analysis>,
    /// Maximum number of tokens in a passage.
    pub passage_tokens: Option<usize>,
    /// Also index texts without titles, as the field `body`.
    pub separate_body: bool,
}

impl CorpusOptions {
    /// Sets the language of the texts.
    pub fn with_language(mut self, language: Language) -> Self {
        self.language = Some(language);
        self
    }

    /// Sets how texts become terms; [`Analysis::Plain`] is that of Anserini's baselines.
    pub fn with_analysis(mut self, analysis: Analysis) -> Self {
        self.analysis = Some(analysis);
        self
    }

    /// Sets the maximum number of tokens in a passage.
    pub fn with_passage_tokens(mut self, tokens: usize) -> Self {
        self.passage_tokens = Some(tokens);
        self
    }

    /// Also indexes texts without titles.
    pub fn with_separate_body(mut self) -> Self {
        self.separate_body = true;
        self
    }

    fn settings(&self) -> IndexSettings {
        // Where the corpus lies says nothing about its documents.
        let mut settings = IndexSettings::default().with_weights(FieldWeights::CONTENT);
        if let Some(tokens) = self.passage_tokens {
            settings = settings.with_split(SplitOptions::default().with_max_tokens(tokens));
        }
        if let Some(language) = self.language {
            settings = settings.with_language(language);
        }
        if let Some(analysis) = self.analysis {
            settings = settings.with_analysis(analysis);
        }
        if self.separate_body { settings.with_separate_body() } else { settings }
    }

    /// An existing index keeps its own settings, so they must be those requested.
    fn check(&self, index: &Index, dir: &Path) -> Result<()> {
        let (made, wanted) = (index.settings(), self.settings());
        for (what, given, same) in [
            ("length of passages", self.passage_tokens.is_some(), made.split == wanted.split),
            ("language", self.language.is_some(), made.language == wanted.language),
            ("analysis", self.analysis.is_some(), made.analysis == wanted.analysis),
            ("choice of a separate body", self.separate_body, made.separate_body),
        ] {
            if given && !same {
                let dir = dir.display();
                let message = format!("the index at {dir} was made with a different {what}");
                return Err(Error::new(ErrorKind::Mismatch, message));
            }
        }
        Ok(())
    }
}

/// An indexed corpus.
pub struct Corpus {
    index: Index,
    /// Keeps a temporary folder as long as the index is in use.
    _scratch: Option<TempDir>,
}

impl fmt::Debug for Corpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Corpus").field("index", &self.index.dir()).finish_non_exhaustive()
    }
}

/// A corpus that was indexed by other means. Documents must have the ids that the judgments use.
impl From<Index> for Corpus {
    fn from(index: Index) -> Self {
        Self { index, _scratch: None }
    }
}

impl Corpus {
    /// Indexes the `corpus.jsonl` in a collection's folder, in a temporary folder that is removed with the value.
    /// Cost: some seconds for 100,000 documents.
    ///
    /// # Errors
    /// [`ErrorKind::MissingPart`] without a corpus, [`ErrorKind::Malformed`] when a line of it is not a document or two have
    /// the same id, and [`ErrorKind::Index`] or [`ErrorKind::Io`] when the index cannot be written.
    pub fn index_temporarily(dataset: &Path, options: &CorpusOptions) -> Result<Self> {
        let scratch =
            tempfile::Builder::new().prefix("vizsla-eval-").tempdir().map_err(|error| {
                Error::new(ErrorKind::Io, "cannot create a temporary folder").with_source(error)
            })?;
        let index = index_corpus(dataset, &scratch.path().join("index"), options)?;
        Ok(Self { index, _scratch: Some(scratch) })
    }

    /// As [`index_temporarily`](Self::index_temporarily), but in the folder `dir`, where the index stays. An existing one
    /// of the same corpus is reused; if the corpus has changed, it is brought up to date.
    ///
    /// # Errors
    /// Also [`ErrorKind::Mismatch`] when an existing index was made with other options or from other files.
    pub fn index_in(dataset: &Path, dir: &Path, options: &CorpusOptions) -> Result<Self> {
        Ok(index_corpus(dataset, dir, options)?.into())
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }
}

/// The path of the corpus in a collection's folder.
///
/// # Errors
/// [`ErrorKind::MissingPart`] when it has none.
pub fn corpus_file(dataset: &Path) -> Result<PathBuf> {
    let path = dataset.join("corpus.jsonl");
    if path.is_file() {
        return Ok(path);
    }
    let dataset = dataset.display();
    let message = format!("{dataset} is not a judged collection: it has no corpus.jsonl");
    Err(Error::new(ErrorKind::MissingPart, message))
}

fn index_corpus(dataset: &Path, dir: &Path, options: &CorpusOptions) -> Result<Index> {
    let corpus = corpus_file(dataset)?;
    let index = Index::open_or_create(dir, options.settings()).map_err(index_failed)?;
    options.check(&index, dir)?;
    let corpus = fs::canonicalize(&corpus).map_err(|error| Error::io("read", &corpus, error))?;
    let name = corpus.to_str().ok_or_else(|| {
        let message = format!("the path {} is not valid UTF-8", corpus.display());
        Error::new(ErrorKind::InvalidInput, message)
    })?;
    let hash = File::open(&corpus)
        .and_then(content_hash)
        .map_err(|error| Error::io("read", &corpus, error))?;
    let mut writer = index.writer(&WriterOptions::default()).map_err(index_failed)?;
    if let Some(other) = writer.files().into_iter().find(|file| file != name) {
        let message = format!(
            "the index at {} has documents from {other}, which is not the corpus {name}",
            dir.display()
        );
        return Err(Error::new(ErrorKind::Mismatch, message));
    }
    match writer.file(name) {
        Some(record) if record.hash == hash => return Ok(index),
        Some(_) => drop(writer.delete_file(name)),
        None => {}
    }
    let (documents, bytes) = add_documents(&writer, &corpus, name)?;
    writer.record_file(name, FileRecord::new(hash, bytes, documents));
    writer.commit().and_then(|()| writer.finish()).map_err(index_failed)?;
    Ok(index)
}

/// Adds every record; returns how many, and the size of the file.
fn add_documents(writer: &IndexWriter, corpus: &Path, name: &str) -> Result<(u64, u64)> {
    let unreadable = |error| Error::io("read", corpus, error);
    let file = File::open(corpus).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    let partial = || {
        let message =
            format!("the corpus cannot be evaluated while part of it is unreadable: {name}");
        Error::new(ErrorKind::Malformed, message)
    };
    let mut adding = Adding { writer, documents: 0, failure: None };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let read = extract(
        Input::reader(name, &mut reader).with_format(Format::JSON_LINES),
        &Limits::default(),
        &mut adding,
    );
    match (read, adding.failure) {
        (_, Some(Failure::Index(error))) if error.kind() != vizsla::ErrorKind::InvalidInput => {
            Err(index_failed(error))
        }
        (_, Some(Failure::Index(error))) => Err(partial().with_source(error)),
        (_, Some(Failure::Record(problem))) => Err(partial().with_source(problem)),
        (Err(error), None) => Err(partial().with_source(error)),
        (Ok(()), None) => Ok((adding.documents, bytes)),
    }
}

/// Adds records to an index until one cannot be read or added.
struct Adding<'a> {
    writer: &'a IndexWriter,
    documents: u64,
    failure: Option<Failure>,
}

enum Failure {
    Index(vizsla::Error),
    Record(String),
}

impl Sink for Adding<'_> {
    fn document(&mut self, document: Document) -> ControlFlow<()> {
        if self.failure.is_some() {
            return ControlFlow::Break(());
        }
        match self.writer.add(&document) {
            // Judgments of this id would be judgments of the last one, and the others could not be found.
            Ok(outcome) if outcome.repeated => {
                let reason = format!("more than one document has the id {:?}", document.id);
                self.failure = Some(Failure::Record(reason));
            }
            Ok(_) => self.documents += 1,
            Err(error) => self.failure = Some(Failure::Index(error)),
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        if problem.loses_text() && self.failure.is_none() {
            self.failure = Some(Failure::Record(problem.to_string()));
        }
    }
}

pub(crate) fn index_failed(error: vizsla::Error) -> Error {
    Error::new(ErrorKind::Index, "cannot use the index of the corpus").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(dir: &Path, lines: &[(&str, &str)]) {
        let record =
            |(id, text): &(&str, &str)| format!("{{\"_id\": \"{id}\", \"text\": \"{text}\"}}\n");
        fs::write(dir.join("corpus.jsonl"), lines.iter().map(record).collect::<String>()).unwrap();
    }

    #[test]
    fn an_index_follows_its_corpus() {
        let folder = tempfile::tempdir().unwrap();
        let (dataset, dir) = (folder.path(), folder.path().join("index"));
        let count = |options: &CorpusOptions| {
            let corpus = Corpus::index_in(dataset, &dir, options)?;
            Ok::<u64, Error>(corpus.index().stats().unwrap().documents)
        };
        let options = CorpusOptions::default();
        assert_eq!(count(&options).unwrap_err().kind(), ErrorKind::MissingPart);
        written(dataset, &[("a", "dog"), ("b", "cat")]);
        assert_eq!(count(&options).unwrap(), 2);
        assert_eq!(count(&options).unwrap(), 2);
        written(dataset, &[("a", "dog")]);
        assert_eq!(count(&options).unwrap(), 1);
        let other = options.clone().with_passage_tokens(50);
        assert_eq!(count(&other).unwrap_err().kind(), ErrorKind::Mismatch);
        fs::write(dataset.join("corpus.jsonl"), "{\"_id\": \"a\", \"text\": \"x\"}\nbroken\n")
            .unwrap();
        let error = count(&options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed);
        let reason = std::error::Error::source(&error).unwrap().to_string();
        assert!(reason.starts_with("line 2"), "{reason}");
        written(dataset, &[("a", "dog"), ("b", "cat"), ("a", "cow")]);
        let error = count(&options).unwrap_err();
        let reason = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(reason, "more than one document has the id \"a\"");
    }

    #[test]
    fn an_index_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        for dataset in [&one, &other] {
            fs::create_dir(dataset).unwrap();
            written(dataset, &[("a", "dog")]);
        }
        let dir = folder.path().join("index");
        Corpus::index_in(&one, &dir, &CorpusOptions::default()).unwrap();
        let error = Corpus::index_in(&other, &dir, &CorpusOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch);
    }
}
