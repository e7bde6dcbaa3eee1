//! What goes out, across releases: mail, programs and messages that an earlier release left in tables of their own.

mod common;

use common::{Folder, url, vorgang};
use jiff::Timestamp;
use std::process::Stdio;
use std::time::Duration;
use vorgang_core::ids::{CallId, TicketId};
use vorgang_schema::{POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS};
use vorgang_store::Store;
use vorgang_store::deliveries::{Channel, Content, Delivery};
use vorgang_testbed::{postgres, psql};

/// The last step before there was one table for all.
const BEFORE: usize = 28;
const MAILS: usize = 20_000;

/// Runs statements; what the last one says.
fn sql(folder: &Folder, statements: &str) -> String {
    let url = url(&folder.0);
    if postgres().is_some() {
        return psql(&url, statements);
    }
    let c = rusqlite::Connection::open(url).expect("the database");
    let (all, last) = statements.trim().trim_end_matches(';').rsplit_once(';').unwrap_or(("", statements));
    c.execute_batch(all).expect("statements");
    let mut last = c.prepare(last).expect("a statement");
    let mut rows = last.query([]).expect("it runs");
    match rows.next().expect("a row") {
        Some(row) => row.get::<_, i64>(0).map(|n| n.to_string()).unwrap_or_default(),
        None => String::new(),
    }
}

/// A database as the release before left it: two tickets, four mails and more, two programs, three messages of which one is closed.
fn old(name: &str) -> Folder {
    let folder = Folder::new(name);
    let steps = if postgres().is_some() { POSTGRES_MIGRATIONS } else { SQLITE_MIGRATIONS };
    for step in &steps[..BEFORE] {
        sql(&folder, &format!("{step}; SELECT 1"));
    }
    let version = match postgres() {
        Some(_) => format!(
            "CREATE TABLE schema_version (version BIGINT PRIMARY KEY); INSERT INTO schema_version SELECT generate_series(1, {BEFORE})"
        ),
        None => format!("PRAGMA user_version = {BEFORE}"),
    };
    sql(&folder, &format!("{version}; SELECT 1"));
    let no_hash = if postgres().is_some() { "''::bytea" } else { "x''" };
    let mut all = String::new();
    for id in [1, 2] {
        all += &format!(
            "INSERT INTO ticket (id, number, version, last_seq, title, type_id, queue_id, state_id, priority_id, created, updated, fields, head) \
             VALUES ({id}, 'N{id}', 1, 1, 'T', 1, 1, 1, 1, 0, 0, '{{}}', {no_hash});\n"
        );
    }
    let mail = |id: i64, channel: &str, state: &str, payload: &str, more: &str| {
        format!(
            "INSERT INTO outbox (id, key, ticket_id, channel, state, recipient, payload, created, attempts, due, error, done, owner, begun, digest) \
             VALUES ({id}, '1-{id}', 1, '{channel}', '{state}', 'anna', '{payload}', 5, {more});\n"
        )
    };
    let notice = r#"{"subject":"s","body":"b","notification":"told","ticket":"N1","sees":true,"trace":"00-1-2-01"}"#;
    let outgoing = |auto: bool| {
        format!(
            r#"{{"subject":"","body":"","notification":"","ticket":"N1","outgoing":{{"seq":4,"account":null,"to":[],"subject":"x","body":"y","article":null,"auto":{auto},"at":"2026-01-01T00:00:00Z","not_before":"2026-01-01T00:00:00Z"}}}}"#
        )
    };
    all += &mail(3, "mail", "due", notice, "2, 100, 'no answer', NULL, 7, TRUE, 'd.vorgang'");
    all += &mail(4, "mail:support", "due", &outgoing(false), "0, 100, NULL, NULL, NULL, FALSE, NULL");
    all += &mail(5, "mail", "held", &outgoing(true), "0, 100, 'held', NULL, NULL, FALSE, NULL");
    all += &mail(6, "mail", "sent", notice, "1, 100, NULL, 200, NULL, TRUE, NULL");
    let call = |seq: u32| {
        format!(
            r#"{{"seq":{seq},"waits":null,"program":"lookup","input":{{"a":1}},"into":[],"limit":30,"retry":[2,10],"wanted":"2026-01-01T00:00:00Z","trace":"00-3-4-01"}}"#
        )
    };
    for (seq, attempts) in [(9, 0), (10, 1)] {
        all += &format!("INSERT INTO call (ticket_id, seq, due, attempts, state) VALUES (2, {seq}, 50, {attempts}, '{}');\n", call(seq));
    }
    for (sent, looked, closed) in [(1, "NULL", "NULL"), (2, "300", "NULL"), (3, "300", "300")] {
        all += &format!(
            "INSERT INTO message (name, data, sent, by, looked, closed) VALUES ('paid', '{{}}', {sent}, 'otto', {looked}, {closed});\n"
        );
    }
    sql(&folder, &format!("{all} SELECT 1"));
    folder
}

