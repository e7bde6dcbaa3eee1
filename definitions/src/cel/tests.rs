use super::*;
use crate::cel::types::{Field, ObjectTy, WordSet};
use jiff::Timestamp;
use jiff::tz::TimeZone;

struct World {
    zone: TimeZone,
    unset: bool,
    office: crate::calendar::WorkTime,
}

impl Scope for World {
    fn get(&self, path: &[Box<str>]) -> Option<Value> {
        match path.join(".").as_str() {
            "ticket.state" => Some(Value::text("open")),
            "ticket.fields.amount" if !self.unset => Some(Value::Decimal("50.00".parse().expect("a decimal"))),
            "ticket.fields.tags" => Some(Value::List(Arc::new(vec![Value::text("a"), Value::text("b")]))),
            "steps.approve" if !self.unset => Some(Value::Bool(true)),
            "steps.approve.outcome" if !self.unset => Some(Value::text("approve")),
            _ => None,
        }
    }
    fn now(&self) -> Timestamp {
        "2026-03-28T12:00:00Z".parse().expect("a time")
    }
    fn zone(&self) -> &TimeZone {
        &self.zone
    }
    fn has_role(&self, role: &str) -> bool {
        role == "manager"
    }
    fn work_time(&self, name: Option<&str>) -> Option<&crate::calendar::WorkTime> {
        name.is_none_or(|n| n == "office").then_some(&self.office)
    }
    fn active(&self, activity: &str) -> bool {
        activity == "approve"
    }
}

fn world() -> World {
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let office = crate::calendar::tests::office();
    World { zone, unset: false, office }
}

fn field(name: &str, ty: Ty, optional: bool) -> Field {
    Field { name: name.into(), ty, optional, doc: String::new() }
}

fn env() -> Env {
    let fields = ObjectTy {
        what: "the fields of a ticket".into(),
        fields: vec![field("amount", Ty::Decimal, true), field("tags", Ty::list(Ty::Text), false)],
    };
    let ticket = ObjectTy {
        what: "ticket".into(),
        fields: vec![field("state", Ty::word("state", ["new", "open"]), false), field("fields", Ty::Object(Arc::new(fields)), false)],
    };
    let step =
        ObjectTy { what: "step".into(), fields: vec![field("outcome", Ty::word("outcome of `approve`", ["approve", "reject"]), false)] };
    let steps = ObjectTy { what: "the steps".into(), fields: vec![field("approve", Ty::Object(Arc::new(step)), true)] };
    Env {
        roots: vec![
            ("ticket".into(), Ty::Object(Arc::new(ticket))),
            ("steps".into(), Ty::Object(Arc::new(steps))),
            ("now".into(), Ty::Timestamp),
        ],
        activities: Some(Arc::new(WordSet { what: "activity".into(), words: vec!["approve".into()] })),
        roles: Arc::new(WordSet { what: "role".into(), words: vec!["manager".into()] }),
        calendars: Arc::new(WordSet { what: "calendar".into(), words: vec!["office".into()] }),
        ..Env::default()
    }
}

