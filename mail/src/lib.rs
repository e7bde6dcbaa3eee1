//! What a mail is: from its bytes, as it was sent and not as it was specified, to what the engine works with.

pub mod address;
mod author;
mod budget;
pub mod calendar;
mod charset;
mod files;
mod flat;
mod flowed;
pub mod html;
pub mod lexical;
mod nature;
mod report;
mod rtf;
mod signed;
pub mod tnef;
mod transfer;
mod words;

use jiff::Timestamp;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::{HeaderForm, HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use vorgang_core::attachment::{Attachment, Blob};
use vorgang_core::chain::hex;
use vorgang_core::mail::{Address, BODY_BYTES_MAX, Mail, PARTS_MAX};

/// Largest mail that is taken apart, in bytes; larger ones wait in quarantine.
pub const SIZE_MAX: u64 = 50 * 1024 * 1024;
/// Longest block of headers, in bytes.
const HEADERS_BYTES_MAX: usize = 1024 * 1024;
/// Most headers, and most of all parts.
const HEADERS_MAX: usize = 10_000;
const PART_HEADERS_MAX: usize = 50_000;
/// Most lines that could begin a part.
const BOUNDARIES_MAX: usize = 20_000;
/// How much of a text is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
/// Longest value of one header that is kept readable.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// Why a mail is not taken apart. Its bytes are kept all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    Empty,
    /// In bytes.
    TooLarge(u64),
    Headers(usize),
    Parts(usize),
    /// There is no header in it.
    NoMail,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::TooLarge(size) => write!(f, "it has {size} bytes, more than {SIZE_MAX}"),
            Self::Headers(count) => write!(f, "it has {count} headers or more"),
            Self::Parts(count) => write!(f, "it has {count} lines or more that could begin a part"),
            Self::NoMail => f.write_str("nothing in it is a header"),
        }
    }
}

/// The name under which the same bytes are the same mail.
pub fn hash(raw: &[u8]) -> String {
    hex(&Sha256::digest(raw))
}

/// Whose hash is known already.
pub fn read(raw: &[u8], hash: &str, size_max: u64) -> Result<Mail, Unreadable> {
    let size = raw.len() as u64;
    if size > size_max {
        return Err(Unreadable::TooLarge(size));
    }
    let text = &*plain(raw)?;
    let flat = flat::flat(text);
    let message = MessageParser::default().parse(&*flat).filter(|m| !m.parts.is_empty() && m.headers().iter().any(is_header));
    let message = message.ok_or(Unreadable::NoMail)?;
    let headers = headers(&message);
    // Of several `From` lines the first counts here; the mail is ambiguous then, and nobody's.
    let from = message.headers().iter().find(|h| h.name == HeaderName::From).and_then(|h| h.value.as_address());
    let from = named(&message, HeaderName::From, addresses(from));
    let ambiguous = author::ambiguous(&message, &from);
    let from = from.into_iter().next().or_else(|| addresses(message.sender()).into_iter().next());
    let Entity { body, html, attachments } = entity(&message, text, 0);
    let nature = nature::nature_of(&message, &headers, from.as_ref(), text, &body);
    let html_digest = html.then(|| self::hash(html_source(&message, text).as_bytes()));
    Ok(Mail {
        reply_to: named(&message, HeaderName::ReplyTo, addresses(message.reply_to())),
        to: named(&message, HeaderName::To, message.all_to().flat_map(|a| addresses(Some(a))).collect()),
        cc: named(&message, HeaderName::Cc, message.all_cc().flat_map(|a| addresses(Some(a))).collect()),
        subject: headers.iter().find(|(n, _)| n == "subject").map(|(_, v)| v.clone()).unwrap_or_default(),
        date: message.date().and_then(|d| Timestamp::from_second(d.to_timestamp()).ok()),
        message_id: ids(&HeaderValue::Text(message.message_id().unwrap_or_default().into())).into_iter().next(),
        references: references(&message),
        attachments,
        from,
        headers,
        body,
        html,
        html_digest,
        nature,
        ambiguous,
        auth: Default::default(),
        hash: hash.to_owned(),
        size,
    })
}

