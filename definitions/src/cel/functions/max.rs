use super::{Function, P, bad, function};

pub const FUNCTION: Function = Function {
    name: "max",
    doc: "The larger of two numbers.",
    signatures: &[function(&[P::Int, P::Int], P::Int), function(&[P::Decimal, P::Decimal], P::Decimal)],
    examples: &[("max(2, 3)", "3")],
    call: |arguments, _| match arguments {
        [a, b] => Ok(if a.compare(b) == Some(std::cmp::Ordering::Less) { b.clone() } else { a.clone() }),
        _ => Err(bad()),
    },
};
