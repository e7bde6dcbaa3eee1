//! From nodes to typed definitions, and from the same types to the JSON Schema.
//!
//! [`Load`] holds both directions of one type side by side, so that the schema and the loader
//! cannot diverge. `record!` and `choice!` write it for structs and closed sets of words.

use crate::diagnostic::{Diagnostic, Nearest, nearest};
use crate::name::Name;
use crate::source::{Sources, Span};
use crate::yaml::{self, Entry, Node, Value};
use serde_json::{Map, Value as Json, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a file may hold: how it is written in a schema and how it is read from a node.
pub trait Load: Sized {
    fn schema(g: &mut Schemas) -> Json;
    /// `None` after at least one finding.
    fn load(node: &Node, cx: &mut Loader) -> Option<Self>;
    /// The value when the key is not written; `None` makes the key required.
    fn absent() -> Option<Self> {
        None
    }
}

/// Gathers `$defs` while a schema is written.
#[derive(Default)]
pub struct Schemas {
    pub defs: BTreeMap<String, Json>,
}

impl Schemas {
    /// A reference to a definition, written on first use.
    pub fn define(&mut self, name: &str, write: impl FnOnce(&mut Self) -> Json) -> Json {
        if !self.defs.contains_key(name) {
            self.defs.insert(name.to_owned(), Json::Null);
            let schema = write(self);
            self.defs.insert(name.to_owned(), schema);
        }
        json!({"$ref": format!("#/$defs/{name}")})
    }
}

/// Tells the parts of a site that are compiled apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartId(u32);

/// Numbers the parts of a site that are compiled.
#[derive(Debug, Default)]
pub struct PartIds(u32);

impl PartIds {
    pub fn new_id(&mut self) -> PartId {
        self.0 += 1;
        PartId(self.0)
    }
}

pub struct Loader<'a> {
    pub sources: &'a Sources,
    pub diagnostics: &'a mut Vec<Diagnostic>,
    /// Numbers the parts that the checks will compile.
    pub parts: &'a mut PartIds,
    /// A part could not be read and was left out, so that the rest is still checked.
    pub damaged: bool,
    /// Names in the parts that were left out: they are written, so they are not also unknown.
    pub lost: BTreeSet<String>,
    /// The maps around what is loaded, each with its keys; the outermost is the first.
    pub around: Vec<(&'static str, &'static [&'static str])>,
}

impl<'a> Loader<'a> {
    pub fn new(sources: &'a Sources, diagnostics: &'a mut Vec<Diagnostic>, parts: &'a mut PartIds) -> Self {
        Self { sources, diagnostics, parts, damaged: false, lost: BTreeSet::new(), around: vec![] }
    }

    pub fn push(&mut self, d: Diagnostic) {
        self.diagnostics.push(d);
    }

    /// Leaves out a part that was found faulty.
    pub fn leave_out(&mut self, node: &Node) {
        self.damaged = true;
        words(node, &mut self.lost);
    }

    /// Every item that can be read.
    pub fn each<'n, N, T>(&mut self, items: impl IntoIterator<Item = &'n N>, mut load: impl FnMut(&'n N, &mut Self) -> Option<T>) -> Vec<T>
    where
        N: Part + 'n,
    {
        let mut all = vec![];
        for item in items {
            match load(item, self) {
                Some(loaded) => all.push(loaded),
                None => {
                    self.leave_out(item.node());
                    self.lost.extend(item.key().map(str::to_owned));
                }
            }
        }
        all
    }

    pub fn wrong_type(&mut self, node: &Node, wanted: &str) {
        let mut d = Diagnostic::error("wrong-type", node.span, format!("expected {wanted}, found {}", node.describe()));
        let raw = self.sources.slice(node.span);
        if raw.starts_with("{{") && wanted.contains("text") {
            d = d.help("a text with `{{ }}` needs quotes").fix(node.span, yaml::quote(raw));
        }
        if wanted == "a list"
            && raw.starts_with('{')
            && let Some(span) = self.sources.flow(node.span)
        {
            let raw = self.sources.slice(span);
            d = d.help(format!("write `[ {raw} ]`")).fix(span, format!("[ {raw} ]"));
        }
        self.push(d);
    }

    /// The entries of a map; anything else is a finding.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Map(entries) => Some(entries),
            _ => {
                self.wrong_type(node, what);
                None
            }
        }
    }

    /// One key of a record. Reports a missing key once, at the record's start; a faulty one that may be missing is left out.
    pub fn field<T: Load>(&mut self, entries: &[Entry], key: &str, owner: (&str, Span)) -> Option<T> {
        match entries.iter().find(|e| e.key == key) {
            Some(e) => T::load(&e.value, self).or_else(|| {
                self.leave_out(&e.value);
                T::absent()
            }),
            None => T::absent().or_else(|| {
                let span = Span { end: owner.1.start + 1, ..owner.1 };
                self.push(Diagnostic::error("missing-key", span, format!("{} needs the key `{key}`", owner.0)));
                None
            }),
        }
    }

    /// The expression that a comma cut, as its brackets say it was meant. `cut` is its first part.
    fn whole_expression(&self, cut: Span, second: Span) -> Option<(Span, String)> {
        let text = &self.sources.file(cut.file).text;
        let line = text.get(cut.start as usize..)?.lines().next()?;
        let whole = &line[..crate::yaml::flow_end(line)];
        let span = Span::new(cut.file, cut.start as usize, cut.start as usize + whole.len());
        (!whole.starts_with(['"', '\'']) && span.end >= second.end).then(|| (span, whole.to_owned()))
    }

    /// The entries whose keys are known; one that is certainly misspelled counts as the key that is meant.
    pub fn known_keys<'n>(&mut self, entries: &'n [Entry], known: &[&str], owner: &str) -> Cow<'n, [Entry]> {
        let mut understood = Cow::Borrowed(entries);
        let mut after_expression = None;
        for e in entries {
            if known.contains(&e.key.as_str()) {
                let is_expression = matches!(e.key.as_str(), "when" | "where" | "while" | "until" | "match")
                    || matches!(&e.value.value, Value::Text(t) if t.starts_with('=') || t.contains("{{"));
                after_expression = is_expression.then_some(e.value.span);
                continue;
            }
            self.damaged = true;
            // `{ when: f(a, b) }` is cut in two at the comma, without an error of YAML's own.
            if e.value.value == Value::Null
                && !is_name(&e.key)
                && let Some(cut) = after_expression
            {
                let d = Diagnostic::error("expression-cut", e.key_span, format!("the comma before `{}` ended the expression", e.key))
                    .help("inside `{ }` an expression that contains a comma, a bracket or a brace needs quotes around it");
                // What is meant is read on, so that the cut stays the only finding.
                let at = understood.iter().position(|before| before.value.span == cut);
                match (self.whole_expression(cut, e.key_span), at) {
                    (Some((span, whole)), Some(at)) => {
                        understood.to_mut()[at].value = Node { span, value: Value::Text(whole.clone()) };
                        self.push(d.fix(span, yaml::quote(&whole)));
                    }
                    (_, at) => {
                        at.into_iter().for_each(|at| drop(understood.to_mut().remove(at)));
                        self.push(d);
                    }
                }
                continue;
            }
            let d = Diagnostic::error("unknown-key", e.key_span, format!("{owner} has no key `{}`", e.key));
            let free = known.iter().copied().filter(|k| !entries.iter().any(|e| e.key == *k));
            let meant = nearest(&e.key, free);
            match &meant {
                Some(Nearest { word, certain: true }) => {
                    let place = understood.iter().position(|other| other.key_span == e.key_span);
                    place.into_iter().for_each(|at| understood.to_mut()[at].key.clone_from(word));
                }
                _ => {
                    self.lost.insert(e.key.clone());
                    self.leave_out(&e.value);
                }
            }
            let is_sibling =
                matches!(&e.value.value, Value::Map(inner) if !inner.is_empty() && inner.iter().all(|i| known.contains(&i.key.as_str())));
            self.push(match meant {
                Some(nearest) => d.meant(&e.key, nearest, e.key_span, self.sources),
                None if is_sibling => d.help(format!("`{}` looks like {owner} of its own: it is indented too deep here", e.key)),
                None => match self.around.iter().rev().find(|(_, keys)| keys.contains(&e.key.as_str())) {
                    Some((outer, _)) => d.help(format!("`{}` is a key of {outer}: it is indented too deep here", e.key)),
                    None => d.help(format!("keys are {}", known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", "))),
                },
            });
        }
        understood
    }
}

