//! The history row: what is written, how personal content is kept apart, and the hash chain.
//!
//! The hash covers the row's own columns, the digest of the events and the digest of the salted personal content,
//! so that erasing the content leaves the chain verifiable.

use crate::state::apply;
use crate::state::event::{AttributeSet, Event, FORMAT};
use crate::state::ids::{ArticleId, TicketId};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// The hash before a ticket's first row.
pub const GENESIS: Hash = [0; 32];

/// Keys of events whose values may hold personal content.
const PERSONAL: &[&str] =
    &["title", "subject", "body", "name", "customer_user", "message", "values", "happening", "input", "output", "data", "head", "address"];

/// Events as they are stored: the structure, and beside it what is personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    pub events: String,
    pub personal: String,
}

/// Why a row of the history cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is written in the format {0}, and this release reads formats up to {FORMAT}: a newer release is needed")]
    Format(u32),
    /// An event, or a part of one, that is not known here.
    #[error("it tells of something that this release does not know ({0}): a newer release is needed")]
    Unknown(String),
    #[error("{0}")]
    Broken(String),
}

/// A piece of personal content. In format 2 each is digested by itself, so that one can be erased and the others stay proved.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    /// Stored as an array of one.
    There(Json),
    /// Its digest, and the empty value that stands for it. Stored as an object.
    Erased { digest: String, stands: Json },
}

impl Piece {
    fn read(json: Json) -> Result<Self, Unreadable> {
        let broken = || Unreadable::Broken("a piece of personal content cannot be read".into());
        match json {
            Json::Array(mut one) if one.len() == 1 => Ok(Self::There(one.remove(0))),
            Json::Object(mut map) => {
                let digest = map.get("digest").and_then(Json::as_str).ok_or_else(broken)?.to_owned();
                let stands = map.remove("as").ok_or_else(broken)?;
                // The stand-in holds no content.
                let empty = stands.is_null()
                    || stands.as_str() == Some("")
                    || stands.as_array().is_some_and(Vec::is_empty)
                    || stands.as_object().is_some_and(serde_json::Map::is_empty);
                if empty { Ok(Self::Erased { digest, stands }) } else { Err(broken()) }
            }
            _ => Err(broken()),
        }
    }

    fn write(&self) -> Json {
        match self {
            Self::There(value) => json!([value]),
            Self::Erased { digest, stands } => json!({"digest": digest, "as": stands}),
        }
    }

    fn value(&self) -> &Json {
        match self {
            Self::There(value) => value,
            Self::Erased { stands, .. } => stands,
        }
    }

    fn digest(&self, salt: &[u8], at: usize) -> String {
        match self {
            Self::There(value) => {
                let text = value.to_string();
                let digest = Sha256::new().chain_update(salt).chain_update((at as u64).to_be_bytes()).chain_update(text);
                hex(&digest.finalize())
            }
            Self::Erased { digest, .. } => digest.clone(),
        }
    }
}

/// Takes personal content out of the events; a number stands where it was. In the present format, with its digest.
pub fn split(events: &[Event], salt: &[u8]) -> (Payload, Hash) {
    let mut personal: Vec<Json> = vec![];
    let mut list: Vec<Json> = events.iter().map(|e| serde_json::to_value(e).expect("keys of events are texts")).collect();
    for event in &mut list {
        let is_value = event["event"] == "field_set" || (event["event"] == "attribute_set" && event["name"] == "title");
        take_personal(event, &mut personal, is_value, 0);
    }
    let mut all = digest_begun(FORMAT, salt);
    let mut written = vec![];
    for (at, piece) in personal.into_iter().map(Piece::There).enumerate() {
        all.update(piece.digest(salt, at).as_bytes());
        written.push(piece.write());
    }
    let payload = Payload { events: Json::Array(list).to_string(), personal: Json::Array(written).to_string() };
    (payload, all.finalize().into())
}

fn digest_begun(format: u32, salt: &[u8]) -> Sha256 {
    Sha256::new().chain_update(salt).chain_update(format.to_be_bytes())
}

