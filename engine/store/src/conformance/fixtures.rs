//! Rows that the suites write.

use crate::{Commit, NewHistory, NewRevision, Origin, Store};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use vorgang_core::apply::{apply_commit, begin};
use vorgang_core::article::{Article, Sender};
use vorgang_core::attachment::Attachment;
use vorgang_core::chain::{self, Hash, Link};
use vorgang_core::changes::Changes;
use vorgang_core::decision::Decision;
use vorgang_core::event::{
    ArticleAdded, AttributeSet, CallWanted, Event, IncidentRaised, InstanceNoted, InstanceStarted, NotificationSent, TicketCreated,
    TimeAccounted, TimerSet, VoteCast, WatcherAdded, WorkEnded, WorkEntered, WorkNoted,
};
use vorgang_core::ids::{ArticleId, CallId, IncidentId, InstanceId, NoticeId, TicketId, TimerId, WorkId};
use vorgang_core::message::Datum;
use vorgang_core::notice::Notice;
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::snapshot::{
    Call, Duration, Incident, Instance, InstanceMore, Item, Iteration, Retry, Snapshot, Ticket, WorkItem, WorkMore, WorkStatus,
};
use vorgang_core::timer::{Timer, TimerKind};

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_800_000_000 + seconds)
}

pub fn person(login: &str, kind: PersonKind, company: Option<&str>) -> Person {
    Person {
        login: login.into(),
        name: login.to_uppercase(),
        email: format!("{login}@example.org"),
        kind,
        company: company.map(str::to_owned),
        language: "de".into(),
        roles: if kind == PersonKind::Agent { vec!["clerk".into()] } else { vec![] },
        active: true,
        settings: Default::default(),
    }
}

pub async fn prepared(store: Arc<dyn Store>) -> Arc<dyn Store> {
    fill(&*store).await;
    store
}

/// Names, people and a revision.
pub async fn fill(store: &dyn Store) {
    let names = [
        ("queue", "desk"),
        ("queue", "vault"),
        ("state", "new"),
        ("state", "closed"),
        ("type", "case"),
        ("priority", "normal"),
        ("priority", "high"),
    ];
    let revision = NewRevision {
        hash: "r1".into(),
        files: "[]".into(),
        applied: Some(at(0)),
        actor: "cli".into(),
        names: names.map(|(k, n)| (k, n.to_owned())).to_vec(),
        processes: vec![("h1".into(), "p".into(), "{\"name\":\"p\"}".into())],
        indexed: vec!["amount".into()],
        happens: false,
    };
    store.revision_add(revision).await.expect("the revision");
    let people = [
        person("anna", PersonKind::Customer, Some("north")),
        person("ben", PersonKind::Customer, Some("south")),
        person("otto", PersonKind::Agent, None),
    ];
    store.person_save(&people, None).await.expect("the people");
}

pub fn ticket(id: i64, customer: &str, company: &str, queue: &str) -> Ticket {
    Ticket {
        id: TicketId(id),
        number: format!("N{id}").into(),
        title: "Grüße an 100%_alle".into(),
        ticket_type: "case".into(),
        queue: queue.into(),
        state: "new".into(),
        priority: "normal".into(),
        owner: None,
        responsible: None,
        unlocked: false,
        accounted: 0,
        customer: Some(company.into()),
        customer_user: Some(customer.into()),
        pending_until: None,
        fields: BTreeMap::from([("amount".to_owned(), 40_000.into()), ("first".to_owned(), "2026-03-01".into())]),
        created: at(id),
        updated: at(id),
    }
}

pub fn decision(before: Option<&Snapshot>, events: Vec<Event>, now: Timestamp) -> Decision {
    let mut after = match before {
        Some(s) => s.clone(),
        None => begin(&events[0]).expect("a creation"),
    };
    let version = after.version + 1;
    apply_commit(&mut after, &events, now, version);
    let mut decision = Decision::plain(events, after);
    decision.had_calls = before.into_iter().flat_map(|s| s.calls.iter().map(|c| c.seq)).collect();
    decision
}

pub fn commit(decision: &Decision, expected: u64, previous: Hash, now: Timestamp) -> Commit {
    let salt = [7; 16];
    let (payload, personal_digest) = chain::split(&decision.events, &salt);
    assert_eq!(chain::personal_digest(vorgang_core::event::FORMAT, &salt, &payload.personal), Ok(personal_digest), "as it is read");
    let hash = chain::hash(&Link {
        ticket: decision.after.ticket.id,
        version: decision.after.version,
        format: vorgang_core::event::FORMAT,
        at: now.as_microsecond(),
        actor: "anna",
        command: "test",
        cause: "suite",
        events: &payload.events,
        salt: &salt,
        personal_digest,
        previous,
    });
    let history =
        NewHistory { at: now, actor: "anna".into(), command: "test".into(), cause: "suite".into(), payload, salt, personal_digest, hash };
    Commit {
        changes: Changes { turns: decision.turns(), ..Changes::from_decision(decision) },
        expected_version: expected,
        history,
        origin: Origin::Plain,
        redaction: None,
        trace: Some(TRACE.into()),
        also: vec![],
    }
}

