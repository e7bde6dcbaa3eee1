//! Lists: the list extension of CEL (google/cel-go, `ext/lists.go`), and sums.

use crate::cel::function::{Function, P, bad, function, method, repeated};
use crate::cel::scope::SIZE_MAX;
use crate::cel::value::Value;
use crate::decimal::Decimal;
use std::cmp::Ordering;

fn empty() -> String {
    "the list is empty".into()
}

pub const FIRST: Function = Function {
    name: "first",
    doc: "The first element; of an empty list the other value, and without one it is an error.",
    signatures: &[method(&[P::List], P::Element), method(&[P::List, P::Element], P::Element)],
    examples: &[("[3, 4].first()", "3"), ("[1].filter(x, x > 1).first(7)", "7")],
    call: |arguments, _| match arguments {
        [Value::List(list)] => list.first().cloned().ok_or_else(empty),
        [Value::List(list), other] => Ok(list.first().unwrap_or(other).clone()),
        _ => Err(bad()),
    },
};

pub const LAST: Function = Function {
    name: "last",
    doc: "The last element; of an empty list the other value, and without one it is an error.",
    signatures: &[method(&[P::List], P::Element), method(&[P::List, P::Element], P::Element)],
    examples: &[("[3, 4].last()", "4"), ("[1].filter(x, x > 1).last(7)", "7")],
    call: |arguments, _| match arguments {
        [Value::List(list)] => list.last().cloned().ok_or_else(empty),
        [Value::List(list), other] => Ok(list.last().unwrap_or(other).clone()),
        _ => Err(bad()),
    },
};

pub const DISTINCT: Function = Function {
    name: "distinct",
    doc: "Each element once, in the order in which they first come.",
    signatures: &[method(&[P::List], P::Same)],
    examples: &[("[2, 1, 2].distinct()", "2, 1")],
    call: |arguments, _| match arguments {
        [Value::List(list)] => {
            // The work grows with the square of the length.
            if list.len() > 2_000 {
                return Err(format!("a list of {} elements is too long for `distinct`", list.len()));
            }
            let first = |i: &usize| !list[..*i].iter().any(|v| v.equals(&list[*i]));
            Ok(Value::List((0..list.len()).filter(first).map(|i| list[i].clone()).collect::<Vec<_>>().into()))
        }
        _ => Err(bad()),
    },
};

pub const SORT: Function = Function {
    name: "sort",
    doc: "The elements in their order, the smallest first.",
    signatures: &[method(&[P::Ordered], P::Same)],
    examples: &[("[3, 1, 2].sort()", "1, 2, 3"), ("['b', 'a'].sort()", "a, b")],
    call: |arguments, _| match arguments {
        [Value::List(list)] => {
            let mut sorted = list.to_vec();
            sorted.sort_by(|a, b| a.compare(b).unwrap_or(Ordering::Equal));
            Ok(Value::List(sorted.into()))
        }
        _ => Err(bad()),
    },
};

pub const SLICE: Function = Function {
    name: "slice",
    doc: "The elements from a place on up to another, which is left out; places count from 0.",
    signatures: &[method(&[P::List, P::Int, P::Int], P::Same)],
    examples: &[("[1, 2, 3, 4].slice(1, 3)", "2, 3")],
    call: |arguments, _| match arguments {
        [Value::List(list), Value::Int(from), Value::Int(to)] => {
            let outside = || format!("{from} to {to} is outside the list of {}", list.len());
            let (from, to) = usize::try_from(*from).ok().zip(usize::try_from(*to).ok()).ok_or_else(outside)?;
            list.get(from..to).map(|l| Value::List(l.to_vec().into())).ok_or_else(outside)
        }
        _ => Err(bad()),
    },
};

pub const FLATTEN: Function = Function {
    name: "flatten",
    doc: "The elements of the lists in a list, as one list.",
    signatures: &[method(&[P::Lists], P::Element)],
    examples: &[("[[1, 2], [3]].flatten()", "1, 2, 3")],
    call: |arguments, _| match arguments {
        [Value::List(lists)] => {
            let mut all = vec![];
            for list in lists.iter() {
                match list {
                    Value::List(list) => all.extend(list.iter().cloned()),
                    other => all.push(other.clone()),
                }
                if all.len() > SIZE_MAX {
                    return Err("the list would be too long".into());
                }
            }
            Ok(Value::List(all.into()))
        }
        _ => Err(bad()),
    },
};