/// `[a-z][a-z0-9_]{0,62}`
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && text.len() <= 63
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

pub const NAME_PATTERN: &str = "^[a-z][a-z0-9_]{0,62}$";

impl<T: Load> Load for Option<T> {
    fn schema(g: &mut Schemas) -> Json {
        T::schema(g)
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        T::load(node, cx).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Load> Load for Vec<T> {
    fn schema(g: &mut Schemas) -> Json {
        json!({"type": "array", "items": T::schema(g)})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::List(items) => Some(cx.each(items, |n: &Node, cx| T::load(n, cx))),
            _ => {
                cx.wrong_type(node, "a list");
                None
            }
        }
    }
    fn absent() -> Option<Self> {
        Some(vec![])
    }
}

/// An item of a list, or an entry of a map.
pub trait Part {
    fn node(&self) -> &Node;
    fn key(&self) -> Option<&str> {
        None
    }
}

impl Part for Node {
    fn node(&self) -> &Node {
        self
    }
}

impl Part for Entry {
    fn node(&self) -> &Node {
        &self.value
    }
    fn key(&self) -> Option<&str> {
        Some(&self.key)
    }
}

/// Keys whose values give a name to something.
const NAMING: &[&str] = &["as", "data", "field", "name"];

/// Every word in a part that may name something.
fn words(node: &Node, out: &mut BTreeSet<String>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|i| words(i, out)),
        Value::Map(entries) => {
            for entry in entries {
                out.extend(is_name(&entry.key).then(|| entry.key.clone()));
                match &entry.value.value {
                    Value::Text(text) if NAMING.contains(&entry.key.as_str()) => _ = out.insert(text.clone()),
                    _ => words(&entry.value, out),
                }
            }
        }
        _ => {}
    }
}

