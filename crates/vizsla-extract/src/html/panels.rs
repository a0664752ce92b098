//! Panels that a reader opens, of accordions and tabs: parts that are hidden only until then, and the buttons that are
//! their titles. In: the tree of a page. Out: both. What nothing on the page opens stays hidden, and so do menus.

use std::collections::{HashMap, HashSet};

use super::parse::LINK;
use super::tree::{Id, Node, ROOT, Tree};

/// Characters of text that are an answer, not a message such as "Copied".
const ANSWER: usize = 40;
/// Nodes between a heading and the button in it, and elements between a button and what it is in.
const NEAR: usize = 8;

#[derive(Default)]
pub(crate) struct Panels {
    opened: HashSet<Id>,
    titles: HashSet<Id>,
}

impl Panels {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut panels = Self::default();
        let (mut closed, mut named) = (HashMap::new(), HashMap::new());
        for (id, node) in (0..).zip(&tree.nodes) {
            let Some(name) = node.attribute("id") else { continue };
            named.entry(name).or_insert(id);
            if may_open(node) {
                closed.entry(name).or_insert(id);
            }
        }
        for (id, node) in (0..).zip(&tree.nodes) {
            if is_button_of_words(tree, id) {
                panels.titles.insert(id);
            }
            for panel in targets(node).filter_map(|name| closed.get(name)) {
                panels.opened.insert(*panel);
                panels.titles.insert(id);
            }
            if !may_open(node) {
                continue;
            }
            // A panel comes after its label; what has its own heading for a label is opened by nothing.
            let label = node.attribute("aria-labelledby").and_then(|name| named.get(name));
            let is_labelled = label.is_some_and(|label| *label < id);
            match node.attribute("role") {
                Some("tabpanel") => _ = panels.opened.insert(id),
                Some("region") if is_labelled => _ = panels.opened.insert(id),
                _ => {}
            }
            if let Some(control) = control_before(tree, id).filter(|_| is_answer(tree, id)) {
                panels.opened.insert(id);
                panels.titles.insert(control);
            }
        }
        panels
    }

    /// Whether a hidden part shows when a reader asks for it.
    pub(crate) fn is_opened(&self, id: Id) -> bool {
        self.opened.contains(&id)
    }

    /// Whether a button is what a reader sees of a panel, or a heading.
    pub(crate) fn is_title(&self, id: Id) -> bool {
        self.titles.contains(&id)
    }
}

/// Whether an element says of itself that it does not show.
pub(crate) fn is_hidden(node: &Node) -> bool {
    if node.attribute("hidden").is_some_and(|value| value != "until-found")
        || node.attribute("aria-hidden") == Some("true")
    {
        return true;
    }
    let Some(style) = node.attribute("style") else { return false };
    style.split(';').any(|rule| {
        let Some((property, value)) = rule.split_once(':') else { return false };
        let value = value.trim().split([' ', '!']).next().unwrap_or_default();
        matches!(
            (property.trim(), value),
            ("display", "none") | ("visibility", "hidden" | "collapse")
        )
    })
}

/// Whether an element is hidden, here or by its style, and no message, menu or the like.
fn may_open(node: &Node) -> bool {
    let is_other = matches!(
        node.attribute("role").unwrap_or(node.name()),
        "alert" | "status" | "tooltip" | "listbox" | "menu" | "dialog" | "alertdialog" | "nav"
    );
    let is_menu = has_class(node, &["nav", "navbar", "navigation", "menu"]);
    !is_other && !is_menu && (is_hidden(node) || has_class(node, &["collapse", "panel"]))
}

fn has_class(node: &Node, words: &[&str]) -> bool {
    let class = node.attribute("class").unwrap_or_default();
    class.split([' ', '\t', '\n', '-', '_']).any(|word| words.contains(&word))
}

