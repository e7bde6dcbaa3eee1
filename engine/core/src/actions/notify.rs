use crate::execution::at::At;
use crate::execution::run::Run;
use crate::react::tell::tell;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::notify::Notify;

pub fn perform(run: &mut Run, name: &Notify, at: At) -> Result<(), Failure> {
    let notification = run.model.names.notifications.get(name);
    tell(run, notification.ok_or_else(|| Failure::new("definition", format!("no notification is called `{name}`")))?, at)
}
