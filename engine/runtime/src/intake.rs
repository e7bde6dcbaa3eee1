//! Mail comes in: read, sorted, and committed with the ticket that it makes or goes to. Whoever brought it hears that it
//! was taken only after that; what cannot be read or sorted waits in quarantine, with its bytes.

use crate::desk::{Desk, Error, Request};
use async_trait::async_trait;
use jiff::tz::TimeZone;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use vorgang_core::Command;
use vorgang_core::command::Received;
use vorgang_core::event::Blob;
use vorgang_core::intake::{Arrival, Named, Proof, Reason, Verdict, sort};
use vorgang_core::mail::{Auth, Mail, Nature};
use vorgang_core::people;
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_definitions::kinds::state::StateType;
use vorgang_definitions::model::Model;
use vorgang_mail::SIZE_MAX;
use vorgang_store::inbox::{Details, InboxRow, InboxState, NewInbox};
use vorgang_store::{StoreError, Stored};

/// Largest mail that is kept at all, in bytes.
pub const KEPT_MAX: u64 = 150 * 1024 * 1024;
/// Bytes of mail that are in memory at the same time: whoever brings more waits.
const BUDGET: u32 = 96 * 1024;
/// What a mail costs while it is taken apart, in parts of its size.
const COST: u64 = 3;
/// Message-IDs that are looked up of one mail.
const REFERENCES_MAX: usize = 20;
/// How long a mail may take to be sorted and written, before it is put off.
pub const TIME_MAX: Duration = Duration::from_secs(60);

/// The bytes of a mail: a large one is not in memory before there is room for it.
#[derive(Debug)]
pub enum Raw {
    Memory(Vec<u8>),
    /// A file that nobody else has, and its length.
    File(std::fs::File, u64),
}

impl Raw {
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    async fn load(self) -> Result<Arc<Vec<u8>>, StoreError> {
        use std::io::{Read, Seek};
        let (mut file, size) = match self {
            Self::Memory(bytes) => return Ok(Arc::new(bytes)),
            Self::File(file, size) => (file, size),
        };
        let read = move || {
            let mut bytes = Vec::with_capacity(size as usize);
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            std::io::Result::Ok(bytes)
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        read.map(Arc::new).map_err(|e| StoreError::Unavailable(e.to_string()))
    }
}

/// How a mail came to the door.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// How it came, for people.
    pub door: String,
    /// The account whose mailbox it lay in, or whose name was given.
    pub account: Option<String>,
    /// Of the envelope.
    pub recipients: Vec<String>,
    pub return_path: Option<String>,
    /// The server that brought it, where it is not one of ours: its address, and what it calls itself.
    pub client: Option<(IpAddr, String)>,
    /// What was found about its sender.
    pub auth: Option<Auth>,
}

/// Looks who stands for a mail.
#[async_trait]
pub trait Verifier: Send + Sync + 'static {
    async fn verify(&self, raw: &[u8], incoming: &Incoming) -> Auth;
}

/// The same domain, or one below the other (relaxed alignment of RFC 7489, 3.1, without a list of public suffixes: nobody
/// signs for one).
pub fn related(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_end_matches('.').to_ascii_lowercase(), b.trim_end_matches('.').to_ascii_lowercase());
    let below = |a: &str, b: &str| b.contains('.') && a.strip_suffix(b).is_some_and(|rest| rest.ends_with('.'));
    !a.is_empty() && a.contains('.') && (a == b || below(&a, &b) || below(&b, &a))
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The number of its ticket, and whether it is new.
    Taken {
        number: String,
        new: bool,
    },
    Ignored,
    /// With the reason.
    Quarantined(String),
    /// It is here already.
    Known,
}

/// How much mail is in memory.
pub struct Scales(tokio::sync::Semaphore);

impl Default for Scales {
    fn default() -> Self {
        Self(tokio::sync::Semaphore::new(BUDGET as usize))
    }
}

impl Scales {
    /// Room for a mail of this size, in bytes, as long as what is given is kept. One that is larger than all there is gets
    /// all of it.
    pub async fn room(&self, size: u64) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let kilobytes = (size * COST / 1024 + 1).min(BUDGET.into()) as u32;
        self.0.acquire_many(kilobytes).await.ok()
    }
}

