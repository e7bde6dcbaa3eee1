//! Runs commands, and writes their answers.

use crate::App;
use crate::api::answers::{Changed, Notice, Number, Seen, Ticket};
use crate::api::body::Keyed;
use crate::api::operation::Answer;
use crate::problem::Fault;
use crate::who::Who;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use vorgang_core::commands::Command;
use vorgang_core::decision::Remark;
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::rights::{self, Sight};
use vorgang_core::snapshot::Snapshot;
use vorgang_definitions::model::Model;
use vorgang_runtime::{Desk, Done, Error};
use vorgang_store::StoreError;

/// Runs a command; with an `Idempotency-Key` a repeated request is answered as the first time.
pub async fn execute<const STATUS: u16>(
    app: &App,
    who: &Who,
    ticket: Option<&str>,
    command: Command,
    key: &Keyed,
) -> Result<Answer<Changed, STATUS>, Fault> {
    let writer = Answerer::new(app, who);
    let answer = |done: &Done| writer.kept(STATUS, done);
    let request = vorgang_runtime::Request { actor: &who.person, ticket, command, cause: "api", at: None };
    let result = app.desk.execute_once(request, key.once(&answer)).await;
    writer.answer(result).await
}

/// Writes the answers to one person's commands.
pub struct Answerer {
    desk: Arc<Desk>,
    model: Arc<Model>,
    person: Arc<Person>,
}

/// A kept answer, with what its reader could see of the ticket.
#[derive(Serialize, Deserialize)]
struct Kept<B> {
    seen: Extent,
    body: B,
}

/// How much of a ticket a person sees: more than before, or less?
#[derive(Debug, Serialize, Deserialize)]
struct Extent {
    sight: u8,
    agent: bool,
    /// The only fields, if not all.
    fields: Option<BTreeSet<String>>,
}

impl Extent {
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

    fn extent(&self, snapshot: &Snapshot) -> Extent {
        let sight = rights::sight(&self.model.names, &self.person, snapshot);
        Extent { sight: sight as u8, agent: self.is_agent(), fields: self.desk.shown_fields(&self.person, snapshot) }
    }

    /// The answer of what was done.
    fn body(&self, done: &Done, seen: &Extent) -> Changed {
        let agent = self.is_agent();
        let ticket = if seen.sight == Sight::Nothing as u8 {
            Seen::Number(Number { number: done.after.ticket.number.clone(), version: done.after.version })
        } else {
            Seen::Ticket(Box::new(Ticket::new(&self.model, &done.after, agent, seen.fields.as_ref())))
        };
        let notice = match &done.notice {
            // Customers never see conditions, nor what went wrong inside (C20).
            Some(Remark::NoBranch(conditions)) => Some(Notice::NoBranch(if agent { conditions.clone() } else { vec![] })),
            Some(Remark::Incident(why)) => Some(Notice::Incident(if agent { why.clone() } else { String::new() })),
            Some(Remark::Rejected) => Some(Notice::Rejected(true)),
            Some(Remark::NewTicket(number)) => Some(Notice::NewTicket(number.clone())),
            Some(Remark::NotMeant(_)) | None => None,
        };
        Changed { ticket, made: if agent { done.made.clone() } else { vec![] }, notice }
    }

    /// The answer as it is kept under the request's key.
    pub fn kept(&self, status: u16, done: &Done) -> (u16, String) {
        let seen = self.extent(&done.after);
        let body = self.body(done, &seen);
        (status, serde_json::to_string(&Kept { seen, body }).unwrap_or_default())
    }

    /// The answer to a command, done now or before.
    pub async fn answer<const STATUS: u16>(
        &self,
        result: Result<vorgang_runtime::Answer, Error>,
    ) -> Result<Answer<Changed, STATUS>, Fault> {
        match result {
            Ok(vorgang_runtime::Answer::Done(done)) => {
                let body = self.body(&done, &self.extent(&done.after));
                Ok(Answer::new(&body).at_version(done.after.version))
            }
            Ok(vorgang_runtime::Answer::Again(status, kept)) => Ok(Answer::written(status, self.again(&kept).await?.to_string())),
            Err(Error::Rejected(r)) => Err(Error::Rejected(r.told_to(self.person.kind)).into()),
            Err(e) => Err(e.into()),
        }
    }

    /// A kept answer for the person who asks now: in full only while everything in it may still be seen.
    async fn again(&self, kept: &str) -> Result<Json, Error> {
        let corrupt = |why: String| StoreError::Corrupt(format!("a kept answer: {why}"));
        let kept: Json = serde_json::from_str(kept).map_err(|e| corrupt(e.to_string()))?;
        // Answers of earlier releases do not say who saw what.
        let (seen, body) = match serde_json::from_value::<Kept<Json>>(kept.clone()) {
            Ok(kept) => (Some(kept.seen), kept.body),
            Err(_) => (None, kept),
        };
        let number = body["number"].as_str().ok_or_else(|| corrupt("it names no ticket".into()))?;
        let now = self.desk.store.ticket_load(number).await?.map(|stored| self.extent(&stored.snapshot));
        if let (Some(now), Some(then)) = (&now, &seen)
            && now.covers(then)
        {
            return Ok(body);
        }
        Ok(json!({"number": number, "version": body["version"]}))
    }
}
