//! What of a page is its main text. Navigation, banners, hidden parts and the like are left out, but only while most of
//! the text remains: what a page is made of is not always what its elements say.

use super::panels::{Panels, is_hidden};
use super::parse::LINK;
use super::tree::{Id, Node, ROOT, Tree};

/// Characters of text, white space aside, below which a page may just as well consist of its navigation.
const LITTLE: usize = 100;
/// A paragraph of this many characters is no slogan.
const PARAGRAPH: usize = 40;
/// Forms and buttons with more text are part of the text.
const FORM: usize = 200;
const BUTTON: usize = 30;
/// A cell with more text is a part of the layout, not of a table.
const CELL: usize = 400;
const COOKIES: usize = 3_000;
/// Nodes of a drawing among which its words are looked for.
const DRAWING: usize = 64;

/// Why a part may not belong to the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// It does, as far as its element says.
    None,
    /// It never does: scripts, styles, form fields.
    Never,
    /// It does not show.
    Hidden,
    /// It leads elsewhere.
    Navigation,
    /// It is a table of contents.
    Contents,
    /// It shows only where scripts do not run.
    NoScript,
    /// It surrounds the text.
    Frame,
}

/// What is known of a node and all below it.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "they are findings, not states")]
struct Part {
    doubt: Doubt,
    /// Characters of text, and those of them in links, in parts that show.
    text: usize,
    links: usize,
    /// Characters of text outside of parts in doubt.
    sure: usize,
    has_heading: bool,
    has_paragraph: bool,
    /// What a cell of a table of data does not hold.
    has_blocks: bool,
    /// Within an article or the like, whose parts belong to it.
    is_inner: bool,
    is_link: bool,
}

impl Part {
    const UNKNOWN: Self = Self {
        doubt: Doubt::None,
        text: 0,
        links: 0,
        sure: 0,
        has_heading: false,
        has_paragraph: false,
        has_blocks: false,
        is_inner: false,
        is_link: false,
    };
}

/// Which nodes are left out, with all that is below them.
pub(crate) struct Content {
    parts: Vec<Part>,
    leaves_out: [bool; 7],
}

impl Content {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut content = Self::measured(tree);
        content.choose();
        content
    }

    /// Everything that is text, wherever it is.
    #[cfg(feature = "office")]
    pub(crate) fn whole(tree: &Tree) -> Self {
        let mut content = Self::measured(tree);
        content.leaves_out = [false; 7];
        content.leaves_out[Doubt::Never as usize] = true;
        content
    }

    pub(crate) fn leaves_out(&self, id: Id) -> bool {
        let doubt = self.parts[id as usize].doubt;
        self.leaves_out[doubt as usize]
    }

    /// Whether a row is one of a table of data. In other rows, each cell is a part of the layout.
    pub(crate) fn is_data(&self, row: Id) -> bool {
        !self.parts[row as usize].has_blocks
    }

    fn measured(tree: &Tree) -> Self {
        let panels = Panels::of(tree);
        let mut parts = vec![Part::UNKNOWN; tree.nodes.len()];
        let mut order = Vec::new();
        let mut at = tree.following(ROOT, true);
        while let Some(id) = at {
            let node = tree.node(id);
            let above = parts[node.parent as usize];
            let name = node.name();
            let part = &mut parts[id as usize];
            part.is_inner = above.is_inner
                || matches!(name, "article" | "main" | "section" | "blockquote")
                || node.attribute("role") == Some("main");
            part.is_link = above.is_link || name == LINK;
            let is_never = is_never(node, name) || name == "svg:title" && !is_of_drawing(tree, id);
            if is_never {
                part.doubt = Doubt::Never;
            } else {
                order.push(id);
            }
            at = tree.following(id, !is_never);
        }
        // Children come after their parents in the order, so going backwards each is whole before it is added.
        for id in order.into_iter().rev() {
            let node = tree.node(id);
            let mut part = parts[id as usize];
            part.doubt = doubt(id, node, &part, &panels);
            if let Some(text) = node.text() {
                if part.is_link && matches!(text.trim(), "¶" | "#" | "§" | "🔗" | "⚓" | "∞")
                {
                    parts[id as usize].doubt = Doubt::Never;
                    continue;
                }
                part.text = text.chars().filter(|c| !c.is_whitespace()).count();
                part.links = if part.is_link { part.text } else { 0 };
                part.sure = part.text;
            }
            parts[id as usize] = part;
            let is_sure = part.doubt == Doubt::None;
            let above = &mut parts[node.parent as usize];
            above.has_heading |= is_sure && (part.has_heading || node.heading_level().is_some());
            above.has_paragraph |=
                is_sure && (part.has_paragraph || node.name() == "p" && part.text >= PARAGRAPH);
            above.has_blocks |= part.has_blocks || is_block(node.name(), &part);
            if !matches!(part.doubt, Doubt::Hidden | Doubt::NoScript) {
                above.text += part.text;
                above.links += part.links;
            }
            above.sure += if is_sure { part.sure } else { 0 };
        }
        Self { parts, leaves_out: [false, true, true, true, true, true, true] }
    }

    /// Takes back what leaves too little.
    fn choose(&mut self) {
        let mut outermost = [0; 7];
        for part in &self.parts {
            outermost[part.doubt as usize] += part.text;
        }
        let Part { sure, text, links, .. } = self.parts[ROOT as usize];
        let in_doubt = |doubt: Doubt| outermost[doubt as usize];
        let keep = |kept: &mut [bool; 7], doubt: Doubt| kept[doubt as usize] = false;
        // What remains has to be the better part of what is said, and not just shown.
        let said = text - links;
        let frame = in_doubt(Doubt::Frame);
        if frame > 0 && sure < said / 2 {
            keep(&mut self.leaves_out, Doubt::Frame);
        }
        let shown = if self.leaves_out[Doubt::Frame as usize] { sure } else { sure + frame };
        if in_doubt(Doubt::Hidden) > shown {
            keep(&mut self.leaves_out, Doubt::Hidden);
        }
        let navigation = in_doubt(Doubt::Navigation);
        if shown < LITTLE && navigation >= 4 * shown && navigation > 0 {
            keep(&mut self.leaves_out, Doubt::Navigation);
        }
        if in_doubt(Doubt::Contents) > shown / 2 {
            keep(&mut self.leaves_out, Doubt::Contents);
        }
        let no_script = in_doubt(Doubt::NoScript);
        if shown < LITTLE && no_script >= 4 * shown && no_script > navigation {
            keep(&mut self.leaves_out, Doubt::NoScript);
        }
    }
}

