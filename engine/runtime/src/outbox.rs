//! Mail goes out: one channel of deliveries, with a lane for each account. A mail that was taken just before a crash is sent twice, with
//! the same Message-ID.

pub mod brake;

use crate::delivery::{self, AttemptEnd, Channel, LanePlan, Lanes, Packed, Retries};
use crate::desk::{Desk, Request};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use vorgang_core::commands::{Command, EndMail};
use vorgang_core::ids::{ArticleId, TicketId};
use vorgang_core::mail::{Address, Head, Outgoing};
use vorgang_core::people::{self, Person, PersonKind};
use vorgang_core::rights::{self, Sight};
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_store::StoreError;
use vorgang_store::deliveries::{self, Content, Delivery, DeliveryState, End};
use vorgang_store::due::Work;

/// Mails that are under way at the same time to one server.
const WIDTH: usize = 8;
/// Mails that are fetched at once: seven rounds, each of two minutes at most, so that all have ended before another node may
/// take them.
const BATCH: u32 = 7 * WIDTH as u32;
/// Longest time that one mail may take, whatever the server does.
const ANSWER: Duration = Duration::from_secs(120);
/// More than these for one address at a time become one mail that lists them.
pub const DIGEST: usize = 20;
/// What is older when it is first tried waits for an administrator: nobody wants to hear of it by surprise.
pub const STALE: SignedDuration = SignedDuration::from_hours(72);
/// Attempts until a mail is given up: with the waits between them about three days.
pub const ATTEMPTS_MAX: u32 = 24;
/// After 15 s, 30 s, … at most four hours.
const RETRIES: Retries = Retries { most: ATTEMPTS_MAX - 1, first: 15, longest: 4 * 60 * 60, spread: true };

/// One mail, ready to be sent.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// Its Message-ID up to the `@`: the same however often it is sent.
    pub id: String,
    /// The sender; the server's own where there is none.
    pub from: Option<Address>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub subject: String,
    pub body: String,
    /// Message-IDs of what it answers, the oldest first.
    pub references: Vec<String>,
    pub origin: Origin,
    /// Where people choose what they are told (RFC 2369).
    pub unsubscribe: Option<String>,
    /// Name, type and content.
    pub attachments: Vec<(String, String, Arc<Vec<u8>>)>,
    /// The account whose own server takes it; otherwise the desk's does.
    pub account: Option<Box<MailAccount>>,
}

/// Who wrote it (RFC 3834).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    Person,
    /// The desk, by itself.
    #[default]
    Generated,
    /// The desk, to a mail.
    Replied,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// May be better later.
    Temporary(String),
    /// The server did not answer: neither will it to the next.
    Silent(String),
    /// Will never be taken.
    Permanent(String),
}

/// The way to the mail server.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    async fn send(&self, mail: &Mail) -> Result<(), SendError>;
    /// Accounts without a server of their own have one.
    fn has_default(&self) -> bool {
        true
    }
}

/// The servers of mail accounts.
#[async_trait]
pub trait Servers: Send + Sync + 'static {
    /// Signs in at each of the account's servers, and leaves everything as it is: what worked, and what did not.
    async fn test(&self, account: &MailAccount) -> Vec<Result<String, String>>;
}

/// How links in mails begin, without a slash at the end.
#[derive(Debug, Clone)]
pub struct Links(pub String);

impl Links {
    fn ticket(&self, person: &Person, number: &str) -> String {
        let base = if person.kind == PersonKind::Agent { "/agent" } else { "" };
        format!("{}{base}/tickets/{number}", self.0)
    }
}

/// How long a mail that was sent can be looked up, and the key of a request stands for its answer.
const KEPT: (SignedDuration, SignedDuration) = (SignedDuration::from_hours(30 * 24), SignedDuration::from_hours(24));

/// Nothing waits longer for its next attempt: quiet hours end within a day.
const LATEST: SignedDuration = SignedDuration::from_hours(26);

/// Removes, a little at a time, what is no longer needed. Runs until it is aborted.
pub async fn sweep(desk: Arc<Desk>) {
    let mut more = 0;
    loop {
        let swept = async {
            if !desk.store.lane("sweep").await? {
                return Ok(0);
            }
            // Once a rest, not for each piece.
            if more == 0 {
                pull_back(&desk).await?;
            }
            let now = desk.clock.now();
            desk.store.sweep(now - KEPT.0, now - KEPT.1).await
        };
        more = swept.await.unwrap_or_else(|e| {
            tracing::warn!("sweep: {e}");
            0
        });
        tokio::time::sleep(if more > 0 { Duration::from_secs(1) } else { Duration::from_secs(600) }).await;
    }
}

