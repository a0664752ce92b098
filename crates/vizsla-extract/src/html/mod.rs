//! HTML: the main text, block by block, with its headings and the source line of each block.
//!
//! Navigation, banners, hidden parts, scripts and styles are left out, unless they are most of the page.

mod attributes;
mod content;
mod formula;
mod head;
mod panels;
mod parse;
mod render;
mod ruby;
mod sign;
mod tree;

use std::ops::Range;

use vizsla_core::{Document, Limits, Locations, Metadata};

use self::content::Content;
use self::sign::is_page;
use self::tree::Tree;
use crate::definition::{Definition, Read, Recognise};
use crate::error::Error;
use crate::output::Output;
use crate::text::headings::{Heading, sections};
use crate::text::{decode, entities, front_matter};

/// The format.
pub(crate) static FORMAT: Definition = Definition {
    name: "html",
    title: "HTML",
    version: 10,
    extensions: &["html", "htm", "xhtml", "xht", "shtml"],
    recognise: Recognise::Text { begins: |c| c == '<', shows: is_page },
    is_foreign: false,
    read: Read::Whole(read_page),
};

pub(crate) fn read_page(bytes: &[u8], output: &mut Output<'_>) -> Result<(), Error> {
    let text = decode::decode(bytes)?;
    // What site generators read.
    let front = front_matter::read(&text, output);
    let mut page = if front.end == 0 {
        page(&text, output.limits)
    } else {
        page(&on_their_lines(&text, front.end..text.len()), output.limits)
    };
    if page.text.is_empty()
        && let Some(without) = without_frames(&text)
    {
        let title = std::mem::take(&mut page.title);
        page = self::page(&on_their_lines(&text, without), output.limits);
        page.title = if title.is_empty() { page.title } else { title };
    }
    page.title = front.title.unwrap_or(page.title);
    page.metadata.extend(front.metadata);
    if front.end == 0
        && let Some(description) = page.metadata.get("description").map(ToString::to_string)
    {
        let line = line_of(&description, &text);
        page.tell(&[(description, line)]);
    }
    page.tell(&front.told);
    let name = crate::output::file_name(&output.name).to_owned();
    let mut document = Document::new(&output.name, page.text)
        .with_title(Some(page.title).filter(|title| !title.is_empty()).unwrap_or(name))
        .with_sections(sections(page.headings, output))
        .with_locations(Locations::LineMap(page.lines));
    document.metadata = page.metadata;
    let _ = output.document(document);
    Ok(())
}

/// A part of a text below as many empty lines as there are before it, so that its lines keep their numbers.
fn on_their_lines(text: &str, part: Range<usize>) -> String {
    let lines = text[..part.start].matches('\n').count();
    "\n".repeat(lines) + &text[part]
}

/// Where a page of frames speaks to browsers that have none, which is all that it says itself.
fn without_frames(text: &str) -> Option<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let element = lower.find("<noframes")?;
    let start = element + lower[element..].find('>')? + 1;
    let end = lower[start..].find("</noframes").map_or(text.len(), |length| start + length);
    Some(start..end)
}

/// Reads an HTML or XHTML page, whole or a fragment.
pub(crate) fn page(text: &str, limits: &Limits) -> Page {
    let tree = tree(text, limits);
    let mut page = Page::default();
    head::read(&tree, &mut page);
    render::render(&tree, &Content::of(&tree), &mut page);
    if page.title.is_empty() {
        let heading = page.headings.iter().min_by_key(|heading| heading.level);
        page.title = heading.map(|heading| heading.text.clone()).unwrap_or_default();
    }
    page
}

fn tree(text: &str, limits: &Limits) -> Tree {
    parse::parse(&attributes::bounded(&entities::resolved(text)), limits.nesting)
}

/// Reads a chapter of a book, which has nothing around its text.
#[cfg(feature = "office")]
pub(crate) fn chapter(text: &str, limits: &Limits) -> Page {
    let tree = tree(text, limits);
    let mut page = Page::default();
    head::read(&tree, &mut page);
    render::render(&tree, &Content::whole(&tree), &mut page);
    page
}