fn is_block(name: &str, part: &Part) -> bool {
    match name {
        "td" | "th" => part.text > CELL,
        "table" | "pre" | "ul" | "ol" | "dl" | "form" | "hr" => true,
        _ => name.len() == 2 && name.starts_with('h') && name.ends_with(char::is_numeric),
    }
}

fn is_never(node: &Node, name: &str) -> bool {
    match name {
        "script" | "style" | "head" | "title" | "iframe" | "select" | "datalist" | "audio"
        | "video" | "canvas" | "embed" | "noembed" | "noframes" | "frameset" | "rp" | "rt"
        | "rtc" | "svg:" | "math:annotation" => true,
        "template" => node.attribute("shadowrootmode").is_none(),
        LINK => is_mark(node),
        _ => node.attribute("class").is_some_and(|class| {
            class.split_whitespace().any(|class| matches!(class, "mw-editsection" | "mw-jump-link"))
        }),
    }
}

/// Whether the title of a picture is that of a drawing with words, or of one that stands for an image, not of an icon.
fn is_of_drawing(tree: &Tree, title: Id) -> bool {
    let picture = tree.node(title).parent;
    if tree.node(picture).attribute("role") == Some("img") {
        return true;
    }
    let end = tree.following(picture, false);
    let after = std::iter::successors(Some(title), |id| tree.following(*id, true));
    let mut after = after.take(DRAWING).take_while(|id| Some(*id) != end);
    after.any(|id| tree.node(id).name() == "svg:text")
}

/// Whether a link is one of those that pages put beside their headings, to copy, or leads over what comes before the text.
fn is_mark(link: &Node) -> bool {
    let is_inner = link.attribute("href").is_some_and(|href| href.contains('#'));
    let class = link.attribute("class").unwrap_or_default();
    is_inner
        && class.split_whitespace().any(|class| {
            matches!(
                class,
                "headerlink"
                    | "header-anchor"
                    | "heading-anchor"
                    | "hash-link"
                    | "anchorjs-link"
                    | "permalink"
                    | "self-link"
                    | "selflink"
                    | "skiplink"
                    | "mw-jump-link"
                    | "copiable-link"
                    | "doc-anchor"
            ) || class.split(['-', '_']).any(|word| word.eq_ignore_ascii_case("skip"))
        })
}

