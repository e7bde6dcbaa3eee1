//! The history row: what is written, how personal content is kept apart, and the hash chain.
//!
//! The hash covers the row's own columns, the digest of the events and the digest of the salted personal content,
//! so that erasing the content leaves the chain verifiable.

use crate::event::Event;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// The hash before a ticket's first row.
pub const GENESIS: Hash = [0; 32];

/// Keys of events whose values may hold personal content.
const PERSONAL: &[&str] = &[
    "title",
    "subject",
    "body",
    "name",
    "customer_user",
    "message",
    "values",
    "happening",
    "input",
    "output",
    "data",
    "head",
    "outgoing",
    "address",
];

/// Events as they are stored: the structure, and beside it what is personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    pub events: String,
    pub personal: String,
}

/// Takes personal content out of the events; a number stands where it was.
pub fn split(events: &[Event]) -> Payload {
    let mut personal: Vec<Json> = vec![];
    let mut list: Vec<Json> = events.iter().filter_map(|e| serde_json::to_value(e).ok()).collect();
    for event in &mut list {
        let is_value = event["event"] == "field_set" || (event["event"] == "attribute_set" && event["name"] == "title");
        take(event, &mut personal, is_value, 0);
    }
    Payload { events: Json::Array(list).to_string(), personal: Json::Array(personal).to_string() }
}

fn take(json: &mut Json, personal: &mut Vec<Json>, is_value: bool, depth: usize) {
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
                    take(value, personal, is_value, depth + 1);
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|i| take(i, personal, is_value, depth + 1)),
        _ => {}
    }
}

/// The events of a row; content that was erased is `null` or empty.
pub fn join(payload: &Payload) -> Option<Vec<Event>> {
    let personal: Vec<Json> = serde_json::from_str(&payload.personal).unwrap_or_default();
    let mut events: Json = serde_json::from_str(&payload.events).ok()?;
    put(&mut events, &personal);
    serde_json::from_value(events).ok()
}

fn put(json: &mut Json, personal: &[Json]) {
    if let Some(index) = json.get("$p").and_then(Json::as_u64) {
        *json = personal.get(index as usize).cloned().unwrap_or(Json::Null);
        return;
    }
    match json {
        Json::Object(map) => map.values_mut().for_each(|v| put(v, personal)),
        Json::Array(items) => items.iter_mut().for_each(|v| put(v, personal)),
        _ => {}
    }
}

/// Everything of a history row that its hash covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link<'a> {
    pub ticket: i64,
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

pub fn personal_digest(salt: &[u8], personal: &str) -> Hash {
    Sha256::new().chain_update(salt).chain_update(personal.as_bytes()).finalize().into()
}

/// The row's hash. Every part has its length before it, so that no two rows read alike.
pub fn hash(link: &Link) -> Hash {
    let mut h = Sha256::new();
    let mut part = |bytes: &[u8]| {
        h.update((bytes.len() as u64).to_be_bytes());
        h.update(bytes);
    };
    part(&link.previous);
    part(&link.ticket.to_be_bytes());
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
