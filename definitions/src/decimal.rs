//! Exact decimals: a whole number of 128 bits and a scale. Overflow is an error, never a rounding.
//! The digits behind the point are kept (`400.00` stays so), two decimals are equal by value.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// `units / 10^scale`
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    units: i128,
    scale: u8,
}

/// Most digits behind the point that an intermediate result may have.
const SCALE_MAX: u8 = 28;

/// So many are never rounded away.
const EXACT_SCALE: u8 = 18;

/// Most digits behind the point that a field may have.
pub const FIELD_SCALE_MAX: u8 = 9;

impl Decimal {
    pub fn new(units: i128, scale: u8) -> Self {
        Self { units, scale }
    }

    fn normal(mut self) -> Self {
        while self.scale > 0 && self.units % 10 == 0 {
            self.units /= 10;
            self.scale -= 1;
        }
        self
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u8)> {
        let scale = self.scale.max(other.scale);
        Some((self.units_at(scale)?, other.units_at(scale)?, scale))
    }

    /// The units at a larger scale; `None` on overflow or when digits would be lost.
    pub fn units_at(self, scale: u8) -> Option<i128> {
        if scale < self.scale {
            return None;
        }
        10_i128.checked_pow(u32::from(scale - self.scale))?.checked_mul(self.units)
    }

    /// Exact, as long as the result has room: after that digits behind the point are rounded away, half to even.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let sum = |a: Self, b: Self| {
            let (a, b, scale) = a.aligned(b)?;
            Some(Self { units: a.checked_add(b)?, scale })
        };
        let most = self.scale.max(other.scale);
        sum(self, other).or_else(|| (EXACT_SCALE..most).rev().find_map(|scale| sum(self.round(scale), other.round(scale))))
    }

    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(other.checked_neg()?)
    }

    pub fn checked_neg(self) -> Option<Self> {
        Some(Self { units: self.units.checked_neg()?, ..self })
    }

    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let product = |a: Self, b: Self| Some(Self { units: a.units.checked_mul(b.units)?, scale: a.scale + b.scale });
        let kept = product(self, other).filter(|p| p.scale <= SCALE_MAX);
        kept.or_else(|| product(self.normal(), other.normal()).map(Self::normal).filter(|p| p.scale <= SCALE_MAX))
            .or_else(|| self.normal().rounded_product(other.normal()))
    }

    /// The product with as many digits behind the point as there may be, half to even.
    fn rounded_product(self, other: Self) -> Option<Self> {
        let excess = (self.scale + other.scale).checked_sub(SCALE_MAX)?;
        let negative = (self.units < 0) != (other.units < 0);
        let mut product = Wide::product(self.units.unsigned_abs(), other.units.unsigned_abs());
        let (mut last, mut below) = (0, false);
        for _ in 0..excess {
            below |= last != 0;
            last = product.divide_by_ten();
        }
        let mut units = i128::try_from(product.narrow()?).ok()?;
        if last > 5 || (last == 5 && (below || units % 2 == 1)) {
            units = units.checked_add(1)?;
        }
        Some(Self { units: if negative { -units } else { units }, scale: SCALE_MAX }.normal())
    }

    /// With the point so many digits further to the right, or to the left where it is less than nothing.
    pub fn shifted(self, by: i32) -> Option<Self> {
        match u8::try_from(by.unsigned_abs()).ok()? {
            by_digits if by < 0 => Some(Self { scale: self.scale.checked_add(by_digits).filter(|s| *s <= SCALE_MAX)?, ..self }),
            by_digits if by_digits <= self.scale => Some(Self { scale: self.scale - by_digits, ..self }),
            by_digits => {
                let units = 10_i128.checked_pow(u32::from(by_digits - self.scale))?.checked_mul(self.units)?;
                Some(Self { units, scale: 0 })
            }
        }
    }

    /// Rounded to so many digits behind the point.
    pub fn round_as(self, places: u8, rounding: Rounding) -> Self {
        if places >= self.scale {
            return self;
        }
        let unit = 10_i128.pow(u32::from(self.scale - places));
        let (down, rest) = (self.units.div_euclid(unit), self.units.rem_euclid(unit));
        let up = match rounding {
            Rounding::Down => false,
            Rounding::Up => rest > 0,
            Rounding::TowardsZero => self.units < 0 && rest > 0,
            // `unit` is a power of ten, so half of it is whole.
            Rounding::HalfAway => rest > unit / 2 || (rest == unit / 2 && self.units >= 0),
        };
        Self { units: down + i128::from(up), scale: places }
    }

    /// Half rounds to even.
    pub fn round(self, places: u8) -> Self {
        if places >= self.scale {
            return self;
        }
        let unit = 10_i128.pow(u32::from(self.scale - places));
        Self { units: half_even(self.units, unit), scale: places }
    }

    /// The quotient with `places` digits behind the point, half to even.
    pub fn checked_div(self, other: Self, places: u8) -> Option<Self> {
        if other.units == 0 || places > SCALE_MAX {
            return None;
        }
        let (mut a, mut b, _) = self.aligned(other)?;
        if b < 0 {
            (a, b) = (a.checked_neg()?, b.checked_neg()?);
        }
        let a = a.checked_mul(10_i128.checked_pow(u32::from(places))?)?;
        Some(Self { units: half_even(a, b), scale: places })
    }

    pub fn to_int(self) -> Option<i64> {
        let normal = self.normal();
        (normal.scale == 0).then(|| i64::try_from(normal.units).ok()).flatten()
    }

    /// Written with exactly `scale` digits behind the point.
    pub fn to_fixed(self, scale: u8) -> String {
        let rounded = self.round(scale);
        rounded.units_at(scale).map_or_else(|| rounded.to_string(), |units| Self { units, scale }.to_string())
    }

    pub fn scale(self) -> u8 {
        self.normal().scale
    }
}

