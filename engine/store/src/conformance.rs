//! One suite for every backend: a backend is done when it passes.

pub mod clocks;
mod deliveries;
mod fixtures;
mod jobs;
mod people;

use crate::checkpoints::{Backup, Checkpoint};
use crate::conformance::fixtures::*;
use crate::deliveries::Channel;
use crate::words::{Doc, query};
use crate::{Commit, HistoryRow, Idempotency, Origin, Sort, Store, StoreError};
use std::sync::Arc;
use vorgang_core::article::{Article, Sender};
use vorgang_core::attachment::Blob;
use vorgang_core::chain;
use vorgang_core::event::{
    ArticleAdded, AttributeSet, CallEnded, Event, FieldSet, IncidentResolved, InstanceEnded, TicketCreated, TimerFired, TurnTaken,
    WatcherRemoved, WorkEnded,
};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{ArticleId, CallId, IncidentId, InstanceId, Login, TicketId, TimerId, WorkId};
use vorgang_core::snapshot::WorkStatus;
use vorgang_core::timer::TimerKind;

/// How many stores [`run`] makes.
pub const CASES: usize = 15;

/// Runs every case on fresh stores. Panics with the name of what failed.
pub async fn run_suite(make: impl Fn() -> Arc<dyn Store>) {
    tickets_come_back_as_they_were_written(&*prepared(make()).await).await;
    a_stale_version_is_a_conflict_and_writes_nothing(&*prepared(make()).await).await;
    a_turn_is_taken_once(prepared(make()).await).await;
    a_failed_commit_leaves_its_neighbours_alone(prepared(make()).await).await;
    lists_keep_to_the_rights(&*prepared(make()).await).await;
    repeated_keys_are_refused(&*prepared(make()).await).await;
    people::secrets_open_once_and_expire(&*prepared(make()).await).await;
    revisions_and_pinned_processes(&*prepared(make()).await).await;
    jobs::a_job_runs_once_a_tick_and_once_a_ticket(&*prepared(make()).await).await;
    clocks::clocks_of_an_agreement(&*prepared(make()).await).await;
    numbers_are_given_once(prepared(make()).await).await;
    people::people_change_by_fields(&*prepared(make()).await).await;
    people::failed_attempts_are_counted(prepared(make()).await).await;
    deliveries::people_come_before_the_desk(&*prepared(make()).await).await;
    words_are_found(&*prepared(make()).await).await;
}

