//! Articles that go out as mails.

use crate::execution::run::Run;
use crate::rules::rejection::{FormError, Rejection};
use crate::state::article::Article;
use crate::state::event::{Event, MailQueued, ParticipantAdded};
use crate::state::ids::MailId;
use crate::state::mail::{ADDRESS_BYTES_MAX, Address, Head, MailInput, Outgoing, RECIPIENTS_MAX, TAKE_BACK_SECONDS};
use crate::state::people::PersonKind;
use jiff::SignedDuration;
use vorgang_definitions::value_error::{LINE_BYTES_MAX, ValueError};

/// Addresses of the desk and of its agents take part in no ticket.
pub(crate) fn take_part(run: &mut Run, address: Address) {
    let known = run.snapshot.participants.iter().any(|p| p.is(&address.address));
    let ours = run.model.names.account_at(&address.address).is_some();
    let agent = run.ctx.people.by_address(&address.key()).is_some_and(|p| p.kind == PersonKind::Agent);
    if known || ours || agent || !address.address.contains('@') || run.snapshot.participants.len() >= RECIPIENTS_MAX {
        return;
    }
    run.emit(Event::ParticipantAdded(ParticipantAdded { participant: address, at: run.ctx.now }));
}

/// What stands with an article that goes out as a mail under this number.
pub fn head(run: &Run, input: &MailInput, number: MailId) -> Result<Head, Rejection> {
    let error = |e: FormError| Rejection::Form(vec![("to".into(), e)]);
    if input.to.is_empty() {
        return Err(error(FormError::Required));
    }
    if input.to.len() + input.cc.len() > RECIPIENTS_MAX {
        return Err(error(FormError::Invalid(ValueError::TooLarge)));
    }
    // A name is a line, an address no longer than a server takes (RFC 5321, 4.5.3.1): what is longer is not shown again.
    let long = |a: &Address| a.name.len() > LINE_BYTES_MAX || a.address.len() > ADDRESS_BYTES_MAX;
    if input.to.iter().chain(&input.cc).any(long) {
        return Err(error(FormError::Invalid(ValueError::TooLong(ADDRESS_BYTES_MAX))));
    }
    let wrong = |a: &Address| {
        let bad = |t: &str| t.chars().any(|c| c.is_control());
        let plain = a.address.split_once('@').is_some_and(|(l, d)| !l.is_empty() && !d.is_empty() && !d.contains('@'));
        bad(&a.name) || bad(&a.address) || !plain || a.address.contains(char::is_whitespace)
    };
    if let Some(bad) = input.to.iter().chain(&input.cc).find(|a| wrong(a)) {
        return Err(error(FormError::Invalid(ValueError::NotOffered(bad.to_string()))));
    }
    let queue = &run.snapshot.ticket.queue;
    let account = run.model.names.account_of(queue).ok_or_else(|| error(FormError::Unknown))?;
    Ok(Head {
        from: (&account.address).into(),
        to: input.to.clone(),
        cc: input.cc.clone(),
        reply_to: vec![],
        message_id: String::new(),
        raw: None,
        html: false,
        auto: false,
        auth: None,
        outgoing: Some(number),
    })
}

/// Sends an article that was just written; a little later, so that it can be taken back. What it answers is found when it
/// goes out.
pub fn send(run: &mut Run, article: &Article) {
    let Some(head) = article.head.as_deref() else { return };
    let now = run.ctx.now;
    let outgoing = Outgoing {
        seq: head.outgoing.unwrap_or_else(|| run.next_id()),
        account: run.mail_account(),
        to: head.to.clone(),
        cc: head.cc.clone(),
        subject: article.subject.clone(),
        body: article.body.clone(),
        references: vec![],
        article: Some(article.seq),
        attachments: article.attachments.clone(),
        auto: false,
        not_before: now + SignedDuration::from_secs(TAKE_BACK_SECONDS),
        at: now,
    };
    // Whoever an agent writes to may answer.
    for address in head.to.iter().chain(&head.cc).cloned() {
        take_part(run, address);
    }
    run.emit(Event::MailQueued(MailQueued { outgoing }));
}
