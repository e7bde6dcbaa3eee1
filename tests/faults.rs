//! Clocks that jump, several that look at once, servers that never answer: once each, never early, nothing lost.

mod common;

use async_trait::async_trait;
use common::world::{World, world};
use jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vorgang_core::filter::Filter;
use vorgang_core::people::Person;
use vorgang_runtime::jobs::Runs;
use vorgang_runtime::outbox::{Links, Mail, Mailer, SendError, deliver_due};
use vorgang_runtime::timers::{Waiting, fire_due};
use vorgang_runtime::{audit, revisions};
use vorgang_store::deliveries::DeliveryState;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: State, name: asleep, type: pending_auto, then: open }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: Field, name: count, type: integer }
- { kind: TicketType, name: case, fields: [ { field: count, default: 0 } ], states: [new, open, asleep] }
- { kind: Job, name: minutely, at: "* * * * *", missed: all, where: ticket.state == "new", do: [ { increment: { count: 1 } } ] }
- { kind: Notification, name: told, on: ticket.title_changed, to: { role: clerk }, by: mail, subject: "{{event.new}}", body: B }
"#;

async fn state(w: &World, number: &str) -> String {
    w.stored(number).await.ticket.state.clone()
}

async fn sound(w: &World) {
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

/// How far the clock jumps, and whether a timer of two hours has fired afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_fires_no_timer_early_and_none_twice() {
    const HOUR: i64 = 3_600;
    for (name, jumps, fired) in [
        ("forward", &[HOUR][..], false),
        ("far", &[2 * HOUR], true),
        ("a_year", &[365 * 24 * HOUR], true),
        ("back", &[-HOUR, 2 * HOUR], false),
        ("back_and_on", &[-HOUR, 3 * HOUR], true),
        ("to_and_fro", &[2 * HOUR, -2 * HOUR, 2 * HOUR, -365 * 24 * HOUR, 366 * 24 * HOUR], true),
    ] {
        let w = world(&format!("jump_{name}"), SITE).await;
        let number = w.ticket("One").await;
        w.patch(&number, &[("state", json!("asleep")), ("pending", json!("2h"))]).await;
        let mut waiting = Waiting::default();
        for jump in jumps {
            w.advance(SignedDuration::from_secs(*jump));
            while fire_due(&w.desk, &mut waiting).await.expect("timers fire") > 0 {}
        }
        assert_eq!((w.fired(&number).await, state(&w, &number).await == "open"), (usize::from(fired), fired), "{name}");
        sound(&w).await;
    }
}

/// Five that look at the same schedule, minute by minute for an hour, with the clock a second off between looks.
#[tokio::test(flavor = "multi_thread")]
async fn five_that_look_at_one_schedule_run_each_tick_once() {
    let w = world("five", SITE).await;
    let number = w.ticket("One").await;
    let mut lanes: Vec<Runs> = (0..5).map(|_| Runs::default()).collect();
    for lane in &mut lanes {
        lane.start_due(&w.desk).await.expect("looked");
    }
    for minute in 0..60 {
        w.advance(SignedDuration::from_secs(if minute % 2 == 0 { 61 } else { 59 }));
        let [a, b, c, d, e] = &mut lanes[..] else { panic!("five") };
        let looked =
            tokio::join!(a.start_due(&w.desk), b.start_due(&w.desk), c.start_due(&w.desk), d.start_due(&w.desk), e.start_due(&w.desk));
        for result in [looked.0, looked.1, looked.2, looked.3, looked.4] {
            result.expect("looked");
        }
        for lane in &mut lanes {
            lane.settle().await;
        }
    }
    let runs = w.desk.store.job_runs(Some("minutely"), false, 1_000).await.expect("runs");
    let mut ticks: Vec<i64> = runs.iter().filter_map(|r| r.tick).map(|t| t.as_second()).collect();
    ticks.sort_unstable();
    assert_eq!(ticks.len(), 60, "each tick has its run");
    assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] == 60), "no gap, no double: {ticks:?}");
    let stored = w.stored(&number).await;
    assert_eq!(stored.ticket.fields["count"], json!(60));
    sound(&w).await;
}

/// The first mail never gets an answer.
#[derive(Default)]
struct Hangs(AtomicUsize);

