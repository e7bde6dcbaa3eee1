//! Keeps mail that the desk makes by itself from setting off mail by the desk without end.
//!
//! Nothing goes to an address that has just bounced: the report about one mail may be what sets off the next. As the last net,
//! mails are counted by ticket, cause and recipient; what is too much in an hour is held, with an incident on the ticket.

use crate::brake::{AN_HOUR_MAX, BOUNCED_FOR};
use crate::desk::{Desk, Request};
use jiff::Timestamp;
use vorgang_core::commands::{Command, Raise};
use vorgang_core::failure::Failure;
use vorgang_core::people;
use vorgang_core::snapshot::Retry;
use vorgang_store::StoreError;
use vorgang_store::deliveries::{Delivery, DeliveryState, End};

/// Written by a person: it goes out whatever happens around it.
fn by_hand(mail: &Delivery) -> bool {
    mail.outgoing().is_some_and(|o| !o.auto)
}

/// Addresses that the mail goes to, in small letters.
fn addresses(desk: &Desk, mail: &Delivery) -> Vec<String> {
    match mail.outgoing() {
        Some(outgoing) => outgoing.to.iter().chain(&outgoing.cc).map(|a| a.key()).collect(),
        None => desk.people().get(&mail.recipient).map(|p| p.email.to_ascii_lowercase()).into_iter().collect(),
    }
}

impl Desk {
    /// The mails that may go out now, and the ends of the others: given up or held, with the reason.
    pub(crate) async fn let_through(&self, mails: Vec<Delivery>) -> Result<(Vec<Delivery>, Vec<End>), StoreError> {
        let now = self.clock.now();
        let mut all: Vec<String> = mails.iter().filter(|m| !by_hand(m)).flat_map(|m| addresses(self, m)).collect();
        all.sort_unstable();
        all.dedup();
        let bounces = if all.is_empty() { vec![] } else { self.store.mail_bounces(&all).await? };
        let (mut through, mut ends) = (vec![], vec![]);
        let end = |id, state, why| End { id, state, at: now, attempts: 1, error: Some(why) };
        for mail in mails {
            if by_hand(&mail) {
                through.push(mail);
                continue;
            }
            let to = addresses(self, &mail);
            let bounced = bounces.iter().find(|(a, at, _)| to.contains(a) && now.duration_since(*at) < BOUNCED_FOR);
            if let Some((address, at, why)) = bounced {
                let said = format!("not sent: {address} bounced at {at} ({why})");
                ends.push(end(mail.id, DeliveryState::Failed, said));
            } else if mail.attempts == 0
                && let Some(said) = self.is_too_much(&mail, now).await
            {
                ends.push(end(mail.id, DeliveryState::Held, said));
            } else {
                through.push(mail);
            }
        }
        Ok((through, ends))
    }

    /// Why it is held, where it is too much.
    async fn is_too_much(&self, mail: &Delivery, now: Timestamp) -> Option<String> {
        let cause = if mail.outgoing().is_some() { "automatic response" } else { mail.notification() };
        let count = self.brake.count(mail.ticket?, cause, &mail.recipient, now);
        if count <= AN_HOUR_MAX {
            return None;
        }
        let said = format!("held: `{cause}` has sent {AN_HOUR_MAX} mails to {} within an hour", mail.recipient);
        if count == AN_HOUR_MAX + 1 {
            let failure = Failure::new("loop", format!("{said}; more are held until they are released"));
            let command = Command::Raise(Raise { failure, retry: Retry::Nothing });
            let system = people::system();
            let request = Request { actor: &system, ticket: Some(&mail.number), command, cause: "mail", at: None };
            if let Err(e) = self.execute(request).await {
                tracing::error!(ticket = %mail.number, "mail without end was held, and its ticket could not be told: {e}");
            }
        }
        Some(said)
    }
}
