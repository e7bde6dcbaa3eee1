//! Notifications: who is told, on which way, and when.

use crate::execution::at::At;
use crate::execution::context::Context;
use crate::execution::run::Run;
use crate::net::absence::today;
use crate::rules::failure::Failure;
use crate::rules::rights::{self, Sight};
use crate::rules::scope::TicketScope;
use crate::rules::who;
use crate::state::event::{Event, NotificationSent};
use crate::state::ids::Login;
use crate::state::mail::Address;
use crate::state::notice::Notice;
use crate::state::people::Person;
use crate::state::snapshot::Snapshot;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::sync::Arc;
use vorgang_definitions::cel::scope::EvalError;
use vorgang_definitions::kinds::notification::{Channel, Notification};
use vorgang_definitions::model::Model;

/// One person who is told.
struct Addressee {
    person: Arc<Person>,
    portal: bool,
    mail: bool,
    /// For whom, where it comes to a substitute.
    instead_of: Option<Login>,
}

pub fn tell(run: &mut Run, notification: &Notification, at: At) -> Result<(), Failure> {
    let site = run.model.names.site.main_language().to_owned();
    let failed = |message: String| Failure::new("template", format!("notification `{}`: {message}", notification.name));
    let nobody = |e: EvalError| Failure::new("expression", format!("notification `{}`: {e}", notification.name));
    let recipients = who::recipients(&notification.to, &run.scope(at)).map_err(nobody)?;
    let today = today(run);
    for address in recipients.addresses {
        to_address(run, notification, address, at)?;
    }
    for login in recipients.logins {
        let name = notification.name.as_str();
        if notification.once_a_day && run.snapshot.told.iter().any(|t| t.name == name && *t.to == *login && t.day == today) {
            continue;
        }
        for told in reached(run, notification, &login, today) {
            let scope = TicketScope { recipient: Some(&told.person), ..run.scope(at) };
            let subject = notification.subject.render(&told.person.language, &site, &scope).map_err(failed)?;
            let body = notification.body.render(&told.person.language, &site, &scope).map_err(failed)?;
            let first_today = told.instead_of.is_none() && notification.once_a_day;
            let notice = Notice {
                seq: run.next_id(),
                name: name.to_owned(),
                to: told.person.login.clone(),
                portal: told.portal,
                mail: told.mail,
                account: told.mail.then(|| run.mail_account()).flatten(),
                not_before: told.mail.then(|| quiet_until(run, notification, &told.person)).flatten(),
                sees: rights::sight(&run.model.names, &told.person, &run.snapshot) != Sight::Nothing,
                instead_of: told.instead_of,
                day: first_today.then_some(today),
                subject: subject.replace(['\r', '\n'], " "),
                body,
                at: run.ctx.now,
            };
            run.emit(Event::NotificationSent(NotificationSent { notification: notice }));
        }
    }
    Ok(())
}

/// A mail to an address that is nobody's in the directory.
fn to_address(run: &mut Run, notification: &Notification, to: Address, at: At) -> Result<(), Failure> {
    let failed = |message: String| Failure::new("template", format!("notification `{}`: {message}", notification.name));
    if !notification.by.contains(&Channel::Mail) {
        return Err(failed(format!("`{}` is an address, and only `by: [mail]` reaches one", to.address)));
    }
    if !to.can_be_written_to() {
        return Err(failed(format!("`{}` is not an address", to.address)));
    }
    let site = run.model.names.site.main_language().to_owned();
    let stranger = Person::stranger(&to.address, &site);
    let scope = TicketScope { recipient: Some(&stranger), ..run.scope(at) };
    let subject = notification.subject.render(&site, &site, &scope).map_err(failed)?;
    let body = notification.body.render(&site, &site, &scope).map_err(failed)?;
    run.queue_automatic_mail(to, &subject, body, vec![]);
    Ok(())
}

/// How a notification would read on this ticket now, and for whom. One that speaks of its event has none here.
pub fn preview(model: &Model, snapshot: &Snapshot, ctx: &Context, notification: &Notification) -> Result<Vec<Notice>, Failure> {
    let mut run = Run::new(model, snapshot.clone(), Some(&snapshot.ticket), ctx);
    tell(&mut run, notification, At::Ticket)?;
    let notice = |event| match event {
        Event::NotificationSent(NotificationSent { notification }) => Some(notification),
        _ => None,
    };
    Ok(run.events.into_iter().filter_map(notice).collect())
}

/// Whoever is meant, and the substitute of one who is away. Nothing is lost: where no substitute may see the ticket,
/// it comes as always.
fn reached(run: &Run, notification: &Notification, login: &Login, today: Date) -> Vec<Addressee> {
    let Some(person) = run.ctx.people.get(login).cloned() else { return vec![] };
    if notification.opt_out && person.settings.muted.contains(notification.name.as_str()) {
        return vec![];
    }
    let by = |channel| notification.by.contains(&channel);
    let told = |person: Arc<Person>, mail: bool, instead_of: Option<Login>| {
        let mail = mail && by(Channel::Mail) && !person.email.is_empty();
        Addressee { portal: by(Channel::Portal), mail, person, instead_of }
    };
    match substitute(run, &person, today, &notification.by).filter(|_| !notification.urgent) {
        // The one who is away finds it in the portal afterwards.
        Some(substitute) => vec![told(person.clone(), false, None), told(substitute, true, Some(person.login.clone()))],
        None => vec![told(person, true, None)],
    }
}

/// The substitute of one who is away, or that one's, if away too; only one who may see the ticket.
fn substitute(run: &Run, person: &Arc<Person>, today: Date, by: &[Channel]) -> Option<Arc<Person>> {
    let mut seen: BTreeSet<&str> = BTreeSet::from([person.login.as_str()]);
    let mut next = person;
    loop {
        let away = next.settings.away.as_ref().filter(|a| (a.from..=a.until).contains(&today));
        let Some(away) = away else { break };
        next = run.ctx.people.get(away.substitute.as_deref()?)?;
        if !seen.insert(&next.login) {
            return None;
        }
    }
    // No more than the one who is away would see, and on a way that reaches.
    let sight = |p: &Person| rights::sight(&run.model.names, p, &run.snapshot);
    let may_see = next.active && sight(next) != Sight::Nothing && sight(next) >= sight(person);
    let reaches = by.contains(&Channel::Portal) || !next.email.is_empty();
    (next.login != person.login && may_see && reaches).then(|| next.clone())
}

/// The end of the person's quiet hours, if it is quiet now.
fn quiet_until(run: &Run, notification: &Notification, person: &Person) -> Option<Timestamp> {
    let quiet = person.settings.quiet.as_ref().filter(|_| !notification.urgent)?;
    let now = run.ctx.now.to_zoned(run.model.names.site.zone.0.clone());
    let time = now.time();
    let over_midnight = quiet.from > quiet.until;
    let (before, after) = (time < quiet.until, time >= quiet.from);
    let is_quiet = if over_midnight { before || after } else { before && after };
    let day = if over_midnight && after { now.date().tomorrow().ok()? } else { now.date() };
    is_quiet.then(|| day.to_datetime(quiet.until).to_zoned(now.time_zone().clone()).ok().map(|z| z.timestamp())).flatten()
}
