//! Transfer encodings (RFC 2045, 6) as programs write them: broken, continued by a footer, or not used at all.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use mail_parser::decoders::quoted_printable::{quoted_printable_decode, quoted_printable_decode_char};
use std::borrow::Cow;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// Bytes behind the encoding that the part names; without one, or where it is not used, as they are.
pub fn decoded<'m>(encoded: &'m [u8], encoding: Option<&str>) -> Cow<'m, [u8]> {
    let made = match encoding.map(|e| e.trim().to_ascii_lowercase()).as_deref() {
        Some("base64") => base64(encoded),
        Some("quoted-printable") => quoted_printable_decode(encoded).or_else(|| Some(quoted_printable(encoded))),
        Some("x-uuencode" | "uuencode" | "x-uue" | "uue") => uuencoded(encoded),
        _ => None,
    };
    made.map_or(Cow::Borrowed(encoded), Cow::Owned)
}

/// Lines of base64, without foreign letters (RFC 2045, 6.8), and the text behind their end, which lists and scanners write there
/// unencoded. `None` where no line is encoded.
fn base64(encoded: &[u8]) -> Option<Vec<u8>> {
    let (mut letters, mut rest, mut first, mut ended) = (vec![], None, 0, false);
    let mut at = 0;
    for line in encoded.split_inclusive(|b| *b == b'\n') {
        let begin = at;
        at += line.len();
        let line = line.trim_ascii();
        let good = line.iter().filter(|b| is_letter(**b) || **b == b'=').count();
        let coded = good * 4 >= line.len() * 3 && !line.iter().any(u8::is_ascii_whitespace);
        if line.is_empty() {
            // A short line, or a whole number of groups, ends the data; a blank line between others does not.
            ended |= !letters.is_empty() && letters.len().is_multiple_of(4) && first > 0;
            continue;
        }
        if letters.last() == Some(&b'=') || !coded || (ended && line.len() < first) {
            rest = Some(begin);
            break;
        }
        first = first.max(line.len());
        letters.extend(line.iter().filter(|b| is_letter(**b) || **b == b'='));
    }
    if letters.is_empty() {
        return None;
    }
    let data: Vec<u8> = letters.into_iter().take_while(|b| *b != b'=').collect();
    // One letter alone makes no byte.
    let whole = data.len() - usize::from(data.len() % 4 == 1);
    let mut bytes = LENIENT.decode(&data[..whole]).ok()?;
    if let Some(text) = rest.map(|r| encoded[r..].trim_ascii()).filter(|t| !t.is_empty()) {
        bytes.extend_from_slice(b"\n\n");
        bytes.extend_from_slice(text);
    }
    Some(bytes)
}

/// Codes that are none stay as they are (RFC 2045, 6.7).
fn quoted_printable(encoded: &[u8]) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(encoded.len()), encoded);
    while let Some((b, tail)) = rest.split_first() {
        rest = tail;
        let pair = tail.first().zip(tail.get(1));
        match (b, pair.and_then(|(a, b)| quoted_printable_decode_char(*a, *b))) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'=', None) => {
                // A line that goes on, with blanks that were added on the way.
                let blanks = tail.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                let end = [&b"\r\n"[..], b"\n"].into_iter().find(|e| tail[blanks..].starts_with(e));
                match end {
                    Some(end) => rest = &tail[blanks + end.len()..],
                    None if blanks == tail.len() => rest = &[],
                    None => bytes.push(b'='),
                }
            }
            (b, _) => bytes.push(*b),
        }
    }
    bytes
}

fn is_letter(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'+' || b == b'/'
}

/// The bytes between `begin` and `end` (POSIX, uuencode).
fn uuencoded(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut lines = encoded.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
    lines.find(|l| l.starts_with(b"begin "))?;
    let mut bytes = vec![];
    let six = |b: &u8| b.wrapping_sub(32) & 0x3f;
    for line in lines {
        let (Some(count), false) = (line.first().map(six), line == b"end") else { break };
        let mut made = vec![];
        for group in line[1..].chunks(4) {
            let part = |n: usize| group.get(n).map_or(0, six);
            made.extend([part(0) << 2 | part(1) >> 4, part(1) << 4 | part(2) >> 2, part(2) << 6 | part(3)]);
        }
        made.truncate(count.into());
        bytes.append(&mut made);
        if count == 0 {
            break;
        }
    }
    Some(bytes)
}
