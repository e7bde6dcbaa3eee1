//! Who is told, on which way and when; and mail that goes out, fails, waits and is given up, without a loss.

mod common;

use async_trait::async_trait;
use common::world::{World, world};
use jiff::SignedDuration;
use jiff::civil::{date, time};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use vorgang_core::commands::{Command, RetryIncident};
use vorgang_core::filter::Filter;
use vorgang_core::people::{Away, Person, PersonKind, Quiet, Settings};
use vorgang_core::snapshot::Retry;
use vorgang_runtime::audit;
use vorgang_runtime::outbox::{Links, Mail, Mailer, SendError, deliver_due};
use vorgang_store::deliveries::{Channel, DeliveryState, End};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: [en, de], zone: Europe/Berlin, title: { en: Help desk, de: Servicedesk } }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: Priority, name: normal, level: 3 }
- { kind: Priority, name: high, level: 5 }
- { kind: Queue, name: desk }
- { kind: Queue, name: secret }
- { kind: Role, name: clerk, queues: { desk: [rw], secret: [create, move_into] } }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw], secret: [rw] } }
- { kind: Role, name: boss, queues: { desk: [rw], secret: [rw] } }
- { kind: TicketType, name: case, states: [new, open] }
- kind: Notification
  name: urgent_now
  on: ticket.priority_changed
  when: event.new > 3
  to: { role: boss }
  by: [portal, mail]
  urgent: true
  subject: { en: "Now high: {{ticket.title}}", de: "Jetzt hoch: {{ticket.title}}" }
  body: { en: "Dear {{recipient.name}}, it was {{event.old}}.", de: "Guten Tag {{recipient.name}}, es war {{event.old}}." }
- kind: Notification
  name: retitled
  on: ticket.title_changed
  to: { role: boss }
  by: [portal, mail]
  once_a_day: true
  opt_out: true
  subject: { en: "New title: {{event.new}}", de: "Neuer Titel: {{event.new}}" }
  body: { en: "It was {{event.old}}.", de: "Es war {{event.old}}." }
- kind: Notification
  name: moved
  on: ticket.queue_changed
  to: { role: boss }
  by: mail
  subject: Moved
  body: Moved
"#;

fn boss(login: &str, language: &str) -> Person {
    Person {
        login: login.into(),
        name: login.to_uppercase(),
        email: format!("{login}@example.org"),
        kind: PersonKind::Agent,
        company: None,
        language: language.into(),
        roles: vec!["boss".into()],
        active: true,
        settings: Settings::default(),
    }
}

async fn desk(name: &str, bosses: &[Person]) -> (World, String) {
    let w = world(name, SITE).await;
    let clerk = Person { login: "karl".into(), roles: vec!["clerk".into()], ..boss("karl", "en") };
    w.desk.people_save(&[bosses, &[clerk]].concat()).await.expect("people");
    let number = w.ticket("One").await;
    (w, number)
}

/// The subjects of what the person has in the portal, the newest first.
async fn portal(w: &World, login: &str) -> Vec<String> {
    let list = w.desk.store.notification_list(login, 50).await.expect("a list");
    list.into_iter().map(|n| n.instead_of.map_or(n.subject.clone(), |away| format!("{} (for {away})", n.subject))).collect()
}

/// To whom mail lies in the outbox, with its subject.
async fn waiting(w: &World) -> Vec<(String, String)> {
    let mut list = w.desk.store.delivery_list(&Filter::All, DeliveryState::Due, 100, None).await.expect("a list");
    list.reverse();
    list.into_iter().map(|m| (m.recipient.clone(), m.title().to_owned())).collect()
}