async fn tickets_come_back_as_they_were_written(store: &dyn Store) {
    let mut first = decision(None, everything(1), at(3));
    first.blobs.push(Blob { hash: "b1".into(), bytes: vec![1, 2, 3].into() });
    let c = commit(&first, 0, chain::GENESIS, at(3));
    let hash = c.history.hash;
    store.commit(c).await.expect("a commit");
    let stored = store.ticket_load("N1").await.expect("a read").expect("the ticket");
    assert_eq!(stored.snapshot.clone().compact(), first.after.clone().compact(), "a ticket comes back as it was written");
    assert_eq!(stored.head, hash, "the head is the last row's hash");
    assert_eq!(store.ticket_load_by_id(TicketId(1)).await.expect("a read").map(|s| s.snapshot), Some(stored.snapshot.clone()));
    assert_eq!(store.ticket_load("N2").await, Ok(None));
    let articles = store.article_list(TicketId(1)).await.expect("articles");
    assert_eq!((articles.len(), articles[0].attachments[0].name.as_str(), articles[0].body.as_str()), (1, "ü.pdf", "Zeile 1\nZeile 2 😀"));
    let page = async |after, visible, limit| {
        let page = store.article_page(TicketId(1), ArticleId(after), visible, limit).await.expect("a page");
        page.iter().map(|a| (a.seq, a.attachments.len())).collect::<Vec<_>>()
    };
    let first = (articles[0].seq, articles[0].attachments.len());
    assert_eq!(
        (page(0, false, 1).await, page(0, true, 9).await),
        (vec![first], vec![first].into_iter().filter(|_| articles[0].visible).collect())
    );
    assert_eq!((page(first.0.0, false, 9).await, page(0, false, 0).await), (vec![], vec![]), "behind the last one; none of them");
    assert_eq!(store.ticket_number(TicketId(1)).await, Ok(Some("N1".into())));
    assert_eq!(store.ticket_number(TicketId(2)).await, Ok(None));
    assert_eq!(store.blob("b1").await, Ok(Some(vec![1, 2, 3])));
    store.shown_html_put("h", 1, "<p>x</p>", (TicketId(1), articles[0].seq)).await.expect("kept");
    store.shown_html_put("i", 1, "<p>x</p>", (TicketId(1), ArticleId(999))).await.expect("left out");
    assert_eq!(store.shown_html("h", 1).await, Ok(Some("<p>x</p>".into())));
    assert_eq!((store.shown_html("h", 2).await, store.shown_html("i", 1).await), (Ok(None), Ok(None)), "of other rules; of no article");
    assert_eq!(store.notification_unread("anna").await, Ok(1));
    assert_eq!(store.notifications_read("anna", None, at(9)).await, Ok(None));
    assert_eq!(store.notification_unread("anna").await, Ok(0));
    let told = store.notification_list("anna", 10).await.expect("a list").remove(0);
    assert_eq!((told.read, told.instead_of.as_deref()), (true, Some("mia")));
    assert_eq!(store.notifications_read("anna", Some(told.id), at(9)).await, Ok(Some("N1".into())));
    assert_eq!(store.notifications_read("otto", Some(told.id), at(9)).await, Ok(None), "somebody else's");
    deliveries::a_mail_goes_its_way(store).await;
    deliveries::programs_are_begun_once(store).await;
    let work = store.work_list(&["user:otto".into()], &Filter::All, 10).await.expect("work");
    assert_eq!((work.len(), work[0].item.activity.as_str(), work[0].process.as_str()), (1, "a3", "p"));
    assert_eq!(store.incident_list(&Filter::All, 10).await.expect("incidents")[0].incident.message, "not set");
    let due = async |seconds| {
        let list = store.timers_due(at(seconds), 10).await.expect("timers");
        list.iter().map(|t| (t.number.clone(), t.seq)).collect::<Vec<_>>()
    };
    assert_eq!(due(106).await, []);
    assert_eq!(due(107).await, [("N1".into(), TimerId(7))]);
    assert_eq!(due(999).await, [("N1".into(), TimerId(7)), ("N1".into(), TimerId(8))], "those due first come first");
    let counted = store.timers_counted((TicketId(0), TimerId(0)), 10).await.expect("timers");
    assert_eq!((counted.len(), counted[0].timer.after.seconds), (1, 5), "those that count in a calendar");
    assert!(store.timers_counted((TicketId(1), TimerId(7)), 10).await.expect("timers").is_empty());
    // The next version, with everything ended; the timer of the work goes with it.
    let events = vec![
        Event::TimerFired(TimerFired { seq: TimerId(8), work: None, kind: TimerKind::Pending }),
        Event::AttributeSet(AttributeSet { name: "state".into(), old: "new".into(), new: "closed".into() }),
        Event::AttributeSet(AttributeSet { name: "lock".into(), old: false.into(), new: true.into() }),
        Event::CallEnded(CallEnded { seq: CallId(10), program: "stop".into(), output: Some("1".into()), message: None }),
        Event::FieldSet(FieldSet { name: "amount".into(), old: 40_000.into(), new: serde_json::Value::Null }),
        Event::WorkEnded(WorkEnded { seq: WorkId(3), status: WorkStatus::Cancelled, outcome: None, by: "system".into(), at: at(4) }),
        Event::IncidentResolved(IncidentResolved { seq: IncidentId(5), at: at(4) }),
        Event::WatcherRemoved(WatcherRemoved { person: "mia".into() }),
        Event::InstanceEnded(InstanceEnded { seq: InstanceId(1), outcome: "paid".into(), at: at(4) }),
    ];
    let second = decision(Some(&stored.snapshot), events, at(4));
    store.commit(commit(&second, 1, stored.head, at(4))).await.expect("a commit");
    let stored = store.ticket_load("N1").await.expect("a read").expect("the ticket");
    assert_eq!(stored.snapshot.clone().compact(), second.after.clone().compact(), "the second version too");
    assert_eq!(due(999).await, []);
    assert_eq!(
        store.delivery_claim(Channel::Program, at(9_999), 10, &[]).await,
        Ok(vec![]),
        "answered, and gone with the work that waited"
    );
    assert!(store.work_list(&["user:otto".into()], &Filter::All, 10).await.expect("work").is_empty());
    assert!(store.incident_list(&Filter::All, 10).await.expect("incidents").is_empty());
    let (instances, steps) = store.ticket_runs(TicketId(1)).await.expect("runs");
    assert_eq!((instances[0].outcome.as_deref(), steps[0].activity.as_str()), (Some("paid"), "a2"), "ended runs can still be drawn");
    let rows = store.history_list(TicketId(1), 0, 10).await.expect("history");
    assert_eq!(rows.iter().map(|r| r.version).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(rows[1].events_read().as_deref(), Ok(&second.events[..]), "events come back whole");
    assert_eq!(store.history_scan((TicketId(0), 0), 10).await.as_ref(), Ok(&rows));
    assert_eq!(store.history_scan((TicketId(1), 1), 10).await, Ok(rows[1..].to_vec()));
    checkpoints_and_backups(store, &rows).await;
    assert_eq!(store.heads(TicketId(0), 10).await.expect("heads"), [(TicketId(1), 2, stored.head)]);
}

async fn a_stale_version_is_a_conflict_and_writes_nothing(store: &dyn Store) {
    let first = decision(None, vec![Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(1, "anna", "north", "desk")) })], at(1));
    store.commit(commit(&first, 0, chain::GENESIS, at(1))).await.expect("a commit");
    let stored = store.ticket_load("N1").await.expect("a read").expect("the ticket");
    let change = |title: &str| vec![Event::AttributeSet(AttributeSet { name: "title".into(), old: "".into(), new: title.into() })];
    let mine = decision(Some(&stored.snapshot), change("mine"), at(2));
    let yours = decision(Some(&stored.snapshot), change("yours"), at(2));
    store.commit(commit(&mine, 1, stored.head, at(2))).await.expect("a commit");
    assert_eq!(store.commit(commit(&yours, 1, stored.head, at(2))).await, Err(StoreError::Conflict), "a stale version");
    assert_eq!(store.commit(commit(&first, 0, chain::GENESIS, at(1))).await, Err(StoreError::Conflict), "the same ticket again");
    let stored = store.ticket_load("N1").await.expect("a read").expect("the ticket");
    assert_eq!((stored.snapshot.ticket.title.as_str(), stored.snapshot.version), ("mine", 2));
    assert_eq!(store.history_list(TicketId(1), 0, 10).await.expect("history").len(), 2);
}

