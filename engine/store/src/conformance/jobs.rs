//! Runs of jobs.

use crate::conformance::fixtures::{at, commit, decision, ticket};
use crate::{Commit, Origin, Store, StoreError};
use vorgang_core::chain;
use vorgang_core::event::{AttributeSet, Event, TicketCreated};
use vorgang_core::filter::Filter;
use vorgang_core::ids::TicketId;

pub async fn a_job_runs_once_a_tick_and_once_a_ticket(store: &dyn Store) {
    assert_eq!(store.job_seen("nightly", "0 6 * * *", at(0)).await, Ok(at(0)));
    assert_eq!(store.job_seen("nightly", "0 6 * * *", at(50)).await, Ok(at(0)), "a known schedule is not forgotten");
    let started = store.job_start("nightly", Some(at(10)), "system", at(11), 2).await.expect("a run").expect("the first");
    let first = started.id;
    assert_eq!(store.job_start("nightly", Some(at(10)), "system", at(11), 0).await, Ok(None), "one run a tick");
    assert_eq!(store.job_start("nightly", Some(at(9)), "system", at(11), 0).await, Ok(None), "what is dealt with stays so");
    assert_eq!(store.job_seen("nightly", "0 6 * * *", at(50)).await, Ok(at(10)));
    for id in 1..=3 {
        let created =
            decision(None, vec![Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(id, "anna", "north", "desk")) })], at(1));
        store.commit(commit(&created, 0, chain::GENESIS, at(1))).await.expect("a commit");
    }
    let numbers = async |after| store.job_tickets(&Filter::Queue(vec!["desk".into()]), first, after, 10).await.expect("tickets");
    assert_eq!(numbers(1).await, [(TicketId(2), "N2".into()), (TicketId(3), "N3".into())]);
    let stored = store.ticket_load("N2").await.expect("a read").expect("the ticket");
    let title = |t: &str| vec![Event::AttributeSet(AttributeSet { name: "title".into(), old: "".into(), new: t.into() })];
    let change = decision(Some(&stored.snapshot), title("done"), at(12));
    store
        .commit(Commit { origin: Origin::Job { run: first, failed: true }, ..commit(&change, 1, stored.head, at(12)) })
        .await
        .expect("a commit");
    let stored = store.ticket_load("N2").await.expect("a read").expect("the ticket");
    let again = decision(Some(&stored.snapshot), title("twice"), at(12));
    let twice = store.commit(Commit { origin: Origin::Job { run: first, failed: true }, ..commit(&again, 2, stored.head, at(12)) }).await;
    assert_eq!(twice, Err(StoreError::Conflict), "a run does a ticket once");
    assert_eq!(numbers(0).await, [(TicketId(1), "N1".into()), (TicketId(3), "N3".into())]);
    assert_eq!(store.job_done(first).await, Ok(1));
    let mut open = store.job_runs(Some("nightly"), true, 10).await.expect("runs");
    assert_eq!((open.len(), open[0].summary.missed, open[0].tick), (1, 2, Some(at(10))));
    assert_eq!(open[0], started);
    let mut run = open.remove(0);
    // A run that was cut has done tickets ahead of its cursor: they stay marked until the cursor is behind them.
    run.cursor = 1;
    store.job_progress(&mut run).await.expect("progress");
    assert_eq!((run.summary.done, run.summary.failed, store.job_done(first).await), (0, 0, Ok(1)));
    assert_eq!(numbers(1).await, [(TicketId(3), "N3".into())], "what is done is not found again");
    run.cursor = 2;
    run.ended = Some(at(13));
    run.summary.done = 1;
    store.job_progress(&mut run).await.expect("progress");
    assert_eq!((run.summary.done, run.summary.failed), (1, 1), "what is marked is counted");
    assert_eq!(store.job_done(first).await, Ok(0), "what lies before the cursor needs no mark");
    assert!(store.job_runs(None, true, 10).await.expect("runs").is_empty());
    assert_eq!(store.job_runs(None, false, 10).await, Ok(vec![run]));
    store.job_pass("nightly", at(30)).await.expect("passed");
    assert_eq!(store.job_seen("nightly", "0 7 * * *", at(60)).await, Ok(at(60)), "a changed schedule begins now");
    store.job_keep(&[]).await.expect("kept");
    assert_eq!(store.job_seen("nightly", "0 7 * * *", at(70)).await, Ok(at(70)));
    let (sql, plan) = store.job_plan(&Filter::All).await.expect("a plan");
    assert!(sql.contains("ticket") && !plan.is_empty());
}