#[async_trait]
impl Mailer for Hangs {
    async fn send(&self, _: &Mail) -> Result<(), SendError> {
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_server_that_never_answers_is_given_up_and_tried_again() {
    if vorgang_testbed::postgres().is_some() {
        return eprintln!("SKIPPED: where time stands still, a database that is asked over the network never answers");
    }
    let w = world("hangs", SITE).await;
    let clerks: Vec<Person> =
        ["kim", "lea"].map(|l| Person { login: l.into(), email: format!("{l}@example.org"), ..w.otto.clone() }).to_vec();
    w.desk.people_save(&clerks).await.expect("people");
    let number = w.ticket("One").await;
    w.patch(&number, &[("title", json!("Two"))]).await;
    let mailer: Arc<dyn Mailer> = Arc::new(Hangs::default());
    let links = Links(String::new());
    assert_eq!(deliver_due(&w.desk, &mailer, &links).await, Ok(2));
    let count = async |state| w.desk.store.delivery_count(state).await.expect("a count");
    assert_eq!((count(DeliveryState::Due).await, count(DeliveryState::Sent).await), (1, 1), "the other one went out");
    let waits = w.desk.store.delivery_list(&Filter::All, DeliveryState::Due, 10, None).await.expect("mail").remove(0);
    assert_eq!((waits.attempts, waits.error.as_deref()), (1, Some("no answer within two minutes")));
    w.advance(SignedDuration::from_mins(1));
    assert_eq!(deliver_due(&w.desk, &mailer, &links).await, Ok(1));
    assert_eq!(count(DeliveryState::Sent).await, 2);
    sound(&w).await;
}

/// Row 39 of the faults: files of a site that end anywhere. Each is taken or refused with places, none breaks anything.
#[test]
fn a_file_that_ends_anywhere_is_read_or_refused() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/helpdesk");
    let mut files = vec![];
    let mut left = vec![folder.clone()];
    while let Some(at) = left.pop() {
        for entry in std::fs::read_dir(at).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => left.push(path),
                path if path.extension().is_some_and(|e| e == "yaml") => {
                    let shown = path.strip_prefix(&folder).expect("below").display().to_string();
                    files.push(vorgang_definitions::site::SiteFile { path: shown, text: std::fs::read_to_string(&path).expect("a file") });
                }
                _ => {}
            }
        }
    }
    let step = common::crowd::long(211, 1) as usize;
    let (mut cuts, mut refused) = (0, 0);
    for at in 0..files.len() {
        let whole = files[at].text.clone();
        for cut in (0..whole.len()).step_by(step).filter(|cut| whole.is_char_boundary(*cut)) {
            files[at].text = whole[..cut].to_owned();
            let loaded = vorgang_definitions::site::load(&files, &[]);
            cuts += 1;
            refused += u32::from(loaded.model.is_none());
            assert!(loaded.model.is_some() || !loaded.diagnostics.is_empty(), "{} cut at {cut}: refused without a word", files[at].path);
        }
        files[at].text = whole;
    }
    println!("{cuts} cuts, {refused} refused");
    assert!(refused > 0);
}

/// Bombs at the door: refused with a finding, and what runs stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_and_nothing_changes() {
    let w = world("bombs", SITE).await;
    let hash = w.desk.model().hash.clone();
    let alias = "- { kind: Queue, name: q, title: &a [x,x,x,x,x,x,x,x] }\n- &b [*a,*a,*a,*a,*a,*a,*a,*a]\n- &c [*b,*b,*b,*b,*b,*b,*b,*b]\n- &d [*c,*c,*c,*c,*c,*c,*c,*c]\n- &e [*d,*d,*d,*d,*d,*d,*d,*d]\n- [*e,*e,*e,*e,*e,*e,*e,*e]\n".to_owned();
    let deep = format!("- {}1{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!(
        "- {{ kind: Handler, name: h, on: ticket.created, when: \"{}true{}\", do: [ {{ incident: x }} ] }}\n",
        "(".repeat(5_000),
        ")".repeat(5_000)
    );
    let loops = "- { kind: Handler, name: h, on: ticket.created, when: \"[1,2,3].all(a, [1,2,3].all(b, [1,2,3].all(c, a + b + c > 0)))\", do: [ { incident: x } ] }\n".to_owned();
    let regex = "- { kind: Handler, name: h, on: ticket.created, when: \"ticket.title.matches('((a{1,500}){1,500}){1,500}')\", do: [ { incident: x } ] }\n".to_owned();
    for (name, text) in [("alias", alias), ("deep", deep), ("nested", nested), ("loops", loops), ("regex", regex)] {
        let file = vorgang_definitions::site::SiteFile { path: "site.yaml".into(), text: format!("{SITE}{text}") };
        let applied = w.desk.apply(&[file], "test").await.expect("an answer");
        assert!(matches!(applied, revisions::Applied::Refused { .. }), "{name}");
        assert_eq!(w.desk.model().hash, hash, "{name}");
    }
}
