//! Mail comes in: read, sorted, and committed with the ticket that it makes or goes to. Whoever brought it hears that it
//! was taken only after that; what cannot be read or sorted waits in quarantine, with its bytes.

mod accounts;
pub mod incoming;
mod named;
mod results;

use crate::desk::{Desk, Error, Request};
use crate::intake::incoming::{Incoming, KEPT_MAX, Raw};
pub use crate::intake::results::uncovered;
use crate::scales::Tried;
use jiff::tz::TimeZone;
use std::sync::Arc;
use vorgang_core::attachment::Blob;
use vorgang_core::commands::{Command, OpenByMail, ReceiveMail, Received};
use vorgang_core::ids::{TicketId, TicketNumber};
use vorgang_core::intake::{Arrival, Named, Reason, Verdict, sort};
use vorgang_core::mail::{Auth, Mail, Nature};
use vorgang_core::people;
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_mail::SIZE_MAX;
use vorgang_store::StoreError;
use vorgang_store::inbox::{Asked, Before, Details, InboxRow, InboxState, NewInbox};

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The number of its ticket, and whether it is new.
    Taken {
        number: TicketNumber,
        new: bool,
    },
    Ignored,
    /// With the reason.
    Quarantined(String),
    /// It is here already.
    Known,
}

impl Desk {
    /// Takes a mail. `Err` where nothing was written: whoever brought it brings it again.
    pub async fn take_mail(self: &Arc<Self>, incoming: Incoming, raw: Raw) -> Result<Outcome, Error> {
        let _room = self.scales.room(raw.size()).await;
        self.take_into_accounts(incoming, raw.load().await?, None).await
    }

