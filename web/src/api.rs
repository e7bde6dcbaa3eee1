//! The API: JSON in, JSON out, errors as problem documents.

pub mod choices;
pub mod events;
pub mod incidents;
pub mod processes;
pub mod security;
pub mod tickets;
pub mod work;

use crate::problem::{Fault, problem};
use crate::who::Who;
use crate::{App, RequestId, input, layout};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use vorgang_core::attachment::Blob;
use vorgang_core::commands::{ArticleInput, Command, Form};
use vorgang_core::decision::Remark;
use vorgang_core::ids::{Seq, TicketId};
use vorgang_core::mail::MailInput;
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rights::{self, Sight};
use vorgang_core::snapshot::Snapshot;
use vorgang_definitions::model::Model;
use vorgang_definitions::values::from_stored;
use vorgang_runtime::{Answer, Done, Error, Idempotent};
use vorgang_store::StoreError;

/// Longest `Idempotency-Key`.
const KEY_BYTES_MAX: usize = 255;

/// Most values of a body.
const VALUES_MAX: usize = 100_000;

/// The body of a request, read as JSON, with what makes it repeatable.
pub struct Body<T> {
    pub value: T,
    hash: [u8; 32],
    key: Option<String>,
}

impl<T: serde::de::DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(layout::no_id);
        let key = request.headers().get("idempotency-key").map(|v| v.to_str().map(str::to_owned));
        let target = format!("{} {}\n", request.method(), request.uri().path());
        let bytes = Bytes::from_request(request, app).await.map_err(|e| {
            let status = e.into_response().status();
            problem(&Fault::new(status, "The body is too large or cannot be read.", "Der Inhalt ist zu groß oder nicht lesbar."), &id)
        })?;
        let bad = |text: String| problem(&Fault::new(StatusCode::BAD_REQUEST, &text, &text), &id);
        let Ok(key) = key.transpose() else { return Err(bad("An Idempotency-Key is plain ASCII.".into())) };
        if key.as_ref().is_some_and(|k| k.is_empty() || k.len() > KEY_BYTES_MAX) {
            return Err(bad(format!("An Idempotency-Key has 1 to {KEY_BYTES_MAX} characters.")));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        if values(text) > VALUES_MAX {
            return Err(bad(format!("The JSON has more than {VALUES_MAX} values.")));
        }
        let value = serde_json::from_slice(text).map_err(|e| bad(format!("The JSON cannot be read: {e}.")))?;
        let hash = vorgang_runtime::sha256(&[target.as_bytes(), &bytes].concat());
        Ok(Self { value, hash, key })
    }
}