/// A clock that was ahead for a while has put off attempts further than anything else does: they are due now.
pub async fn pull_back(desk: &Desk) -> Result<(), StoreError> {
    let now = desk.clock.now();
    let mut count = 0;
    for channel in deliveries::Channel::ALL {
        count += desk.store.delivery_pull_back(channel, now + LATEST, now).await?;
    }
    if count > 0 {
        tracing::warn!(count, "deliveries that a clock which was ahead had put off are due now");
        desk.wakes.look_for_work();
    }
    Ok(())
}

/// The way out by a mail server.
pub struct MailChannel {
    pub mailer: Arc<dyn Mailer>,
    pub links: Links,
}

/// Sends the mail that is due now; how many mails were tried.
pub async fn deliver_due(desk: &Arc<Desk>, mailer: &Arc<dyn Mailer>, links: &Links) -> Result<usize, StoreError> {
    let channel: Arc<dyn Channel> = Arc::new(MailChannel { mailer: mailer.clone(), links: links.clone() });
    delivery::deliver_due(desk, &channel).await
}

/// The end of mails that are not sent.
fn end_of(mails: &[Delivery], state: DeliveryState, at: Timestamp, why: &str) -> Vec<End> {
    mails.iter().map(|m| End { id: m.id, state, at, attempts: 1, error: Some(why.to_owned()) }).collect()
}

#[async_trait]
impl Channel for MailChannel {
    fn plan(&self) -> LanePlan {
        LanePlan { channel: deliveries::Channel::Mail, work: Work::Mail, batch: BATCH, width: WIDTH, lanes: Lanes::Each }
    }

    fn retries(&self, _: &Delivery) -> Retries {
        RETRIES
    }

    async fn pack(&self, desk: &Desk, rows: Vec<Delivery>) -> Result<Packed, StoreError> {
        let now = desk.clock.now();
        let (fresh, stale): (Vec<Delivery>, Vec<Delivery>) =
            rows.into_iter().partition(|m| m.attempts > 0 || now.duration_since(m.created) < STALE);
        let mut packed = Packed::default();
        packed.ends.extend(end_of(&stale, DeliveryState::Held, now, "older than three days when it was to be sent"));
        let (fresh, stopped) = desk.let_through(fresh).await?;
        packed.ends.extend(stopped);
        let mut of_person: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        let mut digests: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for mail in fresh {
            let Content::Notice { sees, .. } = mail.content else {
                packed.parcels.push(vec![mail]);
                continue;
            };
            if sees && !still_sees(desk, &mail).await? {
                let gone = "the recipient may no longer see the ticket";
                packed.ends.extend(end_of(std::slice::from_ref(&mail), DeliveryState::Failed, now, gone));
                packed.told.push((vec![mail], gone.to_owned()));
                continue;
            }
            match &mail.digest {
                Some(digest) => digests.entry(digest.clone()).or_default().push(mail),
                // An attempt may have sent it: it stays one mail, so that another attempt has the same Message-ID.
                None if mail.begun => packed.parcels.push(vec![mail]),
                None => of_person.entry(mail.recipient.clone()).or_default().push(mail),
            }
        }
        packed.parcels.extend(digests.into_values());
        // A digest where there is much at once, one mail each otherwise; those of one person one after the other.
        for all in of_person.into_values() {
            if all.len() > DIGEST {
                let ids: Vec<i64> = all.iter().map(|m| m.id).collect();
                desk.store.delivery_digest(&ids, &digest_id(&all)).await?;
                packed.parcels.push(all);
            } else {
                packed.parcels.extend(all.into_iter().map(|m| vec![m]));
            }
        }
        // Persons' mail first, as it was claimed.
        packed.parcels.sort_by_key(|p| p.first().is_some_and(|m| m.outgoing().is_none_or(|o| o.auto)));
        Ok(packed)
    }

