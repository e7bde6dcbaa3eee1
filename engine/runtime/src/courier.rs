//! Messages reach every running instance that they match, each ticket once: what one does and its mark are one commit.

use crate::delivery::{self, AttemptEnd, Channel, LanePlan, Lanes, Retries};
use crate::desk::{Desk, Error, Request};
use crate::lane::Lane;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use vorgang_core::commands::{Command, ReceiveMessage};
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::message::{self, Data};
use vorgang_core::people;
use vorgang_core::rejection::Rejection;
use vorgang_store::StoreError;
use vorgang_store::courier::{NewMessage, OpenMessage};
use vorgang_store::deliveries::{self, Content, Delivery};
use vorgang_store::due::Work;

/// How often messages that wait are looked at.
const WAITING_EVERY: SignedDuration = SignedDuration::from_secs(1);
/// Messages that are fetched at once, and tickets of one.
const BATCH: u32 = 64;
const TICKETS: u32 = 256;
/// Tickets that one reaches at the same time.
const LANE: usize = 8;

/// How long a command may be on its way into the database.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// Why a message is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("no process declares the message")]
    Unknown,
    /// What is wrong with what it carries, name by name.
    #[error("it does not carry what it should")]
    Data(Vec<(String, String)>),
    #[error("the key was used for another message")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Desk {
    /// Takes a message from outside; its id. It is delivered afterwards.
    pub async fn message(
        &self,
        name: &str,
        data: &serde_json::Map<String, serde_json::Value>,
        by: &str,
        key: Option<&str>,
    ) -> Result<i64, SendError> {
        let (model, now) = (self.model(), self.clock.now());
        let shape = model.names.messages.get(name).ok_or(SendError::Unknown)?;
        let data: Data = message::read(shape, data).map_err(SendError::Data)?;
        let until = message::kept_until(&model, name, now);
        let key = key.map(|k| format!("{by} {k}"));
        let new = NewMessage { name: name.to_owned(), data, sent: now, by: by.to_owned(), key, until };
        match self.store.message_send(new).await {
            Err(StoreError::Conflict) => Err(SendError::KeyReused),
            other => {
                self.wakes.look_for_work();
                Ok(other?)
            }
        }
    }
}

/// The way to the processes that wait for a message.
pub struct MessageChannel;

#[async_trait]
impl Channel for MessageChannel {
    fn plan(&self) -> LanePlan {
        LanePlan { channel: deliveries::Channel::Message, work: Work::Messages, batch: BATCH, width: 1, lanes: Lanes::Ordered }
    }

    /// It waits as long as it has to.
    fn retries(&self, _: &Delivery) -> Retries {
        Retries { most: u32::MAX, first: 1, longest: 60, spread: false }
    }

    async fn send(&self, desk: &Arc<Desk>, parcel: &[Delivery]) -> AttemptEnd {
        let Some(Content::Message { message, .. }) = parcel.first().map(|d| &d.content) else {
            return AttemptEnd::Failed("it is no message".into());
        };
        let now = desk.clock.now();
        let open = match desk.store.message_open(*message).await {
            Ok(Some(open)) => open,
            Ok(None) => return AttemptEnd::Arrived,
            Err(e) => return AttemptEnd::Again(e.to_string()),
        };
        match deliver_one(desk, open).await {
            Ok(true) => AttemptEnd::Arrived,
            // Any commit may be the one that it waits for.
            Ok(false) => AttemptEnd::Later(now + WAITING_EVERY),
            // Others were faster again and again: what is done is marked, and the rest is asked at once.
            Err(Error::Store(StoreError::Conflict)) => AttemptEnd::Later(now),
            Err(e) => AttemptEnd::Again(e.to_string()),
        }
    }
}

/// Delivers the messages that are due, and those that wait too where `waiting`; how many were tried.
pub async fn deliver(desk: &Arc<Desk>, waiting: bool) -> Result<usize, Error> {
    if waiting {
        let now = desk.clock.now();
        desk.store.delivery_pull_back(deliveries::Channel::Message, now, now).await?;
    }
    let channel: Arc<dyn Channel> = Arc::new(MessageChannel);
    Ok(delivery::deliver_due(desk, &channel).await?)
}

/// Asks all that may wait for the message. True when it has reached all that it can; otherwise it waits.
async fn deliver_one(desk: &Arc<Desk>, mut message: OpenMessage) -> Result<bool, Error> {
    let looked = desk.clock.now();
    // Where the clock was ahead once, all is asked again.
    message.looked = message.looked.map(|before| if before > looked { Timestamp::UNIX_EPOCH } else { before });
    if message.looked.is_some() && message.until.is_none_or(|u| u <= looked) {
        desk.store.message_asked(message.id, looked, true).await?;
        return Ok(true);
    }
    let model = desk.model();
    let hashes: Vec<String> = message::waiting(&model, &message.name).map(|p| p.hash.clone()).collect();
    loop {
        let tickets = desk.store.message_tickets(&message, &hashes, TICKETS).await?;
        let Some((last, _)) = tickets.last().cloned() else { break };
        let (mut lane, mut busy) = (Lane::new(LANE, tickets), None);
        let work = |(_, number): &(TicketId, TicketNumber)| {
            let (desk, message, number) = (desk.clone(), message.clone(), number.clone());
            async move { reach(&desk, &message, &number).await }
        };
        while let Some(((_, number), result)) = lane.next(work).await {
            match result {
                Ok(Ok(())) => {}
                // Somebody else was faster, again and again: it is asked once more, later.
                Ok(Err(e @ Error::Store(StoreError::Conflict))) => busy = Some(e),
                // Without a database it waits; what it has done is marked.
                Ok(Err(Error::Store(e))) if e.passes() => return Err(e.into()),
                Ok(Err(e)) => tracing::error!(ticket = %number, message = message.name, "a message was not taken: {e}"),
                Err(e) => tracing::error!(ticket = %number, message = message.name, "a message's delivery broke off: {e}"),
            }
        }
        if let Some(e) = busy {
            return Err(e);
        }
        message.cursor = last.0;
        desk.store.message_progress(&mut message).await?;
    }
    // What others have done meanwhile counts too; what comes later does not.
    message.cursor = i64::MAX;
    desk.store.message_progress(&mut message).await?;
    let waits = message.reached == 0 && message.until.is_some_and(|u| u > looked);
    // A command that was decided before it was looked may be written after: those of the last minute are asked again.
    desk.store.message_asked(message.id, looked - MARGIN, !waits).await?;
    Ok(!waits)
}

async fn reach(desk: &Desk, message: &OpenMessage, number: &str) -> Result<(), Error> {
    let command = Command::ReceiveMessage(ReceiveMessage {
        name: message.name.clone(),
        data: message.data.clone(),
        sent: message.sent,
        hops: message.hops,
    });
    let (system, cause) = (people::system(), format!("message {}", message.name));
    let request = Request { actor: &system, ticket: Some(number), command, cause: &cause, at: None };
    match desk.execute_message(request, message.id).await {
        Ok(_) | Err(Error::Rejected(Rejection::NotFound)) => Ok(()),
        Err(e) => Err(e),
    }
}
