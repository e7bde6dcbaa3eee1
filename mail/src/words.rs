//! Encoded words in headers (RFC 2047) and parameters (RFC 2231). Programs cut a text between words without regard to its letters,
//! so the bytes of neighbours with one charset are joined before they are read.

use crate::charset;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use mail_parser::decoders::quoted_printable::quoted_printable_decode_char;

/// Bytes of neighbouring words, and their charset.
type Word = (String, Vec<u8>);

/// The text of a header's value; lines that go on are one.
pub fn decoded(value: &[u8]) -> String {
    let value = charset::text(value, None, false).replace(['\r', '\n'], " ");
    let mut out = String::new();
    let mut open: Option<Word> = None;
    let mut rest = value.as_str();
    while let Some(at) = rest.find("=?") {
        let (before, from) = rest.split_at(at);
        let Some((charset, bytes, behind)) = word(from) else {
            flush(&mut out, &mut open, before);
            out.push_str("=?");
            rest = &from[2..];
            continue;
        };
        match &mut open {
            // Blanks between two words are no part of the text.
            Some((known, joined)) if *known == charset && before.trim().is_empty() => joined.extend(bytes),
            Some(_) if before.trim().is_empty() => {
                flush(&mut out, &mut open, "");
                open = Some((charset, bytes));
            }
            _ => {
                flush(&mut out, &mut open, before);
                open = Some((charset, bytes));
            }
        }
        rest = behind;
    }
    flush(&mut out, &mut open, rest);
    out
}

fn flush(out: &mut String, open: &mut Option<Word>, behind: &str) {
    if let Some((charset, bytes)) = open.take() {
        out.push_str(&charset::text(&bytes, Some(&charset), false));
    }
    out.push_str(behind);
}

/// `=?charset?encoding?text?=`, and what is behind it.
fn word(text: &str) -> Option<(String, Vec<u8>, &str)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (content, behind) = rest.split_once("?=")?;
    if charset.is_empty() || charset.len() > 60 || !charset.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    // A language may follow (RFC 2231, 5).
    let charset = charset.split('*').next().unwrap_or(charset).to_ascii_lowercase();
    let bytes = match encoding {
        "b" | "B" => {
            let letters: Vec<u8> = content.bytes().filter(|b| b.is_ascii_alphanumeric() || b"+/".contains(b)).collect();
            let whole = letters.len() - usize::from(letters.len() % 4 == 1);
            // The last bits of a word that was cut are not zero.
            let lenient = base64::engine::GeneralPurpose::new(
                &base64::alphabet::STANDARD,
                base64::engine::GeneralPurposeConfig::new()
                    .with_decode_allow_trailing_bits(true)
                    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
            );
            STANDARD_NO_PAD.decode(&letters[..whole]).or_else(|_| lenient.decode(&letters[..whole])).ok()?
        }
        "q" | "Q" => quoted(content.as_bytes()),
        _ => return None,
    };
    Some((charset, bytes, behind))
}

/// The `Q` encoding: an underscore is a blank.
fn quoted(content: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (vec![], 0);
    while let Some(b) = content.get(at) {
        at += 1;
        let pair = content.get(at).zip(content.get(at + 1));
        match (b, pair.and_then(|(a, b)| quoted_printable_decode_char(*a, *b))) {
            (b'=', Some(byte)) => {
                bytes.push(byte);
                at += 2;
            }
            (b'_', _) => bytes.push(b' '),
            (b, _) => bytes.push(*b),
        }
    }
    bytes
}

/// A parameter of a header, such as `filename`: its pieces (`filename*0*`, RFC 2231) joined, percent codes and encoded words read.
pub fn parameter(value: &[u8], name: &str) -> Option<String> {
    let mut plain: Option<Vec<u8>> = None;
    // (number, is encoded, bytes)
    let mut pieces: Vec<(u32, bool, Vec<u8>)> = vec![];
    for (key, given) in parameters(value) {
        let key = key.to_ascii_lowercase();
        if key == name {
            plain.get_or_insert(given);
        } else if let Some(rest) = key.strip_prefix(name).and_then(|r| r.strip_prefix('*')) {
            let encoded = rest.is_empty() || rest.ends_with('*');
            let number = rest.trim_end_matches('*');
            let number = if number.is_empty() { Some(0) } else { number.parse().ok() };
            pieces.extend(number.map(|n| (n, encoded, given)));
        }
    }
    if pieces.is_empty() {
        return plain.map(|bytes| decoded(&bytes));
    }
    pieces.sort_by_key(|(number, ..)| *number);
    let (mut bytes, mut charset) = (vec![], None);
    for (number, encoded, given) in pieces {
        let mut given = given.as_slice();
        if number == 0 && encoded {
            let mut parts = given.splitn(3, |b| *b == b'\'');
            if let (Some(of), Some(_), Some(text)) = (parts.next(), parts.next(), parts.next()) {
                charset = Some(String::from_utf8_lossy(of).into_owned());
                given = text;
            }
        }
        bytes.extend(if encoded { percent(given) } else { given.to_vec() });
    }
    Some(charset::text(&bytes, charset.as_deref(), false))
}

fn percent(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (vec![], 0);
    while let Some(b) = text.get(at) {
        at += 1;
        let pair = text.get(at).zip(text.get(at + 1));
        match (b, pair.and_then(|(a, b)| quoted_printable_decode_char(*a, *b))) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                at += 2;
            }
            (b, _) => bytes.push(*b),
        }
    }
    bytes
}

/// `; name=value` behind the first semicolon, with quotes taken off.
fn parameters(value: &[u8]) -> Vec<(String, Vec<u8>)> {
    const MAX: usize = 100;
    let mut all = vec![];
    let (mut part, mut parts, mut quoted, mut escaped) = (vec![], vec![], false, false);
    for b in value.iter().copied() {
        match b {
            _ if escaped => {
                part.push(b);
                escaped = false;
            }
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => parts.push(std::mem::take(&mut part)),
            b'\r' | b'\n' => {}
            b => part.push(b),
        }
    }
    parts.push(part);
    for part in parts.into_iter().skip(1).take(MAX) {
        if let Some(at) = part.iter().position(|b| *b == b'=') {
            let name = String::from_utf8_lossy(&part[..at]).trim().to_owned();
            all.push((name, part[at + 1..].trim_ascii().to_vec()));
        }
    }
    all
}