fn take_personal(json: &mut Json, personal: &mut Vec<Json>, is_value: bool, depth: usize) {
    match json {
        Json::Object(map) => {
            for (key, value) in map.iter_mut() {
                // An event's own `name` says which attribute; deeper ones name files.
                let by_key = PERSONAL.contains(&key.as_str()) && !(key == "name" && depth == 0) && !value.is_null();
                let by_value = is_value && depth == 0 && (key == "old" || key == "new") && !value.is_null();
                if by_key || by_value || key == "fields" {
                    personal.push(value.take());
                    *value = json!({"$p": personal.len() - 1});
                } else {
                    take_personal(value, personal, is_value, depth + 1);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|i| take_personal(i, personal, is_value, depth + 1)),
        _ => {}
    }
}

fn parsed(text: &str) -> Result<Json, Unreadable> {
    serde_json::from_str(text).map_err(|e| Unreadable::Broken(e.to_string()))
}

/// The pieces of a row. In format 1 they are values, proved as a whole.
fn pieces(format: u32, personal: &str) -> Result<Vec<Piece>, Unreadable> {
    let Json::Array(all) = parsed(personal)? else { return Err(Unreadable::Broken("personal content is a list".into())) };
    match format {
        1 => Ok(all.into_iter().map(Piece::There).collect()),
        2 => all.into_iter().map(Piece::read).collect(),
        other => Err(Unreadable::Format(other)),
    }
}

/// The events of a row: of content that was erased something empty is left.
pub fn join(format: u32, events: &str, personal: &str) -> Result<Vec<Event>, Unreadable> {
    let pieces = pieces(format, personal)?;
    let mut events = parsed(events)?;
    put(&mut events, &pieces);
    let events: Vec<Event> = serde_json::from_value(events).map_err(|e| Unreadable::Unknown(e.to_string()))?;
    match events.iter().find(|e| !apply::knows(e)) {
        Some(Event::AttributeSet(AttributeSet { name, .. })) => Err(Unreadable::Unknown(format!("the attribute `{name}`, or its value"))),
        _ => Ok(events),
    }
}

fn put(json: &mut Json, personal: &[Piece]) {
    if let Some(index) = json.get("$p").and_then(Json::as_u64) {
        *json = personal.get(index as usize).map_or(Json::Null, |p| p.value().clone());
        return;
    }
    match json {
        Json::Object(map) => map.values_mut().for_each(|v| put(v, personal)),
        Json::Array(items) => items.iter_mut().for_each(|v| put(v, personal)),
        _ => {}
    }
}

/// The digest of a row's personal content, erased or not. In format 1 it is of the text as it was.
pub fn personal_digest(format: u32, salt: &[u8], personal: &str) -> Result<Hash, Unreadable> {
    if format == 1 {
        return Ok(Sha256::new().chain_update(salt).chain_update(personal.as_bytes()).finalize().into());
    }
    let mut all = digest_begun(format, salt);
    let pieces = pieces(format, personal)?;
    // Digests cover values, so the stored text must equal their canonical form; otherwise somebody edited it.
    let written = Json::Array(pieces.iter().map(Piece::write).collect()).to_string();
    if written.as_str() != personal {
        return Err(Unreadable::Broken("the content was changed".into()));
    }
    for (at, piece) in pieces.iter().enumerate() {
        all.update(piece.digest(salt, at).as_bytes());
    }
    Ok(all.finalize().into())
}

/// Which pieces of a row were erased.
pub fn erased(format: u32, personal: &str) -> Result<Vec<u32>, Unreadable> {
    let all = pieces(format, personal)?;
    Ok((0..).zip(&all).filter(|(_, p)| matches!(p, Piece::Erased { .. })).map(|(at, _)| at).collect())
}

/// The personal content that a row keeps, and the numbers of the erased pieces.
pub type Erased = (Option<String>, Vec<u32>);

/// The content to erase from a ticket's history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erasing {
    pub article: ArticleId,
    /// Its subject and text too; only files otherwise.
    pub whole: bool,
    /// Hashes of files.
    pub files: Vec<String>,
    /// Texts that go wherever else they stand: in notifications, in incidents.
    pub texts: Vec<String>,
}

impl Erasing {
    fn has_text(&self, json: &Json) -> bool {
        match json {
            Json::String(text) => self.texts.iter().any(|t| text.contains(t)),
            Json::Array(items) => items.iter().any(|i| self.has_text(i)),
            Json::Object(map) => map.values().any(|v| self.has_text(v)),
            _ => false,
        }
    }

    /// Empties what holds one of the texts; false where nothing does.
    pub fn blank(&self, json: &mut Json) -> bool {
        match json {
            Json::Object(map) => map.iter_mut().fold(false, |any, (key, value)| {
                // The same as pieces of the history: whole values of these keys.
                let whole = PERSONAL.contains(&key.as_str()) && self.has_text(value);
                if whole {
                    *value = stand_in(value);
                }
                whole | self.blank(value) | any
            }),
            Json::Array(items) => items.iter_mut().fold(false, |any, item| self.blank(item) | any),
            _ => false,
        }
    }

    /// Numbers of the pieces that belong to the article itself, and of those in which its text may stand again.
    fn own(&self, events: &Json) -> (Vec<u64>, Vec<u64>) {
        let (mut all, mut others) = (vec![], vec![]);
        for event in events.as_array().into_iter().flatten() {
            // Another message that is sent is erased by itself.
            let of = event["outgoing"]["article"].as_u64();
            let is_others = of.is_some_and(|seq| seq != u64::from(self.article.0));
            if ["notification_sent", "incident_raised", "mail_queued"].iter().any(|e| event["event"] == *e) && !is_others {
                numbers(event, &mut others);
            }
            let article = &event["article"];
            if event["event"] != "article_added" || article["seq"].as_u64() != Some(self.article.0.into()) {
                continue;
            }
            if self.whole {
                all.extend(["subject", "body"].iter().filter_map(|key| article[*key]["$p"].as_u64()));
            }
            for file in article["attachments"].as_array().into_iter().flatten() {
                if file["blob"].as_str().is_some_and(|b| self.files.iter().any(|f| f == b)) {
                    all.extend(file["name"]["$p"].as_u64());
                }
            }
        }
        (all, others)
    }

    /// A row's personal content without what is erased, and the numbers of those pieces; `None` where nothing of it goes. Rows of
    /// format 1 have no pieces that could be proved apart: all of their content goes, and no number is named.
    pub fn of_row(&self, format: u32, salt: &[u8], events: &str, personal: &str) -> Result<Option<Erased>, Unreadable> {
        let (own, others) = self.own(&parsed(events)?);
        let mut all = pieces(format, personal)?;
        let mut gone = vec![];
        for (at, piece) in all.iter_mut().enumerate() {
            let Piece::There(value) = piece else { continue };
            let number = at as u64;
            let copied = others.contains(&number) && self.has_text(value);
            if !own.contains(&number) && !copied {
                continue;
            }
            let stands = stand_in(value);
            *piece = Piece::Erased { digest: piece.digest(salt, at), stands };
            gone.push(at as u32);
        }
        if gone.is_empty() {
            return Ok(None);
        }
        let list = Json::Array(all.iter().map(Piece::write).collect());
        Ok(Some(if format == 1 { (None, vec![]) } else { (Some(list.to_string()), gone) }))
    }
}

/// The empty value that stands for this one.
fn stand_in(value: &Json) -> Json {
    match value {
        Json::String(_) => "".into(),
        Json::Array(_) => json!([]),
        Json::Object(map) if map.values().all(Json::is_string) => json!({}),
        _ => Json::Null,
    }
}

/// The numbers of all pieces of an event.
fn numbers(json: &Json, all: &mut Vec<u64>) {
    match json {
        Json::Object(map) => {
            all.extend(map.get("$p").and_then(Json::as_u64));
            map.values().for_each(|v| numbers(v, all));
        }
        Json::Array(items) => items.iter().for_each(|i| numbers(i, all)),
        _ => {}
    }
}

/// Everything of a history row that its hash covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'a> {
    pub ticket: TicketId,
    pub version: u64,
    pub format: u32,
    /// Microseconds since 1970.
    pub at: i64,
    pub actor: &'a str,
    pub command: &'a str,
    pub cause: &'a str,
    pub events: &'a str,
    pub salt: &'a [u8],
    pub personal_digest: Hash,
    pub previous: Hash,
}