fn run(text: &str) -> String {
    match Program::compile(text, &env()) {
        Ok(p) => p.evaluate(&world()).map_or_else(|e| format!("error: {e}"), |v| v.to_string()),
        Err(f) => f.iter().map(|f| format!("{}..{} {}: {}", f.start, f.end, f.code, f.message)).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn every_function_keeps_its_examples() {
    for f in functions::ALL {
        for (expression, expected) in f.examples {
            assert_eq!(run(expression), *expected, "{expression}");
        }
    }
}

#[test]
fn functions_are_sorted() {
    let files: Vec<_> = functions::ALL.iter().map(|f| f.name.to_lowercase()).collect();
    let mut sorted = files.clone();
    sorted.sort();
    // `endsWith` lies in `ends_with`: the sort is by file.
    assert_eq!(files.iter().map(|f| f.replace('_', "")).collect::<Vec<_>>(), sorted.iter().map(|f| f.replace('_', "")).collect::<Vec<_>>());
}

#[test]
fn values() {
    for (text, expected) in [
        ("1 + 2 * 3", "7"),
        ("7 / 2", "3"),
        ("-7 % 3", "-1"),
        ("0.1 + 0.2 == 0.3", "true"),
        ("1 == 1.0", "true"),
        ("2.50 * 3", "7.50"),
        ("9223372036854775807 + 1", "error: the result is too large for a number"),
        ("1 / 0", "error: division by zero"),
        ("true || 1 / 0 == 1", "true"),
        ("1 / 0 == 1 || true", "true"),
        ("[1, 2, 3].filter(x, x > 1).map(x, x * 2)", "4, 6"),
        ("[1, 2].all(x, x > 0) && [1, 2].exists_one(x, x == 2)", "true"),
        ("ticket.fields.tags.exists(t, t == 'b')", "true"),
        ("'b' in ticket.fields.tags ? 'yes' : 'no'", "yes"),
        ("has(ticket.fields.amount) && ticket.fields.amount <= 50", "true"),
        ("default(ticket.fields.amount, 0) + 1", "51.00"),
        ("done(\"approve\") && steps.approve.outcome == \"approve\"", "true"),
        ("active('approve')", "true"),
        // The night of 29 March 2026 has 23 hours in Berlin.
        ("timestamp('2026-03-28T12:00:00Z') + days(1)", "2026-03-29T11:00:00Z"),
        ("timestamp('2026-03-28T12:00:00Z') + hours(24)", "2026-03-29T12:00:00Z"),
        ("{'a': 1, 'b': 2}['b']", "2"),
        ("[1][3]", "error: index 3 is outside the list of 1"),
    ] {
        assert_eq!(run(text), expected, "{text}");
    }
}

#[test]
fn findings() {
    for (text, expected) in [
        ("ticket.fields.amount > 5", "0..20 may-be-unset: `ticket.fields.amount` may be unset here"),
        ("ticket.fields.amout > 5", "0..19 unknown-name: the fields of a ticket has no `amout`"),
        ("tickt.state == 'open'", "0..11 unknown-name: unknown name `tickt`"),
        ("ticket.state == 'opn'", "16..21 unknown-word: no state is called `opn`"),
        ("steps.approve.outcome == 'x'", "0..21 may-be-unset: `steps.approve` may be unset here"),
        ("ticket.state > 3", "0..16 cel-type: `>` is not defined for state and int"),
        ("1.5 / 2", "0..7 cel-type: `/` is not defined for decimal and int"),
        ("ticket.state = 'open'", "13..14 cel-syntax: unexpected `=`"),
        ("a == null", "5..9 cel-syntax: there is no null"),
        ("matches('x')", "0..12 cel-type: `matches` cannot take (text)"),
        ("'x'.matches('(')", "12..15 cel-regex: `(` is not a regular expression"),
        ("has_role('mangler')", "9..18 unknown-word: no role is called `mangler`"),
        ("'abc", "0..4 cel-syntax: text is not closed"),
        ("", "0..0 cel-syntax: expression is empty"),
        ("[1,2].map(a, [1].map(b, [1].map(c, c)))", "24..27 cel-cost: more than 8 comprehensions, or more than 2 inside each other"),
    ] {
        assert_eq!(run(text), expected, "{text}");
    }
}

#[test]
fn bombs_are_stopped_by_counted_limits() {
    let chain = (0..2000).map(|_| "1").collect::<Vec<_>>().join("+");
    assert!(run(&chain).contains("operators in a chain"));
    assert!(run(&"(".repeat(3000)).contains("nested deeper"));
    assert!(run(&"!".repeat(3000)).contains("nested deeper"));
    assert!(run(&format!("a{}", ".b".repeat(1900))).contains("members in a chain"));
    assert!(run(&"x".repeat(5000)).contains("longer than"));
    let list = format!("[{}]", vec!["1"; 400].join(","));
    assert_eq!(run(&format!("{list}.map(a, {list}.all(b, b == a))")), "error: the expression costs more than 100000 steps");
    assert!(run("'x'.matches('(a{1000}){1000}')").contains("too large"));
}

#[test]
fn a_guard_is_no_reliance_but_a_proof_is() {
    let mut env = env();
    env.set.insert("ticket.fields.amount".into());
    let relies = |text: &str| Program::compile(text, &env).expect("it compiles").relies.len();
    assert_eq!(relies("ticket.fields.amount > 5"), 1);
    assert_eq!(relies("has(ticket.fields.amount) && ticket.fields.amount > 5"), 0);
}