/// A commit whose turn somebody else has taken meanwhile is a conflict, also in one batch with it.
async fn a_turn_is_taken_once(store: Arc<dyn Store>) {
    let next = |i: i64, person: &str, after: Option<&str>| {
        let turn = Event::TurnTaken(TurnTaken { place: "claim.check".into(), person: person.into(), after: after.map(Login::from) });
        let made = Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(i, "anna", "north", "desk")) });
        let d = decision(None, vec![made, turn], at(i));
        let (store, c) = (store.clone(), commit(&d, 0, chain::GENESIS, at(i)));
        (i, Box::pin(async move { store.commit(c).await }))
    };
    let good = |results: &[(i64, crate::Result<()>)]| results.iter().filter(|(_, r)| r.is_ok()).count();
    let late = |results: &[(i64, crate::Result<()>)]| results.iter().filter(|(_, r)| *r == Err(StoreError::Conflict)).count();
    let first = join_all((1..=8).map(|i| next(i, "anna", None)).collect()).await;
    assert_eq!((good(&first), late(&first)), (1, 7), "{first:?}");
    let second = join_all((11..=18).map(|i| next(i, "ben", Some("anna"))).collect()).await;
    assert_eq!((good(&second), late(&second)), (1, 7), "{second:?}");
    assert_eq!(store.turn("claim.check").await, Ok(Some("ben".into())));
    assert_eq!(store.ticket_count_all().await, Ok(2));
}

