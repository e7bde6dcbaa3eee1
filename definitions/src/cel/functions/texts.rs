//! Texts: the strings extension of CEL (google/cel-go, `ext/strings.go`). Places count letters, from 0.

use crate::cel::function::{Function, P, bad, function, method};
use crate::cel::scope::SIZE_MAX;
use crate::cel::value::Value;

fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// A place in a text of so many letters, its end included.
fn place(at: i64, len: usize) -> Result<usize, String> {
    usize::try_from(at).ok().filter(|at| *at <= len).ok_or_else(|| format!("place {at} is outside the text of {len} letters"))
}

pub const CHAR_AT: Function = Function {
    name: "charAt",
    doc: "The letter at a place, from 0; empty at the end of the text.",
    signatures: &[method(&[P::Text, P::Int], P::Text)],
    examples: &[("'für'.charAt(1)", "ü")],
    call: |arguments, _| match arguments {
        [Value::Text(text), Value::Int(at)] => {
            let letters = letters(text);
            let at = place(*at, letters.len())?;
            Ok(Value::text(letters.get(at).map_or(String::new(), char::to_string)))
        }
        _ => Err(bad()),
    },
};

/// Where the other text is found from a place on; -1 where it is not.
fn find(text: &str, other: &str, from: usize) -> i64 {
    let (text, other) = (letters(text), letters(other));
    let last = text.len().checked_sub(other.len());
    last.and_then(|last| (from..=last).find(|at| text[*at..].starts_with(&other))).map_or(-1, |at| at as i64)
}

/// The last place at or before `until` where the other text is found; -1 where it is not.
fn find_last(text: &str, other: &str, until: usize) -> i64 {
    let (text, other) = (letters(text), letters(other));
    let last = text.len().checked_sub(other.len());
    last.and_then(|last| (0..=last.min(until)).rev().find(|at| text[*at..].starts_with(&other))).map_or(-1, |at| at as i64)
}

pub const INDEX_OF: Function = Function {
    name: "indexOf",
    doc: "The place of the other text, from 0, looked for from the start or from a place on; -1 where it is not found.",
    signatures: &[method(&[P::Text, P::Text], P::Int), method(&[P::Text, P::Text, P::Int], P::Int)],
    examples: &[("'a-b-c'.indexOf('-')", "1"), ("'a-b-c'.indexOf('-', 2)", "3"), ("'abc'.indexOf('-')", "-1")],
    call: |arguments, _| match arguments {
        [Value::Text(text), Value::Text(other)] => Ok(Value::Int(find(text, other, 0))),
        [Value::Text(text), Value::Text(other), Value::Int(from)] => Ok(Value::Int(find(text, other, place(*from, text.chars().count())?))),
        _ => Err(bad()),
    },
};

pub const LAST_INDEX_OF: Function = Function {
    name: "lastIndexOf",
    doc: "The last place of the other text, from 0, or the last one that is not after a place; -1 where it is not found.",
    signatures: &[method(&[P::Text, P::Text], P::Int), method(&[P::Text, P::Text, P::Int], P::Int)],
    examples: &[("'a-b-c'.lastIndexOf('-')", "3"), ("'a-b-c'.lastIndexOf('-', 2)", "1")],
    call: |arguments, _| match arguments {
        [Value::Text(text), Value::Text(other)] => Ok(Value::Int(find_last(text, other, usize::MAX))),
        [Value::Text(text), Value::Text(other), Value::Int(until)] => {
            Ok(Value::Int(find_last(text, other, place(*until, text.chars().count())?)))
        }
        _ => Err(bad()),
    },
};

pub const LOWER_ASCII: Function = Function {
    name: "lowerAscii",
    doc: "The text with the letters A to Z in small; `lower` knows all letters.",
    signatures: &[method(&[P::Text], P::Text)],
    examples: &[("'TacoCÆt'.lowerAscii()", "tacocÆt")],
    call: |arguments, _| match arguments {
        [Value::Text(text)] => Ok(Value::text(text.to_ascii_lowercase())),
        _ => Err(bad()),
    },
};

pub const UPPER_ASCII: Function = Function {
    name: "upperAscii",
    doc: "The text with the letters a to z in capitals; `upper` knows all letters.",
    signatures: &[method(&[P::Text], P::Text)],
    examples: &[("'tacoCαt'.upperAscii()", "TACOCαT")],
    call: |arguments, _| match arguments {
        [Value::Text(text)] => Ok(Value::text(text.to_ascii_uppercase())),
        _ => Err(bad()),
    },
};

/// A count of which anything below 0 means: all.
fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

