//! The proof of soundness on nets that are large, or made to be: counted limits decide, not time.

use std::fmt::Write;
use vorgang_definitions::site::{Loaded, SiteFile, load};
use vorgang_definitions::soundness::decide;
use vorgang_definitions::soundness::fault::Answer;

const SITE: &str = r#"
- { kind: Site, name: nets, language: 1, languages: en, zone: UTC, title: Nets }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: TicketType, name: case, states: [new] }
"#;

fn load_net(activities: &str, more: &str) -> Loaded {
    let form = "dialogs: { form: { for: agent } }";
    let lines: String = activities.replace("FORM", form).lines().map(|l| format!("    {l}\n")).collect();
    let process = format!(
        "- kind: Process\n  name: net\n  starts: [ {{ by: agent, at: a }} ]\n  ticket: {{ type: case, queue: desk, state: new, priority: normal }}\n{more}  activities:\n{lines}"
    );
    load(&[SiteFile { path: "net.yaml".into(), text: format!("{SITE}{process}") }], &[])
}

fn answer(activities: &str, more: &str) -> Answer {
    let loaded = load_net(activities, more);
    let errors: Vec<&String> = loaded.diagnostics.iter().filter(|d| d.code != "not-decided").map(|d| &d.message).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let model = loaded.model.expect("a model");
    decide(&model.names, &model.processes["net"].def)
}

