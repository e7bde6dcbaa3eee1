use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;
use std::cmp::Ordering;

/// One part of a version: a number, or letters.
#[derive(Debug, PartialEq)]
enum Part<'a> {
    Number(&'a str),
    Letters(&'a str),
}

/// Runs of digits and runs of letters; everything else only separates them.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut all = vec![];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| if first.is_ascii_digit() { c.is_ascii_digit() } else { c.is_alphabetic() };
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        match end {
            0 => rest = &rest[first.len_utf8()..],
            _ => {
                let (part, behind) = rest.split_at(end);
                all.push(if first.is_ascii_digit() { Part::Number(part.trim_start_matches('0')) } else { Part::Letters(part) });
                rest = behind;
            }
        }
    }
    all
}

/// Letters come before the end: `2.0rc1` is older than `2.0`. The order of Semantic Versioning 2.0, 11, without its
/// restrictions on form.
fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.split('+').next().unwrap_or_default(), b.split('+').next().unwrap_or_default());
    let (a, b) = (parts(a.trim_start_matches(['v', 'V'])), parts(b.trim_start_matches(['v', 'V'])));
    // Behind letters that are the same the version is one before the release: there numbers come before letters.
    let mut before_release = false;
    for at in 0..a.len().max(b.len()) {
        let order = match (a.get(at), b.get(at)) {
            (Some(Part::Number(x)), Some(Part::Number(y))) => x.len().cmp(&y.len()).then(x.cmp(y)),
            (Some(Part::Letters(x)), Some(Part::Letters(y))) => x.cmp(y),
            (Some(Part::Number(x)), None) => {
                if x.is_empty() {
                    Ordering::Equal
                } else {
                    Ordering::Greater
                }
            }
            (None, Some(Part::Number(y))) => {
                if y.is_empty() {
                    Ordering::Equal
                } else {
                    Ordering::Less
                }
            }
            (Some(Part::Number(_)), Some(Part::Letters(_))) if before_release => Ordering::Less,
            (Some(Part::Letters(_)), Some(Part::Number(_))) if before_release => Ordering::Greater,
            (Some(Part::Number(_)), Some(Part::Letters(_))) => Ordering::Greater,
            (None, Some(Part::Letters(_))) if before_release => Ordering::Less,
            (Some(Part::Letters(_)), None) if before_release => Ordering::Greater,
            (None, Some(Part::Letters(_))) => Ordering::Greater,
            (Some(Part::Letters(_)), _) => Ordering::Less,
            (None, None) => Ordering::Equal,
        };
        if order != Ordering::Equal {
            return order;
        }
        before_release |= matches!(a.get(at), Some(Part::Letters(_)));
    }
    Ordering::Equal
}

pub const FUNCTION: Function = Function {
    name: "compare_versions",
    doc: "-1, 0 or 1 where the first version is older than, the same as, or newer than the second: numbers count as numbers, letters come before the release.",
    signatures: &[function(&[P::Text, P::Text], P::Int)],
    examples: &[
        ("compare_versions('1.10.0', '1.9')", "1"),
        ("compare_versions('2.0rc1', '2.0')", "-1"),
        ("compare_versions('v1.2', '1.2.0')", "0"),
        ("compare_versions('1.0.0-alpha.1', '1.0.0-alpha.beta')", "-1"),
    ],
    call: |arguments, _| match arguments {
        [Value::Text(a), Value::Text(b)] => Ok(Value::Int(compare(a, b) as i64)),
        _ => Err(bad()),
    },
};
