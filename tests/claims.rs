//! A claim ends with the process that holds it: mail and programs that were under way go on at once, and a digest stays the
//! mail that it was.

mod common;

use common::maildesk::{MailDesk, person};
use common::world::Hands;
use common::{Folder, Server, request, url};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vorgang_core::commands::{Command, NewTicket, PatchTicket};
use vorgang_core::people::PersonKind;
use vorgang_definitions::site::SiteFile;
use vorgang_runtime::clock::Clock;
use vorgang_runtime::outbox::{DIGEST, Links, Mail, Mailer, SendError, deliver_due};
use vorgang_runtime::{Desk, Request, revisions};
use vorgang_store::deliveries::{Channel, Delivery};
use vorgang_testbed::{postgres, psql};

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: Field, name: said, type: multiline }
- { kind: TicketType, name: case, fields: [said], states: new }
- { kind: Handler, name: says, on: ticket.title_changed, do: [ { run: { program: says, into: said } } ] }
- { kind: Notification, name: told, on: ticket.title_changed, to: { role: clerk }, by: mail, subject: "{{ticket.title}}", body: "Look." }
"#;

const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// A desk on this folder's database, as a process of its own opens it.
async fn opened(folder: &Folder, clock: &Arc<Hands>) -> Desk {
    let files = [SiteFile { path: "site.yaml".into(), text: SITE.into() }];
    let opened = revisions::open(folder.open().await, clock.clone(), Some(&files)).await.expect("a desk");
    opened.unwrap_or_else(|_| panic!("the site is good"))
}

/// One mail and one program's run, both claimed for a quarter of an hour.
async fn under_way(desk: &Desk, clock: &Hands) {
    desk.people_save(&[person("tina", PersonKind::Agent, None, &["clerk"])]).await.expect("people");
    let tina = desk.people().get("tina").cloned().expect("tina");
    let new = NewTicket { title: "One".into(), ticket_type: "case".into(), queue: "desk".into(), ..NewTicket::default() };
    let execute = async |ticket: Option<&str>, command| {
        desk.execute(Request { actor: &vorgang_core::people::system(), ticket, command, cause: "test", at: None })
            .await
            .expect("it is accepted")
            .after
    };
    let number = execute(None, Command::CreateTicket(new)).await.ticket.number.to_string();
    let values = [("title".to_owned(), json!("Two"))].into_iter().collect();
    execute(Some(&number), Command::PatchTicket(PatchTicket { values, seen: None, expected: None, blobs: vec![] })).await;
    let now = clock.now();
    let mails = desk.store.delivery_claim(Channel::Mail, now, 10, &[]).await.expect("mail");
    assert_eq!((mails.len(), mails[0].begun, mails[0].recipient.as_str()), (1, false, tina.login.as_str()));
    let runs = desk.store.delivery_claim(Channel::Program, now, 10, &[]).await.expect("runs");
    assert_eq!((runs.len(), runs[0].begun, runs[0].attempts), (1, false, 0));
    assert_eq!(free(desk, now).await, (vec![], vec![]), "nobody else has them");
}

