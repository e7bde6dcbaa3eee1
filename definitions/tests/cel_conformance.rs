//! The official tests of CEL (google/cel-spec, tests/simple), on the plain environment: what passes of each file stands in
//! `docs/cel.md`, which `UPDATE_EXPECT=1` writes anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use vorgang_definitions::calendar::WorkTime;
use vorgang_definitions::cel::env::Env;
use vorgang_definitions::cel::program::Program;
use vorgang_definitions::cel::scope::Scope;
use vorgang_definitions::cel::types::Ty;
use vorgang_definitions::cel::value::Value;

/// Files of extensions and of protocol buffers, and why they are left out.
const LEFT_OUT: &[(&str, &str)] = &[
    ("block_ext", "`cel.block` is an extension for optimisers"),
    ("dynamic", "well-known types of protocol buffers"),
    ("encoders_ext", "there are no bytes"),
    ("enums", "enumerations of protocol buffers"),
    ("network_ext", "an extension"),
    ("optionals", "an extension; `has` and `default` say what may be absent"),
    ("proto2", "messages of protocol buffers"),
    ("proto2_ext", "messages of protocol buffers"),
    ("proto3", "messages of protocol buffers"),
    ("type_deduction", "the types of another checker"),
    ("unknowns", "nothing is evaluated in part"),
    ("wrappers", "well-known types of protocol buffers"),
];

/// One message of the text format: names with what they hold.
#[derive(Debug, Default, Clone)]
struct Message(Vec<(String, Held)>);

#[derive(Debug, Clone)]
enum Held {
    Message(Message),
    Scalar(String),
}

