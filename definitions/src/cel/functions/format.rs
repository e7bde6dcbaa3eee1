//! `format`: a text with places for values (google/cel-spec, the strings extension).

use crate::cel::function::{Function, P, bad, method};
use crate::cel::functions::parts;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::decimal::Decimal;

/// Most digits behind the point that a place may ask for.
const PLACES_MAX: u8 = 18;

/// Digits behind the point where none are asked for.
const PLACES: u8 = 6;
pub const FORMAT: Function = Function {
    name: "format",
    doc: "The text with values of a list in its places: `%s` any value, `%d` a number, `%f` or `%.2f` with digits behind the point (half to even), \
          `%e` with a power of ten, `%b`, `%o`, `%x` and `%X` to the base 2, 8 and 16, `%%` the sign itself.",
    signatures: &[method(&[P::Text, P::List], P::Text)],
    examples: &[("'%s costs %.2f EUR'.format(['It', 3.5])", "It costs 3.50 EUR"), ("'%x'.format([255])", "ff")],
    call: |arguments, _| match arguments {
        [Value::Text(text), Value::List(values)] => {
            let mut out = String::new();
            let mut values = values.iter();
            for part in parts(text)? {
                match part {
                    Part::Text(text) => out.push_str(text),
                    Part::Place(place) => {
                        let value = values.next().ok_or_else(|| "there are fewer values than places for them".to_owned())?;
                        out.push_str(&place.write(value)?);
                    }
                }
            }
            Ok(Value::text(out))
        }
        _ => Err(bad()),
    },
};

#[derive(Debug, Clone, Copy)]
pub struct Place {
    kind: char,
    places: Option<u8>,
}

enum Part<'t> {
    Text(&'t str),
    Place(Place),
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = vec![];
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        parts.push(Part::Text(&rest[..at]));
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            parts.push(Part::Text("%"));
            rest = after;
            continue;
        }
        let mut places = None;
        if let Some(after) = rest.strip_prefix('.') {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let wanted = after[..digits].parse::<u8>().ok().filter(|p| *p <= PLACES_MAX);
            places = Some(wanted.ok_or_else(|| format!("`%.` wants a number of digits, at most {PLACES_MAX}"))?);
            rest = &after[digits..];
        }
        let kind = rest.chars().next().ok_or_else(|| "the text ends within a place".to_owned())?;
        if !"sdfeboxX".contains(kind) || (places.is_some() && !"fe".contains(kind)) {
            return Err(format!(
                "there is no place `%{kind}` here: known are `%s`, `%d`, `%f`, `%.2f`, `%e`, `%b`, `%o`, `%x`, `%X` and `%%`"
            ));
        }
        parts.push(Part::Place(Place { kind, places }));
        rest = &rest[kind.len_utf8()..];
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// The error of a literal format text with values of these types, before it is evaluated.
pub fn wrong(text: &str, values: &[Ty]) -> Option<String> {
    let parts = match parts(text) {
        Ok(parts) => parts,
        Err(message) => return Some(message),
    };
    let places: Vec<Place> = parts.iter().filter_map(|p| if let Part::Place(place) = p { Some(*place) } else { None }).collect();
    if places.len() > values.len() {
        return Some(format!("the text has {} places, and there are {} values", places.len(), values.len()));
    }
    let misfit = places.iter().zip(values).find(|(place, ty)| !place.takes(ty));
    misfit.map(|(place, ty)| format!("`%{}` cannot take {ty}", place.kind))
}

impl Place {
    fn takes(self, ty: &Ty) -> bool {
        match self.kind {
            's' => true,
            'd' | 'f' | 'e' => ty.is_number(),
            'b' => matches!(ty, Ty::Int | Ty::Bool | Ty::Any),
            'o' => matches!(ty, Ty::Int | Ty::Any),
            _ => matches!(ty, Ty::Int | Ty::Any) || ty.is_textual(),
        }
    }

    fn write(self, value: &Value) -> Result<String, String> {
        let places = self.places.unwrap_or(PLACES);
        let based = |i: i64| {
            let (sign, size) = (if i < 0 { "-" } else { "" }, i.unsigned_abs());
            match self.kind {
                'b' => format!("{sign}{size:b}"),
                'o' => format!("{sign}{size:o}"),
                'x' => format!("{sign}{size:x}"),
                _ => format!("{sign}{size:X}"),
            }
        };
        Ok(match (self.kind, value) {
            ('s', Value::List(_) | Value::Map(_)) => nested(value),
            ('s', Value::Duration(d)) => format!("{}s", parts::whole(d)),
            ('s', value) => value.to_string(),
            ('d', Value::Int(i)) => i.to_string(),
            ('d', Value::Decimal(d)) => d.to_string(),
            ('f', Value::Int(i)) => Decimal::from(*i).to_fixed(places),
            ('f', Value::Decimal(d)) => d.to_fixed(places),
            ('e', Value::Int(i)) => scientific(Decimal::from(*i), places),
            ('e', Value::Decimal(d)) => scientific(*d, places),
            ('b', Value::Bool(b)) => u8::from(*b).to_string(),
            ('b' | 'o' | 'x' | 'X', Value::Int(i)) => based(*i),
            ('x', Value::Text(text)) => text.bytes().map(|b| format!("{b:02x}")).collect(),
            ('X', Value::Text(text)) => text.bytes().map(|b| format!("{b:02X}")).collect(),
            (kind, value) => return Err(format!("`%{kind}` cannot take `{value}`")),
        })
    }
}

/// Lists and maps with their brackets.
fn nested(value: &Value) -> String {
    match value {
        Value::List(list) => format!("[{}]", list.iter().map(nested).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => format!("{{{}}}", map.iter().map(|(k, v)| format!("{k}: {}", nested(v))).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// One digit before the point, and the power of ten.
fn scientific(value: Decimal, places: u8) -> String {
    let text = value.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let point = digits.find('.').unwrap_or(digits.len());
    let all: String = digits.chars().filter(char::is_ascii_digit).collect();
    let Some(first) = all.find(|c| c != '0') else { return format!("{sign}{}e+00", Decimal::from(0).to_fixed(places)) };
    let exponent = |first: usize| point as i64 - first as i64 - 1;
    let shown = |digits: &str| Decimal::new(digits.parse().unwrap_or(0), (digits.len() - 1) as u8).round(places).to_fixed(places);
    let significant = &all[first..all.len().min(first + 36)];
    let (mut mantissa, mut power) = (shown(significant), exponent(first));
    if mantissa.starts_with("10") {
        power += 1;
        mantissa = Decimal::from(1).to_fixed(places);
    }
    let direction = if power < 0 { '-' } else { '+' };
    format!("{sign}{mantissa}e{direction}{:02}", power.abs())
}