/// A mail that was sorted, without anything done.
pub struct Tried {
    pub mail: Result<Mail, String>,
    pub reasons: Vec<Reason>,
    pub verdict: Option<Verdict>,
}

impl Desk {
    /// Takes a mail. `Err` where nothing was written: whoever brought it brings it again.
    pub async fn take_mail(self: &Arc<Self>, incoming: Incoming, raw: Raw) -> Result<Outcome, Error> {
        let _room = self.scales.room(raw.size()).await;
        self.take(incoming, raw.load().await?, false).await
    }

    /// Takes one of the quarantine again, as if it came now; larger ones too.
    pub async fn replay_mail(self: &Arc<Self>, id: i64) -> Result<Outcome, Error> {
        let row = self.store.inbox_get(id).await?.filter(|r| r.state == InboxState::Quarantined).ok_or(StoreError::NotFound)?;
        let _room = self.scales.room(row.size).await;
        let raw = self.store.blob(&row.blob).await?.ok_or(StoreError::NotFound)?;
        self.take(as_it_came(&row), Arc::new(raw), true).await
    }

    /// What would become of a mail of the log now.
    pub async fn try_mail(self: &Arc<Self>, id: i64) -> Result<Tried, Error> {
        let row = self.store.inbox_get(id).await?.ok_or(StoreError::NotFound)?;
        let _room = self.scales.room(row.size).await;
        let raw = self.store.blob(&row.blob).await?.ok_or(StoreError::NotFound)?;
        let incoming = as_it_came(&row);
        let raw = Arc::new(raw);
        match read(&incoming, raw.clone(), &row.blob, KEPT_MAX).await {
            Err(why) => Ok(Tried { mail: Err(why), reasons: vec![], verdict: None }),
            Ok(mut mail) => {
                mail.auth = self.who_stands_for(&incoming, &mail, &raw).await;
                let sorted = self.sorted(&incoming, &mail).await?;
                Ok(Tried { mail: Ok(mail), reasons: sorted.reasons, verdict: Some(sorted.verdict) })
            }
        }
    }

    async fn take(self: &Arc<Self>, incoming: Incoming, raw: Arc<Vec<u8>>, again: bool) -> Result<Outcome, Error> {
        let hash = hashed(raw.clone()).await;
        if !again && self.store.inbox_find(&hash).await?.is_some() {
            return Ok(Outcome::Known);
        }
        let blob = Blob { hash: hash.clone(), bytes: raw.clone() };
        let size_max = if again { KEPT_MAX } else { SIZE_MAX };
        let mut mail = match read(&incoming, raw, &hash, size_max).await {
            Ok(mail) => mail,
            Err(why) => return self.lay_aside(&incoming, blob, None, InboxState::Quarantined, vec![reason("mail", &why)], again).await,
        };
        mail.auth = self.who_stands_for(&incoming, &mail, &blob.bytes).await;
        // Two mails from one address at once: neither sees the other's response as not yet counted.
        let _held = self.locks.hold(&format!("mail from {}", mail.sender())).await;
        let Sorted { verdict, mut reasons, related } = self.sorted(&incoming, &mail).await?;
        let taken = match verdict {
            Verdict::Taken(taken) => *taken,
            Verdict::Ignored => return self.lay_aside(&incoming, blob, Some(&mail), InboxState::Ignored, reasons, again).await,
            Verdict::Quarantined => return self.lay_aside(&incoming, blob, Some(&mail), InboxState::Quarantined, reasons, again).await,
        };
        let mail = Arc::new(mail);
        let row = self.row(&incoming, &blob, Some(&mail), InboxState::Taken, &reasons, again);
        let number = taken.ticket.clone();
        let received = Box::new(Received { mail: mail.clone(), raw: blob.clone(), taken, related });
        let command = if number.is_some() { Command::ReceiveMail(received) } else { Command::OpenByMail(received) };
        let system = people::system();
        let request = Request { actor: &system, ticket: number.as_deref(), command, cause: "mail", at: None };
        match self.execute_mail(request, row).await {
            Ok(done) => Ok(Outcome::Taken { number: done.after.ticket.number.clone(), new: number.is_none() }),
            // Somebody else brought the same mail meanwhile.
            Err(Error::Store(StoreError::Conflict)) if !again && self.store.inbox_find(&hash).await?.is_some() => Ok(Outcome::Known),
            Err(Error::Rejected(why)) => {
                reasons.push(reason("ticket", &why.say("en")));
                self.lay_aside(&incoming, blob, Some(&mail), InboxState::Quarantined, reasons, again).await
            }
            Err(e) => Err(e),
        }
    }

