//! What browsers send: forms, as urlencoded text or in parts with files. A form without the session's token is refused.

use crate::App;
use crate::problem::Fault;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_core::attachment::{Attachment, Blob};
use vorgang_core::commands::{ArticleInput, Form};

/// Most parts of a form.
const PARTS_MAX: usize = 300;

#[derive(Debug, Default)]
pub struct FormData {
    pub fields: Vec<(String, String)>,
    pub files: Vec<File>,
}

#[derive(Debug)]
pub struct File {
    pub field: String,
    pub name: String,
    pub content_type: String,
    pub bytes: Vec<u8>,
}

impl FormData {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Every value of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Values of the fields `f.NAME`: one text, or a list where a name comes more than once.
    pub fn values(&self) -> BTreeMap<String, Json> {
        let mut values: BTreeMap<String, Json> = BTreeMap::new();
        for (name, value) in self.fields.iter().filter_map(|(n, v)| n.strip_prefix("f.").map(|n| (n, v))) {
            let (name, many) = name.strip_suffix("[]").map_or((name, false), |n| (n, true));
            match values.get_mut(name) {
                Some(Json::Array(_)) if value.is_empty() => {}
                Some(Json::Array(list)) => list.push(value.as_str().into()),
                // A checkbox comes after its hidden twin and wins.
                Some(other) => *other = value.as_str().into(),
                None if many && value.is_empty() => drop(values.insert(name.to_owned(), Json::Array(vec![]))),
                None if many => drop(values.insert(name.to_owned(), Json::Array(vec![value.as_str().into()]))),
                None => drop(values.insert(name.to_owned(), value.as_str().into())),
            }
        }
        values
    }

    /// The form of a dialog: values, files of fields, the article with its files.
    pub fn dialog(self) -> Form {
        let mut form = Form {
            dialog: self.get("dialog").map(str::to_owned),
            outcome: self.get("outcome").map(str::to_owned),
            values: self.values(),
            article: None,
            seen: self.get("seen").and_then(|v| v.parse().ok()),
            epoch: self.get("epoch").and_then(|v| v.parse().ok()),
            blobs: vec![],
        };
        let text = |name: &str| self.get(name).unwrap_or_default().to_owned();
        let mut article = ArticleInput {
            subject: text("subject"),
            body: text("article"),
            visible: self.get("visible") == Some("true"),
            // What is no number is too much: it is refused where the form is read.
            minutes: self.get("minutes").map(str::trim).filter(|m| !m.is_empty()).map(|m| m.parse().unwrap_or(u32::MAX)),
            ..ArticleInput::default()
        };
        for file in self.files {
            let (attachment, blob) = stored(file.name, file.content_type, file.bytes);
            if let Some(name) = file.field.strip_prefix("f.") {
                form.values.insert(name.to_owned(), serde_json::to_value(&attachment).unwrap_or(Json::Null));
                form.blobs.push(blob);
            } else {
                article.attachments.push((attachment, blob));
            }
        }
        form.article = Some(article);
        form
    }
}

/// Marks that turn text around: they make `exe.pdf` of `fdp.exe`.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A file under the hash of its content; its name is data, never a path.
pub fn stored(name: String, content_type: String, bytes: Vec<u8>) -> (Attachment, Blob) {
    let hash = vorgang_core::chain::hex(&vorgang_runtime::sha256(&bytes));
    let name: String =
        name.rsplit(['/', '\\']).next().unwrap_or("").chars().filter(|c| !c.is_control() && !is_bidi(*c)).take(200).collect();
    let name = if name.chars().all(|c| c == '.') { "file".to_owned() } else { name };
    let content_type = if content_type.is_ascii() && !content_type.contains(['\r', '\n']) && content_type.len() < 100 {
        content_type
    } else {
        String::new()
    };
    (Attachment { name, content_type, size: bytes.len() as u64, blob: hash.clone() }, Blob { hash, bytes: bytes.into() })
}

impl FormData {
    /// The body alone, whoever sends it.
    pub async fn read(request: Request, app: &App) -> Result<Self, Fault> {
        let multipart =
            request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).is_some_and(|t| t.starts_with("multipart/form-data"));
        if multipart { parts(request, app).await } else { urlencoded(request, app).await }
    }

    /// The page's one-time key with what was sent: the same twice is one wish, another text is another.
    pub fn once(&self) -> Option<Once> {
        let key = self.get("once").filter(|k| (20..=64).contains(&k.len()) && k.is_ascii())?;
        let mut all = String::new();
        for (name, value) in self.fields.iter().filter(|(n, _)| n != "csrf") {
            all.push_str(&format!("{}:{name}={}:{value};", name.len(), value.len()));
        }
        for file in &self.files {
            let hash = vorgang_core::chain::hex(&vorgang_runtime::sha256(&file.bytes));
            all.push_str(&format!("{}:{}={hash};", file.field.len(), file.field));
        }
        let hash = vorgang_runtime::sha256(all.as_bytes());
        Some(Once { key: format!("form {key} {}", vorgang_core::chain::hex(&hash[..8])), hash })
    }
}

/// What tells that a form was sent before.
pub struct Once {
    pub key: String,
    pub hash: [u8; 32],
}

fn unreadable() -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, "The form cannot be read.", "Das Formular ist nicht lesbar.")
}

fn too_large() -> Fault {
    Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "That is too much: a file may have 64 KB.", "Das ist zu viel: eine Datei darf 64 KB haben.")
}

async fn urlencoded(request: Request, app: &App) -> Result<FormData, Fault> {
    let axum::extract::RawForm(bytes) = axum::extract::RawForm::from_request(request, app).await.map_err(|e| {
        use axum::response::IntoResponse;
        if e.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { unreadable() }
    })?;
    let fields = form_urlencoded::parse(&bytes).into_owned().take(PARTS_MAX).collect();
    Ok(FormData { fields, ..FormData::default() })
}

async fn parts(request: Request, app: &App) -> Result<FormData, Fault> {
    let mut multipart = Multipart::from_request(request, app).await.map_err(|_| unreadable())?;
    let mut data = FormData::default();
    let read =
        |e: axum::extract::multipart::MultipartError| if e.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { unreadable() };
    while let Some(field) = multipart.next_field().await.map_err(read)? {
        if data.fields.len() + data.files.len() >= PARTS_MAX {
            return Err(unreadable());
        }
        let name = field.name().unwrap_or_default().to_owned();
        match field.file_name().map(str::to_owned) {
            None => data.fields.push((name, field.text().await.map_err(read)?)),
            Some(file_name) => {
                let content_type = field.content_type().unwrap_or_default().to_owned();
                let bytes = field.bytes().await.map_err(read)?.to_vec();
                // An empty file input of a browser.
                if !(file_name.is_empty() && bytes.is_empty()) {
                    data.files.push(File { field: name, name: file_name, content_type, bytes });
                }
            }
        }
    }
    Ok(data)
}

/// The bytes that are escaped in a part of an address: all but the unreserved ones (RFC 3986, 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of an address: a segment of a path, or a value of a query.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn a_text_is_one_part_of_an_address() {
        assert_eq!(encode("a b/ü+~-_."), "a%20b%2F%C3%BC%2B~-_.");
    }
}
