//! Whom an answer by mail goes to: the last writer, the customer, and everybody else who takes part.

use crate::state::article::{Article, Sender};
use crate::state::mail::{Address, Head};
use crate::state::people::Directory;
use crate::state::snapshot::Snapshot;
use vorgang_definitions::names::Names;

/// The recipients that the form for an answer starts with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipients {
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    /// Addresses that nobody confirms: an agent chooses them knowingly, or not at all.
    pub unproved: Vec<Address>,
}

/// `to` is the last writer, or where that writer wants answers (`Reply-To`), and the customer; `cc` is who else takes part.
///
/// An address is confirmed where it is a person's in the directory, where its domain stands for a mail from it, where a writer
/// who is confirmed so names it (`Reply-To`, `To`, `Cc`), and where an agent has written to it before.
pub fn suggest(names: &Names, people: &Directory, snapshot: &Snapshot, articles: &[Article]) -> Recipients {
    let heads: Vec<(&Article, &Head)> = articles.iter().filter(|a| a.visible).filter_map(|a| Some((a, a.head.as_deref()?))).collect();
    let Some((_, last)) = heads.iter().rev().find(|(a, _)| a.sender == Sender::Customer) else { return Recipients::default() };
    let confirmed = |address: &Address| {
        let by = |head: &Head| {
            let lines = [("reply-to", &head.reply_to), ("to", &head.to), ("cc", &head.cc)];
            let named =
                |counts: &dyn Fn(&str) -> bool| lines.iter().any(|(name, all)| counts(name) && all.iter().any(|a| a.is(&address.address)));
            match (&head.raw, &head.auth) {
                (None, _) => named(&|_| true),
                (Some(_), Some(auth)) => (auth.is_good() && head.from.is(&address.address)) || named(&|name| auth.covers(name)),
                (Some(_), None) => false,
            }
        };
        people.by_address(&address.key()).is_some() || heads.iter().any(|(_, head)| by(head))
    };
    let is_real = |a: &Address| a.address.contains('@') && names.account_at(&a.address).is_none();
    let mut all = Recipients::default();
    let mut add = |address: Address, copy: bool| {
        let known = all.to.iter().chain(&all.cc).chain(&all.unproved).any(|a| a.is(&address.address));
        match (known || !is_real(&address), confirmed(&address), copy) {
            (true, ..) => {}
            (_, false, _) => all.unproved.push(address),
            (_, true, false) => all.to.push(address),
            (_, true, true) => all.cc.push(address),
        }
    };
    let answered = if last.reply_to.is_empty() { std::slice::from_ref(&last.from) } else { &last.reply_to };
    answered.iter().for_each(|a| add(a.clone(), false));
    let customer = snapshot.ticket.customer_user.as_deref().and_then(|c| people.get(c)).filter(|c| c.active && !c.email.is_empty());
    if let Some(customer) = customer {
        add(Address::new(&customer.name, &customer.email), false);
    }
    // A writer who asks for answers elsewhere gets them there, unless an agent wrote to the sender's address as well.
    let written_to = |a: &Address| heads.iter().any(|(_, h)| h.raw.is_none() && h.to.iter().chain(&h.cc).any(|t| t.is(&a.address)));
    let elsewhere = |a: &Address| !last.reply_to.is_empty() && a.is(&last.from.address) && !written_to(a);
    let others = snapshot.participants.iter().filter(|p| !elsewhere(p));
    others.for_each(|p| add(p.clone(), true));
    all
}