/// Sixty-four callers at once; every fourth commit cannot be done. Only those fail.
async fn a_failed_commit_leaves_its_neighbours_alone(store: Arc<dyn Store>) {
    let mut waiting = vec![];
    for i in 1..=64 {
        let mut t = ticket(i, "anna", "north", "desk");
        if i % 4 == 0 {
            t.queue = "nowhere".into();
        }
        let d = decision(None, vec![Event::TicketCreated(TicketCreated { ticket: Box::new(t) })], at(i));
        let (store, c) = (store.clone(), commit(&d, 0, chain::GENESIS, at(i)));
        waiting.push((i, Box::pin(async move { store.commit(c).await })));
    }
    // Polled together, so that they meet in one batch.
    for (i, result) in join_all(waiting).await {
        assert_eq!(result.is_err(), i % 4 == 0, "commit {i}: {result:?}");
    }
    assert_eq!(store.ticket_count_all().await, Ok(48));
}

type Waiting = (i64, std::pin::Pin<Box<dyn Future<Output = crate::Result<()>> + Send>>);

async fn join_all(
    waiting: Vec<(i64, std::pin::Pin<Box<impl Future<Output = crate::Result<()>> + Send + 'static>>)>,
) -> Vec<(i64, crate::Result<()>)> {
    let mut waiting: Vec<Waiting> = waiting.into_iter().map(|(i, f)| (i, f as _)).collect();
    let mut done = vec![];
    std::future::poll_fn(move |cx| {
        waiting.retain_mut(|(i, f)| match f.as_mut().poll(cx) {
            std::task::Poll::Ready(r) => {
                done.push((*i, r));
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(std::mem::take(&mut done)) } else { std::task::Poll::Pending }
    })
    .await
}

async fn lists_keep_to_the_rights(store: &dyn Store) {
    for i in 1..=6 {
        let (customer, company) = if i % 2 == 0 { ("anna", "north") } else { ("ben", "south") };
        let queue = if i <= 3 { "desk" } else { "vault" };
        let d = decision(None, vec![Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(i, customer, company, queue)) })], at(i));
        store.commit(commit(&d, 0, chain::GENESIS, at(i))).await.expect("a commit");
    }
    let list = async |rights: Filter, narrow: Filter| {
        let page = store.ticket_list(&rights, &narrow, Sort::NewestFirst, 10, None).await.expect("a list");
        page.items.iter().map(|r| r.id).collect::<Vec<_>>()
    };
    assert_eq!(list(Filter::All, Filter::All).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(list(Filter::None, Filter::All).await, [0_i64; 0]);
    assert_eq!(list(Filter::Queue(vec!["desk".into()]), Filter::All).await, [3, 2, 1]);
    assert_eq!(list(Filter::Queue(vec!["desk".into()]), Filter::Queue(vec!["vault".into()])).await, [0_i64; 0], "narrowing never widens");
    assert_eq!(list(Filter::CustomerUser("anna".into()), Filter::All).await, [6, 4, 2]);
    assert_eq!(list(Filter::Customer("south".into()), Filter::All).await, [5, 3, 1]);
    assert_eq!(
        list(Filter::or(vec![Filter::CustomerUser("anna".into()), Filter::Queue(vec!["desk".into()])]), Filter::All).await,
        [6, 4, 3, 2, 1]
    );
    assert_eq!(list(Filter::Not(Box::new(Filter::Queue(vec!["desk".into()]))), Filter::All).await, [6, 5, 4]);
    assert_eq!(list(Filter::All, Filter::Queue(vec!["nowhere".into()])).await, [0_i64; 0]);
    assert_eq!(list(Filter::Queue(vec!["desk".into()]), Filter::Among(vec![2, 5, 99])).await, [2]);
    assert_eq!(list(Filter::All, Filter::Among(vec![])).await, [0_i64; 0]);
    let first = store.ticket_list(&Filter::All, &Filter::All, Sort::OldestFirst, 4, None).await.expect("a page");
    let rest = store.ticket_list(&Filter::All, &Filter::All, Sort::OldestFirst, 4, first.next).await.expect("a page");
    assert_eq!((first.items.len(), rest.items.iter().map(|r| r.id).collect::<Vec<_>>(), rest.next), (4, vec![5, 6], None));
    let counts = store.ticket_counts(&Filter::Queue(vec!["vault".into()])).await.expect("counts");
    assert_eq!((counts.len(), counts[0].queue.as_str(), counts[0].tickets), (1, "vault", 3));
}

async fn repeated_keys_are_refused(store: &dyn Store) {
    let key = |status| Idempotency { login: "anna".into(), key: "k".into(), body_hash: [1; 32], status, answer: "{}".into() };
    let create =
        |i: i64| decision(None, vec![Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(i, "anna", "north", "desk")) })], at(i));
    let first = Commit { origin: Origin::Request(key(201)), ..commit(&create(1), 0, chain::GENESIS, at(1)) };
    store.commit(first).await.expect("a commit");
    let second = Commit { origin: Origin::Request(key(200)), ..commit(&create(2), 0, chain::GENESIS, at(2)) };
    assert_eq!(store.commit(second).await, Err(StoreError::Conflict));
    assert_eq!(store.ticket_count_all().await, Ok(1), "nothing of a refused commit stays");
    assert_eq!(store.idempotency_get("anna", "k").await.map(|i| i.map(|i| i.status)), Ok(Some(201)));
    assert_eq!(store.idempotency_get("ben", "k").await, Ok(None), "keys are a person's own");
    // One that came with no change.
    assert_eq!(store.idempotency_put(&key(204), at(3)).await, Err(StoreError::Conflict));
    let other = Idempotency { key: "l".into(), ..key(200) };
    assert_eq!(store.idempotency_put(&other, at(3)).await, Ok(()));
    assert_eq!(store.idempotency_get("anna", "l").await, Ok(Some(other)));
    let stranger = Idempotency { login: "nobody".into(), ..key(200) };
    assert_eq!(store.idempotency_put(&stranger, at(3)).await, Err(StoreError::NotFound));
}

