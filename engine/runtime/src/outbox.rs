//! Mail goes out from the outbox: what a command wants to say is committed with it, and sent afterwards, again and
//! again until the server takes it. A mail that was taken just before a crash is sent twice, with the same Message-ID.

pub mod brake;

use crate::desk::{Desk, Request};
use crate::lane::Lane;
use crate::wake::{TROUBLE, persist};
use crate::{step, trace};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument;
use vorgang_core::commands::{Command, EndMail};
use vorgang_core::ids::{ArticleId, TicketId};
use vorgang_core::mail::{Address, Head, Outgoing};
use vorgang_core::people::{self, Person, PersonKind};
use vorgang_core::rights::{self, Sight};
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_store::StoreError;
use vorgang_store::due::Work;
use vorgang_store::messages::{MailRow, MailState};

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

/// No mail waits longer for its next attempt: quiet hours end within a day.
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
    let count = desk.store.mail_pull_back(now + LATEST, now).await?;
    if count > 0 {
        tracing::warn!(count, "mails that a clock which was ahead had put off are due now");
        desk.wakes.look_for_work();
    }
    Ok(())
}

/// Runs until it is aborted. Each server has a lane of its own: one that stalls holds up nobody else's mail.
pub async fn run_lane(desk: Arc<Desk>, mailer: Arc<dyn Mailer>, links: Links) {
    let mut lanes = Lanes::default();
    loop {
        while let Some(ended) = lanes.busy.try_join_next() {
            lanes.ended(ended);
        }
        match lanes.claim(&desk).await {
            Ok(batches) if batches.is_empty() => {
                tokio::select! {
                    () = desk.wakes.work(Work::Mail) => {}
                    Some(ended) = lanes.busy.join_next() => {
                        lanes.ended(ended);
                        // Failed mails have a new due time.
                        desk.wakes.look_for_work();
                    }
                }
            }
            Ok(batches) => {
                for (channel, rows) in batches {
                    lanes.under_way.insert(channel.clone(), rows.iter().map(|m| m.id).collect());
                    let (desk, mailer, links) = (desk.clone(), mailer.clone(), links.clone());
                    lanes.busy.spawn(async move {
                        let done = deliver_batch(&desk, &mailer, &links, rows).await;
                        if let Err(e) = &done {
                            tracing::warn!("outbox: {e}");
                            tokio::time::sleep(TROUBLE).await;
                        }
                        (channel, done.is_ok())
                    });
                }
            }
            Err(e) => {
                tracing::warn!("outbox: {e}");
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }
}

/// A server each, and the mails that are on their way to it.
#[derive(Default)]
struct Lanes {
    /// Channel, and whether all of its mails came to an end.
    busy: JoinSet<(String, bool)>,
    under_way: BTreeMap<String, Vec<i64>>,
    /// More may be claimed than is under way: without its lane, or by a claim whose answer was lost.
    unsure: bool,
}

impl Lanes {
    fn ended(&mut self, ended: Result<(String, bool), JoinError>) {
        match ended {
            Ok((channel, all)) => {
                self.under_way.remove(&channel);
                self.unsure |= !all;
            }
            // Which one it was is known when the others have ended; they are few.
            Err(e) => tracing::error!("a lane of the outbox broke off: {e}"),
        }
        if self.busy.is_empty() && !self.under_way.is_empty() {
            self.under_way.clear();
            self.unsure = true;
        }
    }

    /// Mail for servers that are not busy.
    async fn claim(&mut self, desk: &Desk) -> Result<BTreeMap<String, Vec<MailRow>>, StoreError> {
        if self.unsure {
            let under_way: Vec<i64> = self.under_way.values().flatten().copied().collect();
            desk.store.mail_disown(&under_way).await?;
            self.unsure = false;
        }
        let busy: Vec<String> = self.under_way.keys().cloned().collect();
        let claimed = claimed(desk, &busy).await;
        self.unsure = claimed.is_err();
        claimed
    }
}

/// Mail that is due, by the server that takes it.
async fn claimed(desk: &Desk, busy: &[String]) -> Result<BTreeMap<String, Vec<MailRow>>, StoreError> {
    let now = desk.clock.now();
    let mut batches: BTreeMap<String, Vec<MailRow>> = BTreeMap::new();
    for row in desk.store.mail_claim(now, now + LEASE, BATCH, busy).await? {
        batches.entry(row.channel.clone()).or_default().push(row);
    }
    Ok(batches)
}

/// Sends what is due now; how many mails were tried.
pub async fn deliver_due(desk: &Arc<Desk>, mailer: &Arc<dyn Mailer>, links: &Links) -> Result<usize, StoreError> {
    let mut tried = 0;
    for (_, rows) in claimed(desk, &[]).await? {
        tried += rows.len();
        deliver_batch(desk, mailer, links, rows).await?;
    }
    Ok(tried)
}

/// Mails for one server.
async fn deliver_batch(desk: &Arc<Desk>, mailer: &Arc<dyn Mailer>, links: &Links, rows: Vec<MailRow>) -> Result<(), StoreError> {
    let now = desk.clock.now();
    let (fresh, stale): (Vec<MailRow>, Vec<MailRow>) =
        rows.into_iter().partition(|m| m.attempts > 0 || now.duration_since(m.created) < STALE);
    if !stale.is_empty() {
        let ids: Vec<i64> = stale.iter().map(|m| m.id).collect();
        desk.store.mail_attempted(&ids, MailState::Held, now, "older than three days when it was to be sent").await?;
    }
    let fresh = desk.let_through(fresh).await?;
    let mut parcels = vec![];
    let mut of_person: BTreeMap<String, Vec<MailRow>> = BTreeMap::new();
    let mut digests: BTreeMap<String, Vec<MailRow>> = BTreeMap::new();
    for mail in fresh {
        if mail.outgoing.is_some() {
            parcels.push(vec![mail]);
            continue;
        }
        if mail.sees && !still_sees(desk, &mail).await? {
            let gone = SendError::Permanent("the recipient may no longer see the ticket".into());
            failed(desk, std::slice::from_ref(&mail), &[mail.id], &gone).await?;
            continue;
        }
        match &mail.digest {
            Some(digest) => digests.entry(digest.clone()).or_default().push(mail),
            // An attempt may have sent it: it stays one mail, so that another attempt has the same Message-ID.
            None if mail.begun => parcels.push(vec![mail]),
            None => of_person.entry(mail.recipient.clone()).or_default().push(mail),
        }
    }
    parcels.extend(digests.into_values());
    // A digest where there is much at once, one mail each otherwise; those of one person one after the other.
    for all in of_person.into_values() {
        if all.len() > DIGEST {
            let ids: Vec<i64> = all.iter().map(|m| m.id).collect();
            desk.store.mail_digest(&ids, &digest_id(&all)).await?;
            parcels.push(all);
        } else {
            parcels.extend(all.into_iter().map(|m| vec![m]));
        }
    }
    let mut lane = Lane::new(LANE, parcels);
    // Once the server has not answered, the rest of the batch is put off: each would wait as long.
    let silent = Arc::new(AtomicBool::new(false));
    let work = |parcel: &Vec<MailRow>| {
        let (desk, mailer, links, parcel, silent) = (desk.clone(), mailer.clone(), links.clone(), parcel.clone(), silent.clone());
        async move {
            if silent.load(Ordering::Relaxed) {
                return Err(SendError::Silent("the server did not answer to the mail before this one".into()));
            }
            // A digest goes on with the trace of its first.
            let trace = parcel.first().and_then(|m| m.trace.as_deref());
            let span = trace::followed(step!("mail", mails = parcel.len()), trace);
            let sent = deliver(&desk, &*mailer, &links, &parcel).instrument(span).await;
            silent.fetch_or(matches!(sent, Err(SendError::Silent(_))), Ordering::Relaxed);
            sent
        }
    };
    while let Some((parcel, result)) = lane.next(work).await {
        let ids: Vec<i64> = parcel.iter().map(|m| m.id).collect();
        let error = match result {
            Ok(Ok(())) => {
                match persist(StoreError::passes, || desk.store.mail_sent(&ids, desk.clock.now())).await {
                    // Nothing is written on the ticket that nobody waits for.
                    Ok(()) if desk.model().listens("mail.sent") => tell(desk, &parcel, Ok(())).await,
                    Ok(()) => {}
                    // It comes again after its lease.
                    Err(e) => tracing::error!("a mail was sent and could not be marked: {e}"),
                }
                continue;
            }
            Ok(Err(e)) => e,
            Err(e) => SendError::Temporary(format!("the attempt broke off: {e}")),
        };
        let marked = persist(StoreError::passes, || failed(desk, &parcel, &ids, &error)).await;
        if let Err(e) = marked {
            tracing::error!("a mail failed and could not be marked: {e}");
        }
    }
    Ok(())
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
    let mail = match &first.outgoing {
        Some(outgoing) => outgoing_mail(desk, first, outgoing).await,
        None => notice_mail(desk, links, parcel).await,
    }?;
    let sent = tokio::time::timeout(ANSWER, mailer.send(&mail)).await;
    sent.unwrap_or_else(|_| Err(SendError::Silent("no answer within two minutes".into())))
}

fn unread(e: StoreError) -> SendError {
    SendError::Temporary(e.to_string())
}

/// The mail of one notification, or one that lists many.
async fn notice_mail(desk: &Desk, links: &Links, parcel: &[MailRow]) -> Result<Mail, SendError> {
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
    let account = parcel.first().and_then(|m| m.channel.strip_prefix("mail:")).and_then(|a| model.names.accounts.get(a));
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
fn digest_id(parcel: &[MailRow]) -> String {
    let keys: Vec<&str> = parcel.iter().map(|m| m.key.as_str()).collect();
    format!("{}.vorgang", vorgang_core::chain::hex(&crate::desk::sha256(keys.join(" ").as_bytes())[..16]))
}

fn written(person: &Person, links: &Links, site: &str, parcel: &[MailRow]) -> (String, String) {
    let german = person.language.starts_with("de");
    match parcel {
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
    }
}

/// A mail to whoever is meant: an agent's answer, or one of the desk itself.
async fn outgoing_mail(desk: &Desk, row: &MailRow, outgoing: &Outgoing) -> Result<Mail, SendError> {
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
        Some(article) => before(desk, row.ticket, article, account).await.map_err(unread)?,
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

async fn failed(desk: &Desk, parcel: &[MailRow], ids: &[i64], error: &SendError) -> Result<(), StoreError> {
    let now = desk.clock.now();
    let attempts = parcel.iter().map(|m| m.attempts).max().unwrap_or(0) + 1;
    let (message, last) = match error {
        SendError::Temporary(message) | SendError::Silent(message) => (message, attempts >= ATTEMPTS_MAX),
        SendError::Permanent(message) => (message, true),
    };
    if !last {
        tracing::warn!(attempts, "a mail could not be sent: {message}");
        let key = parcel.first().map_or("", |m| m.key.as_str());
        return desk.store.mail_attempted(ids, MailState::Due, again(now, attempts, key), message).await;
    }
    desk.store.mail_attempted(ids, MailState::Failed, now, message).await?;
    tell(desk, parcel, Err(message)).await;
    Ok(())
}

/// The tickets are told how their mail has ended.
async fn tell(desk: &Desk, parcel: &[MailRow], result: Result<(), &str>) {
    let system = people::system();
    for mail in parcel {
        let Some(notice) = mail.key.rsplit_once('-').and_then(|(_, seq)| seq.parse().ok()) else { continue };
        let result = result.map_err(|why| format!("mail `{}` to {}: {why}", mail.notification, mail.recipient));
        let command = Command::EndMail(EndMail { notice, to: mail.recipient.clone(), result });
        let request = Request { actor: &system, ticket: Some(&mail.number), command, cause: "mail", at: None };
        if let Err(e) = desk.execute(request).await {
            tracing::error!(ticket = %mail.number, "a mail has ended, and its ticket could not be told: {e}");
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
