//! Handlers in the running desk: what fails is kept with its event, and tried again.

mod common;

use common::world::world;
use serde_json::json;
use vorgang_core::commands::{Command, RetryIncident};
use vorgang_core::snapshot::Retry;
use vorgang_runtime::audit;

const SITE: &str = r#"
- { kind: Site, name: desk, language: 1, languages: en, zone: Europe/Berlin, title: Desk }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: admin, admin: true, queues: { desk: [rw] } }
- { kind: Field, name: count, type: integer }
- { kind: Field, name: share, type: integer }
- { kind: TicketType, name: case, fields: [ { field: count, default: 0 }, share ], states: new }
- kind: Handler
  name: shares
  on: ticket.title_changed
  do:
    - { watch: { role: admin } }
    - { set: { share: "= int(size(event.new) / default(ticket.fields.count, 0))" } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_handler_is_tried_again_for_the_same_event() {
    let w = world("handlers", SITE).await;
    let number = w.ticket("One").await;
    let after = w.patch(&number, &[("title", json!("Twelve chars"))]).await;
    assert_eq!((after.ticket.title.as_str(), after.watchers.len()), ("Twelve chars", 0), "the change stays, the handler does nothing");
    let stored = w.stored(&number).await;
    let incident = &stored.incidents[0];
    assert!(matches!(&incident.retry, Retry::Handle { happening: Some(h), .. } if h["name"] == "ticket.title_changed"), "{incident:?}");
    assert_eq!(incident.place.as_deref(), Some("shares on ticket.title_changed"));
    w.patch(&number, &[("count", json!(4))]).await;
    let after = w.execute(Some(&number), Command::RetryIncident(RetryIncident { incident: incident.seq })).await;
    assert_eq!(after.ticket.fields["share"], json!(3));
    let stored = w.stored(&number).await;
    assert_eq!((stored.incidents.len(), &stored.watchers[..]), (0, &["otto".into()][..]));
    let report = audit::verify(&*w.desk.store).await.expect("a report");
    assert_eq!(report.findings, Vec::<String>::new());
}
