//! Mail: what came in becomes an article of a ticket, new or not; what an agent writes goes out, and can be taken back.

use super::Decision;
use super::create;
use super::run::{Failure, Run};
use crate::command::{Context, Received};
use crate::event::{Article, Event, Sender};
use crate::follow_up::{self, Fate};
use crate::intake::{From, Taken};
use crate::mail::{ADDRESS_BYTES_MAX, Address, Head, MailInput, Nature, Outgoing, RECIPIENTS_MAX, Report, TAKE_BACK_SECONDS, shown};
use crate::people::SYSTEM;
use crate::rejection::{FormError, Rejection};
use crate::rights;
use crate::scope::ResponseScope;
use crate::snapshot::{Retry, Seq};
use crate::text;
use jiff::SignedDuration;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::auto_response::{AutoResponse, Occasion};
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::model::{Model, Names};
use vorgang_definitions::values::{LINE_BYTES_MAX, ValueError};

/// A ticket that a mail makes.
pub fn open(model: &Model, received: &Received, ctx: &Context) -> Result<Decision, Rejection> {
    let taken = &received.taken;
    let title = title(&received.mail.subject);
    let mut run = create::by_mail(model, &title, &taken.ticket_type, &taken.queue, ctx)?;
    let person = taken.person.as_deref().and_then(|p| ctx.people.get(p)).filter(|_| taken.from != From::Agent);
    if let Some(person) = person {
        run.set("customer_user", person.login.as_str().into(), false);
        run.set("customer", person.company.clone().into(), false);
    }
    let failures = set(&mut run, taken);
    create::complete(&mut run, &taken.ticket_type)?;
    // The sender alone: `Reply-To` and copies that nobody confirms give nobody a part in the ticket.
    if let Some(from) = received.mail.from.as_ref().filter(|_| !received.mail.auth.is_forged()) {
        take_part(&mut run, from.clone());
    }
    add(&mut run, received, false);
    if let Some((id, number)) = &received.related {
        run.link(*id, number.clone(), LinkKind::Related.word());
    }
    for failure in failures {
        run.raise(failure, None, Retry::Nothing);
    }
    run.finish()
}

/// A mail to a ticket that is there.
pub fn receive(run: &mut Run, received: &Received) {
    let rejected = received.taken.from == From::Customer && follow_up::fate(&run.model.names, &run.snapshot.ticket) == Fate::Rejected;
    let failures = set(run, &received.taken);
    add(run, received, rejected);
    for failure in failures {
        run.raise(failure, None, Retry::Nothing);
    }
}

/// What can be read of a subject as a title; there has to be one.
fn title(subject: &str) -> String {
    let plain = text::visible(subject);
    let mut text = plain.trim();
    while let Some(rest) = ["re:", "aw:", "fw:", "fwd:", "wg:"]
        .iter()
        .find_map(|p| text.get(..p.len()).filter(|head| head.eq_ignore_ascii_case(p)).map(|_| text[p.len()..].trim_start()))
    {
        text = rest;
    }
    if text::is_blank(text) { "–".to_owned() } else { cut(text, LINE_BYTES_MAX).to_owned() }
}

/// The beginning, at a border between letters.
fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// What filters and headers want; what does not fit is an incident of the ticket, and the mail is there all the same.
fn set(run: &mut Run, taken: &Taken) -> Vec<Failure> {
    let mut failures = vec![];
    let until = crate::apply::attribute(&run.snapshot.ticket, "pending_until");
    // A state may need what is set beside it.
    let (states, others): (Vec<_>, Vec<_>) = taken.set.iter().partition(|(n, _)| n == "state");
    for (name, value) in others.into_iter().chain(states) {
        failures.extend(crate::actions::set::apply(run, name, value.clone(), None).err());
    }
    if run.waits_without_time() {
        run.set("pending_until", until, false);
        failures.push(Failure::new("value", "`pending_until`: the ticket waits, and a state that waits needs a time"));
    }
    failures
}