/// How a number is rounded, beside half to even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the next that is not larger.
    Down,
    /// To the next that is not smaller.
    Up,
    TowardsZero,
    /// To the nearest, half away from zero.
    HalfAway,
}

/// A product of two numbers of 128 bits: eight digits to the base 2^32, the lowest first.
struct Wide([u32; 8]);

impl Wide {
    /// Long multiplication (D. Knuth, The Art of Computer Programming, 4.3.1, algorithm M).
    fn product(a: u128, b: u128) -> Self {
        let digits = |n: u128| [0, 1, 2, 3].map(|i| (n >> (32 * i)) as u32);
        let mut product = [0_u32; 8];
        for (i, x) in digits(a).into_iter().enumerate() {
            let mut carry = 0_u64;
            for (j, y) in digits(b).into_iter().enumerate() {
                let sum = u64::from(x) * u64::from(y) + u64::from(product[i + j]) + carry;
                product[i + j] = sum as u32;
                carry = sum >> 32;
            }
            product[i + 4] = carry as u32;
        }
        Self(product)
    }

    /// What is left over.
    fn divide_by_ten(&mut self) -> u32 {
        let mut rest = 0_u64;
        for digit in self.0.iter_mut().rev() {
            let part = (rest << 32) | u64::from(*digit);
            *digit = (part / 10) as u32;
            rest = part % 10;
        }
        rest as u32
    }

    fn narrow(&self) -> Option<u128> {
        let low = self.0[..4].iter().rev().fold(0_u128, |n, d| (n << 32) | u128::from(*d));
        self.0[4..].iter().all(|d| *d == 0).then_some(low)
    }
}

/// `a / b` for `b > 0`, half to even.
fn half_even(a: i128, b: i128) -> i128 {
    let (quotient, rest) = (a.div_euclid(b), a.rem_euclid(b));
    match (rest.checked_mul(2).map_or(Ordering::Greater, |twice| twice.cmp(&b)), quotient % 2 == 0) {
        (Ordering::Less, _) | (Ordering::Equal, true) => quotient,
        _ => quotient + 1,
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self { units: value.into(), scale: 0 }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.aligned(*other) {
            Some((a, b, _)) => a.cmp(&b),
            // One of them cannot be written at the other's scale: the whole parts differ by far.
            None => {
                let whole = |d: &Self| d.units / 10_i128.pow(u32::from(d.scale));
                whole(self).cmp(&whole(other))
            }
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let digits = format!("{:0width$}", self.units.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number")]
pub struct NotDecimal;

impl FromStr for Decimal {
    type Err = NotDecimal;
    /// `-?digits(.digits)?`, at most 28 digits behind the point, no exponent.
    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let body = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > SCALE_MAX as usize || body.ends_with('.') {
            return Err(NotDecimal);
        }
        let units: i128 = format!("{whole}{fraction}").parse().map_err(|_| NotDecimal)?;
        let units = if text.starts_with('-') { -units } else { units };
        Ok(Self { units, scale: fraction.len() as u8 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn arithmetic_is_exact() {
        assert_eq!(d("0.1").checked_add(d("0.2")), Some(d("0.3")));
        assert_eq!(d("1.10").checked_mul(d("3")).map(|x| x.to_fixed(2)), Some("3.30".into()));
        assert_eq!(d("1").checked_div(d("3"), 4).map(|x| x.to_string()), Some("0.3333".into()));
        assert_eq!(d("-1").checked_div(d("8"), 2).map(|x| x.to_string()), Some("-0.12".into()));
        assert_eq!(d("1").checked_div(d("0"), 2), None);
        assert_eq!(d("2.50").to_string(), "2.50");
        assert!(d("170141183460469231731687303715884105727").checked_add(d("1")).is_none());
    }

    #[test]
    fn half_rounds_to_even() {
        for (from, to) in [("0.5", "0"), ("1.5", "2"), ("2.5", "2"), ("-0.5", "0"), ("-1.5", "-2"), ("2.51", "3")] {
            assert_eq!(d(from).round(0), d(to), "{from}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for text in ["", ".", "1.", ".5", "1e3", "+1", "--1", "1,5", "NaN", "1.00000000000000000000000000001"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }
}
