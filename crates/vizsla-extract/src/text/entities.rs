//! Entities that a text defines for itself: `<!ENTITY name "value">`. In: the declaration of its type. Out: what each stands
//! for, if that is a few words; those that may stand for anything, or for too much, stay as they are written.

use std::borrow::Cow;
use std::collections::HashMap;

use quick_xml::escape::{escape, resolve_xml_entity, unescape_with};

/// Bytes that an entity may stand for.
const ENTITY_BYTES: usize = 200;
/// Entities that are known of a text.
const MOST_ENTITIES: usize = 1000;
/// Bytes that all entities of a text may stand for together.
const EXPANDED_BYTES: usize = 1 << 20;
/// Bytes before the declaration of a page, and of the name of an entity.
const HEAD: usize = 4096;
const NAME_BYTES: usize = 64;

#[derive(Default)]
pub(crate) struct Entities {
    values: HashMap<String, String>,
    /// Bytes that entities have stood for.
    expanded: usize,
}

impl Entities {
    /// Takes the entities from a declaration. One may hold those before it.
    pub(crate) fn define(&mut self, declaration: &str) {
        for entity in declaration.split("<!ENTITY").skip(1).take(MOST_ENTITIES) {
            let Some((name, value)) = entity.trim_start().split_once(char::is_whitespace) else {
                continue;
            };
            let value = value.trim_start();
            let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
                continue;
            };
            let Some(value) = value[1..].split(quote).next() else { continue };
            if value.len() > ENTITY_BYTES || value.contains('<') || is_of_xml(name) {
                continue;
            }
            let known = |name: &str| {
                let known = self.values.get(name).map(String::as_str);
                known.or_else(|| resolve_xml_entity(name))
            };
            // One that holds others than these is not known.
            let Ok(value) = unescape_with(value, known).map(Cow::into_owned) else { continue };
            if value.len() <= ENTITY_BYTES {
                self.values.entry(name.to_owned()).or_insert(value);
            }
        }
    }

    /// What an entity stands for.
    pub(crate) fn value(&mut self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?;
        self.expanded += value.len();
        (self.expanded <= EXPANDED_BYTES).then_some(value)
    }
}

fn is_of_xml(name: &str) -> bool {
    resolve_xml_entity(name).is_some()
}

/// A page with what it defines in the places where it is used, and without the definitions, which HTML does not know. Lines
/// stay where they are.
pub(crate) fn resolved(page: &str) -> Cow<'_, str> {
    let Some((start, end)) = definitions(page) else { return Cow::Borrowed(page) };
    let mut entities = Entities::default();
    entities.define(&page[start..end]);
    let mut whole = String::with_capacity(page.len());
    whole.push_str(&page[..start]);
    whole.extend(page[start..end].chars().filter(|c| *c == '\n'));
    let mut rest = &page[end..];
    while let Some(at) = rest.find('&') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest[1..rest.floor_char_boundary(NAME_BYTES)].split_once(';');
        let value = name.and_then(|(name, _)| Some((name, entities.value(name)?)));
        let length = value.map_or(1, |(name, _)| name.len() + 2);
        whole.push_str(&value.map_or(Cow::Borrowed("&"), |(_, value)| escape(value)));
        rest = &rest[length..];
    }
    whole.push_str(rest);
    Cow::Owned(whole)
}

/// Where the definitions in the declaration of a page are, with their brackets.
fn definitions(page: &str) -> Option<(usize, usize)> {
    let head = &page[..page.floor_char_boundary(HEAD)];
    let declaration = head.find("<!DOCTYPE").or_else(|| head.find("<!doctype"))?;
    if head[..declaration].split('<').skip(1).any(|tag| !tag.starts_with(['?', '!'])) {
        return None;
    }
    let start = declaration + page[declaration..].find(['[', '>'])?;
    let inner = page[start..].strip_prefix('[')?;
    let is_end = |(at, _): &(usize, &str)| inner[at + 1..].trim_start().starts_with('>');
    let (length, _) = inner.match_indices(']').find(is_end)?;
    Some((start, start + length + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_gone_and_known_where_they_are_used() {
        let page = "<?xml version='1.0'?><!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x' [\n<!ENTITY who \"Ann &amp; Co\">\n\
            <!ENTITY % x 'y'><!ENTITY both '&who;, &who;'>\n] ><p>&both; &nbsp;&none; & &who";
        assert_eq!(
            resolved(page),
            "<?xml version='1.0'?><!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x' \n\n\n ><p>Ann &amp; Co, Ann &amp; Co &nbsp;&none; & &who"
        );
        for page in ["<!DOCTYPE html><p>[ ]>", "<p><!DOCTYPE a []>", "<!DOCTYPE a [", "&a;"] {
            assert!(matches!(resolved(page), Cow::Borrowed(_)), "{page}");
        }
    }

    #[test]
    fn entities_stand_for_little() {
        let laughs: String =
            (1..30).map(|i| format!("<!ENTITY l{i} '&l{};&l{};'>", i - 1, i - 1)).collect();
        let page = format!("<!DOCTYPE a [<!ENTITY l0 'ha'>{laughs}]>&l2; &l29;");
        assert!(resolved(&page).ends_with(">hahahaha &l29;"));
        let page =
            format!("<!DOCTYPE a [<!ENTITY a '{}'>]>{}", "x".repeat(200), "&a;".repeat(50_000));
        assert!(resolved(&page).len() < 2 * EXPANDED_BYTES);
    }
}
