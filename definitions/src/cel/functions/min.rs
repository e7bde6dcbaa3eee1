use super::{Function, P, bad, function};

pub const FUNCTION: Function = Function {
    name: "min",
    doc: "The smaller of two numbers.",
    signatures: &[function(&[P::Int, P::Int], P::Int), function(&[P::Decimal, P::Decimal], P::Decimal)],
    examples: &[("min(2.5, 3)", "2.5")],
    call: |arguments, _| match arguments {
        [a, b] => Ok(if a.compare(b) == Some(std::cmp::Ordering::Greater) { b.clone() } else { a.clone() }),
        _ => Err(bad()),
    },
};