pub fn everything(id: i64) -> Vec<Event> {
    let item = |seq, status, audience: &[&str]| WorkItem {
        seq: WorkId(seq),
        instance: InstanceId(1),
        activity: format!("a{seq}"),
        status,
        source: Some("begin".into()),
        claimed_by: None,
        entered: at(1),
        epoch: 0,
        audience: audience.iter().map(|a| (*a).to_owned()).collect(),
        more: None,
    };
    let instance = Instance {
        seq: InstanceId(1),
        process: "p".into(),
        hash: "h1".into(),
        started: at(1),
        started_by: "anna".into(),
        outcome: None,
        ended: None,
        more: None,
    };
    let data = BTreeMap::from([("ok".to_owned(), Datum::Boolean(true)), ("sum".to_owned(), Datum::Decimal("1.50".into()))]);
    let done = Item {
        place: 0,
        element: Datum::Text("mail".into()),
        outcome: Some("good".into()),
        by: Some("otto".into()),
        at: Some(at(2)),
        data: data.clone(),
    };
    let copy = Iteration { of: WorkId(2), name: Some("system".into()), place: 1, element: Datum::Integer(7), data: data.clone() };
    let rounds = BTreeMap::from([("join".to_owned(), vec!["a".to_owned()])]);
    let of_instance = InstanceMore { data, rounds, ..InstanceMore::default() };
    let incident = Incident {
        seq: IncidentId(5),
        kind: "expression".into(),
        message: "not set".into(),
        place: None,
        expression: Some("a > b".into()),
        values: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
        chain: vec![],
        retry: Retry::Enter { work: WorkId(3) },
        raised: at(2),
        resolved: None,
    };
    let article = Article {
        seq: ArticleId(4),
        channel: "web".into(),
        sender: Sender::Customer,
        author: "anna".into(),
        visible: true,
        subject: "Beleg".into(),
        body: "Zeile 1\nZeile 2 😀".into(),
        attachments: vec![Attachment { name: "ü.pdf".into(), content_type: "application/pdf".into(), size: 3, blob: "b1".into() }],
        at: at(1),
        origin: None,
        head: None,
        withdrawn: false,
        rejected: false,
        erased: None,
    };
    let notice = Notice {
        seq: NoticeId(6),
        name: "told".into(),
        to: "anna".into(),
        portal: true,
        mail: true,
        account: Some("support".into()),
        not_before: Some(at(4)),
        sees: true,
        instead_of: Some("mia".into()),
        day: Some(jiff::civil::date(2027, 1, 15)),
        subject: "s".into(),
        body: "b".into(),
        at: at(2),
    };
    let timer = |seq, work: Option<u32>| Timer {
        seq: TimerId(seq),
        work: work.map(WorkId),
        kind: if work.is_some() { TimerKind::Within } else { TimerKind::Pending },
        due: at(100 + i64::from(seq)),
        start: at(2),
        after: Duration { days: 1, seconds: 5 },
        calendar: work.map(|_| "office".to_owned()),
        stands: None,
    };
    let call = |seq, waits: Option<u32>| Call {
        seq,
        waits: waits.map(|work| (WorkId(work), 0)),
        program: "stop".into(),
        instance: waits.map(|_| InstanceId(1)),
        input: serde_json::json!({"host": "h"}),
        into: vec![("amount".into(), Some("n".into())), ("amount".into(), None)],
        limit: 30,
        retry: (3, 60),
        wanted: at(2),
    };
    vec![
        Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(id, "anna", "north", "desk")) }),
        Event::InstanceStarted(InstanceStarted { instance }),
        Event::WorkEntered(WorkEntered { item: item(2, WorkStatus::Offered, &["role:clerk"]) }),
        Event::WorkEntered(WorkEntered { item: item(3, WorkStatus::Started, &["user:otto"]) }),
        Event::ArticleAdded(ArticleAdded { article }),
        Event::VoteCast(VoteCast { work: WorkId(3), person: "otto".into(), outcome: "approve".into(), at: at(2) }),
        Event::InstanceNoted(InstanceNoted { seq: InstanceId(1), more: Box::new(of_instance) }),
        Event::WorkNoted(WorkNoted { seq: WorkId(2), more: Box::new(WorkMore { items: vec![done], ..WorkMore::default() }) }),
        Event::WorkNoted(WorkNoted { seq: WorkId(3), more: Box::new(WorkMore { copy: Some(copy), round: 2, ..WorkMore::default() }) }),
        Event::WorkEnded(WorkEnded {
            seq: WorkId(2),
            status: WorkStatus::Done,
            outcome: Some("submit".into()),
            by: "anna".into(),
            at: at(2),
        }),
        Event::IncidentRaised(IncidentRaised { incident }),
        Event::NotificationSent(NotificationSent { notification: notice }),
        Event::TimerSet(TimerSet { timer: timer(7, Some(3)) }),
        Event::TimerSet(TimerSet { timer: timer(8, None) }),
        Event::CallWanted(CallWanted { call: call(CallId(9), Some(3)) }),
        Event::CallWanted(CallWanted { call: call(CallId(10), None) }),
        Event::TimeAccounted(TimeAccounted { minutes: 15, by: "otto".into(), article: Some(ArticleId(4)), at: at(2) }),
        Event::AttributeSet(AttributeSet { name: "owner".into(), old: serde_json::Value::Null, new: "otto".into() }),
        Event::AttributeSet(AttributeSet { name: "lock".into(), old: true.into(), new: false.into() }),
        Event::WatcherAdded(WatcherAdded { person: "otto".into(), at: at(2) }),
        Event::WatcherAdded(WatcherAdded { person: "mia".into(), at: at(2) }),
    ]
}

/// Trace of all commits in this suite.
pub const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
