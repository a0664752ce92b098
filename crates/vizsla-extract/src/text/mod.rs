//! Text as people write it: plain, or with marks for headings.

mod accents;
mod asciidoc;
pub(crate) mod charset;
pub(crate) mod code;
mod declared;
pub(crate) mod decode;
pub(crate) mod entities;
mod feed;
mod flow;
pub(crate) mod front_matter;
pub(crate) mod headings;
mod latex;
mod manual;
pub(crate) mod markdown;
mod mdoc;
pub(crate) mod notebook;
mod notebook_output;
mod older;
mod org;
pub(crate) mod plain;
mod roff;
mod roff_escapes;
pub(crate) mod rst;
mod subtitles;
mod western;
mod written;
mod xml;
pub(crate) mod xml_parts;

use crate::definition::Definition;

/// The formats of this group.
pub(crate) static FORMATS: &[&Definition] = &[
    &plain::FORMAT,
    &roff::FORMAT,
    &latex::FORMAT,
    &org::FORMAT,
    &asciidoc::FORMAT,
    &subtitles::FORMAT,
    &code::FORMAT,
    &crate::html::FORMAT,
    &xml::FORMAT,
    &notebook::FORMAT,
    &rst::FORMAT,
    &markdown::FORMAT,
];
