use crate::cel::function::{Function, P, bad, function};
use crate::cel::functions::parts;
use crate::cel::value::Value;
use crate::decimal::Decimal;

pub const FUNCTION: Function = Function {
    name: "div",
    doc: "The quotient with so many places behind the point, half to even; of durations how often the second goes into the first, a day having 24 hours.",
    signatures: &[function(&[P::Decimal, P::Decimal, P::Int], P::Decimal), function(&[P::Duration, P::Duration, P::Int], P::Decimal)],
    examples: &[("div(10, 4, 1)", "2.5"), ("div(1, 3, 2)", "0.33")],
    call: |arguments, _| match arguments {
        [a, b, Value::Int(places)] => {
            let number = |v: &Value| match v {
                Value::Int(i) => Some((*i).into()),
                Value::Decimal(d) => Some(*d),
                Value::Duration(d) => Some(parts::whole(d).into()),
                _ => None,
            };
            let (Some(a), Some(b)) = (number(a), number(b)) else { return Err(bad()) };
            let places = u8::try_from(*places).map_err(|_| String::from("places are 0 to 28"))?;
            Decimal::checked_div(a, b, places).map(Value::Decimal).ok_or_else(|| "division by zero, or a result that is too long".into())
        }
        _ => Err(bad()),
    },
};
