//! The tree of a page, as the HTML standard's tree construction builds it: nodes in one list, so that neither building
//! nor dropping it recurses.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, ExpandedName, QualName, ns};

/// Index of a node. [`ROOT`] is the document, and no node's child, sibling or parent, so it also stands for "none".
pub(crate) type Id = u32;
pub(crate) const ROOT: Id = 0;

/// The attributes that say something about text; the others are not kept.
const ATTRIBUTES: &[&str] = &[
    "alt",
    "aria-controls",
    "aria-expanded",
    "aria-haspopup",
    "aria-hidden",
    "aria-labelledby",
    "aria-level",
    "class",
    "content",
    "data-bs-target",
    "data-bs-toggle",
    "data-target",
    "data-toggle",
    "epub:type",
    "hidden",
    "href",
    "http-equiv",
    "id",
    "itemprop",
    "lang",
    "name",
    "onclick",
    "open",
    "property",
    "role",
    "shadowrootmode",
    "style",
    "type",
    "x",
    "y",
];

pub(crate) enum Kind {
    Document,
    Element {
        name: Rc<QualName>,
        attributes: Vec<(&'static str, StrTendril)>,
    },
    Text(StrTendril),
    /// Comments and the like.
    Other,
}

pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Source line on which it begins.
    pub(crate) line: u32,
    pub(crate) parent: Id,
    pub(crate) first: Id,
    pub(crate) next: Id,
    last: Id,
    previous: Id,
}

impl Node {
    /// Name of an HTML element; those of pictures and formulas have a prefix: `svg:title`. Empty for what is no element.
    pub(crate) fn name(&self) -> &str {
        match &self.kind {
            Kind::Element { name, .. } if name.ns == ns!(html) => &name.local,
            Kind::Element { name, .. } => match (&name.ns, &*name.local) {
                (&ns!(svg), "title" | "desc") => "svg:title",
                (&ns!(svg), "metadata" | "style" | "script" | "defs") => "svg:",
                // A part that has no place of its own goes on in the same word.
                (&ns!(svg), "tspan") if self.attribute("x").or(self.attribute("y")).is_none() => {
                    "svg:other"
                }
                (&ns!(svg), "text" | "tspan") => "svg:text",
                (&ns!(mathml), "mfrac") => "math:fraction",
                (&ns!(mathml), "msup") => "math:above",
                (&ns!(mathml), "msub") => "math:below",
                (&ns!(mathml), "msubsup") => "math:both",
                (&ns!(mathml), "munder") => "math:under",
                (&ns!(mathml), "mover") => "math:over",
                (&ns!(mathml), "munderover") => "math:limits",
                (&ns!(mathml), "msqrt") => "math:root",
                (&ns!(mathml), "mroot") => "math:index",
                (_, "annotation" | "annotation-xml") => "math:annotation",
                (_, "mtd" | "mtr") => "math:cell",
                (_, "math") => "math",
                _ => "svg:other",
            },
            _ => "",
        }
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let Kind::Element { attributes, .. } = &self.kind else { return None };
        attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// Level of a heading.
    pub(crate) fn heading_level(&self) -> Option<usize> {
        if self.attribute("role") == Some("heading") {
            return Some(
                self.attribute("aria-level").and_then(|level| level.parse().ok()).unwrap_or(2),
            );
        }
        let level = self.name().strip_prefix('h')?.parse().ok()?;
        (1..=6).contains(&level).then_some(level)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }
}

pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

impl Tree {
    pub(crate) fn node(&self, id: Id) -> &Node {
        // Ids only come from this list, which never shrinks.
        &self.nodes[id as usize]
    }

    pub(crate) fn previous(&self, id: Id) -> Id {
        self.node(id).previous
    }

    /// The node after `id` in document order, leaving out what is below `id` unless `deeper`.
    pub(crate) fn following(&self, id: Id, deeper: bool) -> Option<Id> {
        let first = self.node(id).first;
        if deeper && first != ROOT {
            return Some(first);
        }
        let mut at = id;
        while at != ROOT {
            let Node { next, parent, .. } = *self.node(at);
            if next != ROOT {
                return Some(next);
            }
            at = parent;
        }
        None
    }

    fn add(&mut self, kind: Kind, line: u32) -> Id {
        let id = self.nodes.len() as Id;
        self.nodes.push(Node {
            kind,
            line,
            parent: ROOT,
            first: ROOT,
            next: ROOT,
            last: ROOT,
            previous: ROOT,
        });
        id
    }

