//! YAML 1.2 with the place of every node. Everything that loads definitions starts from this tree.
//!
//! Limits are counted, never timed: size, depth, nodes (aliases count as often as they are expanded).

mod trouble;

use crate::diagnostic::Diagnostic;
use crate::source::{self, Sources, Span};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::HashMap;

/// A definition file is at most this long, in bytes.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Deepest nesting of lists and maps.
pub const DEPTH_MAX: usize = 48;

/// Most nodes in one file, aliases expanded.
pub const NODES_MAX: usize = 250_000;

#[derive(Debug, Clone)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A number with a point, kept as written: it becomes an exact decimal or a finding.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            _ => None,
        }
    }

    /// What a person calls this, for messages.
    pub fn describe(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) => "a whole number",
            Value::Number(_) => "a number",
            Value::Text(ref t) if t.is_empty() => "an empty text",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The same data as JSON; numbers with a point become texts, so that nothing is rounded.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Int(i) => (*i).into(),
            Value::Number(n) => n.clone().into(),
            Value::Text(t) => t.clone().into(),
            Value::List(l) => l.iter().map(Node::to_json).collect(),
            Value::Map(m) => serde_json::Value::Object(m.iter().map(|e| (e.key.clone(), e.value.to_json())).collect()),
        }
    }

    /// A node from JSON, all of it at one place: for definitions that come back from the store.
    pub fn from_json(json: &serde_json::Value, span: Span) -> Node {
        use serde_json::Value as J;
        let value = match json {
            J::Null => Value::Null,
            J::Bool(b) => Value::Bool(*b),
            J::Number(n) => n.as_i64().map_or_else(|| Value::Number(n.to_string()), Value::Int),
            J::String(s) => Value::Text(s.clone()),
            J::Array(a) => Value::List(a.iter().map(|j| Node::from_json(j, span)).collect()),
            J::Object(o) => {
                Value::Map(o.iter().map(|(k, v)| Entry { key: k.clone(), key_span: span, value: Node::from_json(v, span) }).collect())
            }
        };
        Node { span, value }
    }
}

/// Parses every document of one file. A syntax error ends its document, or its part of a list of definitions; everything
/// else is reported and read on.
pub fn parse(sources: &Sources, file: u32, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    let text = &*sources.file(file).text;
    if text.len() > FILE_BYTES_MAX {
        let message = format!("file of {} bytes is longer than {FILE_BYTES_MAX}", text.len());
        diagnostics.push(Diagnostic::error("too-large", Span::new(file, 0, 0), message).help("split it into several files"));
        return vec![];
    }
    let mut documents = vec![];
    let mut from = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    for _ in 0..ERRORS_MAX {
        match part(text, from, file, &mut documents, diagnostics) {
            Some(next) => from = next,
            None => break,
        }
    }
    documents
}

/// Syntax errors of one file that are told.
const ERRORS_MAX: usize = 20;

/// Parses from here on; where to go on behind a syntax error.
fn part(text: &str, from: usize, file: u32, documents: &mut Vec<Node>, diagnostics: &mut Vec<Diagnostic>) -> Option<usize> {
    let body = &text[from..];
    let mut builder = Builder {
        text: body,
        shift: from,
        file,
        offsets: ByteOffsets::new(body),
        documents: vec![],
        stack: vec![],
        anchors: HashMap::new(),
        nodes: 0,
        diagnostics,
        stopped: false,
    };
    let mut wrong = None;
    for event in Parser::new_from_str(body) {
        match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => wrong = Some(builder.syntax_error(&error)),
        }
        if builder.stopped || wrong.is_some() {
            break;
        }
    }
    documents.append(&mut builder.documents);
    let wrong = wrong?;
    // What stood before it in a list of definitions is whole.
    let begun = builder.stack.into_iter().next();
    let is_list = matches!(begun, Some(Open::List { .. }));
    if let Some(Open::List { items, .. }) = begun {
        documents.extend(items);
    }
    let lines = body.match_indices('\n').map(|(at, _)| at + 1).filter(|at| *at > wrong);
    let begins = |at: &usize| body[*at..].starts_with("---") || (is_list && body[*at..].starts_with("- "));
    lines.into_iter().find(begins).map(|at| from + at)
}

/// The parser counts characters; everything here counts bytes.
struct ByteOffsets(Option<Vec<u32>>);

impl ByteOffsets {
    fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self(None);
        }
        let mut offsets: Vec<u32> = text.char_indices().map(|(i, _)| i as u32).collect();
        offsets.push(text.len() as u32);
        Self(Some(offsets))
    }

    fn get(&self, index: usize, len: usize) -> usize {
        match &self.0 {
            None => index.min(len),
            Some(offsets) => offsets.get(index).map_or(len, |o| *o as usize),
        }
    }
}

