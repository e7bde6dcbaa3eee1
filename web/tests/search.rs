//! Tickets by a condition: for agents, of what they may read, page by page.

mod common;

use axum::http::StatusCode;
use common::Door;
use serde_json::{Value as Json, json};

async fn found(door: &Door, who: &str, condition: &str, more: &str) -> (StatusCode, Json) {
    let encoded: String = condition.bytes().map(|b| format!("%{b:02X}")).collect();
    let reply = door.api(who, "GET", &format!("/api/v1/tickets?where={encoded}{more}"), &Json::Null).await;
    (reply.status, reply.json())
}

fn titles(page: &Json) -> Vec<String> {
    page["items"].as_array().map(|i| i.iter().filter_map(|t| t["title"].as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

#[tokio::test]
async fn a_condition_finds_what_it_holds_for() {
    let door = Door::open().await;
    for i in 0..7 {
        let category = if i % 2 == 0 { "hardware" } else { "software" };
        let new = json!({"title": format!("T{i}"), "type": "incident", "queue": "it", "priority": if i > 3 { "high" } else { "normal" }, "fields": {"category": category}});
        assert_eq!(door.api("agent", "POST", "/api/v1/tickets", &new).await.status, StatusCode::CREATED);
    }
    door.claim("customer", "400").await;
    let cases = [
        // Decided in the database.
        (r#"ticket.fields.category == "hardware" && ticket.priority > 3"#, vec!["T6", "T4"]),
        (r#"ticket.created > now - hours(1) && ticket.queue == "it" && ticket.fields.category != "hardware""#, vec!["T5", "T3", "T1"]),
        // Decided on each ticket.
        (r#"ticket.title.endsWith("2") || ticket.title == "T" + string(3)"#, vec!["T3", "T2"]),
        // Cannot be evaluated where there is no amount: those do not match.
        ("ticket.fields.amount > 100.5", vec!["Claim over 400.00 EUR"]),
        ("false", vec![]),
    ];
    for (condition, wanted) in cases {
        let (status, page) = found(&door, "agent", condition, "").await;
        assert_eq!((status, titles(&page)), (StatusCode::OK, wanted.iter().map(|t| (*t).to_owned()).collect()), "{condition}");
    }
    // Page by page, both ways of deciding; other parameters narrow on.
    for condition in ["ticket.priority > 0", r#"ticket.title.startsWith("T")"#] {
        let (mut all, mut cursor) = (vec![], String::new());
        loop {
            let (_, page) = found(&door, "agent", condition, &format!("&queue=it&limit=3{cursor}")).await;
            assert!(titles(&page).len() <= 3);
            all.extend(titles(&page));
            match page["next"].as_i64() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(all, ["T6", "T5", "T4", "T3", "T2", "T1", "T0"], "{condition}");
    }
}

#[tokio::test]
async fn it_tells_nobody_what_may_not_be_read() {
    let door = Door::open().await;
    door.claim("customer", "400").await;
    // The manager reads the queue, paul does not; customers have no conditions.
    assert_eq!(titles(&found(&door, "manager", "ticket.fields.amount > 100", "").await.1).len(), 1);
    assert_eq!(titles(&found(&door, "paul", "ticket.fields.amount > 100 || true", "").await.1), Vec::<String>::new());
    assert_eq!(found(&door, "customer", "true", "").await.0, StatusCode::FORBIDDEN);
    let wrong = [
        "ticket.fields.amout > 1",
        "ticket.priority",
        "ticket.priority >",
        "ticket.state == \"opn\"",
        "work.activity == \"x\"",
        "ticket.title.matches(\"(\")",
    ];
    for condition in wrong {
        let (status, problem) = found(&door, "agent", condition, "").await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == StatusCode::BAD_REQUEST && detail.starts_with("where: "), "{condition}: {status} {problem}");
    }
    let long = format!("ticket.title == \"{}\"", "x".repeat(2_000));
    assert_eq!(found(&door, "agent", &long, "").await.0, StatusCode::BAD_REQUEST);
    // The portal says it beside the field.
    let page = door.page("agent", "/agent/queue?where=ticket.fields.amout%20%3E%201").await;
    assert!(page.status == StatusCode::OK && page.body.contains("did you mean"), "{}", page.body);
    let page = door.page("manager", "/agent/queue?where=ticket.fields.amount%20%3E%20100").await;
    assert!(page.body.contains("Claim over 400.00 EUR"), "{}", page.body);
}
