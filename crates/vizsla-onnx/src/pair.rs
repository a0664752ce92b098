//! Turns texts into token ids: the only file that knows the tokenizer. In: a query and passages. Out: one [`Pair`] per
//! passage, or several windows when it is longer than the model can read.

use tokenizers::{Encoding, Tokenizer};

use crate::error::{Error, ErrorKind};

/// A query and a passage as the model reads them: `[CLS] query [SEP] passage [SEP]` for a BERT.
#[derive(Debug, PartialEq)]
pub(crate) struct Pair {
    pub(crate) ids: Vec<i64>,
    pub(crate) type_ids: Vec<i64>,
}

/// Everything to be read of one passage.
#[derive(Debug, PartialEq)]
pub(crate) struct Windows {
    /// At least one.
    pub(crate) pairs: Vec<Pair>,
    /// Whether the query was truncated to leave room for the passage.
    pub(crate) truncated: bool,
}

/// Builds pairs according to the model's own tokenizer file.
pub(crate) struct PairTokenizer {
    tokenizer: Tokenizer,
    template: Template,
    /// What remains of the model's length for the tokens of query and passage.
    room: usize,
}

/// The special tokens around query and passage: id and type of each.
struct Template {
    before: Vec<(i64, i64)>,
    between: Vec<(i64, i64)>,
    after: Vec<(i64, i64)>,
    query_type: i64,
    passage_type: i64,
}

impl PairTokenizer {
    pub(crate) fn new(tokenizer_json: &[u8], max_tokens: usize) -> Result<Self, Error> {
        let bad = |what: &str, error: tokenizers::Error| {
            Error::new(ErrorKind::ModelFile, what).with_source(error)
        };
        let mut tokenizer = Tokenizer::from_bytes(tokenizer_json)
            .map_err(|error| bad("tokenizer.json of the model cannot be read", error))?;
        tokenizer.with_padding(None);
        // A file may have its own truncation settings for single texts; here truncation applies to the pair.
        tokenizer.with_truncation(None).map_err(|error| {
            bad("tokenizer.json of the model cannot be used without a limit", error)
        })?;
        let template = Template::of(&tokenizer)
            .map_err(|error| bad("tokenizer.json of the model cannot encode pairs", error))?;
        let special_tokens = template.special_tokens();
        if special_tokens + 2 > max_tokens {
            return Err(Error::new(
                ErrorKind::UnsupportedModel,
                format!(
                    "the model reads at most {max_tokens} tokens, of which {special_tokens} are special ones"
                ),
            ));
        }
        Ok(Self { tokenizer, template, room: max_tokens - special_tokens })
    }

    /// The maximum number of tokens in a pair.
    pub(crate) fn max_tokens(&self) -> usize {
        self.room + self.template.special_tokens()
    }

    /// Tokens of a text, without special tokens or truncation.
    pub(crate) fn tokenize(&self, text: &str) -> Result<Vec<u32>, Error> {
        // `encode_fast` leaves out offsets, which nothing here needs.
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|error| {
            Error::new(ErrorKind::Inference, "the model's tokenizer failed on a text")
                .with_source(error)
        })?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Joins two tokenized texts. A passage that does not fit is read in windows, all of the same length and each
    /// sharing at least a quarter with the next; a query is truncated only when it would leave the passage less than
    /// half.
    pub(crate) fn windows(&self, query: &[u32], passage: &[u32]) -> Windows {
        let most = (self.room / 2).max(self.room.saturating_sub(passage.len()));
        let truncated = query.len() > most;
        let query = &query[..query.len().min(most)];
        let length = passage.len().min(self.room - query.len());
        let beyond = passage.len() - length;
        let step = (length - length / 4).max(1);
        let count = 1 + beyond.div_ceil(step);
        let pairs = (0..count)
            .map(|i| {
                let start = if i == 0 { 0 } else { beyond * i / (count - 1) };
                self.template.join(query, &passage[start..start + length])
            })
            .collect();
        Windows { pairs, truncated }
    }
}

