use crate::cel::function::{Function, P, bad, function, method};
use crate::cel::patterns;
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "matches",
    doc: "Whether a regular expression (RE2 syntax, linear time) is found in the text.",
    signatures: &[method(&[P::Text, P::Text], P::Bool), function(&[P::Text, P::Text], P::Bool)],
    examples: &[("'ab12'.matches('^[a-z]+[0-9]+$')", "true")],
    call: |arguments, _| match arguments {
        [Value::Text(text), Value::Text(pattern)] => {
            let regex = patterns::compile_regex(pattern)?;
            Ok(Value::Bool(regex.is_match(text)))
        }
        _ => Err(bad()),
    },
};
