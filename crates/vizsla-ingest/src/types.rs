//! Types of file by name, as ripgrep has them. In: a name. Out: globs, or names that come near.

use ignore::types::{FileTypeDef, TypesBuilder};

/// The globs of a type of file such as `rust` or `md`; those of extensions also in capitals, as old systems write them.
///
/// # Errors
/// When there is none of this name: the types of files that end so, as `rust` for `rs`, else the known names that begin
/// with the same letter.
pub fn file_type(name: &str) -> Result<Vec<String>, Vec<String>> {
    let known = TypesBuilder::new().add_defaults().definitions();
    if let Some(found) = known.iter().find(|known| known.name() == name) {
        let capitals =
            |glob: &String| Some(format!("*.{}", glob.strip_prefix("*.")?.to_uppercase()));
        let in_capitals: Vec<String> = found.globs().iter().filter_map(capitals).collect();
        return Ok([found.globs(), &in_capitals].concat());
    }
    let ending = format!("*.{name}");
    let names = |fits: &dyn Fn(&&FileTypeDef) -> bool| -> Vec<String> {
        known.iter().filter(|known| fits(known)).map(|known| known.name().to_owned()).collect()
    };
    let of_such_files = names(&|known| known.globs().contains(&ending));
    if !of_such_files.is_empty() {
        return Err(of_such_files);
    }
    Err(names(&|known| known.name().chars().next() == name.chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_globs_and_unknown_ones_have_neighbours() {
        assert_eq!(file_type("rust").unwrap(), ["*.rs", "*.RS"]);
        assert_eq!(file_type("rs").unwrap_err(), ["rust"]);
        assert!(file_type("rusty").unwrap_err().contains(&"rust".to_owned()));
    }
}