async fn claim(store: &dyn Store, channel: Channel) -> Vec<Delivery> {
    store.delivery_claim(channel, Timestamp::from_second(1).expect("a time"), 100, &[]).await.expect("deliveries")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_release_left_is_delivered() {
    let folder = old("deliveries_old");
    let store = folder.database().open().await;
    let mut mails = claim(&*store, Channel::Mail).await;
    mails.sort_by_key(|m| m.id);
    let [told, written] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!((told.id, told.key.as_str(), told.lane.as_str(), told.attempts, told.begun), (3, "1-3", "", 2, true));
    assert_eq!((told.digest.as_deref(), told.trace.as_deref(), told.recipient.as_str()), (Some("d.vorgang"), Some("00-1-2-01"), "anna"));
    assert!(matches!(&told.content, Content::Notice { subject, sees: true, .. } if subject == "s"));
    assert_eq!((written.id, written.key.as_str(), written.lane.as_str(), written.title()), (4, "1-4", "support", "x"));
    let rank = |id: i64| sql(&folder, &format!("SELECT rank FROM delivery WHERE id = {id}"));
    assert_eq!(([3, 4, 5].map(rank)), ["1", "0", "1"], "a person's before the desk's");
    assert_eq!(sql(&folder, "SELECT count(*) FROM delivery WHERE state = 'held' OR (state = 'sent' AND done = 200)"), "2");
    let runs = claim(&*store, Channel::Program).await;
    let runs: Vec<_> = runs.iter().map(|r| (r.ticket, r.number.as_str(), r.key.as_str(), r.attempts, r.content.clone())).collect();
    let content = |call| Content::Program { call: CallId(call), program: "lookup".into(), retry: (2, 10) };
    assert_eq!(runs, [(Some(TicketId(2)), "N2", "program 2-9", 0, content(9)), (Some(TicketId(2)), "N2", "program 2-10", 1, content(10))]);
    assert_eq!(
        sql(&folder, "SELECT count(*) FROM delivery WHERE channel = 'program' AND due = 1000000 + 90000000"),
        "2",
        "each its own span"
    );
    let messages = claim(&*store, Channel::Message).await;
    let of = |id| Content::Message { message: id, name: "paid".into() };
    assert_eq!(messages.into_iter().map(|m| m.content).collect::<Vec<_>>(), [of(1), of(2)], "the one that waits too");
    // New rows get ids that no old one has.
    let id = store.message_send(vorgang_store::courier::NewMessage {
        name: "paid".into(),
        data: Default::default(),
        sent: Timestamp::from_second(1).expect("a time"),
        by: "otto".into(),
        key: None,
        until: None,
    });
    assert_eq!(id.await, Ok(4));
    store.leave().await;
}

/// The step is killed again and again, a little later each time: it is there as a whole, or not at all.
#[test]
fn a_step_that_is_killed_is_made_anew() {
    let folder = old("deliveries_killed");
    let all = match postgres() {
        Some(_) => format!("SELECT i FROM generate_series(100, {}) i", MAILS + 99),
        None => format!("WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n", MAILS + 99),
    };
    sql(
        &folder,
        &format!(
            "INSERT INTO outbox (id, key, ticket_id, channel, state, recipient, payload, created, attempts, due) \
             SELECT i, '1-' || i, 1, 'mail', 'held', 'anna', '{{\"subject\":\"s\",\"body\":\"b\",\"notification\":\"told\",\"ticket\":\"N1\"}}', \
             5, 0, 5 FROM ({all}) n; SELECT 1"
        ),
    );
    let mut broken_off = 0;
    for millis in (0..).step_by(4) {
        let mut child = vorgang(&folder.0).arg("serve").args(["--listen", "127.0.0.1:0"]).stderr(Stdio::null()).spawn().expect("it begins");
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().expect("it is killed");
        let _ = child.wait();
        let table = if postgres().is_some() {
            "to_regclass('outbox') IS NOT NULL THEN 1 ELSE 0 END"
        } else {
            "count(*) = 1 THEN 1 ELSE 0 END FROM sqlite_master WHERE name = 'outbox'"
        };
        if sql(&folder, &format!("SELECT CASE WHEN {table}")) == "0" {
            break;
        }
        broken_off += 1;
        assert!(millis < 20_000, "it never ends");
    }
    assert!(broken_off > 0, "it was never cut");
    assert_eq!(sql(&folder, "SELECT count(*) FROM delivery WHERE channel = 'mail'"), (MAILS + 4).to_string());
    assert_eq!(sql(&folder, "SELECT count(*) FROM delivery WHERE channel <> 'mail'"), "4");
}
