//! Exact decimals against whole numbers.

use proptest::prelude::*;
use vorgang_definitions::decimal::Decimal;

fn decimal() -> impl Strategy<Value = (i64, u8)> {
    (-1_000_000_000_i64..1_000_000_000, 0_u8..=6)
}

/// Both at six digits behind the point.
fn units((units, scale): (i64, u8)) -> i128 {
    i128::from(units) * 10_i128.pow(u32::from(6 - scale))
}

proptest! {
    #[test]
    fn sums_and_order_are_those_of_whole_numbers(a in decimal(), b in decimal()) {
        let (x, y) = (Decimal::new(a.0.into(), a.1), Decimal::new(b.0.into(), b.1));
        prop_assert_eq!(x.checked_add(y), Some(Decimal::new(units(a) + units(b), 6)));
        prop_assert_eq!(x.checked_sub(y), Some(Decimal::new(units(a) - units(b), 6)));
        prop_assert_eq!(x.checked_mul(y), Some(Decimal::new(i128::from(a.0) * i128::from(b.0), a.1 + b.1)));
        prop_assert_eq!(x.cmp(&y), units(a).cmp(&units(b)));
    }

    #[test]
    fn text_goes_there_and_back(a in decimal()) {
        let x = Decimal::new(a.0.into(), a.1);
        let back: Decimal = x.to_string().parse().expect("its own text");
        prop_assert_eq!(x, back);
        prop_assert_eq!(x.to_string(), back.to_string());
    }

    #[test]
    fn a_quotient_is_nearer_than_any_other(a in decimal(), b in decimal(), places in 0_u8..=6) {
        prop_assume!(b.0 != 0);
        let (x, y) = (Decimal::new(a.0.into(), a.1), Decimal::new(b.0.into(), b.1));
        let q = x.checked_div(y, places).expect("a quotient");
        let rest = x.checked_sub(q.checked_mul(y).expect("a product")).expect("a rest");
        let twice = |d: Decimal| d.checked_add(d).expect("a sum");
        let step = y.checked_mul(Decimal::new(1, places)).expect("a step");
        let magnitude = |d: Decimal| if d < 0.into() { d.checked_neg().expect("a number") } else { d };
        prop_assert!(magnitude(twice(rest)) <= magnitude(step));
    }
}
