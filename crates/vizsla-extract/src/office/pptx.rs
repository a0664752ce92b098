//! PowerPoint presentations (OOXML). In: the bytes of a file. Out: one document: the slides in order, each with its
//! notes and comments, under its title; and the documents embedded in it.

use std::collections::{HashMap, HashSet};

use vizsla_core::Location;

use crate::error::Error;
use crate::office::docx::{finish, main_part};
use crate::office::parts::{Package, Relationships};
use crate::office::prose::{Gap, Line, Prose};
use crate::office::story::{self, Story};
use crate::office::styles::Styles;
use crate::office::xml::{Event, Xml, decode};
use crate::output::{Output, TITLE_BYTES, shorten};
use crate::sink::ProblemKind;

/// Bytes of the name of an author that are kept: each comment repeats it.
const NAME_BYTES: usize = 128;

pub(crate) fn read(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let mut package = Package::open(bytes, output)?;
    let main = main_part(&mut package, "ppt/presentation", output)?;
    let relationships = package.relationships(&main, output);
    let authors = authors(&relationships, &mut package, output);
    let (mut prose, mut embedded, mut designs) = (Prose::default(), Vec::new(), HashSet::new());
    for (number, name) in (1..).zip(slides(&main, &relationships, &mut package, output)) {
        if output.is_expired() {
            let message = format!("takes too long; slide {number} and those after it are left out");
            output.problem(ProblemKind::TimedOut, None, message);
            break;
        }
        let mut slide = Slide::read(&name, &authors, &mut package, output);
        slide.add_design(&name, &mut designs, &mut package, output);
        embedded.extend(slide.write(number, &mut prose));
    }
    finish(prose, embedded, &mut package, output);
    Ok(())
}

/// The names of the slides in the order in which they are shown, which their own numbers do not give.
fn slides(
    main: &str,
    relationships: &Relationships,
    package: &mut Package<'_>,
    output: &mut Output<'_>,
) -> Vec<String> {
    let bytes = package.read(main, output).unwrap_or_default();
    let text = decode(&bytes);
    let mut xml = Xml::new(&text, output.limits.nesting);
    let (mut slides, mut seen, mut missing) = (Vec::new(), HashSet::new(), 0);
    while let Some(event) = xml.next() {
        let Event::Start(tag) = event else { continue };
        match tag.name() {
            "sldId" => {}
            // The sections of the presentation list its slides once more, in another way.
            "extLst" => {
                xml.skip();
                continue;
            }
            _ => continue,
        }
        let target =
            tag.get_prefixed("id").and_then(|id| relationships.target(&id).map(str::to_owned));
        match target {
            // A slide is shown once, whatever a damaged file says.
            Some(name) if package.has(&name) => {
                if seen.insert(name.clone()) {
                    slides.push(name);
                }
            }
            _ => missing += 1,
        }
    }
    if missing > 0 {
        let all = slides.len() + missing;
        let message = format!("{missing} of {all} slides are missing");
        output.problem(ProblemKind::Malformed, None, message);
    }
    package.report(&xml, main, output);
    if slides.is_empty() {
        slides = package.names("ppt/slides/slide");
    }
    slides
}

/// The authors of comments by their ids.
fn authors(
    relationships: &Relationships,
    package: &mut Package<'_>,
    output: &mut Output<'_>,
) -> HashMap<String, String> {
    let mut authors = HashMap::new();
    for name in relationships.of_kind("commentAuthors").chain(relationships.of_kind("authors")) {
        let bytes = package.read(name, output).unwrap_or_default();
        let text = decode(&bytes);
        let mut xml = Xml::new(&text, output.limits.nesting);
        while let Some(event) = xml.next() {
            let Event::Start(tag) = event else { continue };
            if let (Some(id), Some(mut name)) = (tag.get("id"), tag.get("name")) {
                shorten(&mut name, NAME_BYTES);
                authors.insert(id, name);
            }
        }
    }
    authors
}

