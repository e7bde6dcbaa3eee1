//! A desk in this process, with a clock that the test moves.

use super::Folder;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use vorgang_core::commands::{Command, NewTicket, PatchTicket};
use vorgang_core::event::Event;
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::snapshot::Snapshot;
use vorgang_definitions::diagnostic::render_human;
use vorgang_definitions::site::SiteFile;
use vorgang_runtime::clock::Clock;
use vorgang_runtime::revisions::{self, Applied};
use vorgang_runtime::{Desk, Request};

/// It stands but for a microsecond at each look: what is to have one time is looked at once.
pub struct Hands(AtomicI64);

impl Hands {
    pub fn at(time: &str) -> Self {
        Self(AtomicI64::new(time.parse::<Timestamp>().expect("a time").as_microsecond()))
    }

    pub fn jump(&self, by: SignedDuration) {
        self.0.fetch_add(by.as_micros() as i64, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.fetch_add(1, Ordering::Relaxed)).expect("a time")
    }
}

pub struct World {
    pub desk: Arc<Desk>,
    pub clock: Arc<Hands>,
    pub otto: Person,
    _folder: Folder,
}

/// A desk with this site, and otto, a clerk and an administrator where the site has those roles.
pub async fn world(name: &str, site: &str) -> World {
    let folder = Folder::new(name);
    let start: Timestamp = "2026-03-02T10:00:00+01:00".parse().expect("a time");
    let clock = Arc::new(Hands(AtomicI64::new(start.as_microsecond())));
    let store = folder.open().await;
    let files = [SiteFile { path: "site.yaml".into(), text: site.into() }];
    let desk = match revisions::open(store, clock.clone(), Some(&files)).await.expect("a desk") {
        Err(Applied::Refused { sources, diagnostics, .. }) => panic!("{}", render_human(&sources, &diagnostics, false)),
        opened => opened.unwrap_or_else(|_| panic!("a first revision")),
    };
    let otto = Person {
        login: "otto".into(),
        name: "Otto".into(),
        email: String::new(),
        kind: PersonKind::Agent,
        company: None,
        language: "en".into(),
        roles: vec!["clerk".into(), "admin".into()],
        active: true,
        settings: Default::default(),
    };
    desk.people_save(std::slice::from_ref(&otto)).await.expect("people");
    World { desk: Arc::new(desk), clock, otto, _folder: folder }
}

impl World {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, by: SignedDuration) {
        self.clock.jump(by);
    }

    pub async fn execute(&self, ticket: Option<&str>, command: Command) -> Snapshot {
        let request = Request { actor: &self.otto, ticket, command, cause: "test", at: None };
        self.desk.execute(request).await.expect("it is accepted").after
    }

    /// A ticket of the type and in the queue that these sites have.
    pub async fn ticket(&self, title: &str) -> String {
        let new = NewTicket { title: title.into(), ticket_type: "case".into(), queue: "desk".into(), ..NewTicket::default() };
        self.execute(None, Command::CreateTicket(new)).await.ticket.number.to_string()
    }

    pub async fn patch(&self, number: &str, values: &[(&str, Json)]) -> Snapshot {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.execute(Some(number), Command::PatchTicket(PatchTicket { values, seen: None, expected: None, blobs: vec![] })).await
    }

    /// The ticket as it lies in the store.
    pub async fn stored(&self, number: &str) -> Snapshot {
        self.desk.store.ticket_load(number).await.expect("a read").expect("the ticket").snapshot
    }

    pub async fn fired(&self, number: &str) -> usize {
        let history = self.desk.history_view(&self.otto, number).await.expect("the history");
        history.iter().flat_map(|r| &r.events).filter(|e| matches!(e, Event::TimerFired(_))).count()
    }
}
