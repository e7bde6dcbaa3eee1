//! The ticket that a mail names, and what is known of both.

use crate::desk::{Desk, Error};
use crate::intake::accounts;
use crate::intake::incoming::KEPT_MAX;
use std::collections::BTreeSet;
use vorgang_core::article::{Article, Written};
use vorgang_core::ids::TicketId;
use vorgang_core::intake::Proof;
use vorgang_core::mail::{DeliveryReport, Mail, Nature};
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_definitions::kinds::state::StateType;
use vorgang_store::inbox::InboxRow;
use vorgang_store::{StoreError, Stored};

/// Message-IDs that are looked up of one mail.
const REFERENCES_MAX: usize = 20;

/// Merges that are followed.
const HOPS_MAX: usize = 10;

/// A ticket that a mail names.
pub struct Candidate {
    pub stored: Stored,
    pub proof: Proof,
    /// Accounts that mail of the ticket came to or went out from; empty where the mail is for the ticket's own account.
    pub accounts: Vec<String>,
}

/// A mail that is here already, under the same Message-ID with the same text.
pub struct EarlierCopy {
    pub stored: Stored,
    pub same_account: bool,
    /// It made the ticket; otherwise it was added to one.
    pub made: bool,
}

impl EarlierCopy {
    pub fn named(self) -> Candidate {
        Candidate { stored: self.stored, proof: Proof::Copy, accounts: vec![] }
    }
}

/// The Message-ID with which the mail's thread began: the oldest that it answers. `None` where the mail itself began it.
pub fn begun_by(mail: &Mail) -> Option<&str> {
    mail.references.last().filter(|root| mail.message_id.as_ref() != Some(root)).map(String::as_str)
}

impl Desk {
    /// The ticket that a mail names best: by a mail of ours or the token in the subject, by a mail that came before, by the thread
    /// that it belongs to, by its number. Among several the first whose account the mail is for.
    ///
    /// `thread` holds the mails with this mail's own Message-ID, and those whose thread began with it.
    pub(crate) async fn named(&self, mail: &Mail, addressed: &[&MailAccount], thread: &[InboxRow]) -> Result<Option<Candidate>, Error> {
        let threads = self.threads().await?;
        let mut ids: Vec<String> = mail.references.iter().take(REFERENCES_MAX).cloned().collect();
        if let Nature::Report(report) = &mail.nature {
            ids.extend(report.originals.iter().cloned());
        }
        let numbers = threads.named(&mail.subject);
        let by_token: Vec<&str> = numbers.iter().filter(|(_, proved)| *proved).map(|(n, _)| n.as_str()).collect();
        let mut found: Vec<(TicketId, Proof)> = ids.iter().filter_map(|id| threads.ticket_of(id)).map(|t| (t, Proof::Token)).collect();
        for number in &by_token {
            if let Some(stored) = self.store.ticket_load(number).await? {
                let id = stored.snapshot.ticket.id;
                match found.iter_mut().find(|(ticket, _)| *ticket == id) {
                    Some((_, proof)) => *proof = Proof::Subject,
                    None => found.push((id, Proof::Subject)),
                }
            }
        }
        if let Some(best) = self.best(found, addressed).await? {
            return Ok(Some(best));
        }
        let mut found = vec![];
        if !ids.is_empty() {
            found.extend(self.store.inbox_tickets(&ids).await?);
        }
        if found.is_empty() {
            let begun = match begun_by(mail) {
                Some(root) => &*self.store.inbox_thread(root).await?,
                None => thread,
            };
            found.extend(begun.iter().filter_map(|row| row.ticket).collect::<BTreeSet<TicketId>>());
        }
        if let Some(best) = self.best(found.into_iter().map(|t| (t, Proof::Reference)).collect(), addressed).await? {
            return Ok(Some(best));
        }
        for (number, _) in &numbers {
            if let Some(stored) = self.store.ticket_load(number).await? {
                return Ok(Some(Candidate { stored, proof: Proof::Number, accounts: vec![] }));
            }
        }
        Ok(None)
    }

    /// The first whose account is among those that the mail is for, else the first.
    async fn best(&self, found: Vec<(TicketId, Proof)>, addressed: &[&MailAccount]) -> Result<Option<Candidate>, Error> {
        let mut first = None;
        for (ticket, proof) in found {
            let Some(stored) = self.follow(self.store.ticket_load_by_id(ticket).await?).await? else { continue };
            let own = self.model().names.account_of(&stored.snapshot.ticket.queue).map(|a| a.name.to_string());
            let is_addressed = |name: &str| addressed.iter().any(|a| *a.name == *name);
            if proof == Proof::Subject || addressed.is_empty() || own.as_deref().is_none_or(is_addressed) {
                return Ok(Some(Candidate { stored, proof, accounts: vec![] }));
            }
            let accounts = self.accounts_of(&stored).await?;
            let fits = accounts.iter().any(|a| is_addressed(a));
            let candidate = Candidate { stored, proof, accounts };
            if fits {
                return Ok(Some(candidate));
            }
            first.get_or_insert(candidate);
        }
        Ok(first)
    }

