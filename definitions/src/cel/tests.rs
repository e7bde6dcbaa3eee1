use super::env::Env;
use super::functions;
use super::program::Program;
use super::scope::Scope;
use super::types::Ty;
use super::value::Value;
use crate::calendar::{WorkTime, tests};
use crate::cel::types::{Field, ObjectTy, WordSet};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;

struct World {
    zone: TimeZone,
    unset: bool,
    office: WorkTime,
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
    fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        name.is_none_or(|n| n == "office").then_some(&self.office)
    }
    fn active(&self, activity: &str) -> bool {
        activity == "approve"
    }
}

fn world() -> World {
    let zone = TimeZone::get("Europe/Berlin").expect("a zone");
    let office = tests::office();
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

fn evaluated(text: &str) -> String {
    match Program::compile(text, &env()) {
        Ok(p) => p.evaluate(&world()).map_or_else(|e| format!("error: {e}"), |v| v.to_string()),
        Err(f) => f.iter().map(|f| format!("{}..{} {}: {}", f.start, f.end, f.code, f.message)).collect::<Vec<_>>().join("; "),
    }
}

#[test]
fn every_function_keeps_its_examples() {
    for f in functions::all() {
        for (expression, expected) in f.examples {
            assert_eq!(evaluated(expression), *expected, "{expression}");
        }
    }
}

/// The list in `docs/cel.md`; `UPDATE_EXPECT=1` writes it anew.
#[test]
fn the_page_lists_every_function() {
    const MARK: &str = "<!-- functions -->";
    let mut list = String::new();
    for (purpose, entries) in functions::list() {
        list.push_str(&format!("\n| {purpose} | |\n|---|---|\n"));
        for (calls, doc) in entries {
            let calls = calls.replace('|', "\\|");
            list.push_str(&format!("| `{calls}` | {} |\n", doc.replace('|', "\\|")));
        }
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cel.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = page.split_once(MARK).expect("a mark");
    let (_, after) = rest.split_once(MARK).expect("a second mark");
    let wanted = format!("{before}{MARK}\n{list}\n{MARK}{after}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &wanted).expect("the page");
    }
    assert!(std::fs::read_to_string(&path).expect("the page") == wanted, "UPDATE_EXPECT=1 writes docs/cel.md anew");
}

#[test]
fn functions_are_sorted() {
    for group in functions::GROUPS {
        let names: Vec<_> = group.functions.iter().map(|f| f.name.to_lowercase().replace('_', "")).collect();
        assert!(names.is_sorted(), "{}: {names:?}", group.purpose);
    }
    let names: Vec<_> = functions::all().map(|f| f.name).chain(functions::SPECIAL.iter().map(|(_, n, _)| *n)).collect();
    assert!((1..names.len()).all(|i| !names[..i].contains(&names[i])), "a name stands twice");
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
        // An error does not matter where another element decides, as with `||`.
        ("[1, 0].exists(x, 1 / x == 1)", "true"),
        ("[0, 1].exists(x, 1 / x == 1)", "true"),
        ("[0, 2].all(x, 1 / x == 1)", "false"),
        ("[0, 1].all(x, 1 / x == 1)", "error: division by zero"),
        ("['a', 'b'].transformList(i, x, i > 0, x + string(i))", "b1"),
        ("{'a': 1, 'b': 2}.transformMap(k, x, x > 1, k + '!')", "b: b!"),
        ("{'a': 1, 'b': 2}.exists(k, x, k == 'b' && x == 2)", "true"),
        ("[1, 2, 3].map(x, x > 1, x * x)", "4, 9"),
        ("cel.bind(x, 2 + 3, x * x)", "25"),
        ("cel.bind(x, 1, [1, 2].filter(y, y == x)).size() + cel.bind(x, 2, x)", "3"),
        ("0xff + 1", "256"),
        ("1.5e3 + 1e-2", "1500.01"),
        ("matches('ab12', '^[a-z]+')", "true"),
        ("date('2026-03-10').getFullYear() + date('2026-03-10').getMonth()", "2028"),
        ("timestamp(date('2026-03-28'), '09:30') + days(1)", "2026-03-29T07:30:00Z"),
        ("days(3) / 2", "P1DT43200S"),
        ("days(7) / days(2)", "3"),
        ("2 * hours(3)", "PT21600S"),
        ("div(hours(90), days(1), 2)", "3.75"),
        ("business_days(date('2026-03-07'), date('2026-03-09'))", "0"),
        // Twenty-eight digits behind the point, half to even; the eighteen that were always kept are never rounded away.
        ("div(2, 3, 28)", "0.6666666666666666666666666667"),
        ("div(1, 3, 20) * div(1, 3, 20)", "0.1111111111111111111088888889"),
        ("round(pow(1.08, 15), 9)", "3.172169114"),
        ("10000000000000000000 + 1", "0..20 cel-syntax: number is too large"),
        ("10000000000.0 * 1000000000 + div(1, 3, 28)", "10000000000000000000.3333333333333333333"),
        ("round_up(4.0000000001, 1)", "4.1"),
        ("['b', 'a', 'b'].distinct().sort().join('-')", "a-b"),
        ("[].sum()", "0"),
        ("[3, 1].first() + [3, 1].last()", "4"),
        ("ticket.fields.tags.first('none')", "a"),
        ("'%d of %s: %.1f%%'.format([3, ticket.fields.tags, 12.25])", "3 of [a, b]: 12.2%"),
        ("'a,b,,c'.split(',').size()", "4"),
        ("'abc'.split('', 2)", "a, bc"),
        ("math.round(2.5) + math.floor(-0.5) + math.ceil(0.2)", "3"),
        ("bool('yes')", "error: `yes` is neither true nor false"),
    ] {
        assert_eq!(evaluated(text), expected, "{text}");
    }
}

#[test]
fn findings() {
    for (text, expected) in [
        ("ticket.fields.amount > 5", "0..20 may-be-unset: `ticket.fields.amount` may be unset here"),
        ("ticket.fields.amout > 5", "0..19 unknown-name: `ticket.fields` has no `amout`"),
        ("tickt.state == 'open'", "0..11 unknown-name: unknown name `tickt`"),
        ("ticket.state == 'opn'", "16..21 unknown-word: no state is called `opn`"),
        ("steps.approve.outcome == 'x'", "0..21 may-be-unset: `steps.approve` may be unset here"),
        ("ticket.state > 3", "0..16 cel-type: `>` is not defined for state and int"),
        ("1.5 / 2", "0..7 cel-type: `/` is not defined for decimal and int"),
        ("ticket.state = 'open'", "13..14 cel-syntax: unexpected `=`"),
        ("a == null", "5..9 cel-syntax: there is no null"),
        ("matches('x')", "0..12 cel-type: `matches` cannot take (text)"),
        ("'x'.matches('(')", "12..15 cel-regex: `(` is not a regular expression"),
        // A month has no exact length; what is written out is refused when it is checked.
        ("duration('P1M')", "9..14 cel-type: `P1M` has no exact length: a month has 28 to 31 days; write it in days"),
        ("duration('P1Y')", "9..14 cel-type: `P1Y` has no exact length: a month has 28 to 31 days; write it in days"),
        ("'%d %d'.format([1])", "0..7 cel-type: the text has 2 places, and there are 1 values"),
        ("'%d'.format(['x'])", "0..4 cel-type: `%d` cannot take text"),
        (
            "'%y'.format([1])",
            "0..4 cel-type: there is no place `%y` here: known are `%s`, `%d`, `%f`, `%.2f`, `%e`, `%b`, `%o`, `%x`, `%X` and `%%`",
        ),
        ("[[1], [2]].sort()", "0..17 cel-type: `sort` cannot take (list of list of int)"),
        ("['a'].sum()", "0..11 cel-type: `sum` cannot take (list of text)"),
        ("[1].exists(i, i, true)", "14..15 cel-type: both variables of `exists` are called `i`"),
        ("[1].transformMap(i, x, x)", "0..3 cel-type: `transformMap` wants a map, found list of int"),
        ("option('x') == 'x'", "0..11 cel-type: no word is wanted here that `option` could make of the text"),
        ("math.foo(1)", "0..11 unknown-name: unknown function `math.foo`"),
        ("matches('x', '(')", "13..16 cel-regex: `(` is not a regular expression"),
        ("has_role('mangler')", "9..18 unknown-word: no role is called `mangler`"),
        ("'abc", "0..4 cel-syntax: text is not closed"),
        ("", "0..0 cel-syntax: expression is empty"),
        ("[1,2].map(a, [1].map(b, [1].map(c, c)))", "24..27 cel-cost: more than 8 comprehensions, or more than 2 inside each other"),
    ] {
        assert_eq!(evaluated(text), expected, "{text}");
    }
}

#[test]
fn a_text_becomes_a_word_where_one_is_wanted() {
    let severity = Ty::word("severity", ["critical", "warning"]);
    let run = |text: &str| match Program::compile_as(text, &env(), Some(&severity)) {
        Ok(p) => p.evaluate(&world()).map_or_else(|e| format!("error: {e}"), |v| v.to_string()),
        Err(f) => f[0].message.clone(),
    };
    assert_eq!(run("option('CRITICAL'.lower())"), "critical");
    assert_eq!(run("option('purple')"), "error: no severity is called `purple`");
    assert_eq!(run("option('purple', 'warning')"), "warning");
    assert_eq!(run("true ? option('critical') : 'warning'"), "critical");
    assert_eq!(run("option('purple', 'wrong')"), "no severity is called `wrong`");
    assert_eq!(run("option(7)"), "expected text, found int");
    let list = Ty::list(severity.clone());
    let compiled = Program::compile_as("[option('warning'), 'critical']", &env(), Some(&list)).expect("it compiles");
    assert!(compiled.ty.fits(&list));
}

#[test]
fn written_words_join_a_list_of_words() {
    let tags = Ty::list(Ty::word("tag", ["red", "green"]));
    let env = env().with("tags", tags.clone());
    assert_eq!(Program::compile("tags + ['red']", &env).expect("it compiles").ty, tags);
    assert_eq!(Program::compile("tags + ['blue']", &env).expect_err("a finding")[0].message, "no tag is called `blue`");
}

#[test]
fn bombs_are_stopped_by_counted_limits() {
    let chain = (0..2000).map(|_| "1").collect::<Vec<_>>().join("+");
    assert!(evaluated(&chain).contains("operators in a chain"));
    assert!(evaluated(&"(".repeat(3000)).contains("nested deeper"));
    assert!(evaluated(&"!".repeat(3000)).contains("nested deeper"));
    assert!(evaluated(&format!("a{}", ".b".repeat(1900))).contains("members in a chain"));
    assert!(evaluated(&"x".repeat(5000)).contains("longer than"));
    let list = format!("[{}]", vec!["1"; 400].join(","));
    assert_eq!(evaluated(&format!("{list}.map(a, {list}.all(b, b == a))")), "error: the expression costs more than 100000 steps");
    assert!(evaluated("'x'.matches('(a{1000}){1000}')").contains("too large"));
}

#[test]
fn a_guard_is_no_reliance_but_a_proof_is() {
    let mut env = env();
    env.set.insert("ticket.fields.amount".into());
    let relies = |text: &str| Program::compile(text, &env).expect("it compiles").relies.len();
    assert_eq!(relies("ticket.fields.amount > 5"), 1);
    assert_eq!(relies("has(ticket.fields.amount) && ticket.fields.amount > 5"), 0);
}
