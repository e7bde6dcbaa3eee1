//! The accounts of the desk that a mail is for.

use crate::desk;
use crate::intake::incoming::Incoming;
use vorgang_core::chain::hex;
use vorgang_core::mail::Mail;
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_definitions::names::Names;
use vorgang_store::inbox::InboxRow;

/// Headers in which mail servers write down the recipient of the envelope.
const DELIVERED: [&str; 3] = ["delivered-to", "x-original-to", "envelope-to"];

/// Those that take the mail, each with a ticket of its own: the one whose mailbox it lay in, else those of the envelope, else the
/// one that a mail server wrote down, else the first that the headers name. Of accounts that share queue and type the first.
pub fn takers<'m>(names: &'m Names, incoming: &Incoming, mail: &Mail) -> Vec<&'m MailAccount> {
    if let Some(named) = incoming.account.as_deref().and_then(|a| names.accounts.get(a)) {
        return vec![named];
    }
    let mut all: Vec<&MailAccount> = vec![];
    for account in incoming.recipients.iter().filter_map(|r| names.account_at(r)) {
        if !all.iter().any(|a| a.queue == *account.queue && a.ticket_type == *account.ticket_type) {
            all.push(account);
        }
    }
    if all.is_empty() {
        all.extend(delivered(names, mail).next().or_else(|| written(names, mail).next()));
    }
    all
}

/// Do only the mail's own headers say for which account it is? Its writer may have made them up.
pub fn is_guessed(names: &Names, incoming: &Incoming) -> bool {
    let given = incoming.account.as_deref().and_then(|a| names.accounts.get(a)).is_some();
    incoming.guessed || !(given || incoming.recipients.iter().any(|r| names.account_at(r).is_some()))
}

/// The takers, and every other account that the envelope or the headers name.
pub fn addressed<'m>(names: &'m Names, incoming: &Incoming, mail: &Mail, takers: &[&'m MailAccount]) -> Vec<&'m MailAccount> {
    let mut all = takers.to_vec();
    let envelope = incoming.recipients.iter().filter_map(|r| names.account_at(r));
    for account in envelope.chain(delivered(names, mail)).chain(written(names, mail)) {
        if !all.iter().any(|a| a.name == account.name) {
            all.push(account);
        }
    }
    all
}

fn delivered<'m>(names: &'m Names, mail: &Mail) -> impl Iterator<Item = &'m MailAccount> {
    DELIVERED.iter().filter_map(|h| mail.header(h)).filter_map(|r| names.account_at(r))
}

fn written<'m>(names: &'m Names, mail: &Mail) -> impl Iterator<Item = &'m MailAccount> {
    mail.to.iter().chain(&mail.cc).filter_map(|a| names.account_at(&a.address))
}

/// The log's key of a mail for an account. The bytes name the mail; where there are several accounts, each takes it once.
pub fn key(names: &Names, hash: &str, account: Option<&MailAccount>) -> String {
    match account.filter(|_| names.accounts.len() > 1) {
        Some(account) => hex(&desk::sha256(format!("{hash} {}", account.name).as_bytes())),
        None => hash.to_owned(),
    }
}

/// The name of the account that took a mail of the log. Rows of earlier versions name recipients only.
pub fn of_row(names: &Names, row: &InboxRow) -> Option<String> {
    let by_address = || row.details.recipients.iter().find_map(|r| names.account_at(r)).map(|a| a.name.to_string());
    row.details.account.clone().or_else(by_address)
}