/// What is on a slide and belongs to it.
struct Slide {
    story: Story,
    notes: Vec<Line>,
    comments: Vec<Line>,
}

impl Slide {
    fn read(
        name: &str,
        authors: &HashMap<String, String>,
        package: &mut Package<'_>,
        output: &mut Output<'_>,
    ) -> Self {
        let styles = Styles::default();
        let mut story = story::read(name, &styles, package, output);
        let relationships = package.relationships(name, output);
        let mut notes = Vec::new();
        for part in relationships.of_kind("notesSlide") {
            let part = story::read(part, &styles, package, output);
            notes.extend(part.lines);
            story.embedded.extend(part.embedded);
        }
        let mut comments = Vec::new();
        for part in relationships.of_kind("comments") {
            comments.extend(read_comments(part, authors, package, output));
        }
        Self { story, notes, comments }
    }

    /// Adds what the layout of the slide and its master show on each slide, to the first one that has them.
    fn add_design(
        &mut self,
        slide: &str,
        seen: &mut HashSet<String>,
        package: &mut Package<'_>,
        output: &mut Output<'_>,
    ) {
        let mut part = slide.to_owned();
        for kind in ["slideLayout", "slideMaster"] {
            let relationships = package.relationships(&part, output);
            let Some(design) = relationships.of_kind(kind).next() else { return };
            design.clone_into(&mut part);
            if !seen.insert(part.clone()) {
                return;
            }
            let mut design = story::read_design(&part, package, output);
            if let Some(first) = design.lines.first_mut() {
                first.gap = Gap::Paragraph;
            }
            self.story.lines.extend(design.lines);
            self.story.embedded.extend(design.embedded);
        }
    }

    /// Adds the slide to the text; returns the names of the files embedded in it.
    fn write(self, number: u32, prose: &mut Prose) -> Vec<String> {
        let titles = self.story.lines.iter().filter(|line| line.is_title);
        let words: Vec<&str> = titles.flat_map(|line| line.text.split_whitespace()).collect();
        let mut title = words.join(" ");
        shorten(&mut title, TITLE_BYTES);
        let title = Some(title).filter(|title| !title.is_empty());
        prose.begin(title.as_deref().unwrap_or_default());
        let mut push = |line: &Line| {
            let place = Location::Slide { first: number, last: number, title: title.clone() };
            prose.push(line, place);
        };
        self.story.lines.iter().for_each(&mut push);
        for (label, lines) in [("Notes:", self.notes), ("Comments:", self.comments)] {
            if lines.iter().any(|line| !line.text.trim().is_empty()) {
                push(&Line::new(label));
                lines
                    .iter()
                    .map(|line| Line { is_title: false, ..line.clone() })
                    .for_each(|line| push(&line));
            }
        }
        self.story.embedded
    }
}

/// Comments, and the answers to them, each after the name of its author.
fn read_comments(
    name: &str,
    authors: &HashMap<String, String>,
    package: &mut Package<'_>,
    output: &mut Output<'_>,
) -> Vec<Line> {
    let bytes = package.read(name, output).unwrap_or_default();
    let text = decode(&bytes);
    let mut xml = Xml::new(&text, output.limits.nesting);
    let (mut lines, mut author) = (Vec::new(), None);
    let mut line = String::new();
    while let Some(event) = xml.next() {
        match event {
            Event::Start(tag) => match tag.name() {
                "cm" | "reply" => author = tag.get("authorId").and_then(|id| authors.get(&id)),
                "text" | "t" => line.push_str(&xml.text()),
                "br" => line.push('\n'),
                _ => {}
            },
            Event::End(end) if matches!(end.name(), "p" | "cm" | "reply") => {
                let said = std::mem::take(&mut line);
                if said.trim().is_empty() {
                    continue;
                }
                let said = author.take().map_or(said.clone(), |author| format!("{author}: {said}"));
                lines.push(Line { gap: Gap::Line, ..Line::new(said) });
            }
            Event::End(_) | Event::Text(_) => {}
        }
    }
    package.report(&xml, name, output);
    lines
}