fn doubt(id: Id, node: &Node, part: &Part, panels: &Panels) -> Doubt {
    let name = node.name();
    if name.is_empty() || matches!(name, "html" | "body" | "main" | "article") {
        return Doubt::None;
    }
    let is_plain = !part.has_heading && !part.has_paragraph;
    // Most of it is links, the more so the longer a part is.
    let leads_elsewhere = part.links * 10 >= part.text * 7;
    if is_hidden(node) && (leads_elsewhere || !panels.is_opened(id)) {
        return Doubt::Hidden;
    }
    let by_role = match node.attribute("role").unwrap_or(name) {
        "navigation" | "nav" | "search" | "menubar" | "menu"
            if name != "menu" || is_plain && leads_elsewhere =>
        {
            Doubt::Navigation
        }
        "menuitem" | "toolbar" => Doubt::Navigation,
        "noscript" => Doubt::NoScript,
        "header" | "banner" if !part.is_inner && is_plain => Doubt::Frame,
        "footer" | "contentinfo" if !part.is_inner => Doubt::Frame,
        "aside" | "complementary" if leads_elsewhere => Doubt::Frame,
        "form" if part.text <= FORM && is_plain => Doubt::Frame,
        "dialog" | "alertdialog" if node.attribute("open").is_none() => Doubt::Hidden,
        "button"
            if part.text <= BUTTON
                && !panels.is_title(id)
                && node.attribute("aria-expanded").is_none()
                && node.attribute("aria-controls").is_none() =>
        {
            Doubt::Frame
        }
        _ => Doubt::None,
    };
    if by_role != Doubt::None || part.text == 0 || part.is_link {
        return by_role;
    }
    by_name(node, part, leads_elsewhere)
}

/// What the names of classes say, which pages without proper elements have only.
fn by_name(node: &Node, part: &Part, leads_elsewhere: bool) -> Doubt {
    let names = [node.attribute("class"), node.attribute("id")].into_iter().flatten();
    for name in names.flat_map(str::split_whitespace) {
        let name = name.to_ascii_lowercase();
        let is_about_cookies = ["cookie", "consent", "onetrust", "gdpr", "cc-window"];
        if part.text <= COOKIES && is_about_cookies.iter().any(|start| name.starts_with(start)) {
            return Doubt::Frame;
        }
        if leads_elsewhere && leads(&name) {
            return Doubt::Navigation;
        }
        if leads_elsewhere && name.split(['-', '_']).any(|word| matches!(word, "toc" | "menu")) {
            return Doubt::Contents;
        }
    }
    Doubt::None
}

fn leads(name: &str) -> bool {
    let holds =
        ["sidebar", "breadcrumb", "navbar", "navbox", "pagination", "skip-link", "skiplink"];
    let words = [
        "nav",
        "navigation",
        "footer",
        "share",
        "social",
        "related",
        "pager",
        "skip",
        "navheader",
        "navfooter",
        "navlinks",
        "topnav",
        "subnav",
        "bottomnav",
        "widget",
    ];
    holds.iter().any(|part| name.contains(part))
        || name.split(['-', '_']).any(|word| words.contains(&word))
}

#[cfg(test)]
mod tests {
    use vizsla_core::Limits;

    #[test]
    fn remains_of_navigation_are_left_out() {
        let text = "<p>What the page says, in a paragraph that is long enough to be one, and that goes on \
            for a while, so that nobody takes the page for a list.</p>";
        for part in [
            "<a class='mw-jump-link' href='#bodyContent'>Jump to content</a>",
            "<a class='a11y-skip' href='#main'>Skip</a>",
            "<a class='skip_to_main' href='/page#main'>Skip</a>",
            "<ul class='linklist navlinks'><li><a href='index.php'>Board index</a></li></ul>",
        ] {
            let page = crate::html::page(&format!("{part}{text}"), &Limits::default());
            assert!(page.text.starts_with("What the page says"), "{}", page.text);
        }
        for part in [
            "<a class=skip href='next.html'>Skip this chapter</a>",
            "<p class=navlinks>How <a href=x>links</a> in navigation are made.</p>",
        ] {
            let page = crate::html::page(&format!("{part}{text}"), &Limits::default());
            assert!(!page.text.starts_with("What the page says"), "{part}");
        }
    }
}