    /// Takes one of the quarantine again, as if it came now; larger ones too.
    pub async fn replay_mail(self: &Arc<Self>, id: i64) -> Result<Outcome, Error> {
        let row = self.store.inbox_get(id).await?.filter(|r| r.state == InboxState::Quarantined).ok_or(StoreError::NotFound)?;
        let _room = self.scales.room(row.size).await;
        let raw = self.store.blob(&row.blob).await?.ok_or(StoreError::NotFound)?;
        self.take_into_accounts(as_it_came(&row), Arc::new(raw), Some(row)).await
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
                let model = self.model();
                let takers = accounts::takers(&model.names, &incoming, &mail);
                let addressed = accounts::addressed(&model.names, &incoming, &mail, &takers);
                let account = takers.first().copied();
                mail.auth = self.who_stands_for(&incoming, account, &mail, &raw).await;
                let before = self.before(&row.key, &row.blob, &mail).await?;
                let sorted = self.sorted(&incoming, account, &addressed, &mut mail, (before, true)).await?;
                Ok(Tried { mail: Ok(mail), reasons: sorted.reasons, verdict: Some(sorted.verdict) })
            }
        }
    }

    /// Once for each account that it is for: their people may not see each other's queues.
    async fn take_into_accounts(
        self: &Arc<Self>,
        incoming: Incoming,
        raw: Arc<Vec<u8>>,
        again: Option<InboxRow>,
    ) -> Result<Outcome, Error> {
        let model = self.model();
        let hash = hashed(raw.clone()).await?;
        let blob = Blob { hash, bytes: raw.clone() };
        let size_max = if again.is_some() { KEPT_MAX } else { SIZE_MAX };
        let again = again.as_ref();
        let mail = match read(&incoming, raw, &blob.hash, size_max).await {
            Ok(mail) => mail,
            Err(why) => {
                let key = again.map_or(&blob.hash, |row| &row.key);
                if again.is_none() && self.store.inbox_find(key).await?.is_some() {
                    return Ok(Outcome::Known);
                }
                let entry = Entry { key, incoming: &incoming, account: None, blob: &blob, mail: None, again: again.is_some() };
                return self.lay_aside(entry, InboxState::Quarantined, vec![reason("mail", &why)]).await;
            }
        };
        let takers = accounts::takers(&model.names, &incoming, &mail);
        let addressed = accounts::addressed(&model.names, &incoming, &mail, &takers);
        // Answers of the DNS, asked for once.
        let mut verified = None;
        let mut outcome: Option<Outcome> = None;
        for account in if takers.is_empty() { vec![None] } else { takers.into_iter().map(Some).collect() } {
            let key = again.map_or_else(|| accounts::key(&model.names, &blob.hash, account), |row| row.key.clone());
            let mut own = mail.clone();
            own.auth = match &verified {
                Some(auth) if account.is_none_or(|a| a.believes.is_none()) => Auth::clone(auth),
                _ => self.who_stands_for(&incoming, account, &own, &blob.bytes).await,
            };
            if account.is_none_or(|a| a.believes.is_none()) {
                verified = Some(own.auth.clone());
            }
            let entry = Entry { key: &key, incoming: &incoming, account, blob: &blob, mail: None, again: again.is_some() };
            let taken = self.take_for(entry, own, &addressed).await?;
            outcome = Some(match (outcome, taken) {
                (Some(before), Outcome::Known) | (Some(before @ Outcome::Taken { .. }), _) => before,
                (_, taken) => taken,
            });
        }
        Ok(outcome.unwrap_or(Outcome::Known))
    }

    async fn before(&self, key: &str, hash: &str, mail: &Mail) -> Result<Before, StoreError> {
        let message_id = mail.message_id.as_deref().unwrap_or_default();
        let day = self.clock.now().to_zoned(TimeZone::UTC).date();
        self.store.inbox_before(&Asked { key, older_key: hash, message_id, sender: &mail.sender(), day }).await
    }

    /// Was it taken for this account? Logs of a desk with one account are by the hash alone.
    fn is_known(&self, entry: &Entry<'_>, row: Option<&InboxRow>) -> bool {
        let account = entry.account.map(|a| a.name.as_str());
        row.is_some_and(|row| row.key == entry.key || accounts::of_row(&self.model().names, row).as_deref() == account)
    }

    async fn take_for(self: &Arc<Self>, entry: Entry<'_>, mut mail: Mail, addressed: &[&MailAccount]) -> Result<Outcome, Error> {
        // Two mails from one address at once: neither sees the other's response as not yet counted.
        let _held = self.locks.hold(&format!("mail from {}", mail.sender())).await;
        let before = self.before(entry.key, &entry.blob.hash, &mail).await?;
        if !entry.again && self.is_known(&entry, before.known.as_ref()) {
            return Ok(Outcome::Known);
        }
        let sorted = self.sorted(entry.incoming, entry.account, addressed, &mut mail, (before, entry.again)).await?;
        let Sorted { verdict, mut reasons, related } = sorted;
        let entry = Entry { mail: Some(&mail), ..entry };
        let taken = match verdict {
            Verdict::Taken(taken) => *taken,
            Verdict::Ignored => return self.lay_aside(entry, InboxState::Ignored, reasons).await,
            Verdict::Quarantined => return self.lay_aside(entry, InboxState::Quarantined, reasons).await,
        };
        let row = self.row(&entry, InboxState::Taken, &reasons);
        let number = taken.ticket.clone();
        let received = Box::new(Received { mail: Arc::new(mail.clone()), raw: entry.blob.clone(), taken, related });
        let command =
            if number.is_some() { Command::ReceiveMail(ReceiveMail { received }) } else { Command::OpenByMail(OpenByMail { received }) };
        let system = people::system();
        let request = Request { actor: &system, ticket: number.as_deref(), command, cause: "mail", at: None };
        match self.execute_mail(request, row).await {
            Ok(done) => Ok(Outcome::Taken { number: done.after.ticket.number.clone(), new: number.is_none() }),
            // Somebody else brought the same mail meanwhile.
            Err(Error::Store(StoreError::Conflict)) if !entry.again && self.store.inbox_find(entry.key).await?.is_some() => {
                Ok(Outcome::Known)
            }
            Err(Error::Rejected(why)) => {
                reasons.push(reason("ticket", &why.say("en")));
                self.lay_aside(entry, InboxState::Quarantined, reasons).await
            }
            Err(e) => Err(e),
        }
    }

    /// Into the log, without a ticket.
    async fn lay_aside(&self, entry: Entry<'_>, state: InboxState, reasons: Vec<Reason>) -> Result<Outcome, Error> {
        let last = reasons.last().map(|r| r.said.clone()).unwrap_or_default();
        let row = self.row(&entry, state, &reasons);
        match self.store.inbox_add(row, entry.blob.clone()).await {
            Err(StoreError::Conflict) => Ok(Outcome::Known),
            Err(e) => Err(e.into()),
            Ok(()) if state == InboxState::Ignored => Ok(Outcome::Ignored),
            Ok(()) => Ok(Outcome::Quarantined(last)),
        }
    }

    fn row(&self, entry: &Entry, state: InboxState, reasons: &[Reason]) -> NewInbox {
        let (incoming, mail) = (entry.incoming, entry.mail);
        NewInbox {
            key: entry.key.to_owned(),
            state,
            message_id: mail.and_then(|m| m.message_id.clone()).unwrap_or_default(),
            thread: mail.and_then(named::begun_by).unwrap_or_default().to_owned(),
            sender: mail.and_then(|m| m.from.as_ref()).map(ToString::to_string).unwrap_or_default(),
            subject: mail.map(|m| m.subject.clone()).unwrap_or_default(),
            size: entry.blob.bytes.len() as u64,
            blob: entry.blob.hash.clone(),
            details: Details {
                door: incoming.door.clone(),
                account: entry.account.map(|a| a.name.to_string()).or_else(|| incoming.account.clone()),
                recipients: incoming.recipients.clone(),
                return_path: incoming.return_path.clone().unwrap_or_default(),
                guessed: accounts::is_guessed(&self.model().names, incoming),
                reasons: reasons.to_vec(),
            },
            at: self.clock.now(),
            again: entry.again,
        }
    }

    /// As the account's trusted host says, or as is found out here. An author who is not certain is nobody.
    async fn who_stands_for(&self, incoming: &Incoming, account: Option<&MailAccount>, mail: &Mail, raw: &[u8]) -> Auth {
        // A mail does not choose whom the desk believes about it.
        let believed = account.filter(|_| !accounts::is_guessed(&self.model().names, incoming)).and_then(|a| a.believes.as_deref());
        let auth = match (&incoming.auth, believed, self.verifier.get()) {
            (Some(auth), _, _) => auth.clone(),
            (None, Some(host), _) => results::said_by(host, mail),
            (None, None, Some(verifier)) => verifier.verify(raw, mail, incoming).await,
            (None, None, None) => Auth::default(),
        };
        Auth { ambiguous: mail.ambiguous.clone().or(auth.ambiguous), ..auth }
    }

    /// Sorted by what is known now; what the mail is may become clearer by it.
    async fn sorted(
        &self,
        incoming: &Incoming,
        account: Option<&MailAccount>,
        addressed: &[&MailAccount],
        mail: &mut Mail,
        (Before { thread, responses, .. }, again): (Before, bool),
    ) -> Result<Sorted, Error> {
        let (model, people, now) = (self.model(), self.people(), self.clock.now());
        let copy = if again { None } else { self.copy_of(mail, account, &thread).await? };
        let mut named = self.named(mail, addressed, &thread).await?;
        if let Some(copy) = copy {
            let there = named.as_ref().is_some_and(|n| n.stored.snapshot.ticket.id == copy.stored.snapshot.ticket.id);
            // A mail that made a ticket makes one for the other account too; a mail added to a ticket is there for both.
            if copy.same_account || (there && !copy.made) {
                let said = format!("a copy of it is in {} already", copy.stored.snapshot.ticket.number);
                return Ok(Sorted { verdict: Verdict::Ignored, reasons: vec![reason("ticket", &said)], related: None });
            }
            named = named.filter(|_| !there).or(Some(copy.named()));
        }
        self.clarify(mail, named.as_ref()).await?;
        let mail = &*mail;
        let arrival = Arrival {
            mail,
            account,
            guessed: accounts::is_guessed(&model.names, incoming),
            addressed,
            recipients: &incoming.recipients,
            named: named.as_ref().map(|n| Named { snapshot: &n.stored.snapshot, proof: n.proof, accounts: &n.accounts }),
            responses,
            now,
        };
        let sorted = sort(&model.names, &people, &arrival);
        let about = match &sorted.verdict {
            Verdict::Taken(taken) => taken.related.clone(),
            _ => None,
        };
        let related = about.and_then(|number| named.map(|n| (n.stored.snapshot.ticket.id, number)));
        Ok(Sorted { verdict: sorted.verdict, reasons: sorted.reasons, related })
    }
}

