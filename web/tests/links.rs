//! Links between tickets by hand: seen from both ends, as far as each may be seen.

mod common;

use axum::http::StatusCode;
use common::Door;
use serde_json::{Value as Json, json};

#[tokio::test]
async fn tickets_are_linked_by_hand_from_either_end() {
    let door = Door::open().await;
    let new = async |queue: &str| {
        let body = json!({"title": queue, "type": "incident", "queue": queue});
        door.api("agent", "POST", "/api/v1/tickets", &body).await.json()["number"].as_str().expect("a number").to_owned()
    };
    let (one, two, secret) =
        (new("it").await, new("it_network").await, door.claim("customer", "400").await["number"].as_str().expect("a number").to_owned());
    let link = async |who: &str, body: Json| door.api(who, "POST", &format!("/api/v1/tickets/{one}/links"), &body).await;
    let links = async |who: &str, number: &str| {
        let list = door.api(who, "GET", &format!("/api/v1/tickets/{number}/links"), &Json::Null).await.json();
        list["items"].as_array().map(|i| i.iter().map(|l| (l["number"].clone(), l["type"].clone())).collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(link("agent", json!({"to": two, "type": "child"})).await.status, StatusCode::OK);
    assert_eq!(link("agent", json!({"to": secret})).await.status, StatusCode::OK);
    assert_eq!(links("agent", &two).await, [(json!(one), json!("parent"))]);
    assert_eq!(links("tina", &one).await.len(), 2, "the service desk reads finance");
    assert_eq!(links("customer", &secret).await, [], "the other end is not the customer's");
    for (body, status) in [
        (json!({"to": "4711"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"to": one}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"to": two, "type": "sister"}), StatusCode::BAD_REQUEST),
        (json!({"to": two, "kind": "child"}), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(link("agent", body.clone()).await.status, status, "{body}");
    }
    assert_eq!(
        door.api("manager", "POST", &format!("/api/v1/tickets/{secret}/links"), &json!({"to": secret})).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(link("paul", json!({"to": two})).await.status, StatusCode::NOT_FOUND);
    // Taken away from the other end.
    let away = json!({"to": one, "type": "parent", "linked": false});
    assert_eq!(door.api("agent", "POST", &format!("/api/v1/tickets/{two}/links"), &away).await.status, StatusCode::OK);
    assert_eq!(links("agent", &one).await, [(json!(secret), json!("related"))]);
    let page = door.page("agent", &format!("/agent/tickets/{one}")).await.body;
    assert!(page.contains("Linked tickets") && page.contains(&secret), "{page}");
    let refused = door.post("agent", &format!("/agent/tickets/{one}/link"), &[("to", "4711"), ("type", "child")]).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("4711"), "{}", refused.body);
}
