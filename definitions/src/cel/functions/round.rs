use crate::cel::function::{Function, P, bad, function};
use crate::cel::value::Value;

pub const FUNCTION: Function = Function {
    name: "round",
    doc: "The decimal with so many places, half to even.",
    signatures: &[function(&[P::Decimal, P::Int], P::Decimal)],
    examples: &[("round(2.345, 2)", "2.34")],
    call: |arguments, _| match arguments {
        [Value::Decimal(d), Value::Int(places @ 0..=28)] => Ok(Value::Decimal(d.round(*places as u8))),
        [Value::Int(i), Value::Int(_)] => Ok(Value::Decimal((*i).into())),
        [Value::Decimal(_), Value::Int(_)] => Err("places are 0 to 28".into()),
        _ => Err(bad()),
    },
};
