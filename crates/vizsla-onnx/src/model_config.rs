//! The longest pair a model can read. In: the model's settings files. Out: a number of tokens, or why the model is not
//! a cross-encoder.

use serde_json::Value;

use crate::error::{Error, ErrorKind};

/// Model types whose first position is not 0 but `pad_token_id + 1`, as in fairseq: their position table is longer by
/// that than what they can read.
const OFFSET_POSITIONS: [&str; 11] = [
    "camembert",
    "data2vec-text",
    "ibert",
    "longformer",
    "luke",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
];

/// Their padding id unless their settings override it.
const PAD_TOKEN: u64 = 1;

/// What `config.json` and `tokenizer_config.json` say about running the model.
pub(crate) struct ModelConfig {
    /// The maximum number of tokens in a pair, special tokens included.
    pub(crate) max_tokens: usize,
}

impl ModelConfig {
    pub(crate) fn parse(config: &[u8], tokenizer_config: Option<&[u8]>) -> Result<Self, Error> {
        let bad = |what: &str, error| {
            Error::new(ErrorKind::ModelFile, format!("{what} is not valid JSON")).with_source(error)
        };
        let config: Value = serde_json::from_slice(config)
            .map_err(|error| bad("config.json of the model", error))?;
        let labels = config["id2label"]
            .as_object()
            .map(serde_json::Map::len)
            .or(config["num_labels"].as_u64().map(|n| n as usize));
        if let Some(labels) = labels.filter(|labels| *labels > 2) {
            let message = format!(
                "the model distinguishes {labels} classes; a cross-encoder for ranking has one or two outputs"
            );
            return Err(Error::new(ErrorKind::UnsupportedModel, message));
        }
        let tokenizer_limit = tokenizer_config
            .map(serde_json::from_slice::<Value>)
            .transpose()
            .map_err(|error| bad("tokenizer_config.json of the model", error))?
            // Tokenizers without a limit write 1e30, which does not parse as an integer and so is ignored.
            .and_then(|config| config["model_max_length"].as_u64());
        let limits = positions(&config).into_iter().chain(tokenizer_limit);
        Ok(Self { max_tokens: limits.min().unwrap_or(512) as usize })
    }
}

/// How many tokens can have their own position.
fn positions(config: &Value) -> Option<u64> {
    let table = config["max_position_embeddings"].as_u64()?;
    let is_offset =
        config["model_type"].as_str().is_some_and(|kind| OFFSET_POSITIONS.contains(&kind));
    let pad_token = config["pad_token_id"].as_u64().unwrap_or(PAD_TOKEN);
    Some(if is_offset { table.saturating_sub(pad_token.saturating_add(1)) } else { table })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn max_tokens(config: &str, tokenizer_config: Option<&str>) -> usize {
        let config = ModelConfig::parse(config.as_bytes(), tokenizer_config.map(str::as_bytes));
        config.unwrap().max_tokens
    }

    #[test]
    fn roberta_counts_positions_from_after_its_padding() {
        let roberta =
            r#"{"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}"#;
        assert_eq!(max_tokens(roberta, None), 512);
        let unsaid = r#"{"model_type": "camembert", "max_position_embeddings": 514}"#;
        assert_eq!(max_tokens(unsaid, None), 512);
        let other =
            r#"{"model_type": "roberta", "max_position_embeddings": 64, "pad_token_id": 5}"#;
        assert_eq!(max_tokens(other, None), 58);
        let bert = r#"{"model_type": "bert", "max_position_embeddings": 512, "pad_token_id": 0}"#;
        assert_eq!(max_tokens(bert, None), 512);
    }

    #[test]
    fn the_smaller_limit_counts() {
        let bert = r#"{"model_type": "bert", "max_position_embeddings": 512}"#;
        assert_eq!(max_tokens(bert, Some(r#"{"model_max_length": 256}"#)), 256);
        assert_eq!(max_tokens(bert, Some(r#"{"model_max_length": 1e30}"#)), 512);
        assert_eq!(max_tokens("{}", None), 512);
    }

    #[test]
    fn classifiers_of_many_classes_are_refused() {
        let error = ModelConfig::parse(br#"{"num_labels": 5}"#, None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnsupportedModel);
        assert!(error.to_string().contains("5 classes"), "{error}");
    }
}