pub const REPLACE: Function = Function {
    name: "replace",
    doc: "The text with the second in place of the first, everywhere or so many times.",
    signatures: &[method(&[P::Text, P::Text, P::Text], P::Text), method(&[P::Text, P::Text, P::Text, P::Int], P::Text)],
    examples: &[("'a b c'.replace(' ', '-')", "a-b-c"), ("'a b c'.replace(' ', '-', 1)", "a-b c")],
    call: |arguments, _| {
        let [Value::Text(text), Value::Text(from), Value::Text(to), rest @ ..] = arguments else { return Err(bad()) };
        let count = match rest {
            [] => usize::MAX,
            [Value::Int(count)] => limit(*count),
            _ => return Err(bad()),
        };
        // The result is measured before it is made.
        let found = text.matches(&**from).count().min(count);
        if found.saturating_mul(to.len()) > SIZE_MAX {
            return Err("the text would be too long".into());
        }
        Ok(Value::text(text.replacen(&**from, to, count)))
    },
};

pub const REVERSE: Function = Function {
    name: "reverse",
    doc: "The letters of a text, or the elements of a list, from the last to the first.",
    signatures: &[method(&[P::Text], P::Text), method(&[P::List], P::Same)],
    examples: &[("'für'.reverse()", "rüf"), ("[1, 2, 3].reverse()", "3, 2, 1")],
    call: |arguments, _| match arguments {
        [Value::Text(text)] => Ok(Value::text(text.chars().rev().collect::<String>())),
        [Value::List(list)] => Ok(Value::List(list.iter().rev().cloned().collect::<Vec<_>>().into())),
        _ => Err(bad()),
    },
};

pub const SPLIT: Function = Function {
    name: "split",
    doc: "The parts of a text between a separator, or at most so many; an empty separator gives the letters.",
    signatures: &[method(&[P::Text, P::Text], P::Texts), method(&[P::Text, P::Text, P::Int], P::Texts)],
    examples: &[("'a, b, c'.split(', ').size()", "3"), ("'a-b-c'.split('-', 2)[1]", "b-c")],
    call: |arguments, _| {
        let [Value::Text(text), Value::Text(between), rest @ ..] = arguments else { return Err(bad()) };
        let count = match rest {
            [] => usize::MAX,
            [Value::Int(count)] => limit(*count),
            _ => return Err(bad()),
        };
        let parts: Vec<Value> = if count == 0 {
            vec![]
        } else if between.is_empty() {
            let letters = letters(text);
            let alone = letters.len().min(count.saturating_sub(1).max(usize::from(count >= letters.len()) * letters.len()));
            let rest: String = letters[alone..].iter().collect();
            let singles = letters[..alone].iter().map(char::to_string);
            singles.chain((!rest.is_empty()).then_some(rest)).map(Value::text).collect()
        } else {
            text.splitn(count, &**between).map(Value::text).collect()
        };
        Ok(Value::List(parts.into()))
    },
};

pub const SUBSTRING: Function = Function {
    name: "substring",
    doc: "The text from a place on, or up to another place.",
    signatures: &[method(&[P::Text, P::Int], P::Text), method(&[P::Text, P::Int, P::Int], P::Text)],
    examples: &[("'tacocat'.substring(4)", "cat"), ("'tacocat'.substring(0, 4)", "taco")],
    call: |arguments, _| {
        let [Value::Text(text), Value::Int(from), rest @ ..] = arguments else { return Err(bad()) };
        let letters = letters(text);
        let to = match rest {
            [] => letters.len(),
            [Value::Int(to)] => place(*to, letters.len())?,
            _ => return Err(bad()),
        };
        let from = place(*from, letters.len())?;
        if from > to {
            return Err(format!("a text from place {from} cannot end at place {to}"));
        }
        Ok(Value::text(letters[from..to].iter().collect::<String>()))
    },
};

pub const QUOTE: Function = Function {
    name: "strings.quote",
    doc: "The text in double quotes, with escapes for what would end it or cannot be seen.",
    signatures: &[function(&[P::Text], P::Text)],
    examples: &[(r#"strings.quote('say "yes"')"#, r#""say \"yes\"""#)],
    call: |arguments, _| match arguments {
        [Value::Text(text)] => {
            let mut quoted = String::from('"');
            for c in text.chars() {
                match c {
                    '\u{7}' => quoted.push_str("\\a"),
                    '\u{8}' => quoted.push_str("\\b"),
                    '\u{c}' => quoted.push_str("\\f"),
                    '\n' => quoted.push_str("\\n"),
                    '\r' => quoted.push_str("\\r"),
                    '\t' => quoted.push_str("\\t"),
                    '\u{b}' => quoted.push_str("\\v"),
                    '\\' | '"' => quoted.extend(['\\', c]),
                    c => quoted.push(c),
                }
            }
            quoted.push('"');
            Ok(Value::text(quoted))
        }
        _ => Err(bad()),
    },
};
