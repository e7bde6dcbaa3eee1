//! Who is meant (C19): is it this person, which people are they, and under which keys do their lists find it.

use crate::rules::rights;
use crate::rules::scope::TicketScope;
use crate::state::ids::Login;
use crate::state::mail::Address;
use crate::state::people::{Person, PersonKind};
use vorgang_definitions::cel::scope::EvalError;
use vorgang_definitions::cel::value::Value;
use vorgang_definitions::kinds::role::Right;
use vorgang_definitions::kinds::who::{Who, WhoWord, Whos};

/// Is this person among them?
pub fn includes(whos: &Whos, person: &Person, scope: &TicketScope) -> Result<bool, EvalError> {
    for who in whos.iter() {
        if one_includes(who, person, scope)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn one_includes(who: &Who, person: &Person, scope: &TicketScope) -> Result<bool, EvalError> {
    let ticket = &scope.snapshot.ticket;
    let is = |login: Option<&Login>| login.is_some_and(|l| *l == person.login);
    Ok(match who {
        Who::Word(WhoWord::Anyone) => person.kind != PersonKind::System,
        Who::Word(WhoWord::Customer) => is(ticket.customer_user.as_ref()),
        Who::Word(WhoWord::Agent) => person.kind == PersonKind::Agent && rights::in_queue(scope.names, person, &ticket.queue, Right::Ro),
        Who::Word(WhoWord::Requester) => is(ticket.customer_user.as_ref()) || is(scope.instance.map(|i| &i.started_by)),
        Who::Word(WhoWord::Owner) => is(ticket.owner.as_ref()),
        Who::Word(WhoWord::Responsible) => is(ticket.responsible.as_ref()),
        Who::Word(WhoWord::Watchers) => scope.snapshot.watchers.contains(&person.login) && may_read(&person.login, scope),
        Who::Role(role) => person.has_role(role),
        Who::User(login) => person.login == *login.as_str(),
        Who::Skill(skill) => person.kind == PersonKind::Agent && person.settings.skills.contains(skill.as_str()),
        Who::ManagerOf(of) => managers(of, scope)?.contains(&person.login),
        Who::Did(activity) => did(activity, scope).is_some_and(|by| by == person.login),
        Who::Expr(e) => logins(&e.program().evaluate(scope)?).contains(&person.login),
    })
}

/// Whoever has lost the right to the queue watches in vain: nothing of the ticket goes there.
fn may_read(login: &Login, scope: &TicketScope) -> bool {
    let ticket = &scope.snapshot.ticket;
    scope.people.get(login).is_some_and(|p| match p.kind {
        PersonKind::Agent => rights::in_queue(scope.names, p, &ticket.queue, Right::Ro),
        PersonKind::Customer => ticket.customer_user.as_deref() == Some(login) || (p.company.is_some() && p.company == ticket.customer),
        PersonKind::System => false,
    })
}

fn did<'a>(activity: &str, scope: &TicketScope<'a>) -> Option<&'a Login> {
    scope.snapshot.step(scope.instance?.seq, activity).map(|s| &s.by)
}

fn managers(of: &Who, scope: &TicketScope) -> Result<Vec<Login>, EvalError> {
    let whose = people(&Whos { 0: vec![of.clone()] }, scope)?;
    Ok(whose.iter().filter_map(|l| scope.people.get(l)?.settings.manager.clone()).collect())
}

fn logins(value: &Value) -> Vec<Login> {
    match value {
        Value::Text(t) if !t.is_empty() => vec![(&**t).into()],
        Value::List(l) => l.iter().flat_map(logins).collect(),
        _ => vec![],
    }
}