/// Values in a text of JSON, at most: in memory each takes many times its two bytes.
fn values(json: &[u8]) -> usize {
    let (mut quoted, mut escaped, mut count) = (false, false, 1);
    for b in json {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// An article as the API takes it.
#[derive(Debug, Default, Deserialize)]
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MailBody {
    to: Vec<String>,
    #[serde(default)]
    cc: Vec<String>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AttachmentBody {
    name: String,
    #[serde(default)]
    content_type: String,
    /// base64
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
#[derive(Debug, Default, Deserialize)]
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

/// The ticket as the API gives it (contract).
/// `shown` are the fields that may be given; `None` for all.
pub fn ticket_json(model: &Model, snapshot: &Snapshot, agent: bool, shown: Option<&BTreeSet<String>>) -> Json {
    let (t, names) = (&snapshot.ticket, &model.names);
    let fields: serde_json::Map<String, Json> = t
        .fields
        .iter()
        .filter(|(name, _)| shown.is_none_or(|s| s.contains(*name)))
        .filter_map(|(name, json)| {
            let field = names.fields.get(name)?;
            let value = from_stored(field, json)?.to_json();
            Some((
                name.clone(),
                if let Json::Object(mut o) = value {
                    o.remove("blob");
                    Json::Object(o)
                } else {
                    value
                },
            ))
        })
        .collect();
    let work: Vec<Json> = snapshot
        .open_work()
        .filter_map(|w| {
            let instance = snapshot.instance(w.instance)?;
            let activity = model.process_by_hash(&instance.hash)?.def.activities.get(&w.activity)?;
            if !agent && !activity.is_public() {
                return None;
            }
            let mut dialogs: Vec<&str> = activity.dialogs.names().collect();
            if activity.approval.is_some() {
                dialogs.push("approval");
            }
            let mut json = json!({
                "id": part_id(t.id, w.seq), "process": instance.process, "activity": w.activity, "status": w.status.word(),
                "element": w.copy().map(|c| c.element.to_string()), "dialogs": dialogs, "assigned_to": null, "due": vorgang_core::offered::due(snapshot, activity, w.seq),
            });
            if agent {
                json["assigned_to"] = w.claimed_by.clone().into();
            }
            Some(json)
        })
        .collect();
    json!({
        "number": t.number, "title": t.title, "type": t.ticket_type, "queue": t.queue, "state": t.state,
        "state_type": names.state_type(&t.state), "priority": names.priority_level(&t.priority), "priority_name": t.priority,
        "owner": t.owner.as_ref().filter(|_| agent), "responsible": t.responsible.as_ref().filter(|_| agent), "customer": t.customer, "customer_user": t.customer_user,
        "lock": if agent { json!(t.lock()) } else { Json::Null }, "accounted": if agent { json!(t.accounted) } else { Json::Null },
        "watchers": if agent { json!(&*snapshot.watchers) } else { json!([]) },
        "service": null, "sla": null, "fields": fields, "created": t.created, "updated": t.updated,
        "pending_until": t.pending_until, "first_response_due": null, "update_due": null, "solution_due": null,
        "version": snapshot.version, "work": work,
    })
}

/// The id of a work item or incident in the API: its ticket's id, and its own within the ticket.
pub fn part_id(ticket: TicketId, part: impl Into<Seq>) -> String {
    format!("{ticket}-{}", part.into())
}

pub fn parse_id<T: FromStr>(id: &str) -> Option<(i64, T)> {
    let (ticket, seq) = id.split_once('-')?;
    Some((ticket.parse().ok()?, seq.parse().ok()?))
}

pub fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

pub fn json_response(status: StatusCode, body: &Json, version: Option<u64>) -> Response {
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    if let Some(value) = version.and_then(|v| header::HeaderValue::from_str(&etag(v)).ok()) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// The version that `If-Match` asks for. A version of ours is a number in quotes; anything else matches nothing.
pub fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let bad = || Fault::new(StatusCode::BAD_REQUEST, "If-Match cannot be read.", "If-Match ist nicht lesbar.");
    let text = value.to_str().map_err(|_| bad())?;
    if text.trim() == "*" {
        return Ok(None);
    }
    Ok(Some(text.trim().trim_matches('"').parse().unwrap_or(u64::MAX)))
}

/// Runs a command; with an `Idempotency-Key` a repeated request is answered as the first time.
pub async fn execute(
    app: &App,
    who: &Who,
    id: &RequestId,
    ticket: Option<&str>,
    command: Command,
    status: StatusCode,
    key: Keyed,
) -> Response {
    let writer = Answerer::new(app, who);
    let answer = |done: &Done| writer.kept(status, done);
    let request = vorgang_runtime::Request { actor: &who.person, ticket, command, cause: "api", at: None };
    let result = app.desk.execute_once(request, key.once(&answer)).await;
    writer.response(status, result, id).await
}

/// Writes the answers to one person's commands.
pub struct Answerer {
    desk: std::sync::Arc<vorgang_runtime::Desk>,
    model: std::sync::Arc<Model>,
    person: std::sync::Arc<Person>,
}

/// A kept answer, with what its reader could see of the ticket.
#[derive(Serialize, Deserialize)]
struct Kept {
    seen: Seen,
    body: Json,
}

/// How much of a ticket a person sees: more than before, or less?
#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    sight: u8,
    agent: bool,
    /// The only fields, if not all.
    fields: Option<BTreeSet<String>>,
}

impl Seen {
    /// Is everything of the other in it?
    fn covers(&self, other: &Self) -> bool {
        let fields = match (&self.fields, &other.fields) {
            (None, _) => true,
            (Some(now), Some(then)) => then.is_subset(now),
            (Some(_), None) => false,
        };
        self.sight >= other.sight && self.agent >= other.agent && fields
    }
}

impl Answerer {
    pub fn new(app: &App, who: &Who) -> Self {
        Self { desk: app.desk.clone(), model: app.desk.model(), person: who.person.clone() }
    }

    fn is_agent(&self) -> bool {
        self.person.kind == PersonKind::Agent
    }

    fn seen(&self, snapshot: &Snapshot) -> Seen {
        let sight = rights::sight(&self.model.names, &self.person, snapshot);
        Seen { sight: sight as u8, agent: self.is_agent(), fields: self.desk.shown_fields(&self.person, snapshot) }
    }

    /// The answer of what was done.
    fn body(&self, done: &Done, seen: &Seen) -> Json {
        let agent = self.is_agent();
        // A caller without sight of the ticket gets its number and version only.
        let mut body = if seen.sight == Sight::Nothing as u8 {
            json!({"number": done.after.ticket.number, "version": done.after.version})
        } else {
            ticket_json(&self.model, &done.after, agent, seen.fields.as_ref())
        };
        if agent && !done.made.is_empty() {
            body["made"] = json!(done.made);
        }
        match &done.notice {
            // Customers never see conditions, nor what went wrong inside (C20).
            Some(Remark::NoBranch(_)) if !agent => body["notice"] = json!({"no_branch": []}),
            Some(Remark::Incident(_)) if !agent => body["notice"] = json!({"incident": ""}),
            Some(Remark::NoBranch(c)) => body["notice"] = json!({"no_branch": c}),
            Some(Remark::NotMeant(_)) => {}
            Some(Remark::Rejected) => body["notice"] = json!({"rejected": true}),
            Some(Remark::NewTicket(number)) => body["notice"] = json!({"new_ticket": number}),
            Some(Remark::Incident(m)) => body["notice"] = json!({"incident": m}),
            None => {}
        }
        body
    }

    /// The answer as it is kept under the request's key.
    pub fn kept(&self, status: StatusCode, done: &Done) -> (u16, String) {
        let seen = self.seen(&done.after);
        let body = self.body(done, &seen);
        (status.as_u16(), serde_json::to_string(&Kept { seen, body }).unwrap_or_default())
    }

    /// The response to a command, done now or before.
    pub async fn response(&self, status: StatusCode, result: Result<Answer, Error>, id: &RequestId) -> Response {
        match result {
            Ok(Answer::Done(done)) => {
                let body = self.body(&done, &self.seen(&done.after));
                raw(status.as_u16(), body.to_string(), Some(done.after.version))
            }
            Ok(Answer::Again(status, kept)) => match self.again(&kept).await {
                Ok(body) => raw(status, body.to_string(), None),
                Err(e) => problem(&Fault::from(e), id),
            },
            Err(Error::Rejected(r)) => problem(&Fault::from(Error::Rejected(r.told_to(self.person.kind))), id),
            Err(e) => problem(&Fault::from(e), id),
        }
    }

    /// A kept answer for the person who asks now: in full only while everything in it may still be seen.
    async fn again(&self, kept: &str) -> Result<Json, Error> {
        let corrupt = |why: String| StoreError::Corrupt(format!("a kept answer: {why}"));
        let kept: Json = serde_json::from_str(kept).map_err(|e| corrupt(e.to_string()))?;
        // Answers of earlier releases do not say who saw what.
        let (seen, body) = match serde_json::from_value::<Kept>(kept.clone()) {
            Ok(kept) => (Some(kept.seen), kept.body),
            Err(_) => (None, kept),
        };
        let number = body["number"].as_str().ok_or_else(|| corrupt("it names no ticket".into()))?;
        let now = self.desk.store.ticket_load(number).await?.map(|stored| self.seen(&stored.snapshot));
        if let (Some(now), Some(then)) = (&now, &seen)
            && now.covers(then)
        {
            return Ok(body);
        }
        Ok(json!({"number": number, "version": body["version"]}))
    }
}

fn raw(status: u16, body: String, version: Option<u64>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    if let Some(value) = version.and_then(|v| header::HeaderValue::from_str(&etag(v)).ok()) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// What makes a request repeatable.
pub struct Keyed {
    key: Option<String>,
    hash: [u8; 32],
}

impl Keyed {
    /// For a command that writes its answer like this.
    pub fn once<'a>(&'a self, answer: &'a (dyn Fn(&Done) -> (u16, String) + Sync)) -> Option<Idempotent<'a>> {
        self.key.as_deref().map(|key| Idempotent { key, body_hash: self.hash, answer })
    }
}

impl<T> Body<T> {
    pub fn split(self) -> (T, Keyed) {
        (self.value, Keyed { key: self.key, hash: self.hash })
    }
}

pub fn failed(error: Error, id: &RequestId) -> Response {
    problem(&Fault::from(error), id)
}