    /// Into the log, without a ticket.
    async fn lay_aside(
        &self,
        incoming: &Incoming,
        blob: Blob,
        mail: Option<&Mail>,
        state: InboxState,
        reasons: Vec<Reason>,
        again: bool,
    ) -> Result<Outcome, Error> {
        let last = reasons.last().map(|r| r.said.clone()).unwrap_or_default();
        let row = self.row(incoming, &blob, mail, state, &reasons, again);
        match self.store.inbox_add(row, blob).await {
            Err(StoreError::Conflict) => Ok(Outcome::Known),
            Err(e) => Err(e.into()),
            Ok(()) if state == InboxState::Ignored => Ok(Outcome::Ignored),
            Ok(()) => Ok(Outcome::Quarantined(last)),
        }
    }

    fn row(&self, incoming: &Incoming, blob: &Blob, mail: Option<&Mail>, state: InboxState, reasons: &[Reason], again: bool) -> NewInbox {
        NewInbox {
            key: blob.hash.clone(),
            state,
            message_id: mail.and_then(|m| m.message_id.clone()).unwrap_or_default(),
            sender: mail.and_then(|m| m.from.as_ref()).map(ToString::to_string).unwrap_or_default(),
            subject: mail.map(|m| m.subject.clone()).unwrap_or_default(),
            size: blob.bytes.len() as u64,
            blob: blob.hash.clone(),
            details: Details {
                door: incoming.door.clone(),
                account: incoming.account.clone(),
                recipients: incoming.recipients.clone(),
                return_path: incoming.return_path.clone().unwrap_or_default(),
                reasons: reasons.to_vec(),
            },
            at: self.clock.now(),
            again,
        }
    }

    /// As the account's trusted host says, or as is found out here.
    async fn who_stands_for(&self, incoming: &Incoming, mail: &Mail, raw: &[u8]) -> Auth {
        if let Some(auth) = &incoming.auth {
            return auth.clone();
        }
        let model = self.model();
        if let Some(host) = account(&model, incoming, mail).and_then(|a| a.believes.as_deref()) {
            return said_by(host, mail);
        }
        match self.verifier.get() {
            Some(verifier) => verifier.verify(raw, incoming).await,
            None => Auth::default(),
        }
    }

    /// Sorted by what is known now.
    async fn sorted(&self, incoming: &Incoming, mail: &Mail) -> Result<Sorted, Error> {
        let (model, people, now) = (self.model(), self.people(), self.clock.now());
        let account = account(&model, incoming, mail);
        let named = self.named(mail).await?;
        let responses = match mail.sender().as_str() {
            "" => 0,
            sender => self.store.mail_responses(sender, now.to_zoned(TimeZone::UTC).date()).await?,
        };
        let arrival = Arrival {
            mail,
            account,
            recipients: &incoming.recipients,
            named: named.as_ref().map(|(stored, proof)| Named { snapshot: &stored.snapshot, proof: *proof }),
            responses,
            now,
        };
        let sorted = sort(&model.names, &people, &arrival);
        let about = match &sorted.verdict {
            Verdict::Taken(taken) => taken.related.clone(),
            _ => None,
        };
        let related = about.and_then(|number| named.map(|(stored, _)| (stored.snapshot.ticket.id, number)));
        Ok(Sorted { verdict: sorted.verdict, reasons: sorted.reasons, related })
    }