/// What is wrong, in a sentence.
fn fault(activities: &str, more: &str) -> String {
    load_net(activities, more).diagnostics.iter().map(|d| d.message.as_str()).collect::<Vec<_>>().join("; ")
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
fn a_form_that_ends_everything_stands_beside_seven_branches() {
    let first: Vec<String> = (0..7).map(|b| format!("b{b}")).collect();
    for withdraw_first in [true, false] {
        let mut targets = first.clone();
        targets.insert(if withdraw_first { 0 } else { 7 }, "withdraw".into());
        let mut text = format!("a: {{ FORM, next: [ {{ to: [{}] }} ] }}\nwithdraw: {{ FORM, end: withdrawn }}\n", targets.join(", "));
        for b in &first {
            let _ = writeln!(text, "{b}: {{ FORM, next: {b}_checked }}\n{b}_checked: {{ FORM, next: ready }}");
        }
        text.push_str("ready: { join: all, FORM, end: ready }");
        assert_eq!(answer(&text, ""), Answer::Sound);
    }
}

#[test]
fn matching_branches_are_taken_in_the_order_in_which_they_are_written() {
    let net = |first: &str, second: &str| {
        format!(
            "a: {{ FORM, next: [ {{ to: [s, h] }} ] }}\ns: {{ FORM, split: matching, next: [ {first}, {second} ] }}\n\
             x: {{ FORM, next: [ {{ to: d, when: ticket.priority > 1 }}, {{ to: j, otherwise: true }} ] }}\n\
             j: {{ join: {{ first: 1, rest: cancel }}, FORM, next: d }}\nd: {{ join: any, FORM, next: g }}\nh: {{ FORM, next: g }}\ng: {{ join: all, FORM }}"
        )
    };
    let (j, x) = ("{ to: j, when: ticket.priority > 2 }", "{ to: x }");
    // `j` cancels what is on the way to it: a token that comes to `x` afterwards stays, and there are two at `g`.
    assert!(fault(&net(j, x), "").starts_with("a token can wait at `g` for ever"), "{}", fault(&net(j, x), ""));
    assert_eq!(answer(&net(x, j), ""), Answer::Sound);
}

#[test]
fn what_a_form_does_on_entry_is_done_on_entry() {
    let net = "a: { FORM, next: [ { to: [b, y, z] } ] }\nb: { FORM, next: m }\ny: { FORM, next: x }\n\
               x: { do: [ { cancel: b } ], FORM, next: m }\nm: { join: { first: 1 }, FORM, next: g }\n\
               z: { FORM, next: [ { to: g, do: [ { cancel: x } ] } ] }\ng: { join: all, FORM, end: fin }";
    assert_eq!(fault(net, ""), "a token can wait at `g` for ever: after `a`, `y`, `x` (entry), `z`");
}

#[test]
fn what_a_repeated_form_or_step_does_is_done_in_every_round() {
    let repeat = "repeat: { until: ticket.priority > 1, max: 50 }";
    let grows = |c: &str| {
        format!(
            "a: {{ FORM, next: c }}\nc: {{ {repeat}, {c}, next: e }}\nd: {{ next: f }}\ne: {{ FORM, next: f }}\nf: {{ FORM, next: z }}\nz: {{ join: all, end: over }}"
        )
    };
    let form = "dialogs: { form: { for: agent, do: [ { reopen: d } ] } }";
    assert_eq!(fault(&grows(form), ""), "tokens at `f` grow without end: after `a`, `c` (again), `d`");
    assert_eq!(fault(&grows("do: [ { reopen: d } ]"), ""), "tokens at `f` grow without end: after `a`, `c` (again), `d`");
    // Each round takes the other branch away; the last one does not have to.
    let takes = format!(
        "a: {{ FORM, next: [ {{ to: [b, c] }} ] }}\nb: {{ FORM, next: z }}\nc: {{ {repeat}, dialogs: {{ form: {{ for: agent, do: [ {{ cancel: b, \
         when: ticket.priority < 2 }} ] }} }}, next: z }}\nz: {{ join: matching, FORM, end: over }}"
    );
    assert_eq!(answer(&takes, ""), Answer::Sound);
}

#[test]
fn nine_tokens_are_not_endless() {
    let nine = "a: { FORM, next: [ { to: b, times: 9 } ] }\nb: { FORM, next: z }\nz: { join: { tokens: 9 }, end: over }";
    assert_eq!(answer(nine, ""), Answer::Sound);
    let more = "a: { FORM, next: [ { to: [a, b] } ] }\nb: { FORM, end: over }";
    assert_eq!(fault(more, ""), "tokens at `b` grow without end: after `a`");
}

#[test]
fn what_goes_on_by_itself_does_so_first_in_first_out() {
    // `kill` comes before `slow`, and takes it away every time.
    let net = |targets: &str| {
        format!(
            "a: {{ FORM, next: [ {{ to: [{targets}] }} ] }}\nkill: {{ do: [ {{ cancel: slow }} ] }}\nslow: {{ next: b }}\nb: {{ FORM }}"
        )
    };
    assert_eq!(fault(&net("kill, slow"), ""), "every token that enters `slow` is withdrawn before anything can happen there");
    assert_eq!(answer(&net("slow, kill"), ""), Answer::Sound);
}

#[test]
fn a_clock_of_a_group_runs_while_tokens_wait_at_a_join() {
    let net = "a: { FORM, next: [ { to: b, when: ticket.priority > 1 }, { to: [b, c], otherwise: true } ] }\nb: { FORM, next: j }\n\
               c: { FORM, next: j }\nj: { join: all, FORM, end: good }";
    assert!(fault(net, "").starts_with("a token can wait at `j` for ever"));
    let group = "  groups: { phase: { activities: [b, c, j], timers: [ { after: 1h, next: late } ] } }\n";
    assert_eq!(answer(&format!("{net}\nlate: {{ FORM, end: late }}"), group), Answer::Sound);
}

#[test]
fn stay_keeps_what_its_way_has_done() {
    let net = "a: { FORM, next: [ { to: [b, c] } ] }\nb: { dialogs: { form: { for: agent, outcomes: { no: No, yes: Yes } } }, next: \
               { no: [ { to: stay, do: [ { cancel: c } ] } ], yes: z } }\nc: { FORM, next: z }\nz: { join: all, end: over }";
    assert_eq!(fault(net, ""), "a token can wait at `z` for ever: after `a`, `b` (no), `b` (yes)");
}

#[test]
fn fifteen_forms_with_a_deadline_and_eleven_matching_branches() {
    let first: Vec<String> = (0..15).map(|b| format!("b{b}")).collect();
    let group = format!("  groups: {{ phase: {{ activities: [{}], timers: [ {{ after: 1h, next: z }} ] }} }}\n", first.join(", "));
    assert_eq!(answer(&branches(15, 1, "matching").replace("_0", ""), &group), Answer::Sound);
    let ways: Vec<String> = (0..11).map(|b| format!("{{ to: b{b}, when: ticket.priority > {b} }}")).collect();
    let mut text = format!("a: {{ FORM, split: matching, next: [ {} ] }}\n", ways.join(", "));
    (0..11).for_each(|b| _ = writeln!(text, "b{b}: {{ FORM, next: z }}"));
    text.push_str("z: { join: matching, FORM, end: over }");
    assert_eq!(answer(&text, ""), Answer::Sound);
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
