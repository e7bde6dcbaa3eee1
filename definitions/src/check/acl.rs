//! ACLs: what they take away exists, and something is left.

use crate::calendar::WorkTime;
use crate::cel::env::Env;
use crate::cel::scope::Scope;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::check::context::Cx;
use crate::check::place::{self, Relies};
use crate::check::{env, texts};
use crate::diagnostic::Diagnostic;
use crate::kinds::acl::{ACTIONS, Acl, CHOICES, Limits, Meant};
use crate::kinds::field::FieldType;
use crate::load::OneOrMany;
use crate::name::Name;
use crate::names::Names;
use crate::phase::Written;
use crate::value_expr::{ValueExpr, WrittenLiteral};
use crate::values::Slot;
use crate::yaml;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub fn check(acl: &Acl<Written>, cx: &mut Cx) {
    for text in [&acl.title, &acl.because] {
        texts::text(text.as_ref(), cx);
    }
    let env = env::with_ticket(cx.names, None);
    if let Some(people) = &acl.people {
        place::whos(people, &env, &mut Relies::new(), cx);
    }
    place::condition(acl.when.as_ref(), &env, &mut Relies::new(), cx);
    for limits in [&acl.deny, &acl.allow_only, &acl.allow] {
        for (key, values) in limits.iter() {
            self::limits(key, values, &env, cx);
        }
    }
    for name in acl.hide.iter().chain(&acl.require).filter(|n| *n != "article").chain(&acl.read_only) {
        place::slot(name, None, cx);
    }
    let limited = [&acl.deny, &acl.allow_only, &acl.allow].iter().any(|l| !l.is_empty());
    if !limited && acl.hide.is_empty() && acl.require.is_empty() && acl.read_only.is_empty() && !acl.stop {
        let d = Diagnostic::error("missing-key", acl.name.span, "an ACL narrows something");
        cx.push(d.help("it needs one of `deny`, `allow_only`, `allow`, `hide`, `require`, `read_only`"));
    }
}

/// What is limited, and the type of its values.
enum Choice<'n> {
    Words(Ty),
    Slot(Slot<'n>),
}

fn choice<'n>(key: &Name, cx: &mut Cx<'n>) -> Option<Choice<'n>> {
    if let Some((word, _)) = CHOICES.iter().find(|(word, _)| key == *word) {
        let words = match *word {
            "action" => Ty::word("action", ACTIONS.iter().copied()),
            "process" => Ty::word("process", cx.names.process_names.iter().map(String::as_str)),
            "type" => cx.names.type_ty.clone(),
            _ => {
                let all = cx.processes.iter().flat_map(|(process, def)| {
                    def.activities.iter().flat_map(move |(activity, a)| {
                        let approval = a.approval.is_some().then_some("approval");
                        a.dialogs.names().chain(approval).map(move |d| format!("{process}.{activity}.{d}")).collect::<Vec<_>>()
                    })
                });
                Ty::word("dialog", all)
            }
        };
        return Some(Choice::Words(words));
    }
    match place::slot(key, None, cx)? {
        Slot::Pending => {
            cx.push(Diagnostic::error("unknown-name", key.span, "`pending` is only written").help("limit `pending_until`"));
            None
        }
        Slot::Field(f) if f.field_type == FieldType::File => {
            let d = Diagnostic::error("wrong-type", key.span, format!("`{key}` is a file: it has no values to choose from"));
            cx.push(d.help("`hide`, `require` and `read_only` take it"));
            None
        }
        slot => Some(Choice::Slot(slot)),
    }
}

fn limits(key: &Name, values: &OneOrMany<Meant<Written>>, env: &Env, cx: &mut Cx) {
    let Some(choice) = choice(key, cx) else { return };
    let ty = match &choice {
        Choice::Words(ty) => ty.clone(),
        Choice::Slot(slot) => match slot.ty(cx.names) {
            Ty::List(item) => *item,
            ty => ty,
        },
    };
    let env = env.clone().with("value", ty.clone());
    for Meant(given) in values.iter() {
        match (given, &choice) {
            (ValueExpr::Expr(e), _) => drop(cx.compile(e, &env, Some(&Ty::Bool))),
            (ValueExpr::Literal(l), Choice::Words(ty)) => word(l, ty, cx),
            (ValueExpr::Literal(_), Choice::Slot(slot)) => place::value(given, slot, &env, &mut Relies::new(), cx),
        }
    }
}

