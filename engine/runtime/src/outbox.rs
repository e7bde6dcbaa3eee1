//! Mail goes out from the outbox: what a command wants to say is committed with it, and sent afterwards, again and
//! again until the server takes it. A mail that was taken just before a crash is sent twice, with the same Message-ID.

use crate::desk::{Desk, Request};
use crate::lane::Lane;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use vorgang_core::Command;
use vorgang_core::people::{self, Person, PersonKind};
use vorgang_core::rights::{self, Sight};
use vorgang_store::StoreError;
use vorgang_store::messages::{MailRow, MailState};

/// How often it is looked for mail that is due.
const LOOK: Duration = Duration::from_millis(500);
/// Mails that are under way at the same time.
const LANE: usize = 8;
/// Mails that are fetched at once: seven rounds, each of two minutes at most, so that all have ended before another node may
/// take them.
const BATCH: u32 = 7 * LANE as u32;
/// How long a mail belongs to the attempt under way; longer than all of a batch may take.
const LEASE: SignedDuration = SignedDuration::from_mins(15);
/// Longest time that one mail may take, whatever the server does.
const ANSWER: Duration = Duration::from_secs(120);
/// More than these for one address at a time become one mail that lists them.
pub const DIGEST: usize = 20;
/// What is older when it is first tried waits for an administrator: nobody wants to hear of it by surprise.
pub const STALE: SignedDuration = SignedDuration::from_hours(72);
/// Attempts until a mail is given up: with the waits between them about three days.
pub const ATTEMPTS_MAX: u32 = 24;
/// Longest wait between two attempts.
const WAIT_MAX: i64 = 4 * 60 * 60;

/// One mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The same however often it is sent.
    pub key: String,
    pub name: String,
    pub address: String,
    pub subject: String,
    pub body: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// May be better later.
    Temporary(String),
    /// Will never be taken.
    Permanent(String),
}

/// The way to the mail server.
#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    async fn send(&self, mail: &Mail) -> Result<(), SendError>;
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

/// Removes, a little at a time, what is no longer needed. Runs until it is aborted.
pub async fn sweep(desk: Arc<Desk>) {
    loop {
        let now = desk.clock.now();
        let swept = match desk.store.lane("sweep").await {
            Ok(true) => desk.store.sweep(now - KEPT.0, now - KEPT.1).await,
            other => other.map(|_| 0),
        };
        let more = swept.unwrap_or_else(|e| {
            tracing::warn!("sweep: {e}");
            0
        });
        tokio::time::sleep(if more > 0 { Duration::from_secs(1) } else { Duration::from_secs(600) }).await;
    }
}

/// Runs until it is aborted.
pub async fn run(desk: Arc<Desk>, mailer: Arc<dyn Mailer>, links: Links) {
    loop {
        match deliver_due(&desk, &mailer, &links).await {
            Ok(0) => tokio::time::sleep(LOOK).await,
            Ok(_) => {}
            Err(e) => {
                tracing::warn!("outbox: {e}");
                tokio::time::sleep(LOOK * 8).await;
            }
        }
    }
}

/// Sends what is due now; how many mails were tried.
pub async fn deliver_due(desk: &Arc<Desk>, mailer: &Arc<dyn Mailer>, links: &Links) -> Result<usize, StoreError> {
    let now = desk.clock.now();
    let (fresh, stale): (Vec<MailRow>, Vec<MailRow>) = desk
        .store
        .mail_claim(now, now + LEASE, BATCH)
        .await?
        .into_iter()
        .partition(|m| m.attempts > 0 || now.duration_since(m.created) < STALE);
    if !stale.is_empty() {
        let ids: Vec<i64> = stale.iter().map(|m| m.id).collect();
        desk.store.mail_attempted(&ids, MailState::Held, now, "older than three days when it was to be sent").await?;
    }
    let tried = fresh.len() + stale.len();
    let mut of_person: BTreeMap<String, Vec<MailRow>> = BTreeMap::new();
    for mail in fresh {
        if mail.sees && !still_sees(desk, &mail).await? {
            let gone = SendError::Permanent("the recipient may no longer see the ticket".into());
            failed(desk, std::slice::from_ref(&mail), &[mail.id], gone).await?;
            continue;
        }
        of_person.entry(mail.recipient.clone()).or_default().push(mail);
    }
    // A digest where there is much at once, one mail each otherwise; those of one person one after the other.
    let parcels =
        of_person.into_values().flat_map(|all| if all.len() > DIGEST { vec![all] } else { all.into_iter().map(|m| vec![m]).collect() });
    let mut lane = Lane::new(LANE, parcels.collect::<Vec<_>>());
    let work = |parcel: &Vec<MailRow>| {
        let (desk, mailer, links, parcel) = (desk.clone(), mailer.clone(), links.clone(), parcel.clone());
        async move { deliver(&desk, &*mailer, &links, &parcel).await }
    };
    while let Some((parcel, result)) = lane.next(work).await {
        let ids: Vec<i64> = parcel.iter().map(|m| m.id).collect();
        let error = match result {
            Ok(Ok(())) => {
                // Not marked, it comes again after its lease; the others are not held up by it.
                match desk.store.mail_sent(&ids, desk.clock.now()).await {
                    // Nothing is written on the ticket that nobody waits for.
                    Ok(()) if desk.model().listens("mail.sent") => tell(desk, &parcel, Ok(())).await,
                    Ok(()) => {}
                    Err(e) => tracing::error!("a mail was sent and could not be marked: {e}"),
                }
                continue;
            }
            Ok(Err(e)) => e,
            Err(e) => SendError::Temporary(format!("the attempt broke off: {e}")),
        };
        if let Err(e) = failed(desk, &parcel, &ids, error).await {
            tracing::error!("a mail failed and could not be marked: {e}");
        }
    }
    Ok(tried)
}