    /// The ticket that a mail names best: by the id of a mail of ours, by the token, by a mail that came before, by its number.
    async fn named(&self, mail: &Mail) -> Result<Option<(Stored, Proof)>, Error> {
        let threads = self.threads().await?;
        let mut ids: Vec<String> = mail.references.iter().take(REFERENCES_MAX).cloned().collect();
        if let Nature::Report(report) = &mail.nature {
            ids.extend(report.originals.iter().cloned());
        }
        let numbers = threads.named(&mail.subject);
        for id in ids.iter().filter_map(|id| threads.ticket_of(id)) {
            if let Some(stored) = self.lives(self.store.ticket_load_by_id(id).await?).await? {
                return Ok(Some((stored, Proof::Token)));
            }
        }
        for (number, _) in numbers.iter().filter(|(_, proved)| *proved) {
            if let Some(stored) = self.lives(self.store.ticket_load(number).await?).await? {
                return Ok(Some((stored, Proof::Token)));
            }
        }
        if !ids.is_empty() {
            for ticket in self.store.inbox_tickets(&ids).await? {
                if let Some(stored) = self.lives(self.store.ticket_load_by_id(ticket).await?).await? {
                    return Ok(Some((stored, Proof::Reference)));
                }
            }
        }
        for (number, _) in &numbers {
            if let Some(stored) = self.store.ticket_load(number).await? {
                return Ok(Some((stored, Proof::Number)));
            }
        }
        Ok(None)
    }

    /// The ticket itself, or the one that it was merged into.
    async fn lives(&self, stored: Option<Stored>) -> Result<Option<Stored>, Error> {
        const HOPS_MAX: usize = 10;
        let mut stored = stored;
        for _ in 0..HOPS_MAX {
            let Some(s) = &stored else { return Ok(None) };
            if self.model().names.state_type(&s.snapshot.ticket.state) != StateType::Merged {
                break;
            }
            let links = self.store.links(&vorgang_core::filter::Filter::All, s.snapshot.ticket.id).await?;
            let Some((parent, _)) = links.into_iter().find(|(_, kind)| kind == "parent") else { break };
            stored = self.store.ticket_load_by_id(parent.id).await?;
        }
        Ok(stored)
    }
}

struct Sorted {
    verdict: Verdict,
    reasons: Vec<Reason>,
    /// (id, number)
    related: Option<(i64, String)>,
}

fn reason(by: &str, said: &str) -> Reason {
    Reason { by: by.into(), said: said.into() }
}

fn as_it_came(row: &InboxRow) -> Incoming {
    Incoming {
        door: row.details.door.clone(),
        account: row.details.account.clone(),
        recipients: row.details.recipients.clone(),
        return_path: Some(row.details.return_path.clone()).filter(|r| !r.is_empty()),
        client: None,
        auth: None,
    }
}

/// The account that is named, else the one whose address the envelope has, else one among those that the mail is for.
fn account<'m>(model: &'m Model, incoming: &Incoming, mail: &Mail) -> Option<&'m MailAccount> {
    let names = &model.names;
    let named = incoming.account.as_deref().and_then(|a| names.accounts.get(a));
    let envelope = || incoming.recipients.iter().find_map(|r| names.account_at(r));
    let delivered =
        || ["delivered-to", "x-original-to", "envelope-to"].iter().filter_map(|h| mail.header(h)).find_map(|r| names.account_at(r));
    let written = || mail.to.iter().chain(&mail.cc).find_map(|a| names.account_at(&a.address));
    named.or_else(envelope).or_else(delivered).or_else(written)
}

/// Off the threads that serve others: a large one takes a while.
async fn hashed(raw: Arc<Vec<u8>>) -> String {
    if raw.len() < 64 * 1024 {
        return vorgang_mail::hash(&raw);
    }
    tokio::task::spawn_blocking(move || vorgang_mail::hash(&raw)).await.unwrap_or_default()
}

async fn read(incoming: &Incoming, raw: Arc<Vec<u8>>, hash: &str, size_max: u64) -> Result<Mail, String> {
    let mail = if raw.len() < 64 * 1024 {
        vorgang_mail::read(&raw, hash, size_max)
    } else {
        let hash = hash.to_owned();
        tokio::task::spawn_blocking(move || vorgang_mail::read(&raw, &hash, size_max))
            .await
            .map_err(|_| "taking it apart broke off".to_owned())?
    };
    let mut mail = mail.map_err(|e| e.to_string())?;
    // The envelope says what the mail itself does not: nobody takes answers to it.
    let nobody = incoming.return_path.as_deref().is_some_and(|r| r.trim_matches(['<', '>']).is_empty());
    if nobody && mail.nature == Nature::Person {
        mail.nature = Nature::Machine("its envelope has no sender".into());
    }
    Ok(mail)
}

impl Outcome {
    /// For people.
    pub fn say(&self) -> String {
        match self {
            Self::Taken { number, new: true } => format!("made ticket {number}"),
            Self::Taken { number, .. } => format!("added to ticket {number}"),
            Self::Ignored => "kept in the log, makes nothing".into(),
            Self::Quarantined(why) => format!("waits in quarantine: {why}"),
            Self::Known => "was here already".into(),
        }
    }
}