#[cfg(test)]
mod tests {
    use vizsla_core::{SplitOptions, split};

    use crate::office::package::tests::stored;
    use crate::{Extracted, Input, collect};

    fn sp(placeholder: &str, text: &str) -> String {
        format!(
            "<p:sp><p:nvPr><p:ph type='{placeholder}'/></p:nvPr><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
        )
    }

    fn rels(targets: &[(&str, &str)]) -> String {
        let rels = targets.iter().enumerate().map(|(i, (kind, target))| {
            format!("<Relationship Id='r{i}' Type='http://x/{kind}' Target='{target}'/>")
        });
        format!("<Relationships>{}</Relationships>", rels.collect::<String>())
    }

    /// What a presentation with these slides yields, whose relationships are `r0` and so on.
    fn deck(presentation: &str, slides: &[String]) -> Extracted {
        let names: Vec<String> = (0..slides.len()).map(|i| format!("slides/{i}.xml")).collect();
        let targets: Vec<_> = names.iter().map(|name| ("slide", name.as_str())).collect();
        let targets = rels(&targets);
        let main = rels(&[("officeDocument", "ppt/presentation.xml")]);
        let paths: Vec<String> = names.iter().map(|name| format!("ppt/{name}")).collect();
        let mut parts = vec![
            ("[Content_Types].xml", &b"<Types/>"[..]),
            ("_rels/.rels", main.as_bytes()),
            ("ppt/presentation.xml", presentation.as_bytes()),
            ("ppt/_rels/presentation.xml.rels", targets.as_bytes()),
        ];
        parts.extend(
            paths.iter().zip(slides).map(|(path, slide)| (path.as_str(), slide.as_bytes())),
        );
        collect(Input::bytes("deck.pptx", &stored(&parts))).unwrap()
    }