pub const RANGE: Function = Function {
    name: "lists.range",
    doc: "The whole numbers from 0 on, so many.",
    signatures: &[function(&[P::Int], P::Ints)],
    examples: &[("lists.range(3)", "0, 1, 2")],
    call: |arguments, _| match arguments {
        [Value::Int(count @ 0..=10_000)] => Ok(Value::List((0..*count).map(Value::Int).collect::<Vec<_>>().into())),
        [Value::Int(count)] => Err(format!("a list of {count} numbers cannot be made: 0 to 10,000")),
        _ => Err(bad()),
    },
};

pub const SUM: Function = Function {
    name: "sum",
    doc: "The sum of a list of numbers; 0 where there are none.",
    signatures: &[method(&[P::Numbers], P::Element)],
    examples: &[("[1, 2, 3].sum()", "6"), ("[1.50, 2.25].sum()", "3.75")],
    call: |arguments, _| match arguments {
        [Value::List(list)] => {
            let large = || "the sum is too large for a number".to_owned();
            if list.iter().all(|v| matches!(v, Value::Int(_))) {
                let whole = |v: &Value| if let Value::Int(i) = v { *i } else { 0 };
                return list.iter().try_fold(0_i64, |sum, v| sum.checked_add(whole(v))).map(Value::Int).ok_or_else(large);
            }
            let sum = list.iter().try_fold(Decimal::from(0), |sum, v| match v {
                Value::Int(i) => sum.checked_add((*i).into()),
                Value::Decimal(d) => sum.checked_add(*d),
                _ => None,
            });
            sum.map(Value::Decimal).ok_or_else(large)
        }
        _ => Err(bad()),
    },
};

/// The least or the greatest: of numbers, or of a list of what has an order.
fn extreme(arguments: &[Value], wanted: Ordering) -> Result<Value, String> {
    let all = match arguments {
        [Value::List(list)] => list,
        several => several,
    };
    let better = |best: &Value, next: &Value| next.compare(best) == Some(wanted);
    let mut best = all.first().ok_or_else(empty)?;
    for next in all {
        if better(best, next) {
            best = next;
        }
    }
    Ok(best.clone())
}

pub const MIN: Function = Function {
    name: "min",
    doc: "The smaller of two numbers, or the smallest element of a list; of an empty list it is an error.",
    signatures: &[
        function(&[P::Int, P::Int], P::Int),
        function(&[P::Decimal, P::Decimal], P::Decimal),
        function(&[P::Ordered], P::Element),
        method(&[P::Ordered], P::Element),
    ],
    examples: &[("min(2.5, 3)", "2.5"), ("[3, 1, 2].min()", "1")],
    call: |arguments, _| extreme(arguments, Ordering::Less),
};

pub const MAX: Function = Function {
    name: "max",
    doc: "The larger of two numbers, or the largest element of a list; of an empty list it is an error.",
    signatures: &[
        function(&[P::Int, P::Int], P::Int),
        function(&[P::Decimal, P::Decimal], P::Decimal),
        function(&[P::Ordered], P::Element),
        method(&[P::Ordered], P::Element),
    ],
    examples: &[("max(2, 3)", "3"), ("[3, 1, 2].max()", "3")],
    call: |arguments, _| extreme(arguments, Ordering::Greater),
};

pub const LEAST: Function = Function {
    name: "math.least",
    doc: "The least of one or more numbers, or of a list of them; of an empty list it is an error.",
    signatures: &[repeated(&[P::Int], P::Int), repeated(&[P::Decimal], P::Decimal), function(&[P::Numbers], P::Element)],
    examples: &[("math.least(3, 1, 2)", "1"), ("math.least([2.5, 1.5])", "1.5")],
    call: |arguments, _| extreme(arguments, Ordering::Less),
};

pub const GREATEST: Function = Function {
    name: "math.greatest",
    doc: "The greatest of one or more numbers, or of a list of them; of an empty list it is an error.",
    signatures: &[repeated(&[P::Int], P::Int), repeated(&[P::Decimal], P::Decimal), function(&[P::Numbers], P::Element)],
    examples: &[("math.greatest(3, 1, 2)", "3"), ("math.greatest([2.5, 1.5])", "2.5")],
    call: |arguments, _| extreme(arguments, Ordering::Greater),
};