/// What is taken apart: as it came, but for what old programs did otherwise.
fn plain(raw: &[u8]) -> Result<Cow<'_, [u8]>, Unreadable> {
    fn of_lines(raw: &[u8]) -> Result<Cow<'_, [u8]>, Unreadable> {
        let raw = body_of(raw);
        bounds(raw).map(|()| old_letters(raw))
    }
    match lines(raw) {
        Cow::Borrowed(raw) => of_lines(raw),
        Cow::Owned(raw) => of_lines(&raw).map(|text| Cow::Owned(text.into_owned())),
    }
}

/// Old Macs ended lines with a return alone; a mail in which no line ends otherwise is one of theirs.
fn lines(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.contains(&b'\n') || !raw.contains(&b'\r') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect())
}

/// Without the line that mailbox files put before a mail.
fn body_of(raw: &[u8]) -> &[u8] {
    match raw.strip_prefix(b"From ") {
        Some(rest) => rest.iter().position(|b| *b == b'\n').map_or(&raw[raw.len()..], |at| &rest[at + 1..]),
        None => raw,
    }
}

/// Headers in letters that are no UTF-8 are in those of old Windows programs, which nearly all of them are.
fn old_letters(raw: &[u8]) -> Cow<'_, [u8]> {
    let end = [&b"\n\n"[..], b"\r\n\r\n"].iter().filter_map(|e| raw.windows(e.len()).position(|w| w == *e)).min();
    let (headers, rest) = raw.split_at(end.unwrap_or(raw.len()));
    match charset_decoder(b"windows-1252").filter(|_| std::str::from_utf8(headers).is_err()) {
        Some(decode) => Cow::Owned([decode(headers).as_bytes(), rest].concat()),
        None => Cow::Borrowed(raw),
    }
}

/// Counted before anything is made of it: what is beyond would cost more than it is worth.
fn bounds(raw: &[u8]) -> Result<(), Unreadable> {
    if raw.iter().all(u8::is_ascii_whitespace) {
        return Err(Unreadable::Empty);
    }
    let (mut headers, mut of_parts, mut boundaries, mut at) = (0, 0, 0, 0);
    // Of the mail itself, or of one of its parts.
    let (mut in_headers, mut first) = (true, true);
    for line in raw.split_inclusive(|b| *b == b'\n') {
        let boundary = line.starts_with(b"--");
        if matches!(line, b"\n" | b"\r\n") {
            (in_headers, first) = (false, false);
        } else if boundary && !first {
            boundaries += 1;
            in_headers = true;
        } else if in_headers && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            if first {
                headers += 1;
            } else {
                of_parts += usize::from(line.contains(&b':'));
            }
        }
        at += line.len();
        if headers > HEADERS_MAX || of_parts > PART_HEADERS_MAX || (first && at > HEADERS_BYTES_MAX) {
            return Err(Unreadable::Headers(headers + of_parts));
        }
        if boundaries > BOUNDARIES_MAX {
            return Err(Unreadable::Parts(boundaries));
        }
    }
    Ok(())
}

/// A name of RFC 5322, 3.6.8: whatever else stands before a colon is no header.
fn is_header(header: &mail_parser::Header) -> bool {
    let name = header.name();
    !name.is_empty() && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_graphic())
}

/// Every header with its value decoded, in their order.
fn headers(message: &Message) -> Vec<(String, String)> {
    let raw = message.raw_message();
    let mut all = vec![];
    for header in message.headers() {
        let name = header.name().to_ascii_lowercase();
        let bytes = raw.get(header.offset_start as usize..header.offset_end as usize).unwrap_or_default();
        let bytes = &bytes[..bytes.len().min(VALUE_BYTES_MAX)];
        all.push((name, one_line(&words::decoded(bytes))));
    }
    all
}

/// Without what would begin a new line, or end the text where it is stored.
pub(crate) fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.trim().to_owned()
}

/// A name in one line: what hides in it is shown.
fn visible(name: &str) -> String {
    vorgang_core::text::visible(name).trim().to_owned()
}

/// Addresses that can be written to.
pub(crate) fn addresses(value: Option<&mail_parser::Address>) -> Vec<Address> {
    let Some(value) = value else { return vec![] };
    let readable = |a: &mail_parser::Addr| {
        let written = one_line(a.address()?);
        // Several with nothing between them: the first.
        let address = written.split_whitespace().find(|w| w.contains('@')).unwrap_or_default();
        let known = address.rsplit_once('@').is_some_and(|(l, d)| !l.is_empty() && !d.is_empty()) && address.len() <= 320;
        known.then(|| Address::new(visible(a.name().unwrap_or_default()).trim_matches(['"', '\'']), address))
    };
    value.iter().filter_map(readable).collect()
}

