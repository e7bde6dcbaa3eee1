//! `winmail.dat`: the text, and files with their names, out of Microsoft's TNEF (MS-OXTNEF). What cannot be read is left out: the whole is
//! kept beside it.

use crate::{charset, html, rtf};
use mail_parser::{MessagePart, MimeHeaders};

const SIGNATURE: u32 = 0x223E_9F78;
/// An attachment begins.
const RENDDATA: u32 = 0x0006_9002;
const DATA: u32 = 0x0006_800F;
const TITLE: u32 = 0x0001_8010;
/// Properties of the attachment, its long name among them.
const PROPERTIES: u32 = 0x0006_9005;
const LONG_NAME: u16 = 0x3707;
/// The text of the mail, and its properties.
const BODY: u32 = 0x0002_800C;
const MESSAGE_PROPERTIES: u32 = 0x0006_9003;
const BODY_PROPERTY: u16 = 0x1000;
const RTF_PROPERTY: u16 = 0x1009;
const HTML_PROPERTY: u16 = 0x1013;
/// A string of UTF-16.
const STRING_WIDE: u16 = 0x001F;
/// Longest RTF that is unpacked, in bytes.
const RTF_MAX: usize = 4 * 1024 * 1024;
/// Most files, and most properties that are looked at.
const FILES_MAX: usize = 200;
const PROPERTIES_MAX: u32 = 1_000;

struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn read_bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.read_bytes(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.read_bytes(4)?.try_into().ok()?))
    }
}

#[derive(Default)]
struct File {
    title: String,
    long: Option<String>,
    data: Option<Vec<u8>>,
}

/// A part that is one.
pub fn is(part: &MessagePart) -> bool {
    part.is_content_type("application", "ms-tnef") || part.attachment_name().is_some_and(|n| n.eq_ignore_ascii_case("winmail.dat"))
}

/// The text of the mail: as such, in HTML, or in RTF (MS-OXCMSG 2.2.1.56).
pub fn text_of(bytes: &[u8]) -> Option<String> {
    let mut bytes = Bytes(bytes);
    if bytes.u32() != Some(SIGNATURE) || bytes.u16().is_none() {
        return None;
    }
    let mut text = None;
    while let Some((id, data)) = attribute(&mut bytes) {
        let found = match id {
            BODY => Some(charset::text(trimmed(data), None, false)),
            MESSAGE_PROPERTIES => of_properties(data),
            RENDDATA => break,
            _ => None,
        };
        text = text.or(found.filter(|t| !t.trim().is_empty()));
    }
    text
}

fn of_properties(data: &[u8]) -> Option<String> {
    let (mut plain, mut html, mut rich) = (None, None, None);
    properties(data, |kind, id, value| {
        match (id, kind) {
            (BODY_PROPERTY, STRING_WIDE) => plain = Some(wide(value)),
            (BODY_PROPERTY, _) => plain = Some(charset::text(trimmed(value), None, false)),
            (HTML_PROPERTY, _) => html = Some(html::to_text(&charset::text(trimmed(value), None, true))),
            (RTF_PROPERTY, _) => rich = decompressed(value).map(|r| rtf::to_text(&r)),
            _ => {}
        }
        None::<()>
    });
    plain.or(html).or(rich)
}

/// RTF as it is packed (MS-OXRTFCP). Lengths are checked before: what is written there is the sender's.
fn decompressed(data: &[u8]) -> Option<String> {
    let size = u32::from_le_bytes(data.get(4..8)?.try_into().ok()?) as usize;
    let kind = data.get(8..12)?;
    let fits = data.len() >= 16 && size <= RTF_MAX && (kind != b"MELA" || data.len() >= size + 16);
    fits.then(|| compressed_rtf::decompress_rtf(data).ok()).flatten()
}

fn trimmed(data: &[u8]) -> &[u8] {
    &data[..data.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1)]
}

/// Names and contents.
pub fn files(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<File> = vec![];
    let mut bytes = Bytes(bytes);
    if bytes.u32() != Some(SIGNATURE) || bytes.u16().is_none() {
        return vec![];
    }
    while let Some((id, data)) = attribute(&mut bytes) {
        // Some write the data before the attachment begins.
        if (id == RENDDATA || all.is_empty()) && all.len() < FILES_MAX && matches!(id, RENDDATA | DATA | TITLE | PROPERTIES) {
            all.push(File::default());
        }
        let Some(file) = all.last_mut() else { continue };
        match id {
            DATA if file.data.is_none() => file.data = Some(data.to_vec()),
            TITLE => file.title = text(data),
            PROPERTIES => file.long = long_name(data).or(file.long.take()),
            _ => {}
        }
    }
    let named = |(at, f): (usize, File)| {
        let name = f.long.filter(|n| !n.is_empty()).unwrap_or(f.title);
        let name = if name.is_empty() { format!("winmail-{}.bin", at + 1) } else { name };
        f.data.map(|data| (name, data))
    };
    all.into_iter().enumerate().filter_map(named).collect()
}

fn attribute<'b>(bytes: &mut Bytes<'b>) -> Option<(u32, &'b [u8])> {
    bytes.read_bytes(1)?;
    let (id, len) = (bytes.u32()?, bytes.u32()?);
    let data = bytes.read_bytes(len as usize)?;
    // A checksum that is missing at the end takes nothing away.
    let _ = bytes.u16();
    Some((id, data))
}

fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).trim_end_matches('\0').to_owned()
}

fn long_name(data: &[u8]) -> Option<String> {
    properties(data, |kind, id, value| (id == LONG_NAME).then(|| if kind == STRING_WIDE { wide(value) } else { text(value) }))
}

/// Values of variable length in a list of MAPI properties, each with its type and id, until something is found. Each is a type,
/// an id, and a value whose length its type says.
fn properties<T>(data: &[u8], mut found: impl FnMut(u16, u16, &[u8]) -> Option<T>) -> Option<T> {
    let mut bytes = Bytes(data);
    let count = bytes.u32()?.min(PROPERTIES_MAX);
    for _ in 0..count {
        let (kind, id) = (bytes.u16()?, bytes.u16()?);
        if id >= 0x8000 {
            bytes.read_bytes(16)?;
            if bytes.u32()? == 0 {
                bytes.u32()?;
            } else {
                let len = bytes.u32()? as usize;
                bytes.read_bytes(padded(len)?)?;
            }
        }
        match kind & 0x0FFF {
            0x0002 | 0x0003 | 0x0004 | 0x000A | 0x000B => drop(bytes.read_bytes(4)?),
            0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => drop(bytes.read_bytes(8)?),
            0x0048 => drop(bytes.read_bytes(16)?),
            0x000D | 0x001E | 0x001F | 0x0102 => {
                let values = bytes.u32()?.min(PROPERTIES_MAX);
                for _ in 0..values {
                    let len = bytes.u32()? as usize;
                    let value = bytes.read_bytes(padded(len)?)?.get(..len)?;
                    if let Some(found) = found(kind & 0x0FFF, id, value) {
                        return Some(found);
                    }
                }
            }
            _ => return None,
        }
    }
    None
}

fn padded(len: usize) -> Option<usize> {
    len.checked_next_multiple_of(4)
}

fn wide(data: &[u8]) -> String {
    let units = data.as_chunks::<2>().0.iter().map(|c| u16::from_le_bytes(*c));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().trim_end_matches('\0').to_owned()
}