fn add(run: &mut Run, received: &Received, rejected: bool) {
    let (mail, taken) = (&received.mail, &received.taken);
    let sender = match taken.from {
        From::Customer => Sender::Customer,
        From::Agent => Sender::Agent,
        From::Machine => Sender::System,
    };
    let from = mail.from.clone().unwrap_or_else(|| Address::new("", "unknown"));
    let (attachments, blobs): (Vec<_>, Vec<_>) = mail.attachments.iter().cloned().unzip();
    run.blobs.extend(blobs);
    run.blobs.push(received.raw.clone());
    run.add_article(Article {
        seq: 0,
        channel: "mail".into(),
        sender,
        author: taken.person.clone().unwrap_or_else(|| from.address.clone()),
        visible: taken.visible,
        subject: cut(&text::visible(&mail.subject), LINE_BYTES_MAX).to_owned(),
        body: shown(&mail.body),
        attachments,
        at: run.ctx.now,
        origin: None,
        head: Some(Box::new(Head {
            from,
            to: mail.to.iter().take(RECIPIENTS_MAX).cloned().collect(),
            cc: mail.cc.iter().take(RECIPIENTS_MAX).cloned().collect(),
            reply_to: mail.reply_to.iter().take(RECIPIENTS_MAX).cloned().collect(),
            message_id: mail.message_id.clone().unwrap_or_default(),
            raw: Some(mail.hash.clone()),
            html: mail.html,
            auto: mail.is_auto(),
            auth: Some(mail.auth.clone()),
            outgoing: None,
        })),
        withdrawn: false,
        rejected,
        erased: None,
    });
    // Whoever stands beside a sender that nobody stands for gets nothing of the ticket.
    if mail.nature == Nature::Person {
        let lines = [("to", &mail.to), ("cc", &mail.cc)].into_iter().filter(|(name, _)| mail.auth.covers(name));
        let beside = lines.flat_map(|(_, all)| all).take(RECIPIENTS_MAX).cloned();
        for address in beside.collect::<Vec<_>>() {
            take_part(run, address);
        }
    }
    if let Nature::Report(report) = &mail.nature {
        bounced(run, report);
    }
    if let Some(occasion) = taken.response {
        respond(run, received, occasion);
    }
}

/// Addresses of the desk and of its agents take part in no ticket.
fn take_part(run: &mut Run, address: Address) {
    let known = run.snapshot.participants.iter().any(|p| p.is(&address.address));
    let ours = run.model.names.account_at(&address.address).is_some();
    let agent = run.ctx.people.by_address(&address.key()).is_some_and(|p| p.kind == crate::people::PersonKind::Agent);
    if known || ours || agent || !address.address.contains('@') || run.snapshot.participants.len() >= RECIPIENTS_MAX {
        return;
    }
    run.emit(Event::ParticipantAdded { participant: address, at: run.ctx.now });
}

/// Addresses that a mail of ours did not reach.
fn bounced(run: &mut Run, report: &Report) {
    if !report.failed {
        return;
    }
    for (address, reason) in report.recipients.iter().take(RECIPIENTS_MAX) {
        let reason = cut(reason, LINE_BYTES_MAX).to_owned();
        run.emit(Event::MailBounced { address: address.clone(), message: reason, at: run.ctx.now });
    }
}

/// The response of the queue, or the one that is for all.
fn response<'a>(names: &'a Names, queue: &str, occasion: Occasion) -> Option<&'a AutoResponse> {
    let of = |own: bool| {
        names
            .auto_responses
            .iter()
            .find(move |r| r.on == occasion && r.queues.as_ref().map_or(!own, |q| own && q.iter().any(|n| *n == queue)))
    };
    of(true).or_else(|| of(false))
}

fn respond(run: &mut Run, received: &Received, occasion: Occasion) {
    let queue = run.snapshot.ticket.queue.clone();
    let Some(response) = response(&run.model.names, &queue, occasion) else { return };
    let Some(to) = received.mail.from.clone() else { return };
    let site = run.model.names.site.main_language().to_owned();
    let person = received.taken.person.as_deref().and_then(|p| run.ctx.people.get(p));
    let language = person.map_or(site.clone(), |p| p.language.clone());
    let scope = ResponseScope { names: &run.model.names, ticket: &run.snapshot.ticket, person: person.map(|p| &**p), now: run.ctx.now };
    let texts = response.subject.render(&language, &site, &scope).and_then(|s| Ok((s, response.body.render(&language, &site, &scope)?)));
    let (subject, body) = match texts {
        Ok(texts) => texts,
        Err(why) => {
            let failure = Failure::new("template", format!("automatic response `{}`: {why}", response.name));
            return run.raise(failure, None, Retry::Nothing);
        }
    };
    let outgoing = Outgoing {
        seq: run.next_seq(),
        account: run.mail_account(),
        to: vec![to],
        cc: vec![],
        subject: subject.replace(['\r', '\n'], " "),
        body,
        references: received.mail.message_id.iter().cloned().collect(),
        article: None,
        attachments: vec![],
        auto: true,
        not_before: run.ctx.now,
        at: run.ctx.now,
    };
    run.emit(Event::MailQueued { outgoing });
}

/// What stands with an article that goes out as a mail under this number.
pub fn head(run: &Run, input: &MailInput, number: Seq) -> Result<Head, Rejection> {
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
        seq: head.outgoing.unwrap_or_else(|| run.next_seq()),
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
    run.emit(Event::MailQueued { outgoing });
}

/// Before it went out. The commit refuses itself where it is too late.
pub fn take_back(run: &mut Run, mail: Seq, article: Seq) -> Result<(), Rejection> {
    if run.ctx.actor.login != SYSTEM {
        rights::require(&run.model.names, run.ctx.actor, &run.snapshot.ticket, Right::Note)?;
    }
    run.emit(Event::MailTakenBack { mail, article });
    Ok(())
}
