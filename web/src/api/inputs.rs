//! What the API takes: articles, forms and files.

use crate::input;
use crate::problem::Fault;
use axum::http::StatusCode;
use base64::Engine;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use vorgang_core::attachment::Blob;
use vorgang_core::commands::{ArticleInput, Form};
use vorgang_core::mail::MailInput;

/// An article as the API takes it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArticleBody {
    #[serde(default)]
    subject: String,
    #[serde(default)]
    body: String,
    /// Customers see it; yes if not given.
    #[serde(default = "yes")]
    visible: bool,
    /// How long the agent worked.
    minutes: Option<u32>,
    #[serde(default)]
    attachments: Vec<AttachmentBody>,
    /// It goes out as a mail.
    mail: Option<MailBody>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MailBody {
    to: Vec<String>,
    #[serde(default)]
    cc: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AttachmentBody {
    name: String,
    #[serde(default)]
    content_type: String,
    /// base64
    #[schemars(extend("contentEncoding" = "base64"))]
    content: String,
}

impl ArticleBody {
    pub fn input(self) -> Result<ArticleInput, Fault> {
        let mut input = ArticleInput {
            subject: self.subject,
            body: self.body,
            visible: self.visible,
            minutes: self.minutes,
            mail: self.mail.map(|m| {
                let list = |all: &[String]| vorgang_mail::address::parse_all(all.iter().map(String::as_str));
                MailInput { to: list(&m.to), cc: list(&m.cc) }
            }),
            ..ArticleInput::default()
        };
        for a in self.attachments {
            input.attachments.push(decoded(a)?);
        }
        Ok(input)
    }
}

fn decoded(a: AttachmentBody) -> Result<(vorgang_core::attachment::Attachment, Blob), Fault> {
    let wrong = |text: &str| Fault::new(StatusCode::BAD_REQUEST, text, text);
    let bytes = base64::engine::general_purpose::STANDARD.decode(a.content).map_err(|_| wrong("An attachment's content is not base64."))?;
    if a.content_type.contains(['\r', '\n']) || a.name.contains(['\r', '\n', '\0']) {
        return Err(wrong("An attachment's name or type has a line break."));
    }
    Ok(input::stored(a.name, a.content_type, bytes))
}

/// A dialog as the API takes it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormBody {
    dialog: Option<String>,
    outcome: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, Json>,
    article: Option<ArticleBody>,
    /// The ticket's version that the caller has seen.
    version: Option<u64>,
}

impl FormBody {
    pub fn form(self) -> Result<Form, Fault> {
        let mut form = Form {
            dialog: self.dialog,
            outcome: self.outcome,
            values: self.fields,
            article: self.article.map(ArticleBody::input).transpose()?,
            seen: self.version,
            ..Form::default()
        };
        form.blobs = take_files(&mut form.values)?;
        Ok(form)
    }
}

/// Files among values come as {name, content_type, content}; their content is taken out.
pub fn take_files(values: &mut BTreeMap<String, Json>) -> Result<Vec<Blob>, Fault> {
    let mut blobs = vec![];
    for value in values.values_mut() {
        if value.get("content").is_some() {
            let body: AttachmentBody = serde_json::from_value(value.take()).map_err(|e| {
                Fault::new(StatusCode::BAD_REQUEST, &format!("A file cannot be read: {e}."), "Eine Datei ist nicht lesbar.")
            })?;
            let (attachment, blob) = decoded(body)?;
            *value = serde_json::to_value(&attachment).unwrap_or(Json::Null);
            blobs.push(blob);
        } else if value.get("blob").is_some() {
            return Err(Fault::new(
                StatusCode::BAD_REQUEST,
                "A file is sent with its content.",
                "Eine Datei wird mit ihrem Inhalt gesendet.",
            ));
        }
    }
    Ok(blobs)
}
