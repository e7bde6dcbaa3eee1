//! The stream: what it tells to whom, and that it ends.

mod common;

use axum::http::StatusCode;
use common::Door;
use futures_util::StreamExt;
use serde_json::json;
use std::time::Duration;

struct Stream(axum::body::BodyDataStream);

impl Stream {
    async fn open(door: &Door, who: &str, tickets: &str) -> (StatusCode, Self) {
        let (cookie, _) = door.session(who).await;
        let response = door.ask("GET", &format!("/stream?tickets={tickets}"), &[("cookie", &cookie)], "").await;
        (response.status(), Self(response.into_body().into_data_stream()))
    }

    /// The next event that is no sign of life; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            let bytes = self.0.next().await?.expect("bytes");
            let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
            if !text.starts_with(':') {
                return Some(text.trim_end().to_owned());
            }
        }
    }

    /// Nothing more comes, as far as a moment tells.
    async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(50), self.next()).await.is_err()
    }
}

#[tokio::test]
async fn it_tells_each_person_what_that_person_may_know() {
    let door = Door::open().await;
    let new = json!({"title": "No light", "type": "incident", "queue": "it", "customer_user": "customer"});
    let number = door.api("agent", "POST", "/api/v1/tickets", &new).await.json()["number"].as_str().expect("a number").to_owned();
    let (status, mut tina) = Stream::open(&door, "tina", &format!("{number},{number},nonsense,2026999999")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(tina.next().await.as_deref(), Some(&*format!("event: presence\ndata: {{\"number\":\"{number}\"}}")));
    let (_, mut customer) = Stream::open(&door, "customer", &number).await;
    let (_, mut stranger) = Stream::open(&door, "ben", &number).await;
    assert_eq!(tina.next().await.as_deref(), Some(&*format!("event: presence\ndata: {{\"number\":\"{number}\"}}")), "of the customer");
    assert_eq!(door.desk.live.others(&number, "agent"), ["customer", "tina"], "who may not see it is not there");
    let patched = door.api("agent", "PATCH", &format!("/api/v1/tickets/{number}"), &json!({"owner": "tina"})).await.json();
    let ticket = format!("event: ticket\ndata: {{\"number\":\"{number}\",\"version\":{}}}", patched["version"]);
    assert_eq!(tina.next().await.as_deref(), Some(&*ticket));
    assert_eq!(tina.next().await.as_deref(), Some("event: bell\ndata: {}"), "the ticket was given to her");
    assert_eq!(customer.next().await.as_deref(), Some(&*ticket));
    assert!(customer.is_silent().await && stranger.is_silent().await);
    // Who else has it open stands on the page, for agents.
    let page = door.page("agent", &format!("/agent/tickets/{number}")).await.body;
    assert!(page.contains("Also here: <strong>Tina Brandt</strong>"), "{page}");
    assert!(!door.page("carla", &format!("/tickets/{number}")).await.body.contains("Tina"));
    drop(tina);
    assert_eq!(door.desk.live.others(&number, "agent"), ["customer"]);
}

#[tokio::test]
async fn it_ends_with_the_right_with_the_server_and_at_its_limit() {
    let door = Door::open().await;
    let new = json!({"title": "No light", "type": "incident", "queue": "it"});
    let number = door.api("agent", "POST", "/api/v1/tickets", &new).await.json()["number"].as_str().expect("a number").to_owned();
    let mut streams = vec![];
    for _ in 0..16 {
        streams.push(Stream::open(&door, "agent", &number).await);
    }
    assert!(streams.iter().all(|(status, _)| *status == StatusCode::OK));
    assert_eq!(Stream::open(&door, "agent", "").await.0, StatusCode::TOO_MANY_REQUESTS);
    streams.truncate(1);
    let (_, mut stream) = streams.remove(0);
    while !stream.is_silent().await {}
    // A ticket that moved out of sight is told no more.
    let mut agent = (*door.desk.people().get("agent").expect("the agent").clone()).clone();
    agent.roles.clear();
    door.desk.people_save(&[agent]).await.expect("saved");
    door.api("tina", "PATCH", &format!("/api/v1/tickets/{number}"), &json!({"title": "Still no light"})).await;
    let told = tokio::time::timeout(Duration::from_millis(50), stream.next()).await;
    assert!(!matches!(&told, Ok(Some(text)) if text.starts_with("event: ticket")), "{told:?}");
    door.desk.live.close();
    assert_eq!(stream.next().await, None);
    assert_eq!(Stream::open(&door, "agent", "").await.0, StatusCode::TOO_MANY_REQUESTS);
    let anonymous = door.ask("GET", "/stream", &[], "").await.status();
    assert_eq!(anonymous, StatusCode::SEE_OTHER);
}
