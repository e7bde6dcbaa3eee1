//! Mails inside of mails stay whole: each is a file of the mail that brings it, and is not taken apart. The parser would make a
//! structure of them that is as deep as they are, and whoever sends them decides how deep that is.

use mail_parser::{MessageParser, MessagePart, MimeHeaders};
use std::borrow::Cow;

/// Stands for the types of mails, in as many bytes, so that everything else stays where it is.
const STAND_IN: &[u8; 6] = b"x-mail";
/// Types that the parser would go into: a mail, one of RFC 6532, a collection of mails.
const TYPES: [&[u8; 6]; 3] = [b"rfc822", b"global", b"digest"];
/// What is read of the headers of a mail inside.
const HEADERS_MAX: usize = 64 * 1024;

/// The mail with other names for the types of mails, as many bytes, and the same everywhere else.
pub fn flat(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut flat = Cow::Borrowed(raw);
    let (mut at, mut inside) = (0, false);
    for line in raw.split_inclusive(|b| *b == b'\n') {
        // A value goes on where a line begins with a space.
        inside = (inside && matches!(line.first(), Some(b' ' | b'\t'))) || is_content_type(line);
        // A parameter whose value stands in the next line: one line, of as many bytes.
        let end = line.trim_ascii_end().len();
        if inside && end > 0 && line[end - 1] == b'=' && matches!(raw.get(at + line.len()), Some(b' ' | b'\t')) {
            flat.to_mut()[at + end..at + line.len()].fill(b' ');
        }
        if inside {
            for from in 0..line.len().saturating_sub(STAND_IN.len() - 1) {
                let (word, behind) = line[from..].split_at(STAND_IN.len());
                // `rfc822-headers` is another type.
                let ends = behind.first().is_none_or(|b| !b.is_ascii_alphanumeric() && !b"-_.+".contains(b));
                if ends && TYPES.iter().any(|t| word.eq_ignore_ascii_case(*t)) {
                    flat.to_mut()[at + from..at + from + STAND_IN.len()].copy_from_slice(STAND_IN);
                }
            }
        }
        at += line.len();
    }
    flat
}

/// As tolerant as the parser: spaces anywhere in the name, and colons before it.
fn is_content_type(line: &[u8]) -> bool {
    const NAME: &[u8] = b"content-type:";
    let letters = line.iter().filter(|b| !b.is_ascii_whitespace()).skip_while(|b| **b == b':');
    letters.take(NAME.len()).map(u8::to_ascii_lowercase).eq(NAME.iter().copied())
}

/// What was written.
pub fn restored(text: String) -> String {
    if text.contains("/x-mail") { text.replace("message/x-mail", "message/rfc822") } else { text }
}

/// A mail that is a file of another one.
pub fn is_mail(part: &MessagePart) -> bool {
    part.is_content_type("message", "x-mail")
}

/// Subject and Message-ID of a mail that is a file.
pub fn head(bytes: &[u8]) -> (Option<String>, Option<String>) {
    let message = MessageParser::default().parse_headers(&bytes[..bytes.len().min(HEADERS_MAX)]);
    message.map_or((None, None), |m| (m.subject().map(str::to_owned), m.message_id().map(str::to_owned)))
}