impl<T: Load> Load for Box<T> {
    fn schema(g: &mut Schemas) -> Json {
        T::schema(g)
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        T::load(node, cx).map(Box::new)
    }
}

impl Load for bool {
    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "boolean"})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match node.value {
            Value::Bool(b) => Some(b),
            _ => {
                let raw = cx.sources.slice(node.span);
                if matches!(raw, "yes" | "no" | "on" | "off" | "Yes" | "No") {
                    let word = if matches!(raw, "yes" | "on" | "Yes") { "true" } else { "false" };
                    let d = Diagnostic::error("wrong-type", node.span, format!("`{raw}` is a text in YAML 1.2"))
                        .help(format!("write `{word}`"))
                        .fix(node.span, word);
                    cx.push(d);
                } else if let Some(meant) = nearest(raw, ["true", "false"]) {
                    let d = Diagnostic::error("wrong-type", node.span, format!("expected `true` or `false`, found `{raw}`"));
                    cx.push(d.meant(raw, meant, node.span, cx.sources));
                } else {
                    cx.wrong_type(node, "`true` or `false`");
                }
                None
            }
        }
    }
    fn absent() -> Option<Self> {
        Some(false)
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int<const MIN: i64, const MAX: i64>(pub i64);

impl<const MIN: i64, const MAX: i64> Load for Int<MIN, MAX> {
    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "integer", "minimum": MIN, "maximum": MAX})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match node.value {
            Value::Int(i) if (MIN..=MAX).contains(&i) => Some(Self(i)),
            Value::Int(i) => {
                cx.push(Diagnostic::error("out-of-range", node.span, format!("{i} is not between {MIN} and {MAX}")));
                None
            }
            _ => {
                cx.wrong_type(node, "a whole number");
                None
            }
        }
    }
}