/// What a page says.
#[derive(Default)]
pub(crate) struct Page {
    /// Its title; empty when it has none.
    pub(crate) title: String,
    /// Its main text.
    pub(crate) text: String,
    /// The headings in the text.
    pub(crate) headings: Vec<Heading>,
    /// For each line of the text, the source line that it came from.
    pub(crate) lines: Vec<u32>,
    /// Author, date, language and the like.
    pub(crate) metadata: Metadata,
}

impl Page {
    /// Puts what the source says about the page before its text, unless that says so too: lines with their numbers.
    fn tell(&mut self, about: &[(String, u32)]) {
        if about.is_empty() {
            return;
        }
        let said = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let new = about.iter().filter(|(text, _)| !said.contains(text.as_str()));
        let (texts, mut lines): (Vec<&str>, Vec<u32>) =
            new.map(|(text, line)| (text.as_str(), *line)).unzip();
        let mut told = texts.join("\n");
        if let (false, Some(last)) = (self.text.is_empty(), lines.last()) {
            told.push_str("\n\n");
            lines.push(*last);
        }
        self.headings.iter_mut().for_each(|heading| heading.start += told.len());
        self.text.insert_str(0, &told);
        self.lines.splice(0..0, lines);
    }
}

/// The line of the source on which a text from one of its tags begins.
fn line_of(text: &str, source: &str) -> u32 {
    let start = text.split(['"', '\'', '&', '<']).next().unwrap_or_default();
    let before = source.find(start).and_then(|at| source.get(..at)).unwrap_or_default();
    before.matches('\n').count() as u32 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Extracted, Input, collect, extract};

    fn document(name: &str, page: &str) -> Document {
        collect(Input::bytes(name, page.as_bytes())).unwrap().documents.remove(0)
    }

    const PAGE: &str = "<!doctype html>\n<html><head><title>The &amp; Title</title>\n<style>p{}</style><script>if (a < b) x();</script></head>\n<body>\n\
        <nav><ul><li>Home</ul></nav>\n<article><header><h1>Big <em>dog</em></h1></header>\n<p>First\n  para &eacute;.\n<h2>Part</h2><p>Second<br>line\n\
        <pre>a\n  b</pre></article>\n<footer>Imprint</footer></body></html>";

    #[test]
    fn marks_of_notes_are_apart_from_words() {
        let page = "<p>The dormouse<sup><a href='#n1'>1</a></sup> sleeps<a epub:type='noteref' href='n.html#x'><sup>2</sup></a>, badger<a \
                    href='#fn3'>3</a> and H<sub>2</sub>O, x<sup>2</sup>, W<a href='#w'>ord</a> and see<sup><a href='#n4'>[4]</a></sup>.";
        assert_eq!(
            document("a.html", page).text,
            "The dormouse 1 sleeps 2, badger 3 and H2O, x2, Word and see[4]."
        );
    }

    #[test]
    fn the_main_text_is_kept_with_lines_and_headings() {
        let document = document("x.html", PAGE);
        assert_eq!(document.title, "The & Title");
        assert_eq!(document.text, "Big dog\n\nFirst para é.\n\nPart\n\nSecond\nline\n\na\n  b");
        let paths: Vec<_> =
            document.sections.iter().map(|section| section.headings.join(" > ")).collect();
        assert_eq!(paths, ["Big dog", "Big dog > Part"]);
        let Locations::LineMap(lines) = &document.locations else { panic!("lines are mapped") };
        assert_eq!(lines.len(), document.text.lines().count());
        assert_eq!((lines[0], lines[2], lines[4], lines[9]), (6, 7, 9, 10));
    }

    #[test]
    fn a_page_of_nothing_but_boilerplate_is_kept_whole() {
        assert_eq!(document("x.html", "<nav>Only links</nav>").text, "Only links");
    }

    #[test]
    fn a_page_of_frames_has_what_it_says_without_them() {
        let page = "<html><head><title>Old site</title></head>\n<frameset cols='20%,*'><frame src='menu.html'><frame src='main.html'>\n\
            <NOFRAMES><body><h1>Herons</h1><p>This page needs frames. Go to <a href='main.html'>the herons</a>.</body></NOFRAMES></frameset></html>";
        let document = document("x.html", page);
        assert_eq!(document.title, "Old site");
        assert_eq!(document.text, "Herons\n\nThis page needs frames. Go to the herons.");
        let Locations::LineMap(lines) = &document.locations else { panic!("lines are mapped") };
        assert_eq!(lines[0], 3);
    }

    #[test]
    fn a_page_is_known_without_an_extension() {
        assert_eq!(document("page", "\n<!DOCTYPE HTML><title>T</title>a").title, "T");
        assert_eq!(document("page", "about <html>").title, "page");
    }

    #[test]
    fn a_page_may_define_entities() {
        let page = "<?xml version='1.0'?>\n<!DOCTYPE html [\n<!ENTITY mark 'Masterpiece'>\n]>\n<html><p>The &mark; &eacute;</p></html>";
        let document = document("x.xhtml", page);
        assert_eq!(document.text, "The Masterpiece é");
        let Locations::LineMap(lines) = &document.locations else { panic!("lines are mapped") };
        assert_eq!(lines[..], [5]);
    }

    #[test]
    fn an_unclosed_part_ends_with_its_parent() {
        assert_eq!(document("x.html", "<div><nav>links</div><p>text").text, "text");
    }

    #[test]
    fn elements_deeper_than_the_limit_do_not_end_those_above() {
        let limits = Limits::default().with_nesting(1);
        let page =
            "<body><div><nav>kept, as it is too deep</nav><script>not</script>a</div><nav>b</nav>c";
        let mut found = Extracted::default();
        extract(Input::bytes("x.html", page.as_bytes()), &limits, &mut found).unwrap();
        assert_eq!(found.documents[0].text, "kept, as it is too deep\na\n\nc");
    }

    #[test]
    fn most_of_the_text_is_never_left_out() {
        let words = "the words that matter, said more than once so that they are a paragraph. ";
        for page in [
            format!("<a href=#m class=skip-link>skip</a><form><div>{words}</div><input></form>"),
            format!("<header><p>{words}</p></header><main>short</main>"),
            format!("<aside>{words}</aside><p>more"),
            format!("<details><summary>Question</summary>{words}</details>"),
            format!("<footer>{words}{words}</footer><p>more"),
            format!("<div hidden>{words}{words}</div><p>more"),
            format!("<body><noscript>{words}{words}</noscript>"),
            format!(
                "<html xmlns='http://www.w3.org/1999/xhtml'><script src='a.js'/><p>{words}</p></html>"
            ),
            format!("<script src='a.js'/><p>{words}</p>"),
            format!(
                "<?xml version='1.0'?><html><head><title/></head><body><a id='x'/><div/>{words}</body></html>"
            ),
            format!("<div class=menu><p>{words}<a href=x>link</a></div>"),
            format!("<article><header><h1>A</h1>{words}</header><footer>By me</footer></article>"),
            format!("<div><template shadowrootmode=open>{words}</template></div>"),
            format!("<table><tr><td>{words}<p>second</p></table>"),
            format!("<p>Your letter:<textarea rows=9>{words}</textarea>"),
        ] {
            let text = document("x.html", &page).text;
            assert!(text.contains(words.trim()), "{page}\n{text}");
        }
        let links = "<li><a href=x>Some chapter</a>".repeat(20);
        let text = document("x.html", &format!("<h1>Index</h1><nav><ul>{links}</nav>")).text;
        assert_eq!(text.matches("Some chapter").count(), 20);
    }

    #[test]
    fn what_surrounds_the_text_is_left_out() {
        let links = "<a href=x>Elsewhere</a> <a href=y>Elsewhere</a>";
        let body = "<p>What the page says, in a paragraph that is long enough to be one. And then \
            some more, so that nobody takes the page for a list of what is elsewhere.</p>";
        for part in [
            format!("<nav>{links}</nav>"),
            format!("<div role=navigation>{links}</div>"),
            format!("<header>Elsewhere {links}</header>"),
            format!("<div id=sidebar><ul><li>{links}</ul></div>"),
            format!("<ol class=breadcrumbs><li>{links}</ol>"),
            format!("<aside>{links}</aside>"),
            format!("<footer>Elsewhere {links}</footer>"),
            "<form><label>Elsewhere</label><input><button>Go</button></form>".into(),
            "<div class='cookie-banner'><p>Elsewhere cookies are eaten, by all of us here.</div>"
                .into(),
            "<span style='color: red; DISPLAY: none'>Elsewhere</span>"
                .replace("DISPLAY", "display"),
            "<div hidden>Elsewhere</div><i aria-hidden=true>Elsewhere</i>".into(),
            "<template>Elsewhere</template><noscript>Elsewhere</noscript>".into(),
            "<svg><title>Elsewhere</title></svg><select><option>Elsewhere</select>".into(),
            "<a class=skip-link href='#main'>Elsewhere</a>".into(),
        ] {
            let page = document("x.html", &format!("<title>T</title><body>{part}{body}"));
            assert!(!page.text.contains("Elsewhere"), "{part}\n{}", page.text);
            assert!(page.text.ends_with("elsewhere."));
            assert_eq!(page.title, "T");
        }
    }

    #[test]
    fn the_shape_of_the_text_is_kept() {
        for (page, text) in [
            ("<table><tr><th>a<th><p>b</p><tr><td>c<td>d<br>e</table>f", "a\tb\nc\td e\n\nf"),
            ("<ul><li>a<li>b</ul><dl><dt>c<dd>d</dl>", "a\nb\n\nc\nd"),
            ("<p>a<b>b</b><wbr>c&shy;d&nbsp;e<!-- x -->f", "abcd ef"),
            ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "漢(kan)"),
            (
                "<ruby><rb>東</rb><rt>とう</rt>\n<rb>京</rb> <rt>きょう</rt></ruby>に<ruby>行<rt></rt></ruby>く",
                "東京(とうきょう)に行く",
            ),
            ("<ruby><ruby>漢<rt>kan</rt></ruby><rp>(</rp><rt>Han</rt></ruby>", "漢(kan)(Han)"),
            ("<pre>\n a\n\n\n  <b>b</b>  \n</pre>c", " a\n\n\n  b\n\nc"),
            ("<p>a <img alt='A dog'> b", "a A dog b"),
            ("<figure><img src=x><figcaption>c</figcaption></figure>", "c"),
            ("<a href=x>One</a><a href=y>Two</a>", "One Two"),
            ("a<script>b</script>c<style>d</style>", "ac"),
            (
                "<table><tr><td><th>Year<th>Sum<tr><th>Ann<td>1<td>2</table>",
                "\tYear\tSum\nAnn\t1\t2",
            ),
            (
                "<table><tr><th>Day<th>Am<th>Pm<tr><td>Mon<td><br><td>Ann<tr><td><td>Bob<td></table>",
                "Day\tAm\tPm\nMon\t\tAnn\n\tBob",
            ),
            ("<table><tr><td> <td> <td>a<td>\n<td>b</table>", "a\t\tb"),
            ("<ruby><rb>漢<rb>字<rtc><rt>kan<rt>ji</rtc></ruby>", "漢字(kanji)"),
            (
                "<svg><title>Flow</title><desc>How it goes</desc><defs><text>no</text></defs><g><text>Start</text></g></svg>",
                "Flow\nHow it goes\nStart",
            ),
            ("<svg role=img><title>Chart</title><path d=M0 /></svg>", "Chart"),
            (
                "<svg><text>Viz<tspan class=b>sla</tspan><tspan x=0 dy=9>dog</tspan></text></svg>",
                "Vizsla dog",
            ),
            ("<p>a<math><mi>b</mi><annotation>x</annotation></math>c", "a b c"),
        ] {
            assert_eq!(document("x.html", page).text, text, "{page}");
        }
    }

    #[test]
    fn titles_and_headings_are_what_is_read_there() {
        let title = |page| document("x.html", page).title;
        assert_eq!(title("<title>\n A\n  B – Site </title><h1>C</h1>"), "A B – Site");
        assert_eq!(title("<svg><title>Icon</title></svg><h2>B</h2><h1>C <b>d</b></h1>"), "C d");
        assert_eq!(title("<title>Untitled Document</title><h1>C</h1>"), "C");
        assert_eq!(title("<meta property=og:title content='Social'><h1>C</h1>"), "Social");
        assert_eq!(title("<h1>Use<a class=headerlink href=#use>¶</a></h1>"), "Use");
        assert_eq!(title("<h2><a href=#use>#</a> Use <a href=#use>§</a></h2>"), "Use");
        assert_eq!(title("<h2><a id=a></a>Use<br>it</h2>"), "Use it");
        assert_eq!(title("text"), "x.html");
    }

    #[test]
    fn what_a_page_says_about_itself_is_metadata() {
        let page = "<html lang=de><meta name=author content='A. B.'><meta name=Description content='Of dogs'>\
            <meta property=article:published_time content=2024-05-06T07:08:09Z><meta name=date content=yesterday>text";
        let found = document("x.html", page).metadata;
        let found: Vec<_> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            found,
            ["author=A. B.", "date=2024-05-06T07:08:09Z", "description=Of dogs", "language=de"]
        );
    }

    #[test]
    fn a_description_is_found_once() {
        let described = "<meta name=description content='Of big dogs'>\n<p>One.\n<p>Two.";
        let described = document("x.html", described);
        assert_eq!(described.text, "Of big dogs\n\nOne.\n\nTwo.");
        let Locations::LineMap(lines) = &described.locations else { panic!("lines are mapped") };
        assert_eq!(lines[..], [1, 1, 2, 3, 3]);
        for page in ["<p>All\nof <b>big</b> dogs, and cats.", "", "<div id=root></div>"] {
            let page = format!("<meta name=description content='of big dogs'>{page}");
            assert_eq!(document("x.html", &page).text.matches("dogs").count(), 1, "{page}");
        }
        let built = document("x.html", "---\ntags: [hounds]\nsummary: S\n---\n<h1>H</h1>text");
        assert_eq!(built.text, "S\ntags: hounds\n\nH\n\ntext");
        assert!(built.text[built.sections[0].start..].starts_with('H'));
        let Locations::LineMap(lines) = &built.locations else { panic!("lines are mapped") };
        assert_eq!(lines[..], [3, 2, 2, 5, 5, 5]);
    }

    /// Each of these used to take time quadratic in its length.
    #[test]
    fn hostile_pages_take_linear_time() {
        let attributes: String = (0..20_000).map(|i| format!(" a{i}")).collect();
        for (page, last) in [
            ("<div>x ".repeat(20_000), "x"),
            (format!("{}{}end", "<div>".repeat(20_000), "</p></div>".repeat(20_000)), "end"),
            (format!("{}end", "<nav>x</section>".repeat(20_000)), "xend"),
            (format!("x{}end", "&#32;".repeat(20_000)), "x end"),
            (format!("<p{attributes}>end"), "end"),
            (format!("<p b='>'{attributes}>end"), "end"),
            (format!("<p {}>end", attributes.replace(' ', " <")), "end"),
            (format!("{}</div><p>end", "<!-- ".repeat(20_000)), ""),
            (format!("{}</div><p>end", "<script><".repeat(20_000)), ""),
            (format!("{}end", "<b a=1><p>".repeat(20_000)), "end"),
            (
                format!(
                    "{}end",
                    (0..500).map(|i| format!("<font size={i}>")).collect::<String>()
                        + &"<p>x</p>".repeat(20_000)
                ),
                "end",
            ),
            (format!("{}end", "<table><div>".repeat(20_000)), "end"),
            (format!("{}end", "<a href=x><div>".repeat(20_000)), "end"),
            (format!("{}end", "<svg><g>".repeat(20_000)), "end"),
            (
                format!(
                    "{}</div><p>end",
                    "<h2><a href='#a'><button>a</button></a></h2><div id=a hidden>".repeat(20_000)
                ),
                "end",
            ),
            (format!("{}end", "<ruby>a<rt>b".repeat(20_000)), "a(b)"),
            (format!("{}<p>end", "<math><mroot><munder>".repeat(20_000)), "end"),
            (format!("{}end", "<ul><li>".repeat(20_000)), "end"),
            (format!("{}end", "<html a=1 b=2 c=3>".repeat(20_000)), "end"),
        ] {
            let document = document("x.html", &page);
            assert_eq!(document.text.lines().last().unwrap_or_default(), last, "{}", &page[..40]);
        }
    }
}