/// What a host that is believed says in its `Authentication-Results` (RFC 8601). It takes out those that others made up in its
/// name; only the uppermost are looked at.
fn said_by(host: &str, mail: &Mail) -> Auth {
    const LOOKED_AT: usize = 5;
    use vorgang_core::mail::Outcome as Result_;
    let mut auth = Auth { by: host.to_owned(), ..Auth::default() };
    let (mut spf, mut dkim, mut dmarc, mut arc) = (None, None, None, None);
    let from = mail.sender();
    let domain = from.rsplit_once('@').map_or("", |(_, d)| d);
    let all = mail.headers.iter().filter(|(n, _)| n == "authentication-results").take(LOOKED_AT);
    for text in all.map(|(_, v)| without_comments(v)) {
        let mut parts = text.split(';');
        let id = parts.next().unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned();
        if !id.eq_ignore_ascii_case(host) {
            continue;
        }
        for part in parts {
            let mut words = part.split_whitespace();
            let Some((method, result)) = words.next().and_then(|w| w.split_once('=')) else { continue };
            let Some(result) = Result_::from_word(result) else { continue };
            let property =
                |name: &str| part.split_whitespace().filter_map(|w| w.split_once('=')).find(|(n, _)| n.eq_ignore_ascii_case(name));
            let of = |name: &str| property(name).map_or("", |(_, v)| v.rsplit('@').next().unwrap_or(v));
            let slot = match method.to_ascii_lowercase().as_str() {
                "spf" => {
                    auth.aligned |= result == Result_::Pass && related(of("smtp.mailfrom"), domain);
                    &mut spf
                }
                "dkim" => {
                    auth.aligned |= result == Result_::Pass && (related(of("header.d"), domain) || related(of("header.i"), domain));
                    &mut dkim
                }
                "dmarc" => &mut dmarc,
                "arc" => &mut arc,
                _ => continue,
            };
            // Of several signatures one that holds is enough.
            if slot.is_none() || result == Result_::Pass {
                *slot = Some(result);
            }
        }
    }
    (auth.spf, auth.dkim) = (spf.unwrap_or_default(), dkim.unwrap_or_default());
    (auth.dmarc, auth.arc) = (dmarc.unwrap_or_default(), arc.unwrap_or_default());
    auth
}

/// Without what stands in brackets.
fn without_comments(text: &str) -> String {
    let mut depth = 0_u32;
    let keep = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return (depth == 0).then_some(c),
        }
        None
    };
    text.chars().filter_map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vorgang_core::mail::{Address, Outcome as Result_};

    #[test]
    fn only_the_host_that_is_believed_is_believed() {
        let mail = |values: &[&str]| Mail {
            from: Some(Address::new("", "anna@example.com")),
            headers: values.iter().map(|v| ("authentication-results".to_owned(), (*v).to_owned())).collect(),
            ..Mail::default()
        };
        let said = |values: &[&str]| {
            let auth = said_by("mx.example.org", &mail(values));
            (auth.spf, auth.dkim, auth.dmarc, auth.is_good())
        };
        use Result_::{Fail, None, Pass};
        assert_eq!(said(&["mx.example.org; spf=pass smtp.mailfrom=bounce@mail.example.com; dkim=none"]), (Pass, None, None, true));
        assert_eq!(
            said(&["mx.example.org 1; dkim=fail header.d=x.example; dkim=pass (2048-bit; good) header.d=example.com"]),
            (None, Pass, None, true)
        );
        assert_eq!(said(&["mx.example.org; dkim=pass header.d=evil.example"]), (None, Pass, None, false), "for another domain");
        assert_eq!(said(&["evil.example; dmarc=pass", "mx.example.org; dmarc=fail"]), (None, None, Fail, false));
        assert_eq!(said(&["mx.example.org.evil.example; dmarc=pass"]), (None, None, None, false));
        assert_eq!(said(&["(mx.example.org; dmarc=pass) x; dmarc=pass"]), (None, None, None, false));
        assert!(related("mail.example.com", "example.com") && !related("notexample.com", "example.com") && !related("com", "example.com"));
    }
}