impl Load for String {
    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "string", "minLength": 1})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::Text(t) if !t.is_empty() => Some(t.clone()),
            _ => {
                cx.wrong_type(node, "a text");
                None
            }
        }
    }
}

/// A value or a list of them.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> std::ops::Deref for OneOrMany<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Load> Load for OneOrMany<T> {
    fn schema(g: &mut Schemas) -> Json {
        let one = T::schema(g);
        json!({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        match &node.value {
            Value::List(items) if items.is_empty() => {
                cx.push(Diagnostic::error("empty-list", node.span, "the list is empty"));
                None
            }
            Value::List(items) => {
                let all = cx.each(items, |n: &Node, cx| T::load(n, cx));
                (!all.is_empty()).then_some(Self(all))
            }
            _ => T::load(node, cx).map(|t| Self(vec![t])),
        }
    }
}

/// A map from names to values, in the order written. A name is found in constant time, however many there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T> {
    entries: Vec<(Name, T)>,
    /// The places of the names; empty where there are so few that comparing them is quicker than hashing.
    index: HashMap<Arc<str>, usize>,
}

/// Most names that are compared one by one.
const COMPARED_MAX: usize = 8;

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { entries: vec![], index: HashMap::new() }
    }
}

impl<T> FromIterator<(Name, T)> for Named<T> {
    fn from_iter<I: IntoIterator<Item = (Name, T)>>(entries: I) -> Self {
        let entries: Vec<(Name, T)> = entries.into_iter().collect();
        let mut index = HashMap::new();
        if entries.len() > COMPARED_MAX {
            for (place, (name, _)) in entries.iter().enumerate() {
                index.entry(name.text.clone()).or_insert(place);
            }
        }
        Self { entries, index }
    }
}

impl<T> Named<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The name as it was written, with its value.
    pub fn entry(&self, name: &str) -> Option<(&Name, &T)> {
        self.at(self.position(name)?)
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        if self.index.is_empty() { self.entries.iter().position(|(n, _)| n == name) } else { self.index.get(name).copied() }
    }

    /// The entry at a place, in the order written.
    pub fn at(&self, place: usize) -> Option<(&Name, &T)> {
        self.entries.get(place).map(|(name, value)| (name, value))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Name, &T)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    pub fn into_entries(self) -> impl Iterator<Item = (Name, T)> {
        self.entries.into_iter()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| &**name)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<T: Load> Load for Named<T> {
    fn schema(g: &mut Schemas) -> Json {
        json!({"type": "object", "propertyNames": {"pattern": NAME_PATTERN}, "additionalProperties": T::schema(g)})
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            _ => {
                cx.wrong_type(node, "a map from names to values");
                return None;
            }
        };
        let load = |e: &Entry, cx: &mut Loader| {
            let name = Name::from_key(e, cx);
            let value = T::load(&e.value, cx);
            Some((name?, value?))
        };
        Some(cx.each(entries, load).into_iter().collect())
    }
    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

/// A value and the place where it stands.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    pub value: T,
    pub span: Span,
}

impl<T: Load> Load for Placed<T> {
    fn schema(g: &mut Schemas) -> Json {
        T::schema(g)
    }
    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        T::load(node, cx).map(|value| Self { value, span: node.span })
    }
}

/// Joins the lines of a doc comment.
pub fn doc(lines: &[&str]) -> String {
    lines.iter().map(|l| l.trim()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// A property's schema with its title, description and example; a `$ref` keeps them beside it.
pub fn describe(mut schema: Json, key: &str, text: &str, example: Json) -> Json {
    let mut title = key.replace('_', " ");
    if let Some(first) = title.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    if let Json::Object(map) = &mut schema {
        map.insert("title".into(), title.into());
        map.insert("description".into(), text.into());
        map.insert("examples".into(), json!([example]));
    }
    schema
}

pub fn object(properties: Map<String, Json>, required: Vec<&str>) -> Json {
    json!({"type": "object", "additionalProperties": false, "properties": properties, "required": required})
}
