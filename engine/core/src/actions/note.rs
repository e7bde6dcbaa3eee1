use crate::execution::evaluate::render;
use crate::execution::run::Run;
use crate::net::note::write;
use crate::rules::failure::Failure;
use crate::state::ids::Seq;
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
