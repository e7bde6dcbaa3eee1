use super::render;
use crate::decide::run::{Failure, Run};
use crate::event::{Article, Sender};
use crate::people::SYSTEM;
use crate::snapshot::Seq;
use vorgang_definitions::actions::note::Note;

pub fn run(run: &mut Run, note: &Note, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    let body = render(run, &note.body, instance, work)?;
    let subject = match &note.subject {
        Some(subject) => render(run, subject, instance, work)?,
        None => String::new(),
    };
    write(run, subject, body, note.visible);
    Ok(())
}

/// A note of the system.
pub fn write(run: &mut Run, subject: String, body: String, visible: bool) {
    run.add_article(Article {
        seq: 0,
        channel: "note".into(),
        sender: Sender::System,
        author: SYSTEM.into(),
        visible,
        subject,
        body,
        attachments: vec![],
        at: run.ctx.now,
        origin: None,
        head: None,
        withdrawn: false,
        rejected: false,
        erased: None,
    });
}