/// Message-IDs without their brackets.
pub(crate) fn ids(value: &HeaderValue) -> Vec<String> {
    let clean = |id: &str| {
        let id: String = id.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>')).take(500).collect();
        (!id.is_empty()).then_some(id)
    };
    match value {
        HeaderValue::Text(text) => clean(text).into_iter().collect(),
        HeaderValue::TextList(list) => list.iter().filter_map(|t| clean(t)).collect(),
        _ => vec![],
    }
}

/// What it answers first: `In-Reply-To`, then `References` from the last to the first.
fn references(message: &Message) -> Vec<String> {
    const MAX: usize = 50;
    let answered = message.header_as("In-Reply-To", HeaderForm::MessageIds);
    let thread = message.header_as("References", HeaderForm::MessageIds);
    let mut all: Vec<String> = vec![];
    for id in answered.iter().flat_map(ids).chain(thread.iter().flat_map(ids).rev()) {
        if all.len() < MAX && !all.contains(&id) {
            all.push(id);
        }
    }
    all
}

/// Names of addresses as they were meant, where the parser has read letters or encoded words on its own.
fn named(message: &Message, header: HeaderName, mut all: Vec<Address>) -> Vec<Address> {
    let raw = message.raw_message();
    let values = message.headers().iter().filter(|h| h.name == header);
    let values = values.filter_map(|h| raw.get(h.offset_start as usize..h.offset_end as usize));
    let values: Vec<&[u8]> = values.filter(|v| !v.is_ascii() || v.windows(2).any(|w| w == b"=?")).collect();
    if values.is_empty() {
        return all;
    }
    for address in all.iter_mut().filter(|a| !a.name.is_empty()) {
        let end = format!("<{}>", address.address);
        let before = values.iter().find_map(|v| Some(&v[..v.windows(end.len()).position(|w| w.eq_ignore_ascii_case(end.as_bytes()))?]));
        let Some(before) = before else { continue };
        let mut quoted = false;
        let begin = before.iter().enumerate().filter(|(_, b)| {
            quoted ^= **b == b'"';
            **b == b',' && !quoted
        });
        let name = &before[begin.last().map_or(0, |(at, _)| at + 1)..];
        address.name = visible(words::decoded(name).trim().trim_matches(['"', '\'']));
    }
    all
}

/// The content of a mail, or of a part that is a mail itself.
struct Entity {
    body: String,
    html: bool,
    attachments: Vec<(Attachment, Blob)>,
}

/// How deep signed mails are taken out of each other.
const SIGNED_DEPTH_MAX: usize = 3;

fn entity(message: &Message, text: &[u8], depth: usize) -> Entity {
    let (body, html) = body(message, text);
    let (mut attachments, left_out) = files::files_of(message, text);
    let mut body = flat::restored(body);
    if is_blank(&body) {
        for part in &message.parts {
            let bytes = || files::content(part, text);
            if tnef::is(part) {
                body = tnef::text_of(&bytes()).unwrap_or_default();
            } else if signed::is(part) && depth < SIGNED_DEPTH_MAX {
                let Some(inner) = signed::content(&bytes()) else { continue };
                let Some(inner) = inside(&inner, depth + 1) else { continue };
                body = format!("[signature not checked]\n\n{}", inner.body);
                attachments.extend(inner.attachments);
                attachments.truncate(PARTS_MAX);
            }
            if !is_blank(&body) {
                break;
            }
        }
    }
    if left_out > 0 {
        body = format!("{}\n\n[{left_out} more files are in the original only]", body.trim_end());
    }
    Entity { body, html, attachments }
}

/// A mail that lies inside a part, with headers of its own.
fn inside(raw: &[u8], depth: usize) -> Option<Entity> {
    let text = &*plain(raw).ok()?;
    let flat = flat::flat(text);
    let message = MessageParser::default().parse(&*flat).filter(|m| !m.parts.is_empty())?;
    Some(entity(&message, text, depth))
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'))
}