    #[test]
    fn slides_come_in_their_order_with_titles_notes_and_comments() {
        let presentation = "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='r1'/><p:sldId id='2' r:id='r0'/><p:sldId id='3' r:id='r9'/></p:sldIdLst></p:presentation>";
        let first = format!(
            "<p:sld>{}{}</p:sld>",
            sp("title", "Costs"),
            "<p:sp><p:txBody><a:p><a:r><a:t>a</a:t></a:r><a:br></a:br><a:r><a:t>b</a:t></a:r></a:p><a:p><a:r><a:t>c</a:t></a:r></a:p></p:txBody></p:sp>"
        );
        let second = format!(
            "<p:sld show='0'>{}<a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>x</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r><a:t>y</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></p:sld>",
            sp("sldNum", "2")
        );
        let notes = format!("<p:notes>{}{}</p:notes>", sp("body", "say this"), sp("sldNum", "1"));
        let file = stored(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("_rels/.rels", rels(&[("officeDocument", "ppt/presentation.xml")]).as_bytes()),
            ("ppt/presentation.xml", presentation.as_bytes()),
            (
                "ppt/_rels/presentation.xml.rels",
                rels(&[
                    ("slide", "slides/slide1.xml"),
                    ("slide", "slides/slide2.xml"),
                    ("commentAuthors", "commentAuthors.xml"),
                ])
                .as_bytes(),
            ),
            ("ppt/slides/slide1.xml", second.as_bytes()),
            ("ppt/slides/slide2.xml", first.as_bytes()),
            (
                "ppt/slides/_rels/slide2.xml.rels",
                rels(&[("notesSlide", "../notesSlides/n.xml"), ("comments", "../comments/c.xml")])
                    .as_bytes(),
            ),
            ("ppt/notesSlides/n.xml", notes.as_bytes()),
            (
                "ppt/comments/c.xml",
                b"<p:cmLst><p:cm authorId='0'><p:text>why so much</p:text></p:cm></p:cmLst>",
            ),
            (
                "ppt/commentAuthors.xml",
                b"<p:cmAuthorLst><p:cmAuthor id='0' name='Ann'/></p:cmAuthorLst>",
            ),
        ]);
        let found = collect(Input::bytes("deck.pptx", &file)).unwrap();
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert_eq!(found.documents[0].title, "Costs");
        let shown: Vec<_> = split(&found.documents[0], &SplitOptions::default())
            .iter()
            .map(|passage| {
                format!("{} | {} | {}", passage.location, passage.headings.join("/"), passage.text)
            })
            .collect();
        assert_eq!(
            shown,
            [
                "slide 1 \"Costs\" | Costs | Costs\n\na\nb\nc\n\nNotes:\nsay this\n\nComments:\nAnn: why so much",
                "slide 2 |  | x\ty",
            ]
        );
    }

    #[test]
    fn sections_list_no_further_slides() {
        let presentation = "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='r0'/></p:sldIdLst><p:extLst><p:ext><p14:sectionLst>\
            <p14:section name='S'><p14:sldIdLst><p14:sldId id='1'/></p14:sldIdLst></p14:section></p14:sectionLst></p:ext></p:extLst></p:presentation>";
        let found = deck(presentation, &[sp("title", "Costs")]);
        assert_eq!(found.problems, []);
        assert_eq!(found.documents[0].text, "Costs");
    }

    #[test]
    fn slides_without_titles_stand_by_themselves() {
        let presentation = "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='r0'/><p:sldId id='2' r:id='r1'/><p:sldId id='3' r:id='r2'/></p:sldIdLst></p:presentation>";
        let found = deck(presentation, &[sp("obj", "a"), sp("obj", "b"), sp("title", "Costs")]);
        let passages = split(&found.documents[0], &SplitOptions::default());
        let places: Vec<_> = passages.iter().map(|passage| passage.location.to_string()).collect();
        assert_eq!(places, ["slide 1", "slide 2", "slide 3 \"Costs\""]);
    }

    #[test]
    fn what_masters_show_is_read_once_and_their_hints_are_not() {
        let presentation = "<p:presentation><p:sldIdLst><p:sldId id='1' r:id='r0'/><p:sldId id='2' r:id='r1'/></p:sldIdLst></p:presentation>";
        let slides = ["slides/1.xml", "slides/2.xml"].map(|slide| ("slide", slide));
        let layout = rels(&[("slideLayout", "../slideLayouts/l.xml")]);
        let master = "<p:sp><p:txBody><a:p><a:r><a:t>Acme</a:t></a:r></a:p></p:txBody></p:sp>";
        let file = stored(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("_rels/.rels", rels(&[("officeDocument", "ppt/presentation.xml")]).as_bytes()),
            ("ppt/presentation.xml", presentation.as_bytes()),
            ("ppt/_rels/presentation.xml.rels", rels(&slides).as_bytes()),
            ("ppt/slides/1.xml", sp("title", "One").as_bytes()),
            ("ppt/slides/2.xml", sp("title", "Two").as_bytes()),
            ("ppt/slides/_rels/1.xml.rels", layout.as_bytes()),
            ("ppt/slides/_rels/2.xml.rels", layout.as_bytes()),
            ("ppt/slideLayouts/l.xml", sp("title", "Click to edit").as_bytes()),
            (
                "ppt/slideLayouts/_rels/l.xml.rels",
                rels(&[("slideMaster", "../slideMasters/m.xml")]).as_bytes(),
            ),
            ("ppt/slideMasters/m.xml", master.as_bytes()),
        ]);
        let document = collect(Input::bytes("deck.pptx", &file)).unwrap().documents.remove(0);
        assert!(document.text.starts_with("One\n\nAcme"), "{}", document.text);
        assert_eq!(document.text.matches("Acme").count(), 1);
        assert!(!document.text.contains("Click"));
    }
}
