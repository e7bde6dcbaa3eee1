//! The API against its own document: every answer is one that the document describes, with nothing beside it.

mod common;

use common::Door;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use vorgang_web::openapi;

/// The document, and the operations whose answers were looked at.
struct Contract {
    document: Json,
    seen: BTreeSet<(String, String)>,
}

impl Contract {
    fn new() -> Self {
        Self { document: openapi::document(), seen: BTreeSet::new() }
    }

    /// An answer of an operation; its path as the document has it.
    async fn ask(&mut self, door: &Door, who: &str, (method, template, path): (&str, &str, &str), body: &Json) -> Json {
        let reply = door.api(who, method, path, body).await;
        let responses = &self.document["paths"][template][method.to_lowercase()]["responses"];
        let at = format!("{who}: {method} {path} is {}", reply.status);
        let (content, success) = match responses.get(reply.status.as_str()) {
            Some(response) => (&response["content"]["application/json"]["schema"], true),
            None => (&responses["default"]["content"]["application/problem+json"]["schema"], false),
        };
        assert!(success || !reply.status.is_success(), "{at}, which the document does not say");
        let answer = reply.json();
        let mut schema = content.clone();
        schema["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).expect("a schema");
        let wrong: Vec<String> = validator.iter_errors(&answer).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{at}: {wrong:#?}\n{answer:#}");
        self.nothing_beside(content, &answer, &at);
        if success {
            self.seen.insert((method.to_owned(), template.to_owned()));
        }
        answer
    }

    fn resolved<'a>(&'a self, schema: &'a Json) -> &'a Json {
        let name = schema["$ref"].as_str().and_then(|r| r.strip_prefix('#'));
        name.map_or(schema, |path| self.document.pointer(path).expect("the schema of a reference"))
    }

    /// The schemas that say something of an object: its own, and those of its alternatives.
    fn parts<'a>(&'a self, schema: &'a Json) -> Vec<&'a Json> {
        let schema = self.resolved(schema);
        let of = |key: &str| schema[key].as_array().into_iter().flatten();
        let others = of("anyOf").chain(of("oneOf")).chain(of("allOf"));
        std::iter::once(schema).chain(others.flat_map(|s| self.parts(s))).collect()
    }

    fn nothing_beside(&self, schema: &Json, value: &Json, at: &str) {
        let parts = self.parts(schema);
        match value {
            Json::Array(items) => {
                let of = parts.iter().map(|p| &p["items"]).find(|i| !i.is_null());
                items.iter().for_each(|item| self.nothing_beside(of.unwrap_or(&Json::Null), item, at));
            }
            Json::Object(fields) if parts.iter().any(|p| p.get("properties").is_some()) => {
                for (name, value) in fields {
                    let described = parts.iter().map(|p| &p["properties"][name]).find(|p| !p.is_null());
                    let described = described.unwrap_or_else(|| panic!("{at}: `{name}` is not in the document"));
                    self.nothing_beside(described, value, at);
                }
            }
            _ => {}
        }
    }
}

fn work(ticket: &Json, activity: &str) -> String {
    let items = ticket["work"].as_array().expect("work");
    items.iter().find(|w| w["activity"] == activity).and_then(|w| w["id"].as_str()).expect("a work item").to_owned()
}

#[tokio::test]
async fn answers_are_what_the_document_says() {
    let (door, mut api) = (Door::open().await, Contract::new());
    let none = Json::Null;
    api.ask(&door, "customer", ("GET", "/api/v1/processes", "/api/v1/processes"), &none).await;
    let start = ("POST", "/api/v1/processes/{name}/start", "/api/v1/processes/expense_claim/start");
    let body = json!({"fields": {"amount": "400"}, "article": {"body": "Train to Kiel", "attachments": [{"name": "a.txt", "content_type": "text/plain", "content": "YQ=="}]}});
    let ticket = api.ask(&door, "customer", start, &body).await;
    api.ask(&door, "customer", start, &json!({"fields": {"amount": "much"}})).await;
    let number = ticket["number"].as_str().expect("a number").to_owned();
    let one = format!("/api/v1/tickets/{number}");
    let new = json!({"title": "A printer", "type": "incident", "queue": "it", "priority": "normal", "article": {"body": "It smokes."}});
    let made = api.ask(&door, "agent", ("POST", "/api/v1/tickets", "/api/v1/tickets"), &new).await;
    let other = made["number"].as_str().expect("a number").to_owned();
    for who in ["agent", "customer", "ben"] {
        for rest in ["", "/articles", "/choices?explain=true", "/history", "/links"] {
            let template = format!("/api/v1/tickets/{{number}}{}", rest.split('?').next().unwrap_or_default());
            api.ask(&door, who, ("GET", &template, &format!("{one}{rest}")), &none).await;
        }
        for list in ["/api/v1/tickets", "/api/v1/work", "/api/v1/incidents", "/api/v1/security-log"] {
            api.ask(&door, who, ("GET", list, list), &none).await;
        }
    }
    let articles = api.ask(&door, "agent", ("GET", "/api/v1/tickets/{number}/articles", &format!("{one}/articles?limit=1")), &none).await;
    let article = articles["items"][0]["id"].clone();
    let post = |what: &str| (format!("/api/v1/tickets/{{number}}/{what}"), format!("{one}/{what}"));
    for (what, body) in [
        ("articles", json!({"body": "a word", "visible": false})),
        ("links", json!({"to": other, "type": "related"})),
        ("links", json!({"to": "1"})),
        ("watch", json!({"watch": true})),
        ("split", json!({"article": article, "type": "incident", "queue": "it"})),
        ("steer", json!({"hand": "dance"})),
    ] {
        let (template, path) = post(what);
        api.ask(&door, "agent", ("POST", &template, &path), &body).await;
    }
    let change = ("PATCH", "/api/v1/tickets/{number}", &*one);
    api.ask(&door, "agent", change, &json!({"title": "Another title", "version": 1})).await;
    api.ask(&door, "agent", change, &json!({"title": "A third title", "version": 1})).await;
    api.ask(&door, "agent", change, &json!({"state": "nowhere"})).await;
    let submit = format!("/api/v1/work/{}/submit", work(&ticket, "check_receipts"));
    let submit = ("POST", "/api/v1/work/{id}/submit", &*submit);
    api.ask(&door, "agent", submit, &json!({"dialog": "check", "outcome": "perfect"})).await;
    api.ask(&door, "agent", submit, &json!({"dialog": "check", "outcome": "good"})).await;
    let leave = json!({"fields": {"first_day": "2027-08-01", "last_day": "2027-08-02", "leave_kind": "holiday", "substitute": "carla"}});
    let start = ("POST", "/api/v1/processes/{name}/start", "/api/v1/processes/leave_request/start");
    let leave = api.ask(&door, "customer", start, &leave).await;
    let vote = format!("/api/v1/work/{}/submit", work(&leave, "approve"));
    let leave = api.ask(&door, "manager", ("POST", "/api/v1/work/{id}/submit", &vote), &json!({"outcome": "approve"})).await;
    for what in ["claim", "release"] {
        let path = format!("/api/v1/work/{}/{what}", work(&leave, "register"));
        api.ask(&door, "paul", ("POST", &format!("/api/v1/work/{{id}}/{what}"), &path), &none).await;
    }
    let path = format!("{one}/articles/{article}/erase");
    let erase = ("POST", "/api/v1/tickets/{number}/articles/{article}/erase", &*path);
    api.ask(&door, "admin", erase, &json!({"reason": "a name"})).await;
    let path = format!("/api/v1/tickets/{other}/merge");
    let merge = ("POST", "/api/v1/tickets/{number}/merge", &*path);
    api.ask(&door, "agent", merge, &json!({"into": number})).await;
    for list in ["/api/v1/incidents", "/api/v1/security-log", "/api/v1/tickets?limit=1", "/api/v1/work?assigned=me"] {
        let template = list.split('?').next().unwrap_or_default();
        api.ask(&door, "admin", ("GET", template, list), &none).await;
    }
    assert!(api.seen.len() >= 21, "few good answers: {:#?}", api.seen);
}
