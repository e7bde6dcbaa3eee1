//! Numbers: the math extension of CEL (google/cel-go, `ext/math.go`) on whole numbers and exact decimals.

use crate::cel::function::{Function, P, Signature, bad, function};
use crate::cel::functions::abs;
use crate::cel::value::Value;
use crate::decimal::{Decimal, Rounding};

/// A whole number from a number, rounded so.
fn whole(arguments: &[Value], rounding: Rounding) -> Result<Value, String> {
    match arguments {
        [Value::Int(i)] => Ok(Value::Int(*i)),
        [Value::Decimal(d)] => {
            d.round_as(0, rounding).to_int().map(Value::Int).ok_or_else(|| format!("{d} is too large for a whole number"))
        }
        _ => Err(bad()),
    }
}

const TO_WHOLE: &[Signature] = &[function(&[P::Int], P::Int), function(&[P::Decimal], P::Int)];
pub const CEIL: Function = Function {
    name: "math.ceil",
    doc: "The next whole number that is not smaller.",
    signatures: TO_WHOLE,
    examples: &[("math.ceil(1.2)", "2"), ("math.ceil(-1.2)", "-1")],
    call: |arguments, _| whole(arguments, Rounding::Up),
};

pub const FLOOR: Function = Function {
    name: "math.floor",
    doc: "The next whole number that is not larger.",
    signatures: TO_WHOLE,
    examples: &[("math.floor(1.8)", "1"), ("math.floor(-1.2)", "-2")],
    call: |arguments, _| whole(arguments, Rounding::Down),
};

pub const ROUND: Function = Function {
    name: "math.round",
    doc: "The nearest whole number, half away from zero; `round(x, places)` rounds half to even.",
    signatures: TO_WHOLE,
    examples: &[("math.round(1.5)", "2"), ("math.round(-1.5)", "-2")],
    call: |arguments, _| whole(arguments, Rounding::HalfAway),
};

pub const TRUNC: Function = Function {
    name: "math.trunc",
    doc: "The whole number without the digits behind the point.",
    signatures: TO_WHOLE,
    examples: &[("math.trunc(1.8)", "1"), ("math.trunc(-1.8)", "-1")],
    call: |arguments, _| whole(arguments, Rounding::TowardsZero),
};

pub const ABS: Function = Function {
    name: "math.abs",
    doc: "The number without its sign.",
    signatures: &[function(&[P::Int], P::Int), function(&[P::Decimal], P::Decimal)],
    examples: &[("math.abs(-3)", "3"), ("math.abs(-1.5)", "1.5")],
    call: |arguments, scope| (abs::FUNCTION.call)(arguments, scope),
};

pub const SIGN: Function = Function {
    name: "math.sign",
    doc: "1 for what is larger than zero, -1 for what is smaller, and 0.",
    signatures: TO_WHOLE,
    examples: &[("math.sign(-2.5)", "-1"), ("math.sign(0)", "0")],
    call: |arguments, _| match arguments {
        [number @ (Value::Int(_) | Value::Decimal(_))] => Ok(Value::Int(match number.compare(&Value::Int(0)) {
            Some(std::cmp::Ordering::Less) => -1,
            Some(std::cmp::Ordering::Greater) => 1,
            _ => 0,
        })),
        _ => Err(bad()),
    },
};

/// Largest exponent of a power.
const POWER_MAX: i64 = 1_000;
pub const POW: Function = Function {
    name: "pow",
    doc: "The number to a whole power; a decimal is rounded to 28 digits behind the point, half to even.",
    signatures: &[function(&[P::Int, P::Int], P::Int), function(&[P::Decimal, P::Int], P::Decimal)],
    examples: &[("pow(2, 10)", "1024"), ("pow(1.05, 3)", "1.157625")],
    call: |arguments, _| {
        let [base, Value::Int(exponent)] = arguments else { return Err(bad()) };
        let exponent = u32::try_from(*exponent).ok().filter(|e| i64::from(*e) <= POWER_MAX);
        let exponent = exponent.ok_or_else(|| format!("a power is 0 to {POWER_MAX}"))?;
        let large = || "the power is too large for a number".to_owned();
        match base {
            Value::Int(i) => i.checked_pow(exponent).map(Value::Int).ok_or_else(large),
            Value::Decimal(d) => {
                let power = (0..exponent).try_fold(Decimal::from(1), |power, _| power.checked_mul(*d));
                power.map(Value::Decimal).ok_or_else(large)
            }
            _ => Err(bad()),
        }
    },
};

pub const ROUND_UP: Function = Function {
    name: "round_up",
    doc: "The next decimal with so many places that is not smaller.",
    signatures: &[function(&[P::Decimal, P::Int], P::Decimal)],
    examples: &[("round_up(4.02, 1)", "4.1"), ("round_up(4.00, 1)", "4.0")],
    call: |arguments, _| match arguments {
        [Value::Decimal(d), Value::Int(places @ 0..=28)] => Ok(Value::Decimal(d.round_as(*places as u8, Rounding::Up))),
        [Value::Int(i), Value::Int(0..=28)] => Ok(Value::Decimal((*i).into())),
        [_, Value::Int(_)] => Err("places are 0 to 28".into()),
        _ => Err(bad()),
    },
};

const BITS: &[Signature] = &[function(&[P::Int, P::Int], P::Int)];

macro_rules! bits {
    ($name:ident $word:literal $doc:literal $example:expr, $work:expr) => {
        pub const $name: Function = Function {
            name: $word,
            doc: $doc,
            signatures: BITS,
            examples: &[$example],
            call: |arguments, _| match arguments {
                [Value::Int(a), Value::Int(b)] => ($work)(*a, *b).map(Value::Int),
                _ => Err(bad()),
            },
        };
    };
}

/// How far bits are moved: 64 and more leaves none.
fn distance(by: i64) -> Result<Option<u32>, String> {
    let by = u32::try_from(by).map_err(|_| format!("bits cannot be moved by {by}"))?;
    Ok(Some(by).filter(|by| *by < 64))
}

bits!(BIT_AND "math.bitAnd" "The bits that both whole numbers have." ("math.bitAnd(12, 10)", "8"), |a: i64, b: i64| Ok::<_, String>(a & b));

bits!(BIT_OR "math.bitOr" "The bits that one of two whole numbers has." ("math.bitOr(12, 10)", "14"), |a: i64, b: i64| Ok::<_, String>(a | b));

bits!(BIT_XOR "math.bitXor" "The bits that only one of two whole numbers has." ("math.bitXor(12, 10)", "6"), |a: i64, b: i64| Ok::<_, String>(a ^ b));

bits!(BIT_SHIFT_LEFT "math.bitShiftLeft" "The bits of a whole number, so far to the left." ("math.bitShiftLeft(1, 4)", "16"),
    |a: i64, b: i64| distance(b).map(|by| by.map_or(0, |by| a << by)));
bits!(BIT_SHIFT_RIGHT "math.bitShiftRight" "The bits of a whole number, so far to the right, with zeros from the left." ("math.bitShiftRight(16, 4)", "1"),
    |a: i64, b: i64| distance(b).map(|by| by.map_or(0, |by| ((a as u64) >> by) as i64)));

pub const BIT_NOT: Function = Function {
    name: "math.bitNot",
    doc: "The bits that a whole number does not have.",
    signatures: &[function(&[P::Int], P::Int)],
    examples: &[("math.bitNot(1)", "-2")],
    call: |arguments, _| match arguments {
        [Value::Int(a)] => Ok(Value::Int(!a)),
        _ => Err(bad()),
    },
};
