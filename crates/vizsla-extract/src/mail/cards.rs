//! Address cards (vCard, RFC 6350): one document for each person.

use vizsla_core::Document;

use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::mail::calendar::{begins, documents};
use crate::mail::fields::{Component, components};
use crate::output::Output;
use crate::text::decode;

/// vCard.
pub(crate) static FORMAT: Definition = Definition {
    name: "vcard",
    title: "vCard",
    version: 2,
    extensions: &["vcf", "vcard"],
    recognise: Recognise::Bytes(|bytes| begins(bytes, b"BEGIN:VCARD")),
    is_foreign: false,
    read: Read::Whole(read),
};

fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    documents(&components(&text, &["VCARD"]), document, output)
}

fn document(card: &Component) -> Document {
    let mut document = Document::new("", "");
    let mut lines = Vec::new();
    let mut structured_name = String::new();
    for field in &card.fields {
        let label = match field.name.as_str() {
            "FN" => {
                document.title = field.text();
                continue;
            }
            "N" => {
                structured_name = field.joined();
                continue;
            }
            "NICKNAME" => "Nickname",
            "ORG" => "Organization",
            "TITLE" => "Title",
            "ROLE" => "Role",
            "EMAIL" => "Email",
            "TEL" => "Phone",
            "ADR" => "Address",
            "URL" => "URL",
            "BDAY" => "Birthday",
            "CATEGORIES" => "Categories",
            "NOTE" => "Note",
            _ => continue,
        };
        let value = match field.name.as_str() {
            "ADR" | "ORG" => field.joined(),
            "TEL" => field.text().trim_start_matches("tel:").to_owned(),
            _ => field.text(),
        };
        if !value.is_empty() {
            lines.push(format!("{label}: {value}"));
        }
    }
    if document.title.is_empty() {
        document.title = structured_name;
    }
    lines.insert(0, document.title.clone());
    document.text = lines.join("\n");
    document
}

#[cfg(test)]
mod tests {
    use crate::{Input, collect};

    #[test]
    fn each_card_is_a_document() {
        let cards = "BEGIN:VCARD\nVERSION:3.0\nFN:Ada Lovelace\nN:Lovelace;Ada;;;\nORG:Analytical;Engines\nitem1.EMAIL;TYPE=work:ada@x.org\nTEL:tel:+44 1\nADR:;;St James's Square 12;London;;;UK\nPHOTO;ENCODING=b:AAAA\n BBBB\nEND:VCARD\nbegin:vcard\nN:Byron;George\nend:vcard\n";
        let found = collect(Input::bytes("c.vcf", cards.as_bytes())).unwrap().documents;
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].title, "Ada Lovelace");
        assert_eq!(
            found[0].text,
            "Ada Lovelace\nOrganization: Analytical, Engines\nEmail: ada@x.org\nPhone: +44 1\nAddress: St James's Square 12, London, UK"
        );
        assert_eq!((found[1].title.as_str(), found[1].id.as_str()), ("Byron, George", "c.vcf#2"));
    }
}
