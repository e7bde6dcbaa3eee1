use super::people;
use crate::decide::run::{Failure, Run};
use crate::event::{Event, Notice};
use crate::snapshot::Seq;
use vorgang_definitions::actions::notify::Notify;
use vorgang_definitions::kinds::notification::Channel;

pub fn run(run: &mut Run, name: &Notify, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    let model = run.model;
    let notification =
        model.names.notifications.get(name).ok_or_else(|| Failure::new("definition", format!("no notification is called `{name}`")))?;
    let site = model.names.site.main_language();
    for login in people(run, &notification.to, instance, work)? {
        let language = run.ctx.people.get(&login).map_or_else(|| site.to_owned(), |p| p.language.clone());
        let scope = run.scope(instance, work);
        let failed = |message: String| Failure::new("template", format!("notification `{name}`: {message}"));
        let subject = notification.subject.render(&language, site, &scope).map_err(failed)?;
        let body = notification.body.render(&language, site, &scope).map_err(failed)?;
        let notice = Notice {
            seq: run.next_seq(),
            name: name.to_string(),
            to: login,
            portal: notification.by.contains(&Channel::Portal),
            mail: notification.by.contains(&Channel::Mail),
            subject: subject.replace(['\r', '\n'], " "),
            body,
            at: run.ctx.now,
        };
        run.emit(Event::NotificationSent { notification: notice });
    }
    Ok(())
}