    async fn send(&self, desk: &Arc<Desk>, parcel: &[Delivery]) -> AttemptEnd {
        match self.attempt(desk, parcel).await {
            Ok(()) => AttemptEnd::Arrived,
            Err(SendError::Temporary(why)) => AttemptEnd::Again(why),
            Err(SendError::Silent(why)) => AttemptEnd::Silent(why),
            Err(SendError::Permanent(why)) => AttemptEnd::Failed(why),
        }
    }

    async fn ended(&self, desk: &Desk, parcel: &[Delivery], result: Result<(), &str>) {
        // Nothing is written on the ticket that nobody waits for.
        if result.is_err() || desk.model().listens("mail.sent") {
            tell(desk, parcel, result).await;
        }
    }
}

impl MailChannel {
    async fn attempt(&self, desk: &Desk, parcel: &[Delivery]) -> Result<(), SendError> {
        let Some(first) = parcel.first() else { return Ok(()) };
        let mail = match first.outgoing() {
            Some(outgoing) => outgoing_mail(desk, first, outgoing).await,
            None => notice_mail(desk, &self.links, parcel).await,
        }?;
        let sent = tokio::time::timeout(ANSWER, self.mailer.send(&mail)).await;
        sent.unwrap_or_else(|_| Err(SendError::Silent("no answer within two minutes".into())))
    }
}

/// A right that was lost since it was written takes the mail with it.
async fn still_sees(desk: &Desk, mail: &Delivery) -> Result<bool, StoreError> {
    let (model, people) = (desk.model(), desk.people());
    let Some(person) = people.get(&mail.recipient) else { return Ok(true) };
    let Some(ticket) = mail.ticket else { return Ok(true) };
    let stored = desk.store.ticket_load_by_id(ticket).await?;
    Ok(stored.is_some_and(|s| rights::sight(&model.names, person, &s.snapshot) != Sight::Nothing))
}

fn unread(e: StoreError) -> SendError {
    SendError::Temporary(e.to_string())
}

/// The mail of one notification, or one that lists many.
async fn notice_mail(desk: &Desk, links: &Links, parcel: &[Delivery]) -> Result<Mail, SendError> {
    let recipient = parcel.first().map_or("", |m| m.recipient.as_str());
    let people = desk.people();
    let person = people.get(recipient).filter(|p| p.active);
    let person = person.ok_or_else(|| SendError::Permanent(format!("nobody active has the login `{recipient}`")))?;
    if person.email.is_empty() {
        return Err(SendError::Permanent(format!("`{}` has no address", person.login)));
    }
    let model = desk.model();
    let site = model.names.site.title.get(&person.language, model.names.site.main_language());
    let threads = desk.threads().await.map_err(unread)?;
    let (subject, body) = written(person, links, site, parcel);
    let (id, subject) = match parcel {
        // Whoever answers it answers the ticket, where mail can come in.
        [one] if !model.names.accounts.is_empty() => (threads.id(&one.key), threads.subject(&subject, &one.number)),
        [one] => (threads.id(&one.key), subject),
        _ => (digest_id(parcel), subject),
    };
    let account = parcel.first().and_then(|m| model.names.accounts.get(&m.lane));
    Ok(Mail {
        id,
        from: account.map(|a| (&a.address).into()),
        account: own_server(account),
        to: vec![Address::new(&person.name, &person.email)],
        subject,
        body,
        unsubscribe: Some(format!("{}/settings", links.0)),
        ..Mail::default()
    })
}

/// The Message-ID of a digest, up to the `@`. Another list is another mail: one that was taken before must not hide it.
fn digest_id(parcel: &[Delivery]) -> String {
    let keys: Vec<&str> = parcel.iter().map(|m| m.key.as_str()).collect();
    format!("{}.vorgang", vorgang_core::chain::hex(&crate::desk::sha256(keys.join(" ").as_bytes())[..16]))
}

fn body(mail: &Delivery) -> &str {
    match &mail.content {
        Content::Notice { body, .. } => body,
        _ => "",
    }
}

fn written(person: &Person, links: &Links, site: &str, parcel: &[Delivery]) -> (String, String) {
    let german = person.language.starts_with("de");
    match parcel {
        [one] => (one.title().to_owned(), format!("{}\n\n-- \n{}\n", body(one).trim_end(), links.ticket(person, &one.number))),
        many => {
            let count = many.len();
            let list: String = many.iter().map(|m| format!("{}\n{}\n\n", m.title(), links.ticket(person, &m.number))).collect();
            if german {
                (format!("{site}: {count} Mitteilungen"), format!("Das ist auf einmal zusammengekommen:\n\n{list}"))
            } else {
                (format!("{site}: {count} notifications"), format!("This came together at once:\n\n{list}"))
            }
        }
    }
}

