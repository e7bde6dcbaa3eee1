//! Mail: what came in becomes an article of a ticket, new or not; what an agent writes goes out, and can be taken back.

use crate::commands::command_data::{ChangesTicket, CreatesTicket};
use crate::commands::mail_out::take_part;
use crate::execution::context::Context;
use crate::execution::decision::{Decision, Stop};
use crate::execution::run::Run;
use crate::net::{assign, new_ticket};
use crate::rules::failure::Failure;
use crate::rules::follow_up::{self, Fate};
use crate::rules::intake::{Author, Taken};
use crate::rules::rejection::Rejection;
use crate::rules::scope::ResponseScope;
use crate::state::article::{Article, Sender};
use crate::state::attachment::Blob;
use crate::state::event::{Event, MailBounced};
use crate::state::ids::{ArticleId, TicketId, TicketNumber};
use crate::state::mail::{Address, DeliveryReport, Head, Mail, Nature, RECIPIENTS_MAX, shown};
use crate::state::snapshot::Retry;
use crate::state::{attributes, text};
use std::sync::Arc;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::kinds::auto_response::{AutoResponse, Occasion};
use vorgang_definitions::model::Model;
use vorgang_definitions::names::Names;
use vorgang_definitions::value_error::LINE_BYTES_MAX;

/// A mail that came in, with what was decided about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub mail: Arc<Mail>,
    /// Its bytes as they came.
    pub raw: Blob,
    pub taken: Taken,
    /// New tickets only: id and number of the ticket that the mail refers to.
    pub related: Option<(TicketId, TicketNumber)>,
}

/// A ticket that a mail makes.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenByMail {
    pub received: Box<Received>,
}

impl CreatesTicket for OpenByMail {
    const WORD: &'static str = "open_by_mail";
    const INTERNAL: bool = true;

    fn decide(&self, model: &Model, ctx: &Context) -> Result<Decision, Stop> {
        open(model, &self.received, ctx)
    }
}

/// A mail to a ticket that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiveMail {
    pub received: Box<Received>,
}

impl ChangesTicket for ReceiveMail {
    const WORD: &'static str = "receive_mail";
    const INTERNAL: bool = true;

    fn perform(&self, run: &mut Run) -> Result<(), Rejection> {
        receive(run, &self.received);
        Ok(())
    }
}

fn open(model: &Model, received: &Received, ctx: &Context) -> Result<Decision, Stop> {
    let taken = &received.taken;
    let title = title(&received.mail.subject);
    let mut run = new_ticket::by_mail(model, &title, &taken.ticket_type, &taken.queue, ctx)?;
    let person = taken.person.as_deref().and_then(|p| ctx.people.get(p)).filter(|_| taken.from != Author::Agent);
    if let Some(person) = person {
        run.set("customer_user", person.login.as_str().into(), false);
        run.set("customer", person.company.clone().into(), false);
    }
    let done = first_mail(&mut run, received);
    run.conclude(done)
}

fn first_mail(run: &mut Run, received: &Received) -> Result<(), Rejection> {
    let failures = set(run, &received.taken);
    new_ticket::complete(run, &received.taken.ticket_type)?;
    // The sender alone: `Reply-To` and copies that nobody confirms give nobody a part in the ticket.
    if let Some(from) = received.mail.from.as_ref().filter(|_| !received.mail.auth.is_forged()) {
        take_part(run, from.clone());
    }
    add(run, received, false);
    if let Some((id, number)) = &received.related {
        run.link(*id, number.clone(), LinkKind::Related.word());
    }
    for failure in failures {
        run.raise(failure, None, Retry::Nothing);
    }
    Ok(())
}

fn receive(run: &mut Run, received: &Received) {
    let rejected = received.taken.from == Author::Customer && follow_up::fate(&run.model.names, &run.snapshot.ticket) == Fate::Rejected;
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
    let until = attributes::attribute(&run.snapshot.ticket, "pending_until");
    // A state may need what is set beside it.
    let (states, others): (Vec<_>, Vec<_>) = taken.set.iter().partition(|(n, _)| n == "state");
    for (name, value) in others.into_iter().chain(states) {
        failures.extend(assign::apply(run, name, value.clone(), None).err());
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
        Author::Customer => Sender::Customer,
        Author::Agent => Sender::Agent,
        Author::Machine => Sender::System,
    };
    let from = mail.from.clone().unwrap_or_else(|| Address::new("", "unknown"));
    let (attachments, blobs): (Vec<_>, Vec<_>) = mail.attachments.iter().cloned().unzip();
    run.blobs.extend(blobs);
    run.blobs.push(received.raw.clone());
    run.add_article(Article {
        seq: ArticleId(0),
        channel: "mail".into(),
        sender,
        author: taken.person.as_ref().map_or_else(|| from.address.clone(), ToString::to_string),
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

/// Addresses that a mail of ours did not reach.
fn bounced(run: &mut Run, report: &DeliveryReport) {
    if !report.failed {
        return;
    }
    for (address, reason) in report.recipients.iter().take(RECIPIENTS_MAX) {
        let reason = cut(reason, LINE_BYTES_MAX).to_owned();
        run.emit(Event::MailBounced(MailBounced { address: address.clone(), message: reason, at: run.ctx.now }));
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
    run.queue_automatic_mail(to, &subject, body, received.mail.message_id.iter().cloned().collect());
}