impl Message {
    fn all<'m, 'n>(&'m self, name: &'n str) -> impl Iterator<Item = &'m Held> + use<'m, 'n> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, h)| h)
    }

    fn message(&self, name: &str) -> Option<&Message> {
        self.all(name).find_map(|h| if let Held::Message(m) = h { Some(m) } else { None })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.all(name).find_map(|h| if let Held::Scalar(s) = h { Some(s.as_str()) } else { None })
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn space(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t', ',', ';']);
            match self.rest.strip_prefix('#') {
                Some(comment) => self.rest = comment.split_once('\n').map_or("", |(_, r)| r),
                None => return,
            }
        }
    }

    fn message(&mut self) -> Message {
        let mut all = Message::default();
        loop {
            self.space();
            if self.rest.is_empty() || self.rest.starts_with(['}', '>']) {
                self.rest = self.rest.get(1..).unwrap_or("");
                return all;
            }
            let end = if self.rest.starts_with('[') {
                self.rest.find(']').map_or(self.rest.len(), |i| i + 1)
            } else {
                self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len())
            };
            let name = self.rest[..end.max(1)].to_owned();
            self.rest = &self.rest[end.max(1)..];
            self.space();
            self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
            self.space();
            if let Some(list) = self.rest.strip_prefix('[') {
                self.rest = list;
                loop {
                    self.space();
                    if let Some(rest) = self.rest.strip_prefix(']') {
                        self.rest = rest;
                        break;
                    }
                    let held = self.held();
                    all.0.push((name.clone(), held));
                }
                continue;
            }
            let held = self.held();
            all.0.push((name, held));
        }
    }

    fn held(&mut self) -> Held {
        if let Some(rest) = self.rest.strip_prefix(['{', '<']) {
            self.rest = rest;
            return Held::Message(self.message());
        }
        if !self.rest.starts_with(['"', '\'']) {
            let end = self.rest.find(|c: char| c.is_whitespace() || "},>]".contains(c)).unwrap_or(self.rest.len()).max(1);
            let text = self.rest[..end].to_owned();
            self.rest = &self.rest[end..];
            return Held::Scalar(text);
        }
        let mut bytes: Vec<u8> = vec![];
        while self.rest.starts_with(['"', '\'']) {
            self.quoted(&mut bytes);
            self.space();
        }
        Held::Scalar(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn quoted(&mut self, bytes: &mut Vec<u8>) {
        let quote = self.rest.as_bytes()[0];
        let all = self.rest.as_bytes();
        let mut at = 1;
        while at < all.len() && all[at] != quote {
            if all[at] != b'\\' {
                bytes.push(all[at]);
                at += 1;
                continue;
            }
            at += 2;
            let digits = |from: usize, count: usize, radix: u32| {
                let text = self.rest.get(from..(from + count).min(all.len())).unwrap_or("");
                let text: String = text.chars().take_while(|c| c.is_digit(radix)).collect();
                (u32::from_str_radix(&text, radix).unwrap_or(0), text.len())
            };
            match all[at - 1] {
                b'n' => bytes.push(b'\n'),
                b't' => bytes.push(b'\t'),
                b'r' => bytes.push(b'\r'),
                b'a' => bytes.push(7),
                b'b' => bytes.push(8),
                b'f' => bytes.push(12),
                b'v' => bytes.push(11),
                b'x' => {
                    let (value, length) = digits(at, 2, 16);
                    bytes.push(value as u8);
                    at += length;
                }
                b'0'..=b'7' => {
                    let (value, length) = digits(at - 1, 3, 8);
                    bytes.push(value as u8);
                    at += length - 1;
                }
                other => bytes.push(other),
            }
        }
        self.rest = self.rest.get(at + 1..).unwrap_or("");
    }
}

/// A value that can be compared; `None` where there is none like it here.
fn value(of: &Message) -> Option<Value> {
    let (name, held) = of.0.first()?;
    Some(match (name.as_str(), held) {
        ("bool_value", Held::Scalar(s)) => Value::Bool(s == "true"),
        ("int64_value", Held::Scalar(s)) => Value::Int(s.parse().ok()?),
        ("double_value", Held::Scalar(s)) => Value::Decimal(s.parse().ok()?),
        ("string_value", Held::Scalar(s)) => Value::text(s.as_str()),
        ("list_value", Held::Message(m)) => {
            let items = m.all("values").map(|h| if let Held::Message(m) = h { value(m) } else { None });
            Value::List(items.collect::<Option<Vec<_>>>()?.into())
        }
        ("map_value", Held::Message(m)) => {
            let entry = |h: &Held| {
                let Held::Message(m) = h else { return None };
                let key = value(m.message("key")?)?.as_text()?.to_owned();
                Some((key, value(m.message("value")?)?))
            };
            Value::Map(m.all("entries").map(entry).collect::<Option<BTreeMap<_, _>>>()?.into())
        }
        _ => return None,
    })
}

fn ty(of: &Value) -> Ty {
    match of {
        Value::Bool(_) => Ty::Bool,
        Value::Int(_) => Ty::Int,
        Value::Decimal(_) => Ty::Decimal,
        Value::Text(_) => Ty::Text,
        Value::List(l) => Ty::list(l.first().map_or(Ty::Any, ty)),
        Value::Map(m) => Ty::Map(Box::new(m.values().next().map_or(Ty::Any, ty))),
        _ => Ty::Any,
    }
}

struct Plain(BTreeMap<String, Value>);

impl Scope for Plain {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        let mut value = self.0.get(&*path[0])?.clone();
        for part in &path[1..] {
            let Value::Map(m) = &value else { return None };
            let next = m.get(&**part)?.clone();
            value = next;
        }
        Some(value)
    }
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
    fn zone(&self) -> &jiff::tz::TimeZone {
        static UTC: jiff::tz::TimeZone = jiff::tz::TimeZone::UTC;
        &UTC
    }
    fn work_time(&self, _: Option<&str>) -> Option<&WorkTime> {
        None
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    /// What the language has not: how often, by the reason.
    absent: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

/// What of CEL the language leaves out on purpose, by what a test speaks of.
fn absent(expr: &str, test: &Message) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|w| expr.contains(w));
    let is = |name: &str| format!("{test:?}").contains(name);
    let lower = expr.to_ascii_lowercase();
    let unsigned = lower.as_bytes().windows(2).any(|w| w[0].is_ascii_digit() && w[1] == b'u');
    Some(if has(&["TestAllTypes", "google.protobuf", "cel.expr", "proto"]) || is("object_value") || is("type_env") && is("message_type") {
        "messages of protocol buffers"
    } else if unsigned || has(&["uint("]) || is("uint64_value") {
        "unsigned numbers"
    } else if has(&["b'", "b\"", "B'", "B\"", "bytes("]) || is("bytes_value") {
        "bytes"
    } else if has(&["null"]) || is("null_value") {
        "null: what is unset is absent"
    } else if has(&["type(", "dyn("]) || is("type_value") {
        "types as values, `dyn`"
    } else if has(&["double("])
        || lower.contains("e+")
        || lower.contains("e-")
        || has(&["0.0 /", "/ 0.0", "NaN", "Infinity"])
        || is("\"inf")
        || is("nan")
    {
        "doubles: numbers with a point are exact decimals"
    } else if is("disable_check") {
        "expressions that are not type-checked"
    } else if is("container") || is("unbound") || has(&["x.y", "."]) && is("identifier") {
        "containers"
    } else {
        return None;
    })
}