/// A mail to whoever is meant: an agent's answer, or one of the desk itself.
async fn outgoing_mail(desk: &Desk, row: &Delivery, outgoing: &Outgoing) -> Result<Mail, SendError> {
    let model = desk.model();
    let threads = desk.threads().await.map_err(unread)?;
    let account = outgoing.account.as_deref().and_then(|a| model.names.accounts.get(a));
    let mut attachments = vec![];
    for file in &outgoing.attachments {
        let bytes = desk.store.blob(&file.blob).await.map_err(unread)?;
        let bytes = bytes.ok_or_else(|| SendError::Permanent(format!("the file `{}` is not there", file.name)))?;
        attachments.push((file.name.clone(), file.content_type.clone(), bytes.into()));
    }
    let references = match outgoing.article {
        Some(article) => match row.ticket {
            Some(ticket) => before(desk, ticket, article, account).await.map_err(unread)?,
            None => vec![],
        },
        None => outgoing.references.clone(),
    };
    Ok(Mail {
        id: threads.id(&row.key),
        from: account.map(|a| (&a.address).into()),
        to: outgoing.to.clone(),
        cc: outgoing.cc.clone(),
        subject: threads.subject(&outgoing.subject, &row.number),
        body: outgoing.body.clone(),
        references,
        origin: if outgoing.auto { Origin::Replied } else { Origin::Person },
        unsubscribe: None,
        attachments,
        account: own_server(account),
    })
}

/// An account's own server takes its mail, where it has one.
fn own_server(account: Option<&MailAccount>) -> Option<Box<MailAccount>> {
    account.filter(|a| a.send.is_some()).cloned().map(Box::new)
}

/// Message-IDs of the ticket's mails before this article, so that mail programs show them as one thread.
async fn before(desk: &Desk, ticket: TicketId, article: ArticleId, account: Option<&MailAccount>) -> Result<Vec<String>, StoreError> {
    const MAX: usize = 20;
    let threads = desk.threads().await?;
    let domain = account.and_then(|a| a.address.address.split_once('@')).map_or("", |(_, d)| d);
    let id = |head: &Head| match head.outgoing {
        Some(seq) => format!("{}@{domain}", threads.id(&format!("{ticket}-{seq}"))),
        None => head.message_id.clone(),
    };
    let articles = desk.store.article_list(ticket).await?;
    let earlier = articles.iter().filter(|a| a.seq < article && a.visible).filter_map(|a| a.head.as_deref()).map(id);
    let all: Vec<String> = earlier.filter(|id| !id.is_empty()).collect();
    Ok(all[all.len().saturating_sub(MAX)..].to_vec())
}

/// The tickets are told how their mail has ended.
async fn tell(desk: &Desk, parcel: &[Delivery], result: Result<(), &str>) {
    let system = people::system();
    for mail in parcel {
        let Some(notice) = mail.key.rsplit_once('-').and_then(|(_, seq)| seq.parse().ok()) else { continue };
        let result = result.map_err(|why| format!("mail `{}` to {}: {why}", mail.notification(), mail.recipient));
        let command = Command::EndMail(EndMail { notice, to: mail.recipient.clone(), result });
        let request = Request { actor: &system, ticket: Some(&mail.number), command, cause: "mail", at: None };
        if let Err(e) = desk.execute(request).await {
            tracing::error!(ticket = %mail.number, "a mail has ended, and its ticket could not be told: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_four_hours_and_last_three_days() {
        let now = Timestamp::UNIX_EPOCH;
        let next = |attempts| RETRIES.next(now, attempts, "7-3").map(|t| t.duration_since(now).as_secs());
        let waits: Vec<i64> = (0..ATTEMPTS_MAX).map_while(next).collect();
        assert_eq!(waits.len() as u32, ATTEMPTS_MAX - 1);
        assert!((15..=19).contains(&waits[0]), "{waits:?}");
        assert!(waits.iter().all(|w| *w <= i64::from(RETRIES.longest) * 5 / 4));
        let days = waits.iter().sum::<i64>() as f64 / 86_400.0;
        assert!((2.0..=4.0).contains(&days), "{days} days");
    }
}