    fn at(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    /// Inserts `child` below `parent`, before `before`; at the end if that is none.
    fn insert(&mut self, parent: Id, before: Id, child: Id) {
        self.detach(child);
        let previous =
            if before == ROOT { self.node(parent).last } else { self.node(before).previous };
        let node = self.at(child);
        (node.parent, node.previous, node.next) = (parent, previous, before);
        if previous == ROOT {
            self.at(parent).first = child;
        } else {
            self.at(previous).next = child;
        }
        if before == ROOT {
            self.at(parent).last = child;
        } else {
            self.at(before).previous = child;
        }
    }

    fn insert_text(&mut self, parent: Id, before: Id, text: &StrTendril, line: u32) {
        let previous =
            if before == ROOT { self.node(parent).last } else { self.node(before).previous };
        if previous != ROOT
            && let Kind::Text(known) = &mut self.at(previous).kind
        {
            known.push_tendril(text);
            return;
        }
        let line = line.saturating_sub(text.matches('\n').count() as u32).max(1);
        let child = self.add(Kind::Text(text.clone()), line);
        self.insert(parent, before, child);
    }

    fn detach(&mut self, child: Id) {
        let Node { parent, previous, next, .. } = *self.node(child);
        let is_only_child = self.node(parent).first == child;
        if parent == ROOT && previous == ROOT && next == ROOT && !is_only_child {
            return;
        }
        if previous == ROOT {
            self.at(parent).first = next;
        } else {
            self.at(previous).next = next;
        }
        if next == ROOT {
            self.at(parent).last = previous;
        } else {
            self.at(next).previous = previous;
        }
        let node = self.at(child);
        (node.parent, node.previous, node.next) = (ROOT, ROOT, ROOT);
    }
}

/// A node with its name, which the tree builder asks for all the time.
#[derive(Clone)]
pub(crate) struct Handle {
    id: Id,
    name: Rc<QualName>,
}

/// Receives the tree from html5ever's tree builder.
pub(crate) struct Builder {
    tree: RefCell<Tree>,
    line: Cell<u32>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let mut tree = Tree { nodes: Vec::new() };
        tree.add(Kind::Document, 1);
        Self { tree: RefCell::new(tree), line: Cell::new(1) }
    }

    pub(crate) fn size(&self) -> usize {
        self.tree.borrow().nodes.len()
    }

    fn handle(&self, kind: Kind) -> Handle {
        let name = match &kind {
            Kind::Element { name, .. } => Rc::clone(name),
            _ => Rc::new(QualName::new(None, ns!(), "".into())),
        };
        Handle { id: self.tree.borrow_mut().add(kind, self.line.get()), name }
    }

    fn insert(&self, parent: Id, before: Id, child: NodeOrText<Handle>) {
        let mut tree = self.tree.borrow_mut();
        match child {
            NodeOrText::AppendText(text) => {
                tree.insert_text(parent, before, &text, self.line.get());
            }
            NodeOrText::AppendNode(child) => {
                tree.insert(parent, before, child.id);
            }
        }
    }
}

impl TreeSink for Builder {
    type Handle = Handle;
    type Output = Tree;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Tree {
        self.tree.into_inner()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { id: ROOT, name: Rc::new(QualName::new(None, ns!(), "".into())) }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Handle {
        let known = attrs.into_iter().filter_map(|attribute| {
            let name = ATTRIBUTES.iter().find(|name| ***name == *attribute.name.local)?;
            Some((*name, attribute.value))
        });
        self.handle(Kind::Element { name: Rc::new(name), attributes: known.collect() })
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.handle(Kind::Other)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.handle(Kind::Other)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.id, ROOT, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Handle,
        previous: &Handle,
        child: NodeOrText<Handle>,
    ) {
        let parent = self.tree.borrow().node(element.id).parent;
        if parent == ROOT {
            self.insert(previous.id, ROOT, child);
        } else {
            self.insert(parent, element.id, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// A template is its own content, so that what it holds can be told from the page.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        x.id == y.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        let parent = self.tree.borrow().node(sibling.id).parent;
        self.insert(parent, sibling.id, child);
    }

    /// The language may be on a second `<html>`; nothing else matters there.
    fn add_attrs_if_missing(&self, target: &Handle, attrs: Vec<Attribute>) {
        let mut tree = self.tree.borrow_mut();
        let Kind::Element { attributes, .. } = &mut tree.at(target.id).kind else { return };
        let language = attrs.into_iter().find(|attribute| &*attribute.name.local == "lang");
        if let Some(language) = language
            && attributes.iter().all(|(name, _)| *name != "lang")
        {
            attributes.push(("lang", language.value));
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.tree.borrow_mut().detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut tree = self.tree.borrow_mut();
        while tree.node(node.id).first != ROOT {
            let child = tree.node(node.id).first;
            tree.insert(new_parent.id, ROOT, child);
        }
    }

    fn set_current_line(&self, line: u64) {
        self.line.set(u32::try_from(line).unwrap_or(u32::MAX));
    }
}