fn run(test: &Message, tally: &mut Tally) {
    let (Some(expr), Some(name)) = (test.text("expr"), test.text("name")) else { return };
    let mut bindings = BTreeMap::new();
    for held in test.all("bindings") {
        let Held::Message(m) = held else { continue };
        let bound = m.message("value").and_then(|v| v.message("value")).and_then(value);
        if let (Some(key), Some(bound)) = (m.text("key"), bound) {
            bindings.insert(key.to_owned(), bound);
        }
    }
    let mut env = Env::default();
    for (key, bound) in &bindings {
        env = env.with(key, ty(bound));
    }
    let scope = Plain(bindings);
    let result = match Program::compile(expr, &env) {
        Ok(program) => program.evaluate(&scope).map_err(|e| e.to_string()),
        Err(findings) => Err(findings.first().map_or(String::new(), |f| f.message.clone())),
    };
    let good = match (test.message("value"), test.message("eval_error")) {
        (_, Some(_)) => result.is_err(),
        (Some(wanted), None) => matches!((value(wanted), &result), (Some(w), Ok(found)) if w.equals(found)),
        // Without a result it is true.
        (None, None) => result == Ok(Value::Bool(true)),
    };
    if good {
        tally.passed += 1;
    } else if let Some(reason) = absent(expr, test) {
        *tally.absent.entry(reason).or_default() += 1;
    } else {
        tally.wrong.push(format!("{name}: {expr} gives {result:?}"));
    }
}

const BEGIN: &str = "<!-- conformance -->";

#[test]
fn official_tests() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = root.join("../shared/data/cel");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "textproto"));
    files.sort();
    if files.is_empty() {
        eprintln!("SKIPPED: ../shared/data/cel is not there");
        return;
    }
    let mut page = String::from("| file | tests | pass | left out on purpose | differ |\n|---|---|---|---|---|\n");
    let mut wrong = vec![];
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).expect("a file");
        let all = Reader { rest: &text }.message();
        let tests: Vec<&Message> = all
            .all("section")
            .filter_map(|s| if let Held::Message(m) = s { Some(m) } else { None })
            .flat_map(|s| s.all("test"))
            .filter_map(|t| if let Held::Message(m) = t { Some(m) } else { None })
            .collect();
        // One file is a heading only.
        assert!(!tests.is_empty() || text.len() < 1_000, "{name} has no tests");
        if let Some((_, reason)) = LEFT_OUT.iter().find(|(n, _)| *n == name) {
            let _ = writeln!(page, "| {name} | {} | | all: {reason} | |", tests.len());
            continue;
        }
        let mut tally = Tally::default();
        tests.iter().for_each(|t| run(t, &mut tally));
        let reasons: Vec<String> = tally.absent.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let _ = writeln!(page, "| {name} | {} | {} | {} | {} |", tests.len(), tally.passed, reasons.join("; "), tally.wrong.len());
        wrong.extend(tally.wrong.into_iter().map(|w| format!("{name} / {w}")));
    }
    let path = root.join("docs/cel.md");
    let now = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = now.split_once(BEGIN).unwrap_or((&now, BEGIN));
    let after = rest.split_once(BEGIN).map_or("", |(_, after)| after);
    let wanted = format!("{before}{BEGIN}\n{page}{BEGIN}{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &wanted).expect("the page");
        println!("{}", wrong.join("\n"));
    }
    let current = std::fs::read_to_string(&path).expect("the page");
    assert!(current == wanted, "UPDATE_EXPECT=1 writes docs/cel.md anew; these differ:\n{}", wrong.join("\n"));
}