/// The names of what an element opens.
fn targets(node: &Node) -> impl Iterator<Item = &str> {
    let node = Some(node).filter(|node| !opens_menu(node));
    let attribute = move |name| node.and_then(|node| node.attribute(name)).unwrap_or_default();
    let anchors = ["data-target", "data-bs-target", "href"].into_iter();
    let anchors = anchors.filter_map(move |name| attribute(name).strip_prefix('#'));
    // `openTab(event, 'name')`
    let called = attribute("onclick").split(['\'', '"']).skip(1).step_by(2);
    attribute("aria-controls").split_whitespace().chain(anchors).chain(called)
}

fn opens_menu(node: &Node) -> bool {
    let toggled = ["data-toggle", "data-bs-toggle"].iter().find_map(|name| node.attribute(name));
    matches!(toggled, Some("modal" | "dropdown" | "offcanvas" | "popover" | "tooltip"))
        || node.attribute("aria-haspopup").is_some_and(|value| value != "false")
}

/// The control that stands directly before a panel, or in the heading there.
fn control_before(tree: &Tree, panel: Id) -> Option<Id> {
    let is_blank = |id: Id| tree.node(id).text().is_some_and(|text| text.trim().is_empty());
    let mut before = tree.previous(panel);
    if before != ROOT && is_blank(before) {
        before = tree.previous(before);
    }
    let node = Some(tree.node(before)).filter(|_| before != ROOT)?;
    if node.name() == "dt" && tree.node(panel).name() == "dd" {
        return Some(before);
    }
    let depth = if is_heading(node) { NEAR } else { 1 };
    let within = std::iter::successors(Some(before), |id| tree.following(*id, true));
    within.take_while(|id| *id != panel).take(depth).find(|id| is_control(tree, *id))
}

fn is_control(tree: &Tree, id: Id) -> bool {
    let node = tree.node(id);
    if opens_menu(node) || matches!(node.attribute("type"), Some("submit" | "reset")) {
        return false;
    }
    let above = std::iter::successors(Some(node.parent), |id| Some(tree.node(*id).parent));
    let is_in_form = || above.take(NEAR).any(|id| tree.node(id).name() == "form");
    let is_button = matches!(node.attribute("role").unwrap_or(node.name()), "button" | "tab");
    let leads_here = node.name() == LINK
        && node.attribute("href").is_some_and(|href| {
            href.starts_with('#') || href.trim_start().starts_with("javascript:")
        });
    is_button && !is_in_form()
        || leads_here
        || ["onclick", "aria-expanded", "aria-controls"]
            .iter()
            .any(|name| node.attribute(name).is_some())
        || is_named(node)
}

/// What the classes of accordions without proper elements say.
fn is_named(node: &Node) -> bool {
    has_class(node, &["accordion", "collapsible", "faq", "question"])
}

/// Whether a part that follows a control has enough in it to be what the control shows.
fn is_answer(tree: &Tree, panel: Id) -> bool {
    let first = tree.node(panel).first;
    let inner = std::iter::successors(Some(first), |id| Some(tree.node(*id).next));
    let is_block = !matches!(tree.node(panel).name(), "" | "span" | "img" | "input" | "svg:other");
    is_block
        && inner.take_while(|id| *id != ROOT).take(NEAR).any(|id| {
            let node = tree.node(id);
            let is_long = |text: &str| text.trim().chars().nth(ANSWER.saturating_sub(1)).is_some();
            node.text().is_some_and(is_long)
                || matches!(node.name(), "p" | "div" | "ul" | "ol" | "dl" | "table" | "section")
        })
}

/// Whether a button is the first thing that a heading or a question says, or is called the title of an accordion.
fn is_button_of_words(tree: &Tree, id: Id) -> bool {
    let node = tree.node(id);
    if node.name() != "button" {
        return false;
    }
    let next = std::iter::successors(Some(node.next), |id| Some(tree.node(*id).next));
    let next = next.take(2).map(|id| tree.node(id).name()).find(|name| !name.is_empty());
    if is_named(node) && matches!(next, Some("div" | "section" | "p" | "ul" | "dd")) {
        return true;
    }
    let mut above = std::iter::successors(Some(node.parent), |id| Some(tree.node(*id).parent));
    let Some(heading) = above.by_ref().take(4).find(|id| is_heading(tree.node(*id))) else {
        return false;
    };
    let before = std::iter::successors(Some(heading), |id| tree.following(*id, true));
    let mut before = before.take(NEAR);
    let is_word = |id: Id| tree.node(id).text().is_some_and(|text| !text.trim().is_empty());
    before.find(|before| *before == id || is_word(*before)) == Some(id)
}