/// Stands for a key that is no word.
const UNREADABLE: &str = "?";

enum Open {
    List { start: Span, anchor: usize, items: Vec<Node> },
    Map { start: Span, anchor: usize, entries: Vec<Entry>, key: Option<(String, Span)>, seen: HashMap<String, Span>, twice: bool },
}

struct Builder<'a> {
    text: &'a str,
    shift: usize,
    file: u32,
    offsets: ByteOffsets,
    documents: Vec<Node>,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    diagnostics: &'a mut Vec<Diagnostic>,
    stopped: bool,
}

impl Builder<'_> {
    fn span(&self, span: saphyr_parser::Span) -> Span {
        let start = self.offsets.get(span.start.index(), self.text.len());
        let end = self.offsets.get(span.end.index(), self.text.len()).max(start);
        Span::new(self.file, start + self.shift, end + self.shift)
    }

    fn stop(&mut self, code: &'static str, span: Span, message: String, help: &str) {
        self.diagnostics.push(Diagnostic::error(code, span, message).help(help));
        self.documents.clear();
        self.stopped = true;
    }

    /// Reports it where it was made; returns that place.
    fn syntax_error(&mut self, error: &saphyr_parser::ScanError) -> usize {
        let at = self.offsets.get(error.marker().index(), self.text.len());
        let span = |place: std::ops::Range<usize>| Span::new(self.file, place.start + self.shift, place.end + self.shift);
        let line_start = self.text[..at].rfind('\n').map_or(0, |n| n + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        if let Some(place) = negation(line) {
            let value = line[place.clone()].to_owned();
            let d = Diagnostic::error("yaml-tag", span(line_start + place.start..line_start + place.end), "`!` begins a YAML tag");
            let d = d.help(format!("an expression that begins with `!` needs quotes: `{}`", quote(&value)));
            let fix = span(line_start + place.start..line_start + place.end);
            self.diagnostics.push(d.fix(fix, quote(&value)));
            return line_start + place.start;
        }
        let unquoted = line.contains("{{") && !line.contains(['"', '\'']);
        if unquoted {
            // What was said of the braces in this line is the same.
            let own = self.shift + line_start..=self.shift + line_start + line.len();
            self.diagnostics.retain(|d| d.code != "yaml-key" || d.span.file != self.file || !own.contains(&(d.span.start as usize)));
        }
        match trouble::find(self.text, at).filter(|_| !unquoted) {
            Some(trouble) => {
                let at = trouble.place.start;
                let d = Diagnostic::error("yaml-syntax", span(trouble.place), trouble.message);
                self.diagnostics.push(d.help(trouble.help));
                at
            }
            None => {
                let mut d = Diagnostic::error("yaml-syntax", span(at..at), format!("not valid YAML: {}", error.info()));
                if unquoted {
                    d = d.help("a text with `{{ }}` needs quotes: `\"{{ticket.number}}\"`");
                    // From the braces to the end of the line, where a value begins with them.
                    if let Some(begin) = line.find("{{").filter(|b| line[..*b].ends_with(": ") && !line[..*b].contains(['{', '['])) {
                        let end = line.find(" #").unwrap_or(line.len()).max(begin);
                        let text = line[begin..end].trim_end();
                        d = d.fix(span(line_start + begin..line_start + begin + text.len()), quote(text));
                    }
                } else if error.info().contains("mapping values") {
                    d = d.help("a value that contains `: ` needs quotes around it");
                } else if error.info().contains("flow") && trouble::CONDITIONS.iter().any(|c| line.contains(c)) {
                    d = d.help("inside `{ }` an expression that contains a comma, a bracket or a brace needs quotes around it");
                    let begin = trouble::CONDITIONS.iter().filter_map(|c| Some(line.get(..at - line_start)?.rfind(c)? + c.len())).max();
                    if let Some(begin) = begin.map(|b| b + line[b..].len() - line[b..].trim_start().len()) {
                        let text = &line[begin..begin + flow_end(&line[begin..])];
                        if !text.is_empty() && !text.starts_with(['"', '\'']) {
                            d = d.fix(span(line_start + begin..line_start + begin + text.len()), quote(text));
                        }
                    }
                }
                self.diagnostics.push(d);
                at
            }
        }
    }

    fn event(&mut self, event: Event<'_>, span: saphyr_parser::Span) {
        let span = self.span(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = match tag {
                    Some(_) => self.tag(span),
                    None => Node { span, value: scalar(&text, style) },
                };
                self.finish(node, anchor, 1);
            }
            Event::SequenceStart(anchor, tag) => {
                if tag.is_some() {
                    let _ = self.tag(span);
                }
                self.open(Open::List { start: span, anchor, items: vec![] });
            }
            Event::MappingStart(anchor, tag) => {
                if tag.is_some() {
                    let _ = self.tag(span);
                }
                self.open(Open::Map { start: span, anchor, entries: vec![], key: None, seen: HashMap::new(), twice: false });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some((node, size)) => self.finish(Node { span, ..node }, 0, size),
                None => self.stop("yaml-syntax", span, "alias has no anchor before it".into(), "an anchor is written `&name`"),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
    }

    /// Reports a tag; the node is what its author meant, so that the tag stays the only finding.
    fn tag(&mut self, span: Span) -> Node {
        let from = span.start as usize - self.shift;
        let line_start = self.text[..from].rfind('\n').map_or(0, |n| n + 1);
        let bang = self.text[line_start..from].rfind('!').map_or(from, |n| line_start + n);
        let end = self.text[bang..].find('\n').map_or(self.text.len(), |n| bang + n);
        let value = self.text[bang..end].trim_end();
        let cut = flow_end(value);
        // A comment behind it is no part of it.
        let cut = value.find(" #").map_or(cut, |c| c.min(cut));
        let value = value[..cut].trim_end();
        let place = Span::new(self.file, bang + self.shift, bang + self.shift + value.len());
        let d = Diagnostic::error("yaml-tag", place, format!("`{}` is a YAML tag", value.split([' ', '.']).next().unwrap_or(value)))
            .help(format!("an expression that begins with `!` needs quotes: `{}`", quote(value)));
        // `!!map` and the like are meant as tags: nobody knows what to put there instead.
        let is_expression = !value.starts_with("!!") && value[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '(');
        let d = if is_expression && !self.text[bang + value.len()..].starts_with('{') { d.fix(place, quote(value)) } else { d };
        let node = Node { span: place, value: Value::Text(value.to_owned()) };
        self.diagnostics.push(d);
        node
    }

    fn open(&mut self, open: Open) {
        if self.stack.len() >= DEPTH_MAX {
            let (Open::List { start, .. } | Open::Map { start, .. }) = open;
            self.stop("too-large", start, format!("nested deeper than {DEPTH_MAX} levels"), "definitions need far fewer");
            return;
        }
        self.stack.push(open);
    }

    fn close(&mut self, end: Span) {
        let Some(open) = self.stack.pop() else { return };
        let (node, anchor, size) = match open {
            Open::List { start, anchor, items } => {
                let span = Span { end: end.end.max(start.end), ..start };
                (Node { span, value: Value::List(items) }, anchor, 1)
            }
            Open::Map { start, anchor, entries, .. } => {
                let span = Span { end: end.end.max(start.end), ..start };
                // Braces without quotes were meant as a text.
                let raw = self.text.get(span.start as usize - self.shift..span.end as usize - self.shift).unwrap_or("");
                let is_text = matches!(&entries[..], [only] if only.key == UNREADABLE) && raw.starts_with("{{");
                let value = if is_text { Value::Text(raw.to_owned()) } else { Value::Map(entries) };
                (Node { span, value }, anchor, 1)
            }
        };
        self.finish(node, anchor, size);
    }

    fn finish(&mut self, node: Node, anchor: usize, size: usize) {
        self.nodes += size;
        if self.nodes > NODES_MAX {
            self.stop("too-large", node.span, format!("more than {NODES_MAX} nodes"), "aliases count as often as they are used");
            return;
        }
        if anchor > 0 {
            let size = count(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut() {
            None => self.documents.push(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, seen, twice, .. }) => match key.take() {
                Some((key, key_span)) => {
                    if let Some(first) = seen.get(&key) {
                        if !std::mem::replace(twice, true) {
                            let d = Diagnostic::error("duplicate-key", key_span, format!("key `{key}` is written twice"));
                            self.diagnostics.push(
                                d.related(*first, "first here")
                                    .help("where another entry begins here, a `- ` or `---` is missing before it"),
                            );
                        }
                    } else {
                        seen.insert(key.clone(), key_span);
                        entries.push(Entry { key, key_span, value: node });
                    }
                }
                None => match &node.value {
                    Value::Text(text) if text == "<<" => {
                        let d = Diagnostic::error("yaml-merge", node.span, "merge key `<<` is not supported")
                            .help("write the keys out, or use an alias for a whole value");
                        self.diagnostics.push(d);
                        *key = Some((String::from("<<"), node.span));
                    }
                    Value::Text(text) => *key = Some((text.clone(), node.span)),
                    Value::Bool(b) => *key = Some((b.to_string(), node.span)),
                    Value::Int(i) => *key = Some((i.to_string(), node.span)),
                    Value::Number(n) => *key = Some((n.clone(), node.span)),
                    Value::Null | Value::List(_) | Value::Map(_) => {
                        let raw = self.text.get(node.span.start as usize - self.shift..).unwrap_or("");
                        let d = Diagnostic::error("yaml-key", node.span, "a key must be a plain word");
                        let d = if raw.starts_with('{') || raw.contains("}}") {
                            d.help("a text with `{{ }}` needs quotes: `\"{{ticket.number}}\"`")
                        } else {
                            d
                        };
                        self.diagnostics.push(d);
                        *key = Some((String::from(UNREADABLE), node.span));
                    }
                },
            },
        }
    }
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|e| 1 + count(&e.value)).sum::<usize>(),
        // A long text weighs as much as many short ones.
        Value::Text(text) => 1 + text.len() / 64,
        _ => 1,
    }
}