/// As much of a text as is looked at.
fn beginning(bytes: &[u8]) -> &[u8] {
    let mut end = bytes.len().min(TEXT_BYTES_MAX);
    // Not in the middle of a letter of UTF-8.
    while end < bytes.len() && end > TEXT_BYTES_MAX - 4 && bytes[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    &bytes[..end]
}

/// The letters of a part that is a text.
fn letters(part: &MessagePart, text: &[u8]) -> String {
    let charset = part.content_type().and_then(|c| c.attribute("charset"));
    let html = matches!(part.body, PartType::Html(_));
    charset::text(beginning(&files::content(part, text)), charset, html)
}

/// The text that people read, and whether there is one in HTML.
fn body(message: &Message, raw: &[u8]) -> (String, bool) {
    let html = message.html_bodies().any(|p| matches!(p.body, PartType::Html(_)));
    let mut body = String::new();
    let mut add = |text: &str| {
        if !is_blank(text) && body.len() <= TEXT_BYTES_MAX {
            let begun = !body.is_empty();
            body.push_str(if begun { "\n\n" } else { "" });
            body.push_str(text.trim_end());
        }
    };
    for part in message.text_bodies() {
        match &part.body {
            PartType::Text(_) if part.is_content_type("text", "calendar") => add(&calendar::summary(&letters(part, raw))),
            PartType::Text(_) => add(&flowed::unfold(&letters(part, raw), part.content_type())),
            PartType::Html(_) => add(&html::to_text(&letters(part, raw))),
            _ => {}
        }
    }
    // A blank text part is ignored where there is HTML.
    if is_blank(&body) {
        let texts: Vec<String> = message
            .html_bodies()
            .filter(|p| matches!(p.body, PartType::Html(_)))
            .map(|p| html::to_text(&letters(p, raw)))
            .filter(|t| !is_blank(t))
            .collect();
        body = texts.join("\n\n");
    }
    // An invitation often stands beside an empty text.
    if is_blank(&body) {
        let invitation = message.parts.iter().find(|p| p.is_content_type("text", "calendar"));
        if let Some(part) = invitation.filter(|p| matches!(p.body, PartType::Text(_))) {
            body = calendar::summary(&letters(part, raw));
        }
    }
    // A text that is no body by its type is better than none.
    if is_blank(&body) {
        let unnamed = message.attachments().filter(|p| p.attachment_name().is_none()).find_map(|p| match &p.body {
            PartType::Text(_) => Some(letters(p, raw).trim_end().to_owned()),
            PartType::Html(_) => Some(html::to_text(&letters(p, raw))),
            _ => None,
        });
        body = unnamed.unwrap_or(body);
    }
    // So are parts that cannot be told apart.
    let root = message.part(0).filter(|p| p.content_type().is_some_and(|c| c.ctype().eq_ignore_ascii_case("multipart")));
    if let Some(root) = root.filter(|_| is_blank(&body) && message.parts.len() == 1) {
        let all = raw.get(root.offset_body as usize..).unwrap_or_default();
        body = charset::text(beginning(all), None, false).trim().to_owned();
    }
    (readable(&body), html)
}

/// Lines end in one way, and lines of blanks are empty.
fn readable(body: &str) -> String {
    let text = body.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "");
    let lines = text.split('\n').map(|l| if is_blank(l) { "" } else { l });
    lines.collect::<Vec<_>>().join("\n")
}

/// The HTML of a mail as it can be shown: sanitised, with its own pictures in it, and nothing that is loaded from elsewhere.
pub fn shown(raw: &[u8]) -> Option<String> {
    let text = &*plain(raw).ok()?;
    let flat = flat::flat(text);
    let message = MessageParser::default().parse(&*flat)?;
    // A text that stands between its pictures is shown with them; one that is alone is no HTML.
    message.html_bodies().find(|p| matches!(p.body, PartType::Html(_)))?;
    let parts = html_source(&message, text);
    (!parts.is_empty()).then(|| html::sanitise(&parts, files::pictures(&message)))
}

/// The HTML as it was sent; its beginning, where it is too long.
fn html_source(message: &Message, raw: &[u8]) -> String {
    let mut parts = String::new();
    for part in message.html_bodies() {
        if parts.len() > html::BYTES_MAX {
            break;
        }
        match &part.body {
            PartType::Html(_) => parts.push_str(&letters(part, raw)),
            PartType::Text(_) => parts.push_str(&html::of_text(&letters(part, raw))),
            _ => {}
        }
    }
    parts
}