    /// Accounts that mail of the ticket came to or went out from.
    async fn accounts_of(&self, stored: &Stored) -> Result<Vec<String>, Error> {
        let (names, ticket) = (&self.model().names, stored.snapshot.ticket.id);
        let mut all: Vec<String> = self.store.inbox_of(ticket).await?.iter().filter_map(|row| accounts::of_row(names, row)).collect();
        let sent = self.store.article_list(ticket).await?;
        let sent = sent.iter().filter_map(|a| a.head.as_deref()).filter(|h| h.raw.is_none());
        all.extend(sent.filter_map(|h| names.account_at(&h.from.address)).map(|a| a.name.to_string()));
        Ok(all)
    }

    /// The ticket itself, or the one that it was merged into.
    pub(crate) async fn follow(&self, stored: Option<Stored>) -> Result<Option<Stored>, StoreError> {
        let mut stored = stored;
        for _ in 0..HOPS_MAX {
            let Some(s) = &stored else { return Ok(None) };
            if self.model().names.state_type(&s.snapshot.ticket.state) != StateType::Merged {
                break;
            }
            let links = self.store.links(&vorgang_core::filter::Filter::All, s.snapshot.ticket.id).await?;
            let Some((parent, _)) = links.into_iter().find(|(_, kind)| kind == "parent") else { break };
            stored = self.store.ticket_load_by_id(TicketId(parent.id)).await?;
        }
        Ok(stored)
    }

    /// The same mail as it came before, on another way: mail servers write different lines above it.
    ///
    /// `thread` holds the mails with this mail's own Message-ID, and those whose thread began with it.
    pub(crate) async fn copy_of(
        &self,
        mail: &Mail,
        account: Option<&MailAccount>,
        thread: &[InboxRow],
    ) -> Result<Option<EarlierCopy>, Error> {
        let sender = mail.from.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut copy = None;
        for row in thread {
            if mail.message_id.as_ref() != Some(&row.message_id) || row.sender != sender || row.subject != mail.subject {
                continue;
            }
            let Some(stored) = self.store.ticket_load(row.number.as_deref().unwrap_or_default()).await? else { continue };
            let articles = self.store.article_list(stored.snapshot.ticket.id).await?;
            let came = |a: &&Article| a.head.as_ref().is_some_and(|h| h.raw.as_ref() == Some(&row.blob));
            if articles.iter().find(came).map(Written::of_article) != Some(Written::of_mail(mail)) || !self.has_html_of(row, mail).await? {
                continue;
            }
            let before = accounts::of_row(&self.model().names, row);
            let same_account = before.as_deref() == account.map(|a| a.name.as_str());
            let made = articles.first().is_some_and(|a| came(&a));
            if same_account || copy.is_none() {
                copy = Some(EarlierCopy { stored, same_account, made });
            }
            if same_account {
                break;
            }
        }
        Ok(copy)
    }

    /// Has the mail of the log the same HTML as this one?
    async fn has_html_of(&self, row: &InboxRow, mail: &Mail) -> Result<bool, Error> {
        if mail.html_digest.is_none() {
            return Ok(true);
        }
        let Some(raw) = self.store.blob(&row.blob).await? else { return Ok(false) };
        let read = tokio::task::spawn_blocking({
            let hash = row.blob.clone();
            move || vorgang_mail::read(&raw, &hash, KEPT_MAX)
        });
        Ok(matches!(read.await, Ok(Ok(before)) if before.html_digest == mail.html_digest))
    }

    /// What the mail is, with the ticket that it names. What only looks like a report and is about no mail of ours is somebody's
    /// mail; a report is believed about the recipients of the mail that it is about, and nobody else.
    pub(crate) async fn clarify(&self, mail: &mut Mail, named: Option<&Candidate>) -> Result<(), Error> {
        let ours = named.is_some_and(|n| n.proof.is_secret());
        let Nature::Report(report) = &mut mail.nature else { return Ok(()) };
        if ours {
            return self.of_recipients(report).await;
        }
        if !report.declared {
            mail.nature = Nature::Machine("it looks like a report, and is about no mail of ours".into());
        }
        Ok(())
    }

    async fn of_recipients(&self, report: &mut DeliveryReport) -> Result<(), Error> {
        let threads = self.threads().await?;
        let mut addresses: Vec<String> = vec![];
        for key in report.originals.iter().filter_map(|id| threads.key_of(id)) {
            let Some(row) = self.store.delivery_find(key).await? else { continue };
            match row.outgoing() {
                Some(outgoing) => addresses.extend(outgoing.to.iter().chain(&outgoing.cc).map(|a| a.key())),
                None => addresses.extend(self.people().get(&row.recipient).map(|p| p.email.to_ascii_lowercase())),
            }
        }
        let named = |address: &String| addresses.iter().any(|a| a.eq_ignore_ascii_case(address));
        let reason = report.recipients.first().map(|(_, why)| why.clone()).unwrap_or_default();
        report.recipients.retain(|(address, _)| named(address));
        // Mail that is forwarded fails at an address that we never wrote to.
        if let ([one], true, true) = (addresses.as_slice(), report.recipients.is_empty(), report.failed) {
            report.recipients.push((one.clone(), reason));
        }
        Ok(())
    }
}