async fn revisions_and_pinned_processes(store: &dyn Store) {
    assert_eq!(store.revision_latest().await.map(|r| r.map(|r| r.hash)), Ok(Some("r1".into())));
    let counted = async || store.revision_latest().await.expect("a read").map(|r| (r.id, r.counted));
    let (id, before) = counted().await.expect("a revision");
    store.revision_counted(id).await.expect("marked");
    assert_eq!((before, counted().await), (false, Some((id, true))));
    assert_eq!(store.pinned_processes().await, Ok(vec![]));
    store.commit(commit(&decision(None, everything(1), at(3)), 0, chain::GENESIS, at(3))).await.expect("a commit");
    assert_eq!(store.pinned_processes().await, Ok(vec!["{\"name\":\"p\"}".into()]));
    assert_eq!(store.tickets_on_process("h1").await, Ok(vec!["N1".into()]));
    assert_eq!(store.names_in_use("queue").await, Ok(vec![("desk".into(), vec!["N1".into()])]));
    assert_eq!(store.names_in_use("priority").await, Ok(vec![("normal".into(), vec!["N1".into()])]));
    assert_eq!(store.ping().await, Ok(()));
}

async fn numbers_are_given_once(store: Arc<dyn Store>) {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let first = store.number_block(10).await.expect("a block");
        assert!((first..first + 10).all(|n| seen.insert(n)), "a number was given twice");
    }
}

