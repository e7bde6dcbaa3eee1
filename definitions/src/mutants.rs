//! Small changes of definitions that a test should notice: of conditions, outcomes, joins, amounts and times.
//! After R. DeMillo, R. Lipton and F. Sayward, "Hints on Test Data Selection" (1978).

use crate::cel::ast::{Ast, Kind as AstKind, Op};
use crate::cel::parse::parse as parse_cel;
use crate::site::SiteFile;
use crate::source::{Sources, Span};
use crate::yaml::{self, Entry, Node, Value};

/// One change of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// Where, in the files as they were given.
    pub span: Span,
    /// What stands there instead, as it is written in YAML.
    pub text: String,
    /// Both, as people read them.
    pub from: String,
    pub to: String,
}

/// Kinds whose definitions say how the desk behaves.
const KINDS: &[&str] = &["Acl", "Decision", "Function", "Handler", "Job", "MailFilter", "Process", "TicketType"];

/// Keys behind which bare conditions stand.
const CONDITIONS: &[&str] = &["when", "where", "while", "until", "match"];

/// Keys of numbers that decide how many.
const COUNTS: &[&str] = &["first", "tokens", "required", "rejects", "times", "max", "done_when"];

/// Keys of durations.
const TIMES: &[&str] = &["after", "within", "every"];

/// Maps whose values are set, given on or answered.
const VALUES: &[&str] = &["set", "increment", "then", "otherwise", "with"];

/// Every change, in the order of the files. Places that several definitions share by an alias are changed once.
pub fn all_mutants(files: &[SiteFile]) -> Vec<Mutant> {
    let mut sources = Sources::default();
    let mut all = vec![];
    for file in files {
        let at = sources.add(file.path.clone(), file.text.as_str());
        if file.path.ends_with(".ics") {
            continue;
        }
        for node in yaml::parse(&sources, at, &mut vec![]) {
            definitions(&node, &mut Maker { sources: &sources, all: &mut all });
        }
    }
    all.sort_by(|a, b| (a.span, &a.text).cmp(&(b.span, &b.text)));
    all.dedup();
    all
}

/// The files with one change.
pub fn changed(files: &[SiteFile], mutant: &Mutant) -> Vec<SiteFile> {
    let mut files = files.to_vec();
    files[mutant.span.file as usize].text.replace_range(mutant.span.range(), &mutant.text);
    files
}

fn definitions(node: &Node, maker: &mut Maker) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|i| definitions(i, maker)),
        Value::Map(_) if matches!(node.get("kind").map(|k| &k.value), Some(Value::Text(kind)) if KINDS.contains(&kind.as_str())) => {
            maker.walk(node);
        }
        _ => {}
    }
}

struct Maker<'a> {
    sources: &'a Sources,
    all: &'a mut Vec<Mutant>,
}

