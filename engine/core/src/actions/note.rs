use crate::execution::at::At;
use crate::execution::evaluate::render;
use crate::execution::run::Run;
use crate::net::note::write;
use crate::rules::failure::Failure;
use vorgang_definitions::actions::note::Note;

pub fn perform(run: &mut Run, note: &Note, at: At) -> Result<(), Failure> {
    let body = render(run, &note.body, at)?;
    let subject = match &note.subject {
        Some(subject) => render(run, subject, at)?,
        None => String::new(),
    };
    write(run, subject, body, note.visible);
    Ok(())
}