fn is_heading(node: &Node) -> bool {
    node.heading_level().is_some() || matches!(node.name(), "dt" | "summary")
}

#[cfg(test)]
mod tests {
    use crate::{Input, collect};

    fn text(part: &str) -> String {
        let body = "<p>What the page says, in a paragraph that is long enough to be one. And then \
            some more, so that what is hidden is not the better part of it all.</p>";
        let page = format!("<title>T</title><body>{part}{body}");
        collect(Input::bytes("x.html", page.as_bytes())).unwrap().documents.remove(0).text
    }

    #[test]
    fn what_a_control_opens_is_text_with_its_title() {
        for part in [
            "<h2><button aria-expanded=false aria-controls=c>Q?</button></h2><div id=c hidden>Answer",
            "<h2><button data-target='#c'>Q?</button></h2><div id=c class=collapse aria-hidden=true>Answer",
            "<button data-bs-target='#c'>Q?</button><hr><div id=c class=collapse>Answer",
            "<div role=tablist><a role=tab href='#c'>Q?</a></div><div id=c style='display: none'>Answer",
            "<h2 id=h><button>Q?</button></h2><hr><div role=region aria-labelledby=h hidden>Answer",
            "<h3 role=tab>Q?</h3><div role=tabpanel aria-hidden=true>Answer",
            "<div class=faq-question onclick='t()'>Q?</div><div style='display:none'><p>Answer",
            "<div><button onclick=\"openTab(event, 'c')\">Q?</button></div><div id=c style=display:none>Answer",
            "<button class=accordion>Q?</button>\n<div style=display:none><p>Answer",
            "<button class=accordion>Q?</button>\n<div class=panel><p>Answer",
            "<h2><button type=button><span>Q?</span></button></h2><div hidden><p>Answer",
            "<dl><dt><button>Q?</button></dt><dd>Answer</dl>",
            "<dl><dt>Q?</dt><dd hidden><p>Answer</dl>",
            "<details><summary><button>Q?</button></summary>Answer</details>",
        ] {
            let text = text(&format!("{part}</div></div>"));
            assert!(text.starts_with("Q?") && text.contains("Answer"), "{part}\n{text}");
        }
    }

    #[test]
    fn what_opens_no_panel_stays_out() {
        let links = "<li><a href=x>Elsewhere</a><li><a href=y>Elsewhere</a>";
        for part in [
            format!("<button aria-controls=m>x</button><nav id=m hidden><p>Elsewhere {links}</nav>"),
            format!("<button aria-controls=m>x</button><div id=m hidden><ul>{links}</ul></div>"),
            format!("<button class=menu>x</button><div style=display:none><ul>{links}</ul></div>"),
            "<button aria-controls=m>x</button><div role=menu id=m hidden><p>Elsewhere</div>".into(),
            "<button data-toggle=modal data-target='#m'>x</button><div id=m hidden><p>Elsewhere</div>"
                .into(),
            "<div><button data-target='#m'>Elsewhere</button><div id=m class='navbar-collapse collapse'></div></div>"
                .into(),
            "<form><button>x</button><div hidden><p>Elsewhere</div></form>".into(),
            "<button>x</button><span hidden>Elsewhere</span><button>Elsewhere</button>".into(),
            "<p>x</p><div hidden><p>Elsewhere</div>".into(),
            "<div id=n role=region aria-labelledby=h hidden><h2 id=h>Elsewhere</h2></div>".into(),
            "<h2>Install <button>Copy Elsewhere</button></h2><p>x</p>".into(),
        ] {
            let text = text(&part);
            assert!(!text.contains("Elsewhere"), "{part}\n{text}");
        }
    }
}
