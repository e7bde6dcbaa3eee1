//! The files of a mail: each as it was before it was encoded, under a name that is only a name.

use crate::{flat, tnef, transfer, words};
use base64::Engine;
use mail_parser::{Encoding, Header, HeaderName, Message, MessagePart, MimeHeaders, PartType};
use std::borrow::Cow;
use std::collections::BTreeMap;
use vorgang_core::attachment::{Attachment, Blob};
use vorgang_core::mail::PARTS_MAX;

/// Longest name of a file.
const NAME_MAX: usize = 200;
/// What is shown inside a mail, in bytes of all its pictures.
const PICTURES_MAX: usize = 8 * 1024 * 1024;
/// Pictures are shown, and nothing else is.
const PICTURES: [&str; 5] = ["image/gif", "image/jpeg", "image/png", "image/webp", "image/bmp"];

/// The files, and how many more there are than an article takes.
pub fn files_of(message: &Message, raw: &[u8]) -> (Vec<(Attachment, Blob)>, usize) {
    let (mut all, mut left_out) = (vec![], 0);
    let alone = message.parts.len() == 1;
    for (at, part) in message.attachments.iter().filter_map(|id| Some((*id, message.parts.get(*id as usize)?))) {
        if all.len() >= PARTS_MAX {
            left_out += 1;
            continue;
        }
        // A mail that is one text is its body.
        let shown = message.text_body.contains(&at) || message.html_body.contains(&at);
        if shown && alone && matches!(part.body, PartType::Text(_) | PartType::Html(_)) {
            continue;
        }
        let bytes = content(part, raw);
        if tnef::is(part) {
            for (name, bytes) in tnef::files(&bytes).into_iter().take(PARTS_MAX - all.len()) {
                all.push(file(&clean(&name), "application/octet-stream", bytes));
            }
        }
        let kind = content_type(part);
        let name = name(part, &bytes, message.raw_message()).unwrap_or_else(|| format!("part-{}.{}", all.len() + 1, ending(&kind)));
        all.push(file(&name, &kind, bytes.into_owned()));
    }
    all.truncate(PARTS_MAX);
    (all, left_out)
}

fn file(name: &str, content_type: &str, bytes: Vec<u8>) -> (Attachment, Blob) {
    let hash = crate::hash(&bytes);
    let attachment = Attachment { name: name.into(), content_type: content_type.into(), size: bytes.len() as u64, blob: hash.clone() };
    (attachment, Blob { hash, bytes: bytes.into() })
}

/// What the sender had: texts too keep their own letters, and are not made UTF-8.
pub fn content<'m>(part: &'m MessagePart, raw: &'m [u8]) -> Cow<'m, [u8]> {
    let encoded = raw.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    match &part.body {
        PartType::Multipart(_) | PartType::Message(_) => Cow::Borrowed(encoded),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) if part.encoding == Encoding::Base64 && !part.is_encoding_problem => {
            Cow::Borrowed(bytes)
        }
        _ => transfer::decoded(encoded, part.content_transfer_encoding()),
    }
}

fn content_type(part: &MessagePart) -> String {
    if flat::is_mail(part) {
        return "message/rfc822".into();
    }
    let Some(kind) = part.content_type() else {
        return match part.body {
            PartType::Text(_) => "text/plain".into(),
            _ => "application/octet-stream".into(),
        };
    };
    let plain = |t: &str| !t.is_empty() && t.len() <= 100 && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
    match (kind.ctype(), kind.subtype()) {
        (a, Some(b)) if plain(a) && plain(b) => format!("{a}/{b}").to_ascii_lowercase(),
        _ => "application/octet-stream".into(),
    }
}

fn name(part: &MessagePart, bytes: &[u8], raw: &[u8]) -> Option<String> {
    let header = |name: HeaderName| part.headers.iter().find(|h| h.name == name);
    let value = |h: &Header| raw.get(h.offset_start as usize..h.offset_end as usize).map(<[u8]>::to_vec);
    let of = |name: HeaderName, parameter: &str| words::parameter(&header(name).and_then(value)?, parameter);
    let written = of(HeaderName::ContentDisposition, "filename").or_else(|| of(HeaderName::ContentType, "name"));
    let named = written.or_else(|| part.attachment_name().map(str::to_owned)).map(|n| clean(&n)).filter(|n| !n.is_empty());
    named.or_else(|| flat::is_mail(part).then(|| subject_name(&flat::head(bytes).0?))?)
}

/// What a mail inside of a mail is saved as. Its subject is no path: `Offer 3/2026` is named whole.
fn subject_name(subject: &str) -> Option<String> {
    Some(clean(&subject.replace(['/', '\\'], "-"))).filter(|n| !n.is_empty()).map(|n| format!("{n}.eml"))
}

/// A name is data: nothing in it is a way to a folder, or a line of its own.
fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let plain = crate::one_line(last).replace(|c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'), "");
    let plain = plain.trim_start_matches(|c: char| c == '.' || c.is_whitespace());
    plain[..plain.floor_char_boundary(NAME_MAX)].trim_end().to_owned()
}

fn ending(kind: &str) -> &'static str {
    match kind {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "message/rfc822" => "eml",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "application/pdf" => "pdf",
        "application/pgp-signature" => "asc",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "p7s",
        _ => "bin",
    }
}

/// The pictures that `cid:` can name, each as an address that carries it.
pub fn pictures(message: &Message) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut left = PICTURES_MAX;
    for part in &message.parts {
        let (Some(id), PartType::Binary(bytes) | PartType::InlineBinary(bytes)) = (part.content_id(), &part.body) else { continue };
        let kind = content_type(part);
        if PICTURES.contains(&kind.as_str()) && bytes.len() <= left {
            left -= bytes.len();
            let data = base64::engine::general_purpose::STANDARD.encode(bytes);
            all.insert(id.trim_matches(['<', '>']).to_owned(), format!("data:{kind};base64,{data}"));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_ways_and_never_hidden() {
        for (name, saved) in [
            ("../../etc/passwd", "passwd"),
            (r"C:\a\b.doc", "b.doc"),
            (". ..bashrc", "bashrc"),
            (" . ", ""),
            ("a\u{202e}gpj.exe", "agpj.exe"),
            ("a\nb.txt", "a b.txt"),
        ] {
            assert_eq!(clean(name), saved, "{name:?}");
        }
        for (subject, saved) in [("Offer 3/2026", Some("Offer 3-2026.eml")), ("...", None), (" \0 ", None), ("", None)] {
            assert_eq!(subject_name(subject).as_deref(), saved, "{subject:?}");
        }
    }
}