/// A right that was lost since it was written takes the mail with it.
async fn still_sees(desk: &Desk, mail: &MailRow) -> Result<bool, StoreError> {
    let (model, people) = (desk.model(), desk.people());
    let Some(person) = people.get(&mail.recipient) else { return Ok(true) };
    let stored = desk.store.ticket_load_by_id(mail.ticket).await?;
    Ok(stored.is_some_and(|s| rights::sight(&model.names, person, &s.snapshot) != Sight::Nothing))
}

async fn deliver(desk: &Desk, mailer: &dyn Mailer, links: &Links, parcel: &[MailRow]) -> Result<(), SendError> {
    let Some(first) = parcel.first() else { return Ok(()) };
    let people = desk.people();
    let person = people.get(&first.recipient).filter(|p| p.active);
    let person = person.ok_or_else(|| SendError::Permanent(format!("nobody active has the login `{}`", first.recipient)))?;
    if person.email.is_empty() {
        return Err(SendError::Permanent(format!("`{}` has no address", person.login)));
    }
    let model = desk.model();
    let site = model.names.site.title.get(&person.language, model.names.site.main_language());
    let sent = tokio::time::timeout(ANSWER, mailer.send(&written(person, links, site, parcel))).await;
    sent.unwrap_or_else(|_| Err(SendError::Temporary("no answer within two minutes".into())))
}

/// The mail of one notification, or one that lists many.
fn written(person: &Person, links: &Links, site: &str, parcel: &[MailRow]) -> Mail {
    let german = person.language.starts_with("de");
    let (subject, body) = match parcel {
        [one] => (one.subject.clone(), format!("{}\n\n-- \n{}\n", one.body.trim_end(), links.ticket(person, &one.number))),
        many => {
            let count = many.len();
            let list: String = many.iter().map(|m| format!("{}\n{}\n\n", m.subject, links.ticket(person, &m.number))).collect();
            if german {
                (format!("{site}: {count} Mitteilungen"), format!("Das ist auf einmal zusammengekommen:\n\n{list}"))
            } else {
                (format!("{site}: {count} notifications"), format!("This came together at once:\n\n{list}"))
            }
        }
    };
    // Another list is another mail: one that was taken before must not hide it.
    let keys: Vec<&str> = parcel.iter().map(|m| m.key.as_str()).collect();
    let key = match keys.as_slice() {
        [one] => (*one).to_owned(),
        many => vorgang_core::chain::hex(&crate::desk::sha256(many.join(" ").as_bytes())[..16]),
    };
    Mail { key, name: person.name.clone(), address: person.email.clone(), subject, body }
}

async fn failed(desk: &Desk, parcel: &[MailRow], ids: &[i64], error: SendError) -> Result<(), StoreError> {
    let now = desk.clock.now();
    let attempts = parcel.iter().map(|m| m.attempts).max().unwrap_or(0) + 1;
    let (message, last) = match error {
        SendError::Temporary(message) => (message, attempts >= ATTEMPTS_MAX),
        SendError::Permanent(message) => (message, true),
    };
    if !last {
        tracing::warn!(attempts, "a mail could not be sent: {message}");
        let key = parcel.first().map_or("", |m| m.key.as_str());
        return desk.store.mail_attempted(ids, MailState::Due, again(now, attempts, key), &message).await;
    }
    desk.store.mail_attempted(ids, MailState::Failed, now, &message).await?;
    tell(desk, parcel, Err(&message)).await;
    Ok(())
}

/// The tickets are told how their mail has ended.
async fn tell(desk: &Desk, parcel: &[MailRow], result: Result<(), &str>) {
    let system = people::system();
    for mail in parcel {
        let Some(notice) = mail.key.rsplit_once('-').and_then(|(_, seq)| seq.parse().ok()) else { continue };
        let result = result.map_err(|why| format!("mail `{}` to {}: {why}", mail.notification, mail.recipient));
        let command = Command::EndMail { notice, to: mail.recipient.clone(), result };
        let request = Request { actor: &system, ticket: Some(&mail.number), command, cause: "mail", at: None };
        if let Err(e) = desk.execute(request).await {
            tracing::error!(ticket = mail.number, "a mail has ended, and its ticket could not be told: {e}");
        }
    }
}

/// The next attempt: after 15 s, 30 s, … at most four hours, spread by up to a quarter so that not all come at once.
fn again(now: Timestamp, attempts: u32, key: &str) -> Timestamp {
    let wait = (15_i64 << attempts.saturating_sub(1).min(20)).min(WAIT_MAX);
    let hash = crate::desk::sha256(format!("{key} {attempts}").as_bytes());
    let spread = wait * 250 * i64::from(hash[0]) / 255;
    now + SignedDuration::from_millis(wait * 1_000 + spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_four_hours_and_last_three_days() {
        let now = Timestamp::UNIX_EPOCH;
        let waits: Vec<i64> = (1..ATTEMPTS_MAX).map(|n| again(now, n, "7-3").duration_since(now).as_secs()).collect();
        assert!((15..=19).contains(&waits[0]), "{waits:?}");
        assert!(waits.iter().all(|w| *w <= WAIT_MAX * 5 / 4));
        let days = waits.iter().sum::<i64>() as f64 / 86_400.0;
        assert!((2.0..=4.0).contains(&days), "{days} days");
        assert_ne!(again(now, 8, "7-3"), again(now, 8, "7-4"), "not all at once");
    }
}