/// The row's hash. Every part has its length before it, so that no two rows read alike.
pub fn hash(link: &Link) -> Hash {
    let mut h = Sha256::new();
    let mut part = |bytes: &[u8]| {
        h.update((bytes.len() as u64).to_be_bytes());
        h.update(bytes);
    };
    part(&link.previous);
    part(&link.ticket.0.to_be_bytes());
    part(&link.version.to_be_bytes());
    part(&link.format.to_be_bytes());
    part(&link.at.to_be_bytes());
    part(link.actor.as_bytes());
    part(link.command.as_bytes());
    part(link.cause.as_bytes());
    part(&Sha256::digest(link.events.as_bytes()));
    part(&link.personal_digest);
    h.finalize().into()
}

pub fn hex(hash: &[u8]) -> String {
    hash.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row of each format, as it lies in databases: decoders stay for ever.
    #[test]
    fn rows_of_each_format_are_read_and_proved() {
        let events = r#"[{"event":"attribute_set","name":"title","old":{"$p":0},"new":{"$p":1}}]"#;
        let wanted = Event::AttributeSet(AttributeSet { name: "title".into(), old: "a".into(), new: "b".into() });
        for (format, personal, digest) in [
            (1, r#"["a","b"]"#, "0782e4333e40cb88d39e3b742eb6c260cf3b4c0edaf54f8dbc132772135f9901"),
            (2, r#"[["a"],["b"]]"#, "367f1ad30d722c520b3be6c54c9c3b5602252eff199ea36507029e4e4bfe051f"),
        ] {
            assert_eq!(join(format, events, personal), Ok(vec![wanted.clone()]), "format {format}");
            assert_eq!(hex(&personal_digest(format, b"salt", personal).expect("a digest")), digest, "format {format}");
        }
        assert_eq!(join(3, events, "[]"), Err(Unreadable::Format(3)));
        let newer = r#"[{"event":"ticket_cloned"}]"#;
        assert!(matches!(join(2, newer, "[]"), Err(Unreadable::Unknown(why)) if why.contains("ticket_cloned")));
        for (name, new) in [("mood", r#""good""#), ("title", "7"), ("pending_until", r#""tomorrow""#), ("lock", "1")] {
            let newer = format!(r#"[{{"event":"attribute_set","name":"{name}","old":null,"new":{new}}}]"#);
            assert!(matches!(join(2, &newer, "[]"), Err(Unreadable::Unknown(why)) if why.contains(name)), "{name}");
        }
    }

    #[test]
    fn one_piece_goes_and_the_others_stay_proved() {
        let events = r#"[{"event":"article_added","article":{"seq":3,"subject":{"$p":0},"body":{"$p":1},"attachments":[{"name":{"$p":2},"blob":"f"}]}},
            {"event":"notification_sent","notification":{"body":{"$p":3}}},{"event":"article_added","article":{"seq":4,"body":{"$p":4}}}]"#;
        let personal = r#"[["s"],["the password"],["a.txt"],["He wrote: the password."],["other"]]"#;
        let before = personal_digest(2, b"salt", personal).expect("a digest");
        let erasing = Erasing { article: ArticleId(3), whole: true, files: vec!["f".into()], texts: vec!["the password".into()] };
        let (left, gone) = erasing.of_row(2, b"salt", events, personal).expect("a row").expect("something");
        let left = left.expect("pieces");
        assert_eq!((gone, left.contains("password"), left.contains("other")), (vec![0, 1, 2, 3], false, true));
        assert_eq!(personal_digest(2, b"salt", &left), Ok(before), "the digest is the same");
        assert_eq!(erased(2, &left), Ok(vec![0, 1, 2, 3]));
        let forged = left.replace("other", "forged");
        assert_ne!(personal_digest(2, b"salt", &forged), Ok(before), "what is left is proved");
        let stands = left.replace("\"as\":\"\"", "\"as\":\"forged\"");
        assert!(personal_digest(2, b"salt", &stands).is_err(), "nothing can be put in its place");
        assert_eq!(erasing.of_row(2, b"salt", events, &left), Ok(None), "twice is once");
        let old = r#"["s","the password","a.txt","He wrote: the password.","other"]"#;
        assert_eq!(erasing.of_row(1, b"salt", events, old), Ok(Some((None, vec![]))), "format 1 has no pieces");
        let file = Erasing { whole: false, texts: vec![], ..erasing };
        assert_eq!(file.of_row(2, b"salt", events, personal).expect("a row").expect("something").1, [2]);
    }
}