/// A mail on its way into the log, for one account.
#[derive(Clone, Copy)]
struct Entry<'a> {
    key: &'a str,
    incoming: &'a Incoming,
    account: Option<&'a MailAccount>,
    blob: &'a Blob,
    /// Where it could be read.
    mail: Option<&'a Mail>,
    /// It comes out of quarantine.
    again: bool,
}

struct Sorted {
    verdict: Verdict,
    reasons: Vec<Reason>,
    /// (id, number)
    related: Option<(TicketId, TicketNumber)>,
}

fn reason(by: &str, said: &str) -> Reason {
    Reason { by: by.into(), said: said.into() }
}

fn as_it_came(row: &InboxRow) -> Incoming {
    Incoming {
        door: row.details.door.clone(),
        account: row.details.account.clone(),
        guessed: row.details.guessed,
        recipients: row.details.recipients.clone(),
        return_path: Some(row.details.return_path.clone()).filter(|r| !r.is_empty()),
        client: None,
        auth: None,
    }
}

/// Off the threads that serve others: a large one takes a while.
async fn hashed(raw: Arc<Vec<u8>>) -> Result<String, StoreError> {
    if raw.len() < 64 * 1024 {
        return Ok(vorgang_mail::hash(&raw));
    }
    let hashed = tokio::task::spawn_blocking(move || vorgang_mail::hash(&raw));
    hashed.await.map_err(|e| StoreError::Unavailable(format!("a mail could not be read: {e}")))
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