impl Maker<'_> {
    fn replace(&mut self, span: Span, text: String, from: impl Into<String>, to: impl Into<String>) {
        self.all.push(Mutant { span, text, from: from.into(), to: to.into() });
    }

    fn walk(&mut self, node: &Node) {
        match &node.value {
            Value::List(items) => items.iter().for_each(|i| self.walk(i)),
            Value::Map(entries) => entries.iter().for_each(|e| self.entry(e)),
            Value::Text(text) => {
                if let Some(expression) = text.trim_start().strip_prefix('=') {
                    self.expression(node, expression, "=");
                }
            }
            _ => {}
        }
    }

    fn entry(&mut self, entry: &Entry) {
        let (key, node) = (entry.key.as_str(), &entry.value);
        match &node.value {
            Value::Text(text) if CONDITIONS.contains(&key) => self.condition(node, text),
            Value::Text(text) if key == "join" => self.word(node, text, &[("all", "any"), ("any", "all"), ("matching", "any")]),
            Value::Text(text) if key == "split" => self.word(node, text, &[("all", "first"), ("matching", "first")]),
            Value::Text(text) if TIMES.contains(&key) => self.time(node, text),
            Value::Int(n) if COUNTS.contains(&key) => {
                self.replace(node.span, (n + 1).to_string(), format!("{key}: {n}"), (n + 1).to_string())
            }
            Value::Map(entries) if VALUES.contains(&key) => self.values(entries),
            Value::Map(entries) if key == "next" => {
                self.exchange(&entries.iter().map(|e| &e.value).collect::<Vec<_>>());
                self.walk(node);
            }
            Value::List(items) if key == "next" => {
                self.exchange(&items.iter().filter_map(|i| i.get("to")).collect::<Vec<_>>());
                self.walk(node);
            }
            _ => self.walk(node),
        }
    }

    /// Amounts that are written out; what stands deeper as everywhere.
    fn values(&mut self, entries: &[Entry]) {
        for Entry { key, value: node, .. } in entries {
            match &node.value {
                Value::Int(n) => self.replace(node.span, other_number(*n).to_string(), format!("{key}: {n}"), other_number(*n).to_string()),
                Value::Bool(b) => self.replace(node.span, (!b).to_string(), format!("{key}: {b}"), (!b).to_string()),
                Value::Number(n) => self.replace(node.span, format!("1{n}"), format!("{key}: {n}"), format!("1{n}")),
                Value::Text(_) => self.walk(node),
                _ => self.entry(&Entry { key: key.clone(), key_span: node.span, value: node.clone() }),
            }
        }
    }

    fn word(&mut self, node: &Node, text: &str, pairs: &[(&str, &str)]) {
        if let Some((_, to)) = pairs.iter().find(|(from, _)| *from == text) {
            self.replace(node.span, (*to).to_owned(), text, *to);
        }
    }

    /// Twice as long.
    fn time(&mut self, node: &Node, text: &str) {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        if let Ok(n) = digits.parse::<u64>() {
            let to = format!("{}{}", n * 2, &text[digits.len()..]);
            self.replace(node.span, to.clone(), text, to);
        }
    }

    /// Each target is replaced by that of the next branch with another one.
    fn exchange(&mut self, targets: &[&Node]) {
        let plain = |n: &&&Node| matches!(&n.value, Value::Text(_));
        let targets: Vec<&&Node> = targets.iter().filter(plain).collect();
        for (at, node) in targets.iter().enumerate() {
            let others = targets[at + 1..].iter().chain(&targets[..at]);
            let Some(other) = others.into_iter().find(|o| o.value != node.value) else { continue };
            let (from, to) = (self.sources.slice(node.span).to_owned(), self.sources.slice(other.span).to_owned());
            self.replace(node.span, to.clone(), from, to);
        }
    }

    fn condition(&mut self, node: &Node, text: &str) {
        if !matches!(text.trim(), "true" | "false") && parse_cel(text).is_ok() {
            self.whole(node, text, &format!("!({})", text.trim()), "");
        }
        self.expression(node, text, "");
    }

    /// Comparisons, connectives and numbers in an expression; `mark` stands before it in the YAML.
    fn expression(&mut self, node: &Node, text: &str, mark: &str) {
        let Ok(ast) = parse_cel(text) else { return };
        let mut changes: Vec<(usize, usize, String)> = vec![];
        ast.visit(&mut |part: &Ast| match &part.kind {
            AstKind::Binary(op, a, b) => {
                let is_whole = part.start == ast.start && part.end == ast.end && mark.is_empty();
                let sign = text.get(a.end..b.start).and_then(|between| between.find(op.sign()));
                if let (Some(at), Some(other)) = (sign, other_sign(*op, is_whole)) {
                    changes.push((a.end + at, a.end + at + op.sign().len(), other.to_owned()));
                }
            }
            AstKind::Int(n) => changes.push((part.start, part.end, other_number(*n).to_string())),
            AstKind::Decimal(_) => changes.push((part.start, part.end, format!("1{}", &text[part.start..part.end]))),
            _ => {}
        });
        for (start, end, other) in changes {
            self.whole(node, text, &format!("{}{other}{}", &text[..start], &text[end..]), mark);
        }
    }

    /// Another expression in the place of the whole one, in quotes.
    fn whole(&mut self, node: &Node, from: &str, to: &str, mark: &str) {
        let raw = self.sources.slice(node.span);
        // A text over several lines ends with a line of its own.
        if raw.starts_with(['|', '>']) {
            return;
        }
        let text = yaml::quote(&format!("{mark}{to}"));
        self.replace(node.span, text, from.trim(), to.trim());
    }
}

fn other_number(n: i64) -> i64 {
    if n == 0 { 1 } else { n.saturating_mul(2) }
}

/// The neighbour of a comparison, the other of two connectives. That a whole condition is turned round is a change already.
fn other_sign(op: Op, is_whole: bool) -> Option<&'static str> {
    Some(match op {
        Op::Less => "<=",
        Op::LessEqual => "<",
        Op::Greater => ">=",
        Op::GreaterEqual => ">",
        Op::Equal if !is_whole => "!=",
        Op::NotEqual if !is_whole => "==",
        Op::And => "||",
        Op::Or => "&&",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{all_mutants, changed};
    use crate::site::SiteFile;

    #[test]
    fn every_sort_of_change() {
        let text = "\
- kind: Process
  activities:
    a: { join: all, next: { yes_: b, no_: c }, timers: [ { after: 2d, do: [ { set: { count: 3, flag: true } } ] } ] }
    b: { next: [ { to: c, when: x > 5 && y == 1 }, { to: d, otherwise: true } ] }
    c: { do: [ { set: { sum: \"= x + 1.5\" } } ], approval: { required: 2 } }
- kind: Test
  when: x > 1
";
        let files = [SiteFile { path: "a.yaml".into(), text: text.into() }];
        let all: Vec<String> = all_mutants(&files).iter().map(|m| format!("{} -> {}", m.from, m.to)).collect();
        assert_eq!(
            all,
            [
                "all -> any",
                "b -> c",
                "c -> b",
                "2d -> 4d",
                "count: 3 -> 6",
                "flag: true -> false",
                "c -> d",
                "x > 5 && y == 1 -> !(x > 5 && y == 1)",
                "x > 5 && y == 1 -> x > 10 && y == 1",
                "x > 5 && y == 1 -> x > 5 && y != 1",
                "x > 5 && y == 1 -> x > 5 && y == 2",
                "x > 5 && y == 1 -> x > 5 || y == 1",
                "x > 5 && y == 1 -> x >= 5 && y == 1",
                "d -> c",
                "x + 1.5 -> x + 11.5",
                "required: 2 -> 3",
            ]
        );
        let first = changed(&files, &all_mutants(&files)[0]);
        assert!(first[0].text.contains("join: any"));
    }
}
