//! Texts become token ids: the only file that knows the tokenizer. In: a query and passages. Out: one [`Pair`] each.

use tokenizers::utils::truncation::truncate_encodings;
use tokenizers::{Encoding, Tokenizer, TruncationParams, TruncationStrategy};

use crate::error::{Error, ErrorKind};

/// A query and a passage as the model reads them: `[CLS] query [SEP] passage [SEP]` for a BERT.
pub(crate) struct Pair {
    pub(crate) ids: Vec<i64>,
    pub(crate) type_ids: Vec<i64>,
    /// Whether the query or the passage was cut to fit.
    pub(crate) truncated: bool,
}

/// Makes pairs as the model's own tokenizer file says.
pub(crate) struct PairEncoder {
    tokenizer: Tokenizer,
    /// What is left of the model's length for the tokens of query and passage.
    room: TruncationParams,
}

impl PairEncoder {
    pub(crate) fn new(tokenizer_json: &[u8], max_tokens: usize) -> Result<Self, Error> {
        let bad = |what: &str, error: tokenizers::Error| {
            Error::new(ErrorKind::ModelFile, what).with_source(error)
        };
        let mut tokenizer = Tokenizer::from_bytes(tokenizer_json)
            .map_err(|error| bad("tokenizer.json of the model cannot be read", error))?;
        tokenizer.with_padding(None);
        // A file may carry settings of its own for cutting single texts; cutting is for the pair.
        tokenizer.with_truncation(None).map_err(|error| {
            bad("tokenizer.json of the model cannot be used without a limit", error)
        })?;
        let special_tokens = tokenizer
            .encode(("", ""), true)
            .map_err(|error| bad("tokenizer.json of the model cannot encode pairs", error))?
            .len();
        if special_tokens >= max_tokens {
            return Err(Error::new(
                ErrorKind::UnsupportedModel,
                format!(
                    "the model reads at most {max_tokens} tokens, of which {special_tokens} are special ones"
                ),
            ));
        }
        // Cuts the longer of the two, as the reference implementation (sentence-transformers) does.
        let room = TruncationParams {
            max_length: max_tokens - special_tokens,
            strategy: TruncationStrategy::LongestFirst,
            ..TruncationParams::default()
        };
        Ok(Self { tokenizer, room })
    }

    /// Tokens of a text, without special ones and uncut.
    pub(crate) fn tokenize(&self, text: &str) -> Result<Encoding, Error> {
        // `encode_fast` leaves out offsets, which nothing here needs.
        self.tokenizer.encode_fast(text, false).map_err(|error| {
            Error::new(ErrorKind::Inference, "the model's tokenizer failed on a text")
                .with_source(error)
        })
    }

    /// Joins two tokenized texts.
    pub(crate) fn pair(&self, query: &Encoding, passage: Encoding) -> Result<Pair, Error> {
        let truncated = query.len() + passage.len() > self.room.max_length;
        let join = || {
            let (query, passage) = truncate_encodings(query.clone(), Some(passage), &self.room)?;
            self.tokenizer.post_process(query, passage, true)
        };
        let joined = join().map_err(|error: tokenizers::Error| {
            Error::new(ErrorKind::Inference, "the model's tokenizer cannot join query and passage")
                .with_source(error)
        })?;
        let widen = |ids: &[u32]| ids.iter().map(|id| i64::from(*id)).collect();
        Ok(Pair { ids: widen(joined.get_ids()), type_ids: widen(joined.get_type_ids()), truncated })
    }
}