fn pair(to: &str, subject: &str) -> (String, String) {
    (to.into(), subject.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_tells_people_in_their_language() {
    let (w, number) = desk("told", &[boss("mia", "de"), boss("ben", "en")]).await;
    w.patch(&number, &[("priority", json!("high"))]).await;
    w.patch(&number, &[("priority", json!("normal"))]).await;
    assert_eq!(portal(&w, "mia").await, ["Jetzt hoch: One"]);
    assert_eq!(portal(&w, "ben").await, ["Now high: One"]);
    let body = w.desk.store.notification_list("mia", 1).await.expect("a list").remove(0).body;
    assert_eq!(body, "Guten Tag MIA, es war 3.");
    assert_eq!(waiting(&w).await, [pair("ben", "Now high: One"), pair("mia", "Jetzt hoch: One")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_a_day_and_not_wanted() {
    let muted = Settings { muted: BTreeSet::from(["retitled".into(), "urgent_now".into()]), ..Settings::default() };
    let (w, number) = desk("daily", &[boss("mia", "en"), boss("ben", "en")]).await;
    w.desk.settings_save("ben", &muted).await.expect("settings");
    for title in ["Two", "Three"] {
        w.patch(&number, &[("title", json!(title))]).await;
    }
    assert_eq!(portal(&w, "mia").await, ["New title: Two"]);
    assert_eq!(portal(&w, "ben").await, [""; 0]);
    // Fourteen hours later it is another day in Berlin.
    w.advance(SignedDuration::from_hours(14));
    w.patch(&number, &[("title", json!("Four"))]).await;
    assert_eq!(portal(&w, "mia").await, ["New title: Four", "New title: Two"]);
    // What may not be left out cannot be muted.
    w.patch(&number, &[("priority", json!("high"))]).await;
    assert_eq!(portal(&w, "ben").await, ["Now high: Four"]);
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_hold_mail_back_and_nothing_else() {
    let (w, number) = desk("quiet", &[boss("mia", "en")]).await;
    // It is ten in the morning: quiet from nine to eleven, then over midnight, then not.
    for (from, until, held) in [(9, 11, Some(1)), (22, 11, Some(1)), (9, 8, Some(22)), (11, 9, None), (8, 10, None)] {
        let quiet = Some(Quiet { from: time(from, 0, 0, 0), until: time(until, 0, 0, 0) });
        w.desk.settings_save("mia", &Settings { quiet, ..Settings::default() }).await.expect("settings");
        w.patch(&number, &[("queue", json!("secret"))]).await;
        w.patch(&number, &[("queue", json!("desk"))]).await;
        let now = w.now();
        let mails = w.desk.store.delivery_list(&Filter::All, DeliveryState::Due, 2, None).await.expect("a list");
        for mail in mails {
            assert_eq!(
                (mail.due > now).then(|| (mail.due.duration_since(now) + SignedDuration::from_secs(1)).as_hours()),
                held,
                "{from} to {until}"
            );
        }
    }
    w.patch(&number, &[("priority", json!("high"))]).await;
    let urgent = w.desk.store.delivery_list(&Filter::All, DeliveryState::Due, 1, None).await.expect("a list").remove(0);
    assert!(urgent.due <= w.now(), "what is urgent comes in quiet hours too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_substitute_is_told_if_the_ticket_may_be_seen() {
    let away = |substitute: &str| Settings {
        away: Some(Away { from: date(2026, 3, 2), until: date(2026, 3, 3), substitute: Some(substitute.into()) }),
        ..Settings::default()
    };
    let (w, number) = desk("away", &[boss("mia", "en"), Person { roles: vec![], ..boss("ben", "de") }]).await;
    w.desk.settings_save("mia", &away("karl")).await.expect("settings");
    w.patch(&number, &[("title", json!("Two"))]).await;
    assert_eq!(portal(&w, "mia").await, ["New title: Two"], "found afterwards");
    assert_eq!(portal(&w, "karl").await, ["New title: Two (for mia)"]);
    assert_eq!(waiting(&w).await, [pair("karl", "New title: Two")]);
    // Nobody reads there but bosses: it comes to the one who is away.
    w.patch(&number, &[("queue", json!("secret"))]).await;
    assert_eq!(waiting(&w).await[1..], [pair("mia", "Moved")]);
    // The substitute of a substitute; two who stand in for each other are as if nobody did.
    w.desk.people_save(&[Person { roles: vec!["clerk".into()], ..boss("ben", "de") }]).await.expect("people");
    w.desk.settings_save("karl", &away("ben")).await.expect("settings");
    w.patch(&number, &[("queue", json!("desk"))]).await;
    assert_eq!(waiting(&w).await[2..], [pair("ben", "Moved")]);
    w.desk.settings_save("ben", &away("mia")).await.expect("settings");
    w.patch(&number, &[("priority", json!("high"))]).await;
    assert_eq!(waiting(&w).await[3..], [pair("mia", "Now high: Two")], "what is urgent finds the one who is away");
    // The last day is one of them, the next is not.
    w.advance(SignedDuration::from_hours(48));
    w.patch(&number, &[("title", json!("Three"))]).await;
    assert_eq!(waiting(&w).await[4..], [pair("mia", "New title: Three")]);
}

/// A server that answers as it is told, and keeps what it took.
#[derive(Default)]
struct Told {
    took: Mutex<Vec<Mail>>,
    answers: Mutex<Vec<Result<(), SendError>>>,
}

#[async_trait]
impl Mailer for Told {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        if mail.subject.contains("poison") {
            panic!("this mail breaks the sender");
        }
        let answer = self.answers.lock().expect("answers").pop().unwrap_or(Ok(()));
        if answer.is_ok() {
            self.took.lock().expect("mails").push(mail.clone());
        }
        answer
    }
}

struct Post {
    server: Arc<Told>,
    mailer: Arc<dyn Mailer>,
}

impl Post {
    fn new() -> Self {
        let server = Arc::new(Told::default());
        Self { mailer: server.clone(), server }
    }

    fn answer(&self, answer: Result<(), SendError>) {
        self.server.answers.lock().expect("answers").push(answer);
    }

    async fn deliver(&self, w: &World) -> usize {
        deliver_due(&w.desk, &self.mailer, &Links("https://desk.example.org".into())).await.expect("delivery")
    }

    fn took(&self) -> Vec<Mail> {
        std::mem::take(&mut *self.server.took.lock().expect("mails"))
    }
}

async fn counts(w: &World) -> Vec<u64> {
    let mut counts = vec![];
    for state in [DeliveryState::Due, DeliveryState::Sent, DeliveryState::Failed, DeliveryState::Held] {
        counts.push(w.desk.store.delivery_count(state).await.expect("a count"));
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_tried_until_it_is_taken_and_given_up_with_an_incident() {
    let (w, number) = desk("post", &[boss("mia", "de")]).await;
    let post = Post::new();
    w.patch(&number, &[("title", json!("Two"))]).await;
    post.answer(Err(SendError::Temporary("no answer".into())));
    assert_eq!((post.deliver(&w).await, post.took().len(), counts(&w).await), (1, 0, vec![1, 0, 0, 0]));
    assert_eq!(post.deliver(&w).await, 0, "not at once again");
    w.advance(SignedDuration::from_secs(20));
    assert_eq!(post.deliver(&w).await, 1);
    let mail = post.took().remove(0);
    assert_eq!((mail.to[0].address.as_str(), mail.subject.as_str()), ("mia@example.org", "Neuer Titel: Two"));
    assert_eq!(mail.body, format!("Es war One.\n\n-- \nhttps://desk.example.org/agent/tickets/{number}\n"));
    assert_eq!((post.deliver(&w).await, counts(&w).await), (0, vec![0, 1, 0, 0]));
    // Refused for good: an incident, whose retry sends it again.
    w.patch(&number, &[("priority", json!("high"))]).await;
    post.answer(Err(SendError::Permanent("550 no such mailbox".into())));
    assert_eq!((post.deliver(&w).await, counts(&w).await), (1, vec![0, 1, 1, 0]));
    let stored = w.stored(&number).await;
    let incident = &stored.incidents[0];
    assert_eq!(incident.message, "mail `urgent_now` to mia: 550 no such mailbox");
    assert!(matches!(incident.retry, Retry::Deliver { .. }), "{incident:?}");
    // However late: what an administrator wants sent is not too old.
    w.advance(SignedDuration::from_hours(80));
    w.execute(Some(&number), Command::RetryIncident(RetryIncident { incident: incident.seq })).await;
    assert_eq!((post.deliver(&w).await, counts(&w).await), (1, vec![0, 2, 0, 0]));
    assert_eq!(post.took().len(), 1);
    // A server that never answers: given up after the last attempt.
    w.advance(SignedDuration::from_hours(24));
    w.patch(&number, &[("title", json!("Three"))]).await;
    let mut tries = 0;
    while counts(&w).await[0] > 0 {
        post.answer(Err(SendError::Temporary("no answer".into())));
        tries += post.deliver(&w).await;
        w.advance(SignedDuration::from_hours(5));
    }
    assert_eq!((tries, counts(&w).await), (24, vec![0, 2, 1, 0]));
    assert_eq!(audit::verify(&*w.desk.store).await.expect("a report").findings, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_for_one_address_is_one_mail_and_what_is_old_is_held() {
    let (w, number) = desk("flood", &[boss("mia", "en")]).await;
    let post = Post::new();
    for i in 0..100 {
        w.patch(&number, &[("priority", json!(if i % 2 == 0 { "high" } else { "normal" }))]).await;
    }
    assert_eq!(counts(&w).await[0], 50);
    post.deliver(&w).await;
    let mails = post.took();
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "Help desk: 50 notifications"));
    assert_eq!(mails[0].body.matches("Now high: One").count(), 50, "none is lost");
    assert_eq!(counts(&w).await, [0, 50, 0, 0]);
    // Nobody is surprised by mail of long ago: it waits to be released.
    w.patch(&number, &[("priority", json!("high"))]).await;
    w.advance(SignedDuration::from_hours(73));
    post.deliver(&w).await;
    assert_eq!((post.took().len(), counts(&w).await), (0, vec![0, 50, 0, 1]));
    assert_eq!(w.desk.store.delivery_release(DeliveryState::Held, None, w.now()).await, Ok(1));
    post.deliver(&w).await;
    assert_eq!((post.took().len(), counts(&w).await), (1, vec![0, 51, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_breaks_the_sender_does_not_hold_up_the_others() {
    let (w, number) = desk("poison", &[boss("mia", "en"), boss("ben", "en")]).await;
    let post = Post::new();
    w.patch(&number, &[("title", json!("poison"))]).await;
    w.patch(&number, &[("queue", json!("secret"))]).await;
    post.deliver(&w).await;
    let subjects: Vec<String> = post.took().into_iter().map(|m| m.subject).collect();
    assert_eq!(subjects, ["Moved", "Moved"]);
    assert_eq!(counts(&w).await, [2, 2, 0, 0]);
    // Whoever may no longer see the ticket, or is gone, is told nothing more.
    w.desk.people_save(&[Person { active: false, ..boss("ben", "en") }]).await.expect("people");
    w.advance(SignedDuration::from_hours(1));
    post.deliver(&w).await;
    assert_eq!(counts(&w).await, [1, 2, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_lost_takes_the_mail_with_it() {
    let (w, number) = desk("lost", &[boss("mia", "en"), boss("ben", "en")]).await;
    let post = Post::new();
    w.patch(&number, &[("title", json!("Two"))]).await;
    w.desk.people_save(&[Person { roles: vec![], ..boss("ben", "en") }]).await.expect("people");
    post.deliver(&w).await;
    let to: Vec<String> = post.took().into_iter().map(|m| m.to[0].address.clone()).collect();
    assert_eq!((to, counts(&w).await), (vec!["mia@example.org".to_owned()], vec![0, 1, 1, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_hear_how_mail_has_ended() {
    let handler = r#"- { kind: Handler, name: hears, on: [mail.sent, mail.failed], do: [ { note: "{{event.name}} {{event.person}}" } ] }"#;
    let w = world("mail-events", &format!("{SITE}{handler}\n")).await;
    w.desk.people_save(&[boss("mia", "en")]).await.expect("people");
    let (number, post) = (w.ticket("One").await, Post::new());
    let notes = async || {
        let id = w.stored(&number).await.ticket.id;
        w.desk.store.article_list(id).await.expect("articles").into_iter().map(|a| a.body).collect::<Vec<_>>()
    };
    w.patch(&number, &[("title", json!("Two"))]).await;
    post.deliver(&w).await;
    assert_eq!(notes().await, ["mail.sent mia"]);
    post.answer(Err(SendError::Permanent("no such mailbox".into())));
    w.patch(&number, &[("queue", json!("secret"))]).await;
    post.deliver(&w).await;
    assert_eq!(notes().await, ["mail.sent mia", "mail.failed mia"]);
    assert_eq!(w.stored(&number).await.incidents[0].message, "mail `moved` to mia: no such mailbox");
}

/// A server that did not answer while the clock was ten days ahead: its mail goes out when the clock is right again.
#[tokio::test(flavor = "multi_thread")]
async fn mail_that_a_clock_ahead_put_off_is_due_again() {
    let (w, number) = desk("pulled", &[boss("mia", "en")]).await;
    w.patch(&number, &[("queue", json!("secret"))]).await;
    let claim = async || {
        let now = w.now();
        w.desk.store.delivery_claim(Channel::Mail, now, 10, &[]).await.expect("mail")
    };
    w.advance(SignedDuration::from_hours(240));
    let ids: Vec<i64> = claim().await.iter().map(|m| m.id).collect();
    assert!(!ids.is_empty());
    let later = w.now() + SignedDuration::from_hours(4);
    let put_off = async |at| {
        let end = |id: &i64| End { id: *id, state: DeliveryState::Due, at, attempts: 1, error: Some("no answer".into()) };
        w.desk.store.delivery_ended(&ids.iter().map(end).collect::<Vec<_>>()).await.expect("noted");
    };
    put_off(later).await;
    w.advance(-SignedDuration::from_hours(240));
    assert!(claim().await.is_empty());
    vorgang_runtime::outbox::pull_back(&w.desk).await.expect("pulled back");
    assert_eq!(claim().await.len(), ids.len());
    // What waits for a person's quiet hours to end waits on.
    let tomorrow = w.now() + SignedDuration::from_hours(24);
    put_off(tomorrow).await;
    vorgang_runtime::outbox::pull_back(&w.desk).await.expect("pulled back");
    assert!(claim().await.is_empty());
}