/// Where in a line an expression stands that begins with `!`, and that YAML cannot read as a tag: `when: !has(x) || y`.
fn negation(line: &str) -> Option<std::ops::Range<usize>> {
    let begin = line.find(": !")? + 2;
    let value = &line[begin..];
    let is_expression = value[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '(') && value.contains(['(', '.']);
    let end = if line[..begin].contains('{') { flow_end(value) } else { value.find(" #").unwrap_or(value.len()) };
    let end = value[..end].trim_end().len();
    (is_expression && value[..end].contains(['|', '>'])).then_some(begin..begin + end)
}

/// YAML 1.2 core schema, less what surprises: `yes` is a text, `0755` is a text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" => return Value::Null,
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if all_digits(digits) && (digits == "0" || !digits.starts_with('0')) {
        return text.parse().map_or_else(|_| Value::Number(text.to_owned()), Value::Int);
    }
    if let Some((whole, fraction)) = digits.split_once('.')
        && all_digits(whole)
        && all_digits(fraction)
    {
        return Value::Number(text.to_owned());
    }
    Value::Text(text.to_owned())
}

/// Double quotes, escaped for YAML.
pub fn quote(text: &str) -> String {
    if !text.contains('\'') && !text.contains('\n') {
        return format!("'{text}'");
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Where a value written in flow style really ends: at the bracket or comma that closes what surrounds it.
pub fn flow_end(value: &str) -> usize {
    let (mut depth, mut quoted) = (0_i32, None);
    for (i, c) in value.char_indices() {
        match (quoted, c) {
            (Some(q), c) if c == q => quoted = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quoted = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth > 0 => depth -= 1,
            (None, ']' | '}') => return value[..i].trim_end().len(),
            (None, ',') if depth == 0 => return value[..i].trim_end().len(),
            _ => {}
        }
    }
    value.trim_end().len()
}

/// How many bytes an escape of a text in double quotes takes.
fn escape_len(raw: &str) -> usize {
    let len = match raw.as_bytes().get(1) {
        Some(b'x') => 4,
        Some(b'u') => 6,
        Some(b'U') => 10,
        Some(_) => 1 + raw[1..].chars().next().map_or(0, char::len_utf8),
        None => 1,
    };
    source::floor_char(raw, len)
}

/// The byte in the file at which character `offset` (in bytes of `value`) of a scalar stands.
///
/// `raw` is the scalar as written. Walks both: folding and indentation are skipped, escapes are two
/// characters for one. Where they cannot be matched the answer is the start.
pub fn locate(raw: &str, value: &str, offset: usize) -> usize {
    let quote_char = raw.chars().next().filter(|c| matches!(c, '"' | '\'' | '|' | '>'));
    let mut r = match quote_char {
        Some('"' | '\'') => 1,
        Some('|' | '>') => raw.find('\n').map_or(0, |n| n + 1),
        _ => 0,
    };
    let bytes = raw.as_bytes();
    for (v, c) in value.char_indices() {
        if v < offset && r >= bytes.len() {
            return 0;
        }
        if c.is_whitespace() {
            if v >= offset {
                return r;
            }
            // Written as an escape, such as `\t`.
            if quote_char == Some('"') && raw[r..].starts_with('\\') && !raw[r..].starts_with("\\\n") {
                r += escape_len(&raw[r..]);
                continue;
            }
            if raw[r..].starts_with(c) && c != '\n' {
                r += c.len_utf8();
                if bytes.get(r).is_some_and(|b| *b == b'\n') {
                    while bytes.get(r).is_some_and(u8::is_ascii_whitespace) {
                        r += 1;
                    }
                }
            } else {
                while bytes.get(r).is_some_and(u8::is_ascii_whitespace) {
                    r += 1;
                }
            }
            continue;
        }
        while bytes.get(r).is_some_and(u8::is_ascii_whitespace) || raw[r..].starts_with("\\\n") {
            r += 1;
        }
        if v >= offset {
            return r;
        }
        if raw[r..].starts_with(c) && !(quote_char == Some('"') && c == '\\') {
            r += c.len_utf8();
            if quote_char == Some('\'') && c == '\'' {
                r += 1;
            }
        } else if bytes.get(r) == Some(&b'\\') {
            r += escape_len(&raw[r..]);
        } else {
            return 0;
        }
    }
    r.min(raw.len())
}
