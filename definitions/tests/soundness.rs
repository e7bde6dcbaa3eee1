//! The proof of soundness on nets that are large, or made to be: counted limits decide, not time.

use std::fmt::Write;
use vorgang_definitions::model::{Model, SiteFile, load};
use vorgang_definitions::soundness::{Answer, decide};

const SITE: &str = r#"
- { kind: Site, name: nets, language: 1, languages: en, zone: UTC, title: Nets }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: TicketType, name: case, states: [new] }
"#;

fn model(activities: &str, more: &str) -> Model {
    let form = "dialogs: { form: { for: agent } }";
    let lines: String = activities.replace("FORM", form).lines().map(|l| format!("    {l}\n")).collect();
    let process = format!(
        "- kind: Process\n  name: net\n  starts: [ {{ by: agent, at: a }} ]\n  ticket: {{ type: case, queue: desk, state: new, priority: normal }}\n{more}  activities:\n{lines}"
    );
    let loaded = load(&[SiteFile { path: "net.yaml".into(), text: format!("{SITE}{process}") }], &[]);
    let errors: Vec<&String> = loaded.diagnostics.iter().filter(|d| d.code != "not-decided").map(|d| &d.message).collect();
    assert!(errors.is_empty(), "{errors:?}");
    loaded.model.expect("a model")
}

fn answer(activities: &str, more: &str) -> Answer {
    let model = model(activities, more);
    decide(&model.names, &model.processes["net"].def)
}

/// So many branches with so many activities each, between a split and a join.
fn branches(count: usize, long: usize, join: &str) -> String {
    let first: Vec<String> = (0..count).map(|b| format!("b{b}_0")).collect();
    let mut text = format!("a: {{ FORM, next: [ {{ to: [{}] }} ] }}\n", first.join(", "));
    for b in 0..count {
        for i in 0..long {
            let next = if i + 1 < long { format!("b{b}_{}", i + 1) } else { "z".into() };
            let _ = writeln!(text, "b{b}_{i}: {{ FORM, next: {next} }}");
        }
    }
    let _ = write!(text, "z: {{ join: {join}, FORM, end: over }}");
    text
}

#[test]
fn twenty_branches_of_ten_are_decided() {
    for join in ["all", "matching", "{ first: 3 }"] {
        assert_eq!(answer(&branches(20, 10, join), ""), Answer::Sound, "{join}");
    }
}

#[test]
fn what_only_a_timer_or_an_event_ends_is_not_left_without_them() {
    let net = "a: { FORM, next: [ { to: [b, c] } ] }\nb: { timers: [ { after: 1h, next: z } ] }\nc: { handlers: [ { on: article.created, next: z } ] }\nz: { join: all, end: over }";
    assert_eq!(answer(net, ""), Answer::Sound);
}

#[test]
fn where_each_can_be_taken_away_at_any_time_the_limit_comes_first() {
    let all: Vec<String> = (0..20).flat_map(|b| (0..4).map(move |i| format!("b{b}_{i}"))).collect();
    let group = format!("  groups: {{ phase: {{ activities: [{}], timers: [ {{ after: 1h, next: z }} ] }} }}\n", all.join(", "));
    let answer = answer(&branches(20, 4, "matching"), &group);
    assert_eq!(answer, Answer::Undecided);
}

#[test]
fn joins_that_cancel_and_wait_are_found_in_a_thousand_activities() {
    let mut text = String::from("a: { FORM, next: [ { to: [x0, y0] } ] }\n");
    for i in 0..150 {
        let join = if i % 2 == 0 { "{ first: 1, rest: cancel }" } else { "matching" };
        let next = if i + 1 < 150 { format!("[ {{ to: [x{0}, y{0}] }} ]", i + 1) } else { "z".into() };
        let _ = writeln!(text, "x{i}: {{ FORM, next: j{i} }}\ny{i}: {{ FORM, next: w{i} }}\nw{i}: {{ FORM, next: j{i} }}");
        let _ = writeln!(text, "j{i}: {{ join: {join}, FORM, next: {next} }}");
    }
    text.push_str("z: { end: over }");
    assert_eq!(answer(&text, ""), Answer::Sound);
}
