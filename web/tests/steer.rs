//! Work by hand through the doors: who may, what is refused, and what the page offers.

mod common;

use axum::http::StatusCode;
use common::Door;
use serde_json::{Value as Json, json};

fn work(ticket: &Json, activity: &str) -> String {
    let all = ticket["work"].as_array().expect("work");
    all.iter().find(|w| w["activity"] == activity).expect("the activity")["id"].as_str().expect("an id").to_owned()
}

fn activities(ticket: &Json) -> Vec<&str> {
    let mut all: Vec<&str> = ticket["work"].as_array().expect("work").iter().filter_map(|w| w["activity"].as_str()).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn administrators_steer_and_others_do_not() {
    let door = Door::open().await;
    let number = door.claim("customer", "400").await["number"].as_str().expect("a number").to_owned();
    let path = format!("/api/v1/tickets/{number}");
    let steer = async |who: &str, body: Json| door.api(who, "POST", &format!("{path}/steer"), &body).await;
    let ticket = async || door.api("admin", "GET", &path, &Json::Null).await.json();
    let receipts = work(&ticket().await, "check_receipts");
    let skip = |reason: &str| json!({"hand": "skip", "work": receipts, "outcome": "good", "reason": reason});
    for (who, body, status) in [
        ("agent", skip("Seen"), StatusCode::FORBIDDEN),
        ("customer", skip("Seen"), StatusCode::FORBIDDEN),
        ("ben", skip("Seen"), StatusCode::NOT_FOUND),
        ("admin", skip("  "), StatusCode::UNPROCESSABLE_ENTITY),
        ("admin", json!({"hand": "skip", "work": receipts, "outcome": "maybe", "reason": "x"}), StatusCode::UNPROCESSABLE_ENTITY),
        ("admin", json!({"hand": "skip", "work": receipts, "reason": "x"}), StatusCode::BAD_REQUEST),
        ("admin", json!({"hand": "juggle", "work": receipts, "reason": "x"}), StatusCode::BAD_REQUEST),
        ("admin", json!({"hand": "cancel", "work": "nothing", "reason": "x"}), StatusCode::NOT_FOUND),
        ("admin", json!({"hand": "cancel", "work": receipts, "reason": "x", "why": "y"}), StatusCode::BAD_REQUEST),
        // The decision waits for both: without the receipts nothing would come.
        ("admin", json!({"hand": "cancel", "work": receipts, "reason": "Nobody needs them"}), StatusCode::UNPROCESSABLE_ENTITY),
        ("admin", json!({"hand": "redo", "activity": "check_receipts", "reason": "x"}), StatusCode::CONFLICT),
    ] {
        let reply = steer(who, body.clone()).await;
        assert_eq!(reply.status, status, "{who} {body}: {}", reply.body);
    }
    assert_eq!(activities(&ticket().await), ["approve", "check_receipts"]);
    let reply = steer("admin", skip("Seen on paper")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    assert_eq!(activities(&ticket().await), ["approve", "decided"]);
    let history = door.api("admin", "GET", &format!("{path}/history"), &Json::Null).await.body;
    assert!(history.contains("Seen on paper"), "{history}");
    let page = door.page("admin", &format!("/agent/tickets/{number}")).await.body;
    assert!(page.contains("By hand, check_receipts – Skip (good): Seen on paper"), "{page}");
    assert!(!door.page("agent", &format!("/agent/tickets/{number}")).await.body.contains("hand-"), "only administrators see the forms");
}

#[tokio::test]
async fn people_put_their_own_work_aside_and_hand_it_over() {
    let door = Door::open().await;
    let ticket = door.claim("customer", "400").await;
    let number = ticket["number"].as_str().expect("a number").to_owned();
    let id = work(&door.api("agent", "GET", &format!("/api/v1/tickets/{number}"), &Json::Null).await.json(), "check_receipts");
    let seq = id.rsplit_once('-').expect("ticket and number").1.to_owned();
    let form = async |who: &str, fields: &[(&str, &str)]| door.post(who, &format!("/agent/tickets/{number}/steer"), fields).await;
    let aside = [("work", seq.as_str()), ("hand", "suspend"), ("reason", "Waits for the original")];
    assert_eq!(form("agent", &aside).await.status, StatusCode::FORBIDDEN, "not claimed yet");
    let claim = format!("/api/v1/work/{id}/claim");
    assert_eq!(door.api("agent", "POST", &claim, &Json::Null).await.status, StatusCode::OK);
    assert_eq!(form("agent", &aside).await.status, StatusCode::SEE_OTHER);
    let page = door.page("agent", &format!("/agent/tickets/{number}")).await.body;
    assert!(page.contains("put aside") && page.contains("Take up again"), "{page}");
    assert_eq!(form("agent", &[("work", &seq), ("hand", "resume")]).await.status, StatusCode::SEE_OTHER);
    let refused = form("agent", &[("work", &seq), ("hand", "hand_over"), ("to", "paul")]).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("not for this person"), "{}", refused.body);
    assert_eq!(form("agent", &[("work", &seq), ("hand", "nonsense")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(door.api("agent", "POST", &format!("/api/v1/work/{id}/release"), &Json::Null).await.status, StatusCode::OK);
    let after = door.api("agent", "GET", &format!("/api/v1/tickets/{number}"), &Json::Null).await.json();
    assert!(after["work"].as_array().expect("work").iter().all(|w| w["assigned_to"].is_null()), "{after}");
}

#[tokio::test]
async fn many_of_a_kind_come_one_after_the_other() {
    let door = Door::open().await;
    let mut numbers = vec![];
    for _ in 0..2 {
        numbers.push(door.claim("customer", "400").await["number"].as_str().expect("a number").to_owned());
    }
    let submit = async |number: &str| {
        let ticket = door.api("agent", "GET", &format!("/api/v1/tickets/{number}"), &Json::Null).await.json();
        let id = work(&ticket, "check_receipts");
        let seq = id.rsplit_once('-').expect("ticket and number").1;
        let fields = [("dialog", "check"), ("outcome", "good"), ("pile", "expense_claim.check_receipts")];
        let reply = door.post("agent", &format!("/agent/tickets/{number}/work/{seq}"), &fields).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        reply.headers["location"].to_str().expect("a path").to_owned()
    };
    let next = submit(&numbers[0]).await;
    assert_eq!(next, format!("/agent/tickets/{}?pile=on", numbers[1]));
    let page = door.page("agent", &next).await.body;
    assert!(page.contains("name=\"pile\" value=\"expense_claim.check_receipts\" checked"), "{page}");
    assert_eq!(submit(&numbers[1]).await, format!("/agent/tickets/{}", numbers[1]), "there is no other");
}