impl Template {
    /// Lets the tokenizer's own post-processor join two placeholder tokens, and sees where they end up.
    fn of(tokenizer: &Tokenizer) -> Result<Self, tokenizers::Error> {
        const QUERY: u32 = u32::MAX;
        const PASSAGE: u32 = u32::MAX - 1;
        #[expect(clippy::default_trait_access, reason = "the type is another crate's")]
        let stand_in = |id| {
            Encoding::new(
                vec![id],
                vec![0],
                vec![String::new()],
                vec![None],
                vec![(0, 0)],
                vec![0],
                vec![1],
                Vec::new(),
                Default::default(),
            )
        };
        let joined = tokenizer.post_process(stand_in(QUERY), Some(stand_in(PASSAGE)), true)?;
        let (ids, types) = (joined.get_ids(), joined.get_type_ids());
        let places = |wanted: u32| ids.iter().position(|id| *id == wanted);
        let (Some(query), Some(passage)) = (places(QUERY), places(PASSAGE)) else {
            return Err("it drops one of the two texts".into());
        };
        if passage < query {
            return Err("it puts the passage before the query".into());
        }
        let tokens: Vec<(i64, i64)> =
            ids.iter().zip(types).map(|(id, kind)| (i64::from(*id), i64::from(*kind))).collect();
        Ok(Self {
            before: tokens[..query].to_vec(),
            between: tokens[query + 1..passage].to_vec(),
            after: tokens[passage + 1..].to_vec(),
            query_type: tokens[query].1,
            passage_type: tokens[passage].1,
        })
    }

    fn special_tokens(&self) -> usize {
        self.before.len() + self.between.len() + self.after.len()
    }

    fn join(&self, query: &[u32], passage: &[u32]) -> Pair {
        let (ids, type_ids) = self
            .before
            .iter()
            .copied()
            .chain(query.iter().map(|id| (i64::from(*id), self.query_type)))
            .chain(self.between.iter().copied())
            .chain(passage.iter().map(|id| (i64::from(*id), self.passage_type)))
            .chain(self.after.iter().copied())
            .unzip();
        Pair { ids, type_ids }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoder(max_tokens: usize) -> PairTokenizer {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../index-fixtures/models/one-logit/tokenizer.json"
        );
        PairTokenizer::new(&std::fs::read(file).unwrap(), max_tokens).unwrap()
    }

    #[test]
    fn pairs_are_what_the_tokenizer_makes_of_both_texts() {
        let encoder = encoder(16);
        let (query, passage) = ("the dog", "a cat sleeps");
        let expected = encoder.tokenizer.encode((query, passage), true).unwrap();
        let windows =
            encoder.windows(&encoder.tokenize(query).unwrap(), &encoder.tokenize(passage).unwrap());
        assert_eq!((windows.pairs.len(), windows.truncated), (1, false));
        let narrow = |ids: &[i64]| ids.iter().map(|id| *id as u32).collect::<Vec<_>>();
        assert_eq!(narrow(&windows.pairs[0].ids), expected.get_ids());
        assert_eq!(narrow(&windows.pairs[0].type_ids), expected.get_type_ids());
    }

    #[test]
    fn windows_cover_a_long_passage_and_overlap_by_a_quarter() {
        let encoder = encoder(23);
        for length in 1..200u32 {
            let passage: Vec<u32> = (100..100 + length).collect();
            let windows = encoder.windows(&[1, 2, 3, 4], &passage);
            let texts: Vec<Vec<i64>> = windows
                .pairs
                .iter()
                .map(|pair| pair.ids.iter().copied().filter(|id| *id >= 100).collect())
                .collect();
            assert!(windows.pairs.iter().all(|pair| pair.ids.len() <= 23));
            assert_eq!(texts[0][0], 100);
            assert_eq!(texts[texts.len() - 1].last(), Some(&i64::from(99 + length)));
            for pair in texts.windows(2) {
                let shared = pair[0].last().unwrap() + 1 - pair[1][0];
                assert!(shared >= 4, "{length}: {shared}");
            }
            assert!(!windows.truncated);
        }
    }

    #[test]
    fn a_long_query_leaves_half_to_the_passage() {
        let encoder = encoder(23);
        let query: Vec<u32> = (0..30).collect();
        let short = encoder.windows(&query[..15], &[100, 101]);
        assert_eq!((short.pairs.len(), short.truncated), (1, false));
        let cut = encoder.windows(&query, &[100, 101]);
        assert_eq!((cut.pairs.len(), cut.truncated, cut.pairs[0].ids.len()), (1, true, 23));
        let both = encoder.windows(&query, &(100..150).collect::<Vec<_>>());
        assert!(both.truncated && both.pairs.len() > 1);
        assert_eq!(encoder.windows(&query[..3], &[]).pairs.len(), 1);
    }
}