/// Everybody who is meant and active, each once. `anyone` names nobody in particular.
pub fn people(whos: &Whos, scope: &TicketScope) -> Result<Vec<Login>, EvalError> {
    let ticket = &scope.snapshot.ticket;
    let mut all: Vec<Login> = vec![];
    for who in whos.iter() {
        match who {
            Who::Word(WhoWord::Anyone) => {}
            Who::Word(WhoWord::Customer) => all.extend(ticket.customer_user.clone()),
            Who::Word(WhoWord::Agent) => {
                let agents = scope.people.iter().filter(|p| p.kind == PersonKind::Agent);
                all.extend(agents.filter(|p| rights::in_queue(scope.names, p, &ticket.queue, Right::Ro)).map(|p| p.login.clone()));
            }
            Who::Word(WhoWord::Requester) => {
                all.extend(ticket.customer_user.clone());
                all.extend(scope.instance.map(|i| i.started_by.clone()));
            }
            Who::Word(WhoWord::Owner) => all.extend(ticket.owner.clone()),
            Who::Word(WhoWord::Responsible) => all.extend(ticket.responsible.clone()),
            Who::Word(WhoWord::Watchers) => all.extend(scope.snapshot.watchers.iter().filter(|w| may_read(w, scope)).cloned()),
            Who::Role(role) => all.extend(scope.people.with_role(role).iter().map(|p| p.login.clone())),
            Who::User(login) => all.push(login.as_str().into()),
            Who::Skill(skill) => {
                let skilled = scope.people.iter().filter(|p| p.kind == PersonKind::Agent && p.settings.skills.contains(skill.as_str()));
                all.extend(skilled.map(|p| p.login.clone()));
            }
            Who::ManagerOf(of) => all.extend(managers(of, scope)?),
            Who::Did(activity) => all.extend(did(activity, scope).cloned()),
            Who::Expr(e) => all.extend(logins(&e.program().evaluate(scope)?)),
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|login| scope.people.get(login).is_some_and(|p| p.active) && seen.insert(login.clone()));
    Ok(all)
}

/// Whom a notification is for.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Notified {
    pub logins: Vec<Login>,
    /// Addresses of nobody in the directory.
    pub addresses: Vec<Address>,
}

/// As [`people`]; a text with `@` is an address, unless it is somebody's.
///
/// # Errors
/// What cannot be evaluated, and a person who is named or computed and does not exist.
pub fn recipients(whos: &Whos, scope: &TicketScope) -> Result<Notified, EvalError> {
    let mut found = Notified::default();
    for who in whos.iter() {
        let named = match who {
            Who::User(login) => vec![login.as_str().into()],
            Who::Expr(e) => logins(&e.program().evaluate(scope)?),
            other => {
                found.logins.extend(people(&Whos { 0: vec![other.clone()] }, scope)?);
                continue;
            }
        };
        for word in named {
            let address = Address::new("", &word);
            let known = scope.people.get(&word).or_else(|| scope.people.by_address(&address.key()));
            match known {
                Some(person) => found.logins.extend(person.active.then(|| person.login.clone())),
                None if word.contains('@') => found.addresses.push(address),
                None => return Err(EvalError::Failed(format!("nobody is called `{word}`"))),
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    found.logins.retain(|login| seen.insert(login.clone()));
    let mut seen = std::collections::BTreeSet::new();
    found.addresses.retain(|a| seen.insert(a.key()));
    Ok(found)
}

/// The keys under which lists find what is for them. A value that cannot be computed finds nobody.
pub fn audience(whos: &Whos, scope: &TicketScope) -> Vec<String> {
    let mut keys: Vec<String> = vec![];
    for who in whos.iter() {
        match who {
            Who::Word(WhoWord::Anyone) => keys.push("anyone".into()),
            Who::Word(WhoWord::Agent) => keys.push(format!("queue:{}", scope.snapshot.ticket.queue)),
            Who::Role(role) => keys.push(format!("role:{role}")),
            Who::Skill(skill) => keys.push(format!("skill:{skill}")),
            other => {
                let single = Whos { 0: vec![other.clone()] };
                keys.extend(people(&single, scope).unwrap_or_default().iter().map(|l| format!("user:{l}")));
            }
        }
    }
    keys.sort();
    keys.dedup();
    keys
}
