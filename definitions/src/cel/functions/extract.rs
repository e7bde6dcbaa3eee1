use crate::cel::function::{Function, P, bad, method};
use crate::cel::patterns;
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "extract",
    doc: "What the first group of a regular expression (RE2 syntax, linear time) finds in the text, or all of it where there is no group; empty where nothing is found.",
    signatures: &[method(&[P::Text, P::Text], P::Text)],
    examples: &[("'Order 4711'.extract('Order ([0-9]+)')", "4711"), ("'none'.extract('[0-9]+')", "")],
    call: |arguments, _| match arguments {
        [Value::Text(text), Value::Text(pattern)] => {
            let regex = patterns::compile_regex(pattern)?;
            let found = regex.captures(text).and_then(|c| c.get(1).or_else(|| c.get(0)));
            Ok(Value::text(found.map_or("", |m| m.as_str())))
        }
        _ => Err(bad()),
    },
};