async fn checkpoints_and_backups(store: &dyn Store, rows: &[HistoryRow]) {
    let heads = store.heads_written(0, 10).await.expect("heads");
    assert_eq!(
        heads.iter().map(|h| (h.ticket, h.version, h.hash)).collect::<Vec<_>>(),
        [(TicketId(1), 1, rows[0].hash), (TicketId(1), 2, rows[1].hash)]
    );
    assert_eq!(store.heads_written(heads[1].id, 10).await, Ok(vec![]));
    assert_eq!(store.history_hashes(&[(1, 2), (1, 3), (2, 1)]).await, Ok(vec![(1, 2, rows[1].hash)]));
    let checkpoint = |id| Checkpoint {
        id,
        at: at(id),
        up_to: heads[1].id,
        leaves: vec![1, 2],
        root: [1; 32],
        previous: [2; 32],
        key: vec![3],
        signature: vec![4],
    };
    store.checkpoint_add(checkpoint(1)).await.expect("a checkpoint");
    store.checkpoint_add(checkpoint(2)).await.expect("a checkpoint");
    assert_eq!(store.checkpoint_add(checkpoint(2)).await, Err(StoreError::Conflict));
    assert_eq!(store.checkpoint_list(1, 10).await, Ok(vec![checkpoint(2)]));
    assert_eq!(store.checkpoint_latest(10).await, Ok(vec![checkpoint(2), checkpoint(1)]));
    assert_eq!(store.backup_latest().await, Ok(None));
    let backup = |seconds, verified| Backup { at: at(seconds), file: "b".into(), bytes: 5, history: 2, verified };
    store.backup_add(backup(1, true)).await.expect("a backup");
    store.backup_add(backup(2, false)).await.expect("a backup");
    assert_eq!(store.backup_latest().await, Ok(Some(backup(1, true))));
}

async fn words_are_found(store: &dyn Store) {
    for id in 1..=3 {
        let article = |seq, visible, body: &str| {
            Event::ArticleAdded(ArticleAdded {
                article: Article {
                    seq: ArticleId(seq),
                    channel: "web".into(),
                    sender: Sender::Agent,
                    author: "otto".into(),
                    visible,
                    subject: "Beleg".into(),
                    body: body.into(),
                    attachments: vec![],
                    at: at(id),
                    origin: None,
                    head: None,
                    withdrawn: false,
                    rejected: false,
                    erased: None,
                },
            })
        };
        let events = vec![
            Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(id, "anna", "north", "desk")) }),
            article(2, true, "Die Straße ist gesperrt"),
            article(3, false, &format!("Geheim {id}")),
        ];
        store.commit(commit(&decision(None, events, at(id)), 0, chain::GENESIS, at(id))).await.expect("a commit");
    }
    let found = async |text: &str, newest, beyond| {
        let docs = store.docs(&query(text), newest, beyond, 10).await.expect("documents");
        docs.into_iter().map(|d| (d.ticket().0, d.visible())).collect::<Vec<_>>()
    };
    assert_eq!(found("STRASSE", true, None).await, [(3, true), (2, true), (1, true)], "the newest first");
    assert_eq!(found("straße", false, None).await, [(1, true), (2, true), (3, true)]);
    assert_eq!(found("geheim 2", true, None).await, [(2, false)], "all words");
    assert_eq!(found("geh*", true, Some(Doc::first_of(TicketId(3)))).await, [(2, false), (1, false)], "beginnings, beyond a document");
    assert_eq!(found("geh", true, None).await, []);
    assert_eq!(found("N2", true, None).await.len(), 3, "by the number: title and articles");
    assert_eq!(found("nirgends straße", true, None).await, []);
    for bad in ["'; DROP TABLE ticket; --", "\" OR \"", "a & | ! b", "NEAR(", "x:y", "\\ %"] {
        store.docs(&query(bad), true, None, 10).await.unwrap_or_else(|e| panic!("{bad}: {e}"));
    }
    let stored = store.ticket_load("N1").await.expect("a read").expect("the ticket");
    let renamed = vec![Event::AttributeSet(AttributeSet { name: "title".into(), old: "".into(), new: "Umbenannt".into() })];
    store.commit(commit(&decision(Some(&stored.snapshot), renamed, at(9)), 1, stored.head, at(9))).await.expect("a commit");
    assert_eq!(found("umbenannt", true, None).await, [(1, true)]);
    assert_eq!(store.docs_build(10).await, Ok(false), "a new database has all in its index");
}
