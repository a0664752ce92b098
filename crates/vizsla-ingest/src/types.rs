//! Types of file by name, as ripgrep has them. In: a name. Out: globs, or names that come near.

use ignore::types::TypesBuilder;

/// The globs of a type of file such as `rust` or `md`.
///
/// # Errors
/// The known names that begin with the same letter, when there is none of this name.
pub fn file_type(name: &str) -> Result<Vec<String>, Vec<String>> {
    let known = TypesBuilder::new().add_defaults().definitions();
    match known.iter().find(|known| known.name() == name) {
        Some(found) => Ok(found.globs().to_vec()),
        None => Err(known
            .iter()
            .map(|known| known.name().to_owned())
            .filter(|known| known.chars().next() == name.chars().next())
            .collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_globs_and_unknown_ones_have_neighbours() {
        assert_eq!(file_type("rust").unwrap(), ["*.rs"]);
        assert!(file_type("rusty").unwrap_err().contains(&"rust".to_owned()));
    }
}