fn word(literal: &WrittenLiteral, ty: &Ty, cx: &mut Cx) {
    let Ty::Word(set) = ty else { return };
    match &literal.node.value {
        yaml::Value::Text(t) if set.words.contains(t) => cx.convert(literal, Some(Value::text(t.as_str()))),
        yaml::Value::Text(t) => {
            let d = Diagnostic::error("unknown-name", literal.node.span, format!("no {} is called `{t}`", set.what));
            let words = set.words.iter().map(String::as_str);
            let list = || set.words.iter().take(12).map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ");
            if !cx.names.lost.contains(t) {
                cx.push(d.suggest_or(t, words, literal.node.span, cx.sources, format!("known are {}", list())));
            }
        }
        _ => cx.push(Diagnostic::error("wrong-type", literal.node.span, format!("expected the name of a {}", set.what))),
    }
}

/// All ACLs together, in their order: something is left, and what is given back was taken.
pub fn together<'a>(all: impl Iterator<Item = &'a Acl<Written>>, cx: &mut Cx) {
    let mut taken: Vec<&str> = vec![];
    // Those that hold for everybody, always.
    let mut always: Vec<&Acl<Written>> = vec![];
    for acl in all {
        for (key, _) in acl.allow.iter().filter(|(key, _)| !taken.contains(&key.as_str())) {
            let d = Diagnostic::warning("acl-without-effect", key.span, format!("no ACL before this one takes a value of `{key}`"));
            cx.push(d.help("`allow` only gives back; to leave these values and no others, write `allow_only`"));
        }
        taken.extend(acl.deny.names().chain(acl.allow_only.names()));
        always.push(acl);
        nothing_left(acl, &always, cx);
        if acl.when.is_some() || acl.people.is_some() {
            always.pop();
        }
    }
}

/// For each ticket type a state must be left that a ticket can go to.
fn nothing_left(acl: &Acl<Written>, always: &[&Acl<Written>], cx: &mut Cx) {
    let Some((key, _)) = acl.deny.iter().chain(acl.allow_only.iter()).find(|(key, _)| *key == "state") else { return };
    let names = cx.names;
    let gone = |state: &str| {
        let mut taken = false;
        for acl in always {
            let means = |limits: &Limits<Written>| limits.get("state").map(|l| certainly(l, state, cx));
            taken |= means(&acl.deny) == Some(Some(true)) || means(&acl.allow_only) == Some(Some(false));
            taken &= matches!(means(&acl.allow), None | Some(Some(false)));
        }
        taken
    };
    let without: Vec<&str> = names.types.iter().filter(|t| t.states.iter().all(|s| gone(s))).map(|t| t.name.as_str()).collect();
    if !without.is_empty() && without.len() == names.types.len() {
        let d = Diagnostic::warning("acl-leaves-nothing", key.span, format!("`{}` leaves no state at all", acl.name));
        cx.push(d.help("a ticket could be changed to no state; if that is meant, say so: `read_only: [state]`"));
    }
}

/// Is the value among those that are meant, whatever the ticket? `None` where it depends.
fn certainly(limit: &OneOrMany<Meant<Written>>, value: &str, cx: &Cx) -> Option<bool> {
    let scope = OnlyValue { value: Value::text(value), names: cx.names };
    let mut open = false;
    for Meant(given) in limit.iter() {
        let means = match given {
            ValueExpr::Literal(l) => Some(cx.parts.values.get(&l.id).is_some_and(|v| v.as_ref() == Some(&scope.value))),
            ValueExpr::Expr(e) => cx.compiled(e).filter(|p| p.reads.iter().all(|r| r == "value")).and_then(|p| p.holds(&scope).ok()),
        };
        match means {
            Some(true) => return Some(true),
            Some(false) => {}
            None => open = true,
        }
    }
    (!open).then_some(false)
}

struct OnlyValue<'a> {
    value: Value,
    names: &'a Names<Written>,
}

impl Scope for OnlyValue<'_> {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        (path.len() == 1 && &*path[0] == "value").then(|| self.value.clone())
    }
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
    fn zone(&self) -> &TimeZone {
        &self.names.site.zone.0
    }
    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        self.names.work_time(name)
    }
}
