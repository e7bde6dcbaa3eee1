use crate::cel::function::{Function, P, bad, method};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "join",
    doc: "The texts of a list with the other between them, if there is one.",
    signatures: &[method(&[P::Texts, P::Text], P::Text), method(&[P::Texts], P::Text)],
    examples: &[("['a', 'b'].join(', ')", "a, b")],
    call: |arguments, _| match arguments {
        [Value::List(list)] => Ok(Value::text(list.iter().map(ToString::to_string).collect::<String>())),
        [Value::List(list), Value::Text(between)] => {
            Ok(Value::text(list.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)))
        }
        _ => Err(bad()),
    },
};