/// Mail that this process gets now, and the attempts of the program's run.
async fn free(desk: &Desk, now: Timestamp) -> (Vec<Delivery>, Vec<u32>) {
    let calls = desk.store.delivery_claim(Channel::Program, now, 10, &[]).await.expect("runs");
    let mails = desk.store.delivery_claim(Channel::Mail, now, 10, &[]).await.expect("mail");
    (mails, calls.iter().map(|c| c.attempts).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_claimed_is_free_when_it_leaves() {
    let (folder, clock) = (Folder::new("claims_left"), Arc::new(Hands::at("2026-03-02T10:00:00Z")));
    let desk = opened(&folder, &clock).await;
    under_way(&desk, &clock).await;
    desk.store.leave().await;
    drop(desk);
    let next = opened(&folder, &clock).await;
    let (mails, attempts) = free(&next, clock.now()).await;
    assert_eq!(mails.iter().map(|m| m.begun).collect::<Vec<_>>(), [true], "an attempt may have sent it");
    assert_eq!(attempts, [0], "the attempt that the end broke off does not count");
    next.store.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_claimed_is_free_soon_after_it_was_killed() {
    let (folder, clock) = (Folder::new("claims_killed"), Arc::new(Hands::at("2026-03-02T10:00:00Z")));
    let desk = opened(&folder, &clock).await;
    under_way(&desk, &clock).await;
    drop(desk);
    let next = opened(&folder, &clock).await;
    // A lock on the file says at once that the other has ended. Nodes of PostgreSQL take one for dead that has been silent for a while.
    let within = Duration::from_secs(if postgres().is_some() { 10 } else { 0 });
    let begun = Instant::now();
    let (mut mails, mut attempts) = (vec![], vec![]);
    loop {
        let (more, calls) = free(&next, clock.now()).await;
        mails.extend(more);
        attempts = if calls.is_empty() { attempts } else { calls };
        if (mails.len(), attempts.len()) == (1, 1) {
            break;
        }
        assert!(begun.elapsed() < within, "still claimed after {:?}: {mails:?} {attempts:?}", begun.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((mails[0].begun, attempts), (true, vec![1]), "what broke off may have been done");
    next.store.leave().await;
}

/// The right to commit goes with the node's row: one that was taken for dead decides again, under a new id.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_taken_for_dead_commits_under_a_new_id_only() {
    if postgres().is_none() {
        return eprintln!("SKIPPED: VORGANG_TEST_POSTGRES names no server");
    }
    let (folder, clock) = (Folder::new("claims_fenced"), Arc::new(Hands::at("2026-03-02T10:00:00Z")));
    let desk = opened(&folder, &clock).await;
    let url = url(&folder.0);
    let node = || psql(&url, "SELECT coalesce(max(id), 0) FROM node").parse::<i64>().expect("a number");
    let before = node();
    psql(&url, "DELETE FROM node");
    let new = NewTicket { title: "One".into(), ticket_type: "case".into(), queue: "desk".into(), ..NewTicket::default() };
    let system = vorgang_core::people::system();
    let request = Request { actor: &system, ticket: None, command: Command::CreateTicket(new), cause: "test", at: None };
    desk.execute(request).await.expect("it is accepted");
    assert!(node() > before, "it has joined again before it wrote");
    assert_eq!(psql(&url, "SELECT count(*) FROM ticket"), "1");
    desk.store.leave().await;
}

/// Takes a mail, and never says so.
#[derive(Default)]
struct Vanishes(std::sync::Mutex<Vec<Mail>>);

#[async_trait::async_trait]
impl Mailer for Vanishes {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        self.0.lock().expect("the mails").push(mail.clone());
        std::future::pending().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_was_broken_off_goes_out_again_as_the_same_mail() {
    let d = MailDesk::new("claims_digest", SITE, &[person("tina", PersonKind::Agent, None, &["clerk"])]).await;
    let number = d.world.ticket("One").await;
    let told = async |n: usize| drop(d.world.patch(&number, &[("title", json!(format!("Title {n}")))]).await);
    for n in 0..=DIGEST {
        told(n).await;
    }
    let vanishes = Arc::new(Vanishes::default());
    let (links, mailer): (_, Arc<dyn Mailer>) = (Links("https://desk.example.org".into()), vanishes.clone());
    let desk = d.world.desk.clone();
    let attempt = tokio::spawn(async move { deliver_due(&desk, &mailer, &links).await });
    while vanishes.0.lock().expect("the mails").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    attempt.abort();
    let _ = attempt.await;
    let first = vanishes.0.lock().expect("the mails").remove(0);
    assert_eq!(first.subject, "Desk: 21 notifications");
    // More comes together meanwhile.
    for n in 0..3 {
        told(100 + n).await;
    }
    d.world.advance(QUARTER + SignedDuration::from_secs(1));
    let again = d.out().await;
    let same: Vec<&Mail> = again.iter().filter(|m| m.id == first.id).collect();
    assert_eq!((same.len(), &same[0].body, again.len()), (1, &first.body, 1 + 3), "{again:?}");
    d.sound().await;
}

/// Nobody is here and nothing is due: the database has its rest, also from a second node.
#[test]
fn an_idle_server_asks_less_than_once_a_second() {
    const WATCHED: Duration = Duration::from_secs(12);
    let folder = Folder::new("claims_idle");
    let mut servers = vec![Server::start(&folder.0, &["--demo"])];
    servers.extend(vorgang_testbed::postgres().map(|_| Server::start(&folder.0, &[])));
    let asked = |server: &Server| {
        let metrics = request(&server.address, "GET", "/metrics", &[], b"").expect("the metrics").body;
        let line = metrics.lines().find(|l| l.starts_with("vorgang_store_queries_total ")).expect("the metric").to_owned();
        line.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok()).expect("a number")
    };
    // What the start itself asks for.
    std::thread::sleep(Duration::from_secs(3));
    // The metrics ask for figures of the site themselves, at most every five seconds.
    servers.iter().for_each(|s| _ = asked(s));
    let before: Vec<u64> = servers.iter().map(asked).collect();
    std::thread::sleep(WATCHED);
    let questions: Vec<u64> = servers.iter().zip(before).map(|(s, before)| asked(s) - before).collect();
    // Nodes look after each other too.
    let most = if servers.len() > 1 { WATCHED.as_secs() * 2 } else { WATCHED.as_secs() };
    assert!(questions.iter().all(|q| *q < most), "{questions:?} in {WATCHED:?}");
}

/// A mail that may have gone out alone does not go out again within a digest.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_begun_alone_stays_alone() {
    let d = MailDesk::new("claims_alone", SITE, &[person("tina", PersonKind::Agent, None, &["clerk"])]).await;
    let number = d.world.ticket("One").await;
    d.world.patch(&number, &[("title", json!("First"))]).await;
    let now = d.world.now();
    let begun = d.world.desk.store.delivery_claim(Channel::Mail, now, 10, &[]).await.expect("mail");
    assert_eq!(begun.len(), 1);
    for n in 0..=DIGEST {
        d.world.patch(&number, &[("title", json!(format!("Title {n}")))]).await;
    }
    d.world.advance(QUARTER + SignedDuration::from_secs(1));
    let subjects: Vec<String> = d.out().await.into_iter().map(|m| m.subject).collect();
    assert_eq!(subjects.len(), 2, "{subjects:?}");
    assert!(subjects.iter().any(|s| s == "First") && subjects.iter().any(|s| s == "Desk: 21 notifications"), "{subjects:?}");
}
