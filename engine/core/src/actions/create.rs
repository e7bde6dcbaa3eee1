use super::{render, value};
use crate::command::{ArticleInput, Context, NewTicket};
use crate::decide::create;
use crate::decide::run::{Failure, Run};
use crate::event::Event;
use crate::people;
use crate::snapshot::Seq;
use std::collections::BTreeMap;
use vorgang_definitions::actions::create::Create;
use vorgang_definitions::actions::link::LinkKind;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::name::Name;

/// How deep tickets may make tickets in one command.
const DEPTH_MAX: u8 = 8;

/// The new ticket is part of the same commit.
pub fn run(run: &mut Run, create: &Create, name: Option<&Name>, instance: Option<Seq>, work: Option<Seq>) -> Result<(), Failure> {
    if run.ctx.depth >= DEPTH_MAX {
        return Err(Failure::new("loop", format!("more than {DEPTH_MAX} tickets would make each other")));
    }
    let mut values = BTreeMap::new();
    for (key, given) in create.values.iter() {
        if let Some(v) = value(run, given, instance, work)? {
            values.insert(key.to_string(), v.to_json());
        }
    }
    let mut text = |key: &str| values.remove(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    let (state, priority) = (text("state"), text("priority"));
    let customer_user = text("customer_user").or_else(|| run.snapshot.ticket.customer_user.clone());
    let article = create.article.as_ref().map(|t| render(run, t, instance, work)).transpose()?;
    let new = NewTicket {
        title: render(run, &create.title, instance, work)?.replace(['\r', '\n'], " "),
        ticket_type: create.ticket_type.to_string(),
        queue: create.queue.to_string(),
        state,
        priority,
        customer_user,
        fields: values,
        article: article.map(|body| ArticleInput { body, visible: true, ..ArticleInput::default() }),
        blobs: vec![],
    };
    let system = people::system();
    let number = run.ctx.facts.number().ok_or_else(|| Failure::new("create", "there is no number for a new ticket yet"))?;
    let ctx = Context { actor: &system, new_ticket: Some(number), changed_since: None, depth: run.ctx.depth + 1, ..run.ctx.clone() };
    let made = create::ticket(run.model, &new, &ctx).map_err(|r| Failure::new("create", say(&r)))?;
    let (id, number) = (made.after.ticket.id, made.after.ticket.number.clone());
    run.made.push(made);
    run.emit(Event::TicketMade { id, number: number.clone() });
    if let Some(name) = name {
        run.named.insert(name.to_string(), Value::text(number.as_str()));
    }
    if let Some(kind) = create.link {
        link(run, id, number, kind);
    }
    Ok(())
}

fn say(rejection: &crate::rejection::Rejection) -> String {
    match rejection {
        crate::rejection::Rejection::Form(errors) => {
            errors.iter().map(|(f, e)| format!("{f} {}", e.say("en"))).collect::<Vec<_>>().join("; ")
        }
        other => other.say("en"),
    }
}

/// Two tickets are linked once in one way.
pub fn link(run: &mut Run, other: i64, number: String, kind: LinkKind) {
    run.emit(Event::LinkAdded { other, number, kind: kind.word().to_owned(), at: run.ctx.now });
}
