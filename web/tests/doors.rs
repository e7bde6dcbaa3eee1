//! Every door as four actors: anonymous, customer, agent, admin; and what must be refused.

mod common;

use axum::http::{StatusCode, header};
use common::Door;
use serde_json::{Value as Json, json};
use std::path::Path;
use vorgang_core::people::{Person, PersonKind};
use vorgang_web::{openapi, routes};

fn work(ticket: &Json, activity: &str) -> String {
    let items = ticket["work"].as_array().expect("work");
    items.iter().find(|w| w["activity"] == activity).and_then(|w| w["id"].as_str()).expect("a work item").to_owned()
}

/// Every route of the router as every actor, on a ticket of another company: nobody gets more than the route's rule
/// says, and nothing is a server error.
#[tokio::test]
async fn the_permission_matrix_holds() {
    let door = Door::open().await;
    let foreign = door.claim("ben", "400").await;
    let number = foreign["number"].as_str().expect("a number").to_owned();
    let work = work(&foreign, "check_receipts");
    let (ticket_id, seq) = work.split_once('-').expect("an id");
    let fill = |path: &str| {
        path.replace("{number}", &number)
            .replace("{work}", seq)
            .replace("{id}", &format!("{ticket_id}-{seq}"))
            .replace("{incident}", "99")
            .replace("{blob}", "00")
            .replace("{process}", "expense_claim")
            .replace("{name}", "expense_claim")
            .replace("{hash}", "x")
            .replace("{link}", "x")
    };
    // carla is of another company than ben; paul is an agent without a right in finance.
    for (actor, who) in [("anonymous", None), ("customer", Some("carla")), ("agent", Some("paul")), ("admin", Some("admin"))] {
        if actor == "admin" {
            // The administrator may; nobody before could change anything.
            let now = door.api("ben", "GET", &format!("/api/v1/tickets/{number}"), &Json::Null).await.json();
            assert_eq!(now["version"], foreign["version"]);
        }
        for route in routes::all() {
            for method in &route.methods {
                let path = fill(route.path);
                let api = path.starts_with("/api/");
                let reply = match (who, api) {
                    (None, _) => door.send(method, &path, &[], "").await,
                    (Some(who), true) => door.api(who, method, &path, &Json::Null).await,
                    (Some(who), false) if *method == "GET" => door.page(who, &path).await,
                    (Some(who), false) => door.post(who, &path, &[]).await,
                };
                let at = format!("{actor}: {method} {path} is {}", reply.status);
                assert!(!reply.status.is_server_error(), "{at}\n{}", reply.body);
                let open = ["/livez", "/readyz", "/metrics", "/assets", "/sign-in", "/link", "/api/v1/openapi.json"];
                let anyone = open.iter().any(|p| path.starts_with(p));
                if actor == "anonymous" && !anyone {
                    let wanted = if api { StatusCode::UNAUTHORIZED } else { StatusCode::SEE_OTHER };
                    assert_eq!(reply.status, wanted, "{at}");
                }
                let foreign_ticket =
                    route.path.contains("{number}") || route.path.contains("/work/{id}") || route.path.contains("/incidents/{");
                if foreign_ticket && matches!(actor, "customer" | "agent") {
                    assert!(matches!(reply.status.as_u16(), 403 | 404 | 400 | 422), "{at}");
                    assert!(!reply.body.contains("Train to Kiel") && !reply.body.contains("400.00"), "{at} tells of the ticket");
                    assert!(api || reply.status == StatusCode::NOT_FOUND, "{at}");
                }
                if route.path.starts_with("/admin") && matches!(actor, "customer" | "agent") {
                    assert_eq!(reply.status, StatusCode::NOT_FOUND, "{at}");
                }
                if route.path.starts_with("/agent") && actor == "customer" {
                    assert_eq!(reply.status, StatusCode::NOT_FOUND, "{at}");
                }
                for name in ["content-security-policy", "x-frame-options", "x-content-type-options", "x-request-id"] {
                    assert!(reply.headers.contains_key(name), "{at} has no {name}");
                }
            }
        }
    }
}

#[test]
fn every_api_route_is_in_the_committed_document() {
    let document = openapi::document();
    for route in routes::all().iter().filter(|r| r.path.starts_with("/api/")) {
        for method in &route.methods {
            assert!(document["paths"][route.path][method.to_lowercase()].is_object(), "{method} {} is not described", route.path);
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/openapi.json");
    let text = format!("{document:#}\n");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).expect("the document is written");
    }
    assert!(std::fs::read_to_string(path).unwrap_or_default() == text, "schema/openapi.json is not current: UPDATE_EXPECT=1 rewrites it");
}

#[tokio::test]
async fn lists_counts_and_work_show_only_what_may_be_seen() {
    let door = Door::open().await;
    let mine = door.claim("customer", "400").await;
    door.claim("ben", "300").await;
    let numbers = async |who: &str| {
        let list = door.api(who, "GET", "/api/v1/tickets", &Json::Null).await.json();
        list["items"].as_array().expect("items").iter().map(|t| t["number"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("customer").await, [mine["number"].clone()]);
    assert_eq!(numbers("carla").await, [mine["number"].clone()], "a colleague");
    assert_eq!(numbers("ben").await.len(), 1);
    assert_eq!(numbers("agent").await.len(), 2);
    assert_eq!(numbers("paul").await.len(), 0, "no right in finance");
    let works = async |who: &str| {
        let list = door.api(who, "GET", "/api/v1/work", &Json::Null).await.json();
        list["items"].as_array().expect("items").iter().map(|w| w["activity"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(works("agent").await, ["check_receipts", "check_receipts"]);
    assert_eq!(works("manager").await, ["approve", "approve"]);
    assert_eq!(works("customer").await.len(), 0);
    // Internal notes and history are for agents.
    let number = mine["number"].as_str().expect("a number");
    let note = json!({"body": "secret remark", "visible": false});
    assert_eq!(door.api("agent", "POST", &format!("/api/v1/tickets/{number}/articles"), &note).await.status, StatusCode::CREATED);
    for who in ["customer", "carla"] {
        let articles = door.api(who, "GET", &format!("/api/v1/tickets/{number}/articles"), &Json::Null).await;
        assert!(!articles.body.contains("secret remark"));
        assert!(!door.page(who, &format!("/tickets/{number}")).await.body.contains("secret remark"));
        assert_eq!(door.api(who, "GET", &format!("/api/v1/tickets/{number}/history"), &Json::Null).await.status, StatusCode::NOT_FOUND);
    }
    // What a customer writes is never internal.
    let reply =
        door.api("customer", "POST", &format!("/api/v1/tickets/{number}/articles"), &json!({"body": "more", "visible": false})).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert!(door.api("customer", "GET", &format!("/api/v1/tickets/{number}/articles"), &Json::Null).await.body.contains("more"));
}

#[tokio::test]
async fn articles_come_in_pages() {
    let door = Door::open().await;
    let mine = door.claim("customer", "400").await;
    let path = format!("/api/v1/tickets/{}/articles", mine["number"].as_str().expect("a number"));
    for (n, visible) in [(2, true), (3, false), (4, true), (5, false)] {
        let article = json!({"body": format!("word {n}"), "visible": visible});
        assert_eq!(door.api("agent", "POST", &path, &article).await.status, StatusCode::CREATED);
    }
    let bodies = async |who: &str, limit: u32| {
        let (mut all, mut cursor) = (vec![], String::new());
        loop {
            let page = door.api(who, "GET", &format!("{path}?limit={limit}{cursor}"), &Json::Null).await.json();
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= limit as usize);
            all.extend(items.iter().map(|a| a["body"].as_str().unwrap_or_default().to_owned()));
            let Some(next) = page["next"].as_i64() else { return all };
            cursor = format!("&cursor={next}");
        }
    };
    let all = ["Train to Kiel", "word 2", "word 3", "word 4", "word 5"];
    for limit in [1, 2, 5, 200] {
        assert_eq!(bodies("agent", limit).await, all, "{limit} a page");
        assert_eq!(bodies("customer", limit).await, ["Train to Kiel", "word 2", "word 4"], "{limit} a page");
    }
    for wrong in ["limit=x", "cursor=-1", "after=2"] {
        assert_eq!(door.api("agent", "GET", &format!("{path}?{wrong}"), &Json::Null).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn versions_conflicts_and_repeated_requests() {
    let door = Door::open().await;
    let ticket = door.claim("customer", "400").await;
    let number = ticket["number"].as_str().expect("a number");
    let path = format!("/api/v1/tickets/{number}");
    let token = door.desk.token_create("agent").await.expect("a token");
    let auth = format!("Bearer {token}");
    let patch = async |etag: Option<&str>, body: Json| {
        let mut headers = vec![("authorization", auth.as_str())];
        headers.extend(etag.map(|e| ("if-match", e)));
        door.send("PATCH", &path, &headers, body.to_string()).await
    };
    let seen = ticket["version"].as_u64().expect("a version");
    let first = patch(Some(&format!("\"{seen}\"")), json!({"title": "first"})).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert_eq!(first.headers[header::ETAG], format!("\"{}\"", seen + 1));
    assert_eq!(patch(Some(&format!("\"{seen}\"")), json!({"title": "second"})).await.status, StatusCode::PRECONDITION_FAILED);
    let other = patch(Some(&format!("\"{seen}\"")), json!({"owner": "agent"})).await;
    assert_eq!(other.status, StatusCode::OK, "nobody has changed the owner since: {}", other.body);
    for never in [format!("\"{}\"", seen + 100), "\"abc\"".into(), "W/\"1\"".into()] {
        assert_eq!(patch(Some(&never), json!({"title": "second"})).await.status, StatusCode::PRECONDITION_FAILED, "{never}");
    }
    // A form drawn from the old version: the same field conflicts with both values, another one merges.
    let conflict = patch(None, json!({"title": "third", "version": seen})).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert_eq!(conflict.json()["conflicts"][0], json!({"field": "title", "yours": "third", "stored": "first"}));
    assert_eq!(patch(None, json!({"priority": "high", "version": seen})).await.status, StatusCode::OK);
    let now = door.api("agent", "GET", &path, &Json::Null).await.json();
    assert_eq!((now["title"].as_str(), now["priority_name"].as_str()), (Some("first"), Some("high")));
    // Idempotency.
    let create = async |key: &str, title: &str| {
        let body = json!({"title": title, "type": "incident", "queue": "it"}).to_string();
        door.send("POST", "/api/v1/tickets", &[("authorization", auth.as_str()), ("idempotency-key", key)], body).await
    };
    let (one, again, other) = (create("k1", "A").await, create("k1", "A").await, create("k1", "B").await);
    assert_eq!((one.status, again.status, other.status), (StatusCode::CREATED, StatusCode::CREATED, StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(one.json()["number"], again.json()["number"]);
    // An item that is gone.
    let id = work(&ticket, "check_receipts");
    let submit = format!("/api/v1/work/{id}/submit");
    assert_eq!(door.api("agent", "POST", &submit, &json!({"outcome": "good"})).await.status, StatusCode::OK);
    assert_eq!(door.api("agent", "POST", &submit, &json!({"outcome": "good"})).await.status, StatusCode::CONFLICT);
    // A vote is one, and not the requester's.
    let vote = format!("/api/v1/work/{}/submit", work(&ticket, "approve"));
    let (theirs, no_such) = (vote.clone(), vote.replace("/submit", "999/submit"));
    let told = async |path: &str| {
        let answer = door.api("customer", "POST", path, &json!({"outcome": "approve"})).await;
        (answer.status, answer.json()["title"].clone())
    };
    assert_eq!(told(&theirs).await, told(&no_such).await, "another's work is as work that does not exist");
    assert_eq!(told(&theirs).await.0, StatusCode::CONFLICT);
    assert_eq!(door.api("agent", "POST", &vote, &json!({"outcome": "approve"})).await.status, StatusCode::FORBIDDEN);
    let done = door.api("manager", "POST", &vote, &json!({"outcome": "approve"})).await;
    assert_eq!((done.status, done.json()["state"].as_str()), (StatusCode::OK, Some("closed_successful")));
    let told = door.page("customer", "/notifications").await.body;
    assert!(told.contains(&format!("Your claim {number} is paid")), "{told}");
}

#[tokio::test]
async fn bad_input_is_refused_with_its_place() {
    let door = Door::open().await;
    let ticket = door.claim("customer", "400").await;
    let number = ticket["number"].as_str().expect("a number").to_owned();
    let start = "/api/v1/processes/expense_claim/start";
    let deep = "[".repeat(100_000);
    let cases: Vec<(&str, &str, &str, String, u16)> = vec![
        ("customer", "POST", start, "{".into(), 400),
        ("customer", "POST", start, deep, 400),
        ("customer", "POST", start, "{\"fields\": 3}".into(), 400),
        ("customer", "POST", start, "{\"surplus\": 3}".into(), 400),
        ("customer", "POST", start, json!({"fields": {"amount": "much"}, "article": {"body": "x"}}).to_string(), 422),
        ("customer", "POST", start, json!({"fields": {"amount": true}, "article": {"body": "x"}}).to_string(), 422),
        ("customer", "POST", start, json!({"fields": {"amount": "1", "nope": 1}, "article": {"body": "x"}}).to_string(), 422),
        ("customer", "POST", start, json!({"fields": {"amount": "1", "title": "x"}, "article": {"body": "x"}}).to_string(), 422),
        ("customer", "POST", start, json!({"fields": {"amount": "99999999999999999999"}, "article": {"body": "x"}}).to_string(), 422),
        ("customer", "POST", start, json!({"fields": {"amount": "1", "receipts": {"blob": "00", "name": "x", "size": 1, "content_type": ""}}, "article": {"body": "x"}}).to_string(), 400),
        ("customer", "POST", start, json!({"outcome": "pay", "fields": {"amount": "1"}, "article": {"body": "x"}}).to_string(), 422),
        ("customer", "POST", start, json!({"dialog": "nope", "fields": {"amount": "1"}, "article": {"body": "x"}}).to_string(), 422),
        ("customer", "POST", start, json!({"fields": {"amount": "1"}, "article": {"body": "x".repeat(300_000)}}).to_string(), 422),
        ("customer", "POST", start, json!({"fields": {"amount": "1"}, "article": {"body": "x", "attachments": [{"name": "a\r\nb", "content": ""}]}}).to_string(), 400),
        ("customer", "POST", start, json!({"fields": {"amount": "1"}, "article": {"body": "x", "attachments": [{"name": "a", "content": "%%"}]}}).to_string(), 400),
        ("customer", "POST", start, "x".repeat(17_000_000), 413),
        ("customer", "POST", "/api/v1/processes/nope/start", "{}".into(), 404),
        ("customer", "POST", "/api/v1/tickets", json!({"title": " ", "type": "incident", "queue": "it"}).to_string(), 422),
        ("customer", "POST", "/api/v1/tickets", json!({"title": "x", "type": "nope", "queue": "it"}).to_string(), 422),
        ("customer", "POST", "/api/v1/tickets", json!({"title": "x", "type": "incident", "queue": "it", "state": "closed_successful"}).to_string(), 403),
        ("customer", "POST", "/api/v1/tickets", json!({"title": "a\u{0}b", "type": "incident", "queue": "it"}).to_string(), 422),
        ("paul", "POST", "/api/v1/tickets", json!({"title": "x", "type": "incident", "queue": "it"}).to_string(), 403),
        ("agent", "GET", "/api/v1/tickets?limit=x", String::new(), 400),
        ("agent", "GET", "/api/v1/tickets?were=true", String::new(), 400),
        ("agent", "GET", "/api/v1/tickets?queue='%20OR%201=1", String::new(), 200),
        ("agent", "GET", "/api/v1/tickets?cursor=-9223372036854775808", String::new(), 200),
        ("agent", "GET", "/api/v1/tickets/../../etc/passwd", String::new(), 404),
        ("agent", "GET", "/api/v1/tickets/..%2f..%2fetc", String::new(), 404),
        ("agent", "POST", "/api/v1/work/1-99999999999/submit", "{}".into(), 404),
        ("agent", "POST", "/api/v1/work/x/submit", "{}".into(), 404),
        ("agent", "DELETE", "/api/v1/tickets", String::new(), 405),
        ("agent", "POST", "/api/v1/incidents/1-1/retry", "{}".into(), 403),
        ("admin", "POST", "/api/v1/incidents/1-1/retry", "{}".into(), 409),
    ];
    for (who, method, path, body, status) in cases {
        let token = door.desk.token_create(who).await.expect("a token");
        let reply = door.send(method, path, &[("authorization", &format!("Bearer {token}"))], body.clone()).await;
        let shown: String = body.chars().take(120).collect();
        assert_eq!(reply.status.as_u16(), status, "{who} {method} {path} {shown}\n{}", reply.body);
        if status >= 400 {
            assert_eq!(reply.headers[header::CONTENT_TYPE], "application/problem+json", "{method} {path}");
            assert_eq!(reply.json()["status"].as_u64(), Some(u64::from(status)));
        }
    }
    // The life cycle holds at this door too, and unknown attributes are refused.
    for (body, status, reason) in [
        (json!({"state": "removed"}), 422, "life_cycle"),
        (json!({"version": 1, "id": 7}), 422, "form"),
        (json!({"queue": "hr"}), 403, "right"),
        (json!({"owner": "customer"}), 422, "form"),
        (json!({"customer_user": "nobody"}), 422, "form"),
    ] {
        let reply = door.api("agent", "PATCH", &format!("/api/v1/tickets/{number}"), &body).await;
        assert_eq!((reply.status.as_u16(), reply.json()["reason"].as_str()), (status, Some(reason)), "{body}: {}", reply.body);
    }
}

/// Ways around what may be seen or given, each tried through the doors.
#[tokio::test]
async fn nothing_is_given_by_hash_by_field_or_by_guessing() {
    let door = Door::open().await;
    // A file of another company, by its hash.
    let content = "JVBERg==";
    let body = json!({"fields": {"amount": "400", "receipts": {"name": "r.pdf", "content_type": "", "content": content}}, "article": {"body": "x"}});
    let theirs = door.api("ben", "POST", "/api/v1/processes/expense_claim/start", &body).await;
    assert_eq!(theirs.status, StatusCode::CREATED, "{}", theirs.body);
    assert!(!theirs.body.contains("blob"), "hashes are not told");
    let file = json!({"name": "x", "content_type": "", "size": 4, "blob": "0".repeat(64)});
    let mine = door.claim("customer", "400").await;
    let number = mine["number"].as_str().expect("a number");
    let patch = door.api("agent", "PATCH", &format!("/api/v1/tickets/{number}"), &json!({"receipts": file})).await;
    assert_eq!(patch.status, StatusCode::BAD_REQUEST, "{}", patch.body);
    let upload = json!({"receipts": {"name": "ok.pdf", "content_type": "application/pdf", "content": content}});
    assert_eq!(door.api("agent", "PATCH", &format!("/api/v1/tickets/{number}"), &upload).await.status, StatusCode::OK);
    // Attributes dressed as fields, and what only the desk decides.
    for body in [
        json!({"title": "x", "type": "incident", "queue": "it", "fields": {"customer_user": "ben"}}),
        json!({"title": "x", "type": "incident", "queue": "it", "priority": 5}),
        json!({"title": "x", "type": "incident", "queue": "it", "state": "open"}),
        json!({"title": "x", "type": "expense", "queue": "finance", "fields": {"amount": "1"}}),
    ] {
        let reply = door.api("customer", "POST", "/api/v1/tickets", &body).await;
        assert!(matches!(reply.status.as_u16(), 403 | 422), "{body}: {}", reply.body);
    }
    // Customers never see who works on it.
    let seen = door.api("customer", "GET", &format!("/api/v1/tickets/{number}"), &Json::Null).await.json();
    assert_eq!(seen["owner"], Json::Null);
    // A leave request is seen by the personnel officer only through its work, and so are its fields.
    let leave = json!({"fields": {"first_day": "2027-08-01", "last_day": "2027-08-02", "leave_kind": "holiday", "substitute": "carla"}});
    let ticket = door.api("customer", "POST", "/api/v1/processes/leave_request/start", &leave).await.json();
    let number = ticket["number"].as_str().expect("a number");
    let vote = format!("/api/v1/work/{}/submit", work(&ticket, "approve"));
    let ticket = door.api("manager", "POST", &vote, &json!({"outcome": "approve"})).await.json();
    assert_eq!(door.api("admin", "PATCH", &format!("/api/v1/tickets/{number}"), &json!({"queue": "it"})).await.status, StatusCode::OK);
    let claim = format!("/api/v1/work/{}/claim", work(&ticket, "register"));
    for reply in [
        door.api("paul", "GET", &format!("/api/v1/tickets/{number}"), &Json::Null).await,
        door.api("paul", "PATCH", &format!("/api/v1/tickets/{number}"), &json!({})).await,
        door.api("paul", "POST", &claim, &Json::Null).await,
    ] {
        assert!(reply.body.contains("first_day") && !reply.body.contains("substitute"), "{}", reply.body);
    }
    for value in ["carla", "ben"] {
        let reply = door.post("paul", &format!("/agent/tickets/{number}/patch"), &[("seen", "1"), ("f.substitute", value)]).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "guessing {value} tells nothing");
    }
    // Colleagues only.
    let foreign = json!({"fields": {"first_day": "2027-08-01", "last_day": "2027-08-02", "leave_kind": "holiday", "substitute": "ben"}});
    assert_eq!(
        door.api("customer", "POST", "/api/v1/processes/leave_request/start", &foreign).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

/// Texts stay texts: on pages, in notifications, in lists.
#[tokio::test]
async fn markup_and_templates_in_every_text_stay_text() {
    let door = Door::open().await;
    let evil = "<script>alert(1)</script>{{6007*7}}${6007*7}<img src=x onerror=alert(1)>\"'";
    let person = Person { name: evil.into(), ..(**door.desk.people().get("customer").expect("a person")).clone() };
    door.desk.people_save(&[person]).await.expect("saved");
    let body = json!({"title": evil, "type": "incident", "queue": "it", "article": {"subject": evil, "body": evil, "attachments": [{"name": format!("{evil}.svg"), "content_type": "image/svg+xml", "content": "PHN2Zz4="}]}});
    let ticket = door.api("customer", "POST", "/api/v1/tickets", &body).await.json();
    let number = ticket["number"].as_str().expect("a number");
    let claim = door.claim("customer", "20").await;
    for (who, path) in [
        ("customer", "/".to_owned()),
        ("customer", format!("/tickets/{number}")),
        ("customer", "/notifications".to_owned()),
        ("agent", "/agent".to_owned()),
        ("agent", "/agent/queue".to_owned()),
        ("agent", format!("/agent/queue?q={}", "%3Cscript%3Ealert(1)%3C/script%3E")),
        ("agent", format!("/agent/tickets/{number}")),
        ("agent", format!("/agent/tickets/{}", claim["number"].as_str().expect("a number"))),
        ("admin", "/admin".to_owned()),
    ] {
        let page = door.page(who, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{path} lets markup through");
        assert!(!page.body.contains("42049"), "{path} evaluates a template");
    }
    let page = door.page("agent", &format!("/agent/tickets/{number}")).await.body;
    let file = page.split("href=\"").find_map(|p| p.split('"').next().filter(|h| h.contains("/files/"))).expect("the file").to_owned();
    let download = door.page("agent", &file).await;
    assert_eq!(download.headers[header::CONTENT_TYPE], "application/octet-stream");
    assert!(download.headers[header::CONTENT_DISPOSITION].to_str().expect("ascii").starts_with("attachment;"));
    // A hash is no permission.
    let blob = file.rsplit('/').next().expect("a hash");
    assert_eq!(door.page("ben", &format!("/tickets/{number}/files/{blob}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sessions_links_and_forms_are_guarded() {
    let door = Door::open().await;
    // A link works once, and only by POST.
    let link = door.desk.link_create("customer", jiff::SignedDuration::from_mins(5)).await.expect("a link");
    assert_eq!(door.send("GET", &format!("/link/{link}"), &[], "").await.status, StatusCode::OK);
    let signed_in = door.send("POST", &format!("/link/{link}"), &[], "").await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    let cookie = signed_in.headers[header::SET_COOKIE].to_str().expect("ascii").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert_eq!(door.send("POST", &format!("/link/{link}"), &[], "").await.status, StatusCode::GONE);
    // A form without the session's token, or from elsewhere.
    let (cookie, csrf) = door.session("customer").await;
    let form = [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(door.send("POST", "/notifications", &form, "csrf=wrong").await.status, StatusCode::FORBIDDEN);
    assert_eq!(door.send("POST", "/notifications", &form, "").await.status, StatusCode::FORBIDDEN);
    let elsewhere = [form[0], form[1], ("origin", "https://evil.example")];
    assert_eq!(door.send("POST", "/notifications", &elsewhere, format!("csrf={csrf}")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(door.send("POST", "/notifications", &form, format!("csrf={csrf}")).await.status, StatusCode::SEE_OTHER);
    // The API with a cookie wants the token in a header.
    let body = json!({"title": "x", "type": "incident", "queue": "it"}).to_string();
    assert_eq!(door.send("POST", "/api/v1/tickets", &[("cookie", &cookie)], body.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        door.send("POST", "/api/v1/tickets", &[("cookie", &cookie), ("x-csrf-token", &csrf)], body).await.status,
        StatusCode::CREATED
    );
    // Signing out ends it; inactive people have none.
    assert_eq!(door.send("POST", "/sign-out", &form, format!("csrf={csrf}")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(door.send("GET", "/", &[("cookie", &cookie)], "").await.status, StatusCode::SEE_OTHER);
    let (cookie, _) = door.session("customer").await;
    let gone = Person { active: false, ..(**door.desk.people().get("customer").expect("a person")).clone() };
    door.desk.people_save(&[gone]).await.expect("saved");
    assert_eq!(door.send("GET", "/", &[("cookie", &cookie)], "").await.status, StatusCode::SEE_OTHER);
    // One host, or none is answered for.
    assert_eq!(door.send("GET", "/sign-in", &[("host", "evil.example")], "").await.status, StatusCode::BAD_REQUEST);
    // Only a path of our own is gone to after signing in.
    for next in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let page = door.send("GET", &format!("/sign-in?next={}", next.replace(':', "%3A")), &[], "").await;
        assert!(!page.body.contains("evil"), "{next}");
    }
    // Passwords: right, wrong, too often.
    door.desk.password_change("agent", "correct horse battery").await.expect("a password");
    let sign_in = async |password: &str| door.send("POST", "/sign-in", &[form[1]], format!("login=agent&password={password}")).await.status;
    assert_eq!(sign_in("correct+horse+battery").await, StatusCode::SEE_OTHER);
    door.clock.stop();
    for _ in 0..5 {
        assert_eq!(sign_in("wrong").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(sign_in("correct+horse+battery").await, StatusCode::TOO_MANY_REQUESTS, "guessing has to wait");
    assert!(door.desk.people().iter().any(|p| p.kind == PersonKind::Agent));
}

/// Mail goes out only from agents who may write into the ticket, on whatever way the article comes.
#[tokio::test]
async fn nobody_sends_mail_as_the_desk_who_may_not() {
    let door = Door::open().await;
    let article =
        json!({"subject": "Invoice", "body": "Pay at evil.example", "mail": {"to": ["ceo@victim.example"], "cc": ["b@victim.example"]}});
    let ticket = json!({"title": "x", "type": "incident", "queue": "it", "article": article});
    let refused = door.api("customer", "POST", "/api/v1/tickets", &ticket).await;
    assert_eq!(
        (refused.status, refused.json()["errors"][0]["field"].clone()),
        (StatusCode::UNPROCESSABLE_ENTITY, json!("to")),
        "{}",
        refused.body
    );
    let made = door.api("customer", "POST", "/api/v1/tickets", &json!({"title": "x", "type": "incident", "queue": "it"})).await.json();
    let path = format!("/api/v1/tickets/{}/articles", made["number"].as_str().expect("a number"));
    assert_eq!(door.api("customer", "POST", &path, &article).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let start = json!({"fields": {"amount": "400"}, "article": article});
    assert_eq!(
        door.api("customer", "POST", "/api/v1/processes/expense_claim/start", &start).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let page = path.replace("/api/v1", "").replace("/articles", "/article");
    let form = [("article", "x"), ("to", "ceo@victim.example")];
    assert_eq!(door.post("customer", &page, &form).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    // A dialog has no recipients, for agents neither.
    let claim = door.claim("customer", "400").await;
    let submit = |id: &str| format!("/api/v1/work/{id}/submit");
    let checked = door.api("agent", "POST", &submit(&work(&claim, "check_receipts")), &json!({"outcome": "good"})).await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.body);
    let claim = door.api("manager", "GET", &format!("/api/v1/tickets/{}", claim["number"].as_str().expect("a number")), &Json::Null).await;
    let vote = json!({"outcome": "approve", "article": article});
    let refused = door.api("manager", "POST", &submit(&work(&claim.json(), "approve")), &vote).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    // An agent who may only create tickets in the queue.
    let creates: Vec<Person> =
        [Person { login: "clara".into(), roles: vec![], ..(**door.desk.people().get("agent").expect("a person")).clone() }].into();
    door.desk.people_save(&creates).await.expect("saved");
    let status = door.api("clara", "POST", "/api/v1/tickets", &ticket).await.status;
    assert!(status == StatusCode::FORBIDDEN || status == StatusCode::UNPROCESSABLE_ENTITY, "{status}");
    for state in vorgang_store::deliveries::DeliveryState::ALL {
        assert_eq!(door.desk.store.delivery_count(state).await, Ok(0), "{state:?}");
    }
    // An agent with the right can.
    let sent = door.api("agent", "POST", "/api/v1/tickets", &ticket).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.body);
    // Lists that are too long, and addresses that are, are refused at once.
    let path = format!("/api/v1/tickets/{}/articles", sent.json()["number"].as_str().expect("a number"));
    for to in [
        vec!["a@x.example".to_owned(); 200_000],
        vec!["a@x.example,".repeat(200_000)],
        vec![format!("{}@x.example", "a".repeat(1_000_000))],
    ] {
        let refused = door.api("agent", "POST", &path, &json!({"body": "x", "mail": {"to": to}})).await;
        assert!(matches!(refused.status, StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY), "{}", refused.body);
        assert!(refused.body.len() < 2_000, "what is too long is not shown again");
    }
    let form = [("article", "x"), ("to", &*"a@x.example,".repeat(4_000))];
    let page = path.replace("/api/v1", "/agent").replace("/articles", "/article");
    assert_eq!(door.post("agent", &page, &form).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// What was typed is still there when a form is refused.
#[tokio::test]
async fn refusals_keep_the_input() {
    let door = Door::open().await;
    let page = door
        .post(
            "customer",
            "/start/expense_claim",
            &[("dialog", "hand_in"), ("outcome", "submit"), ("f.amount", "12.345"), ("article", "My long story")],
        )
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.body.contains("My long story") && page.body.contains("12.345") && page.body.contains("more than 2 digits"),
        "{}",
        page.body
    );
    let ticket = door.claim("customer", "400").await;
    let number = ticket["number"].as_str().expect("a number");
    let id = work(&ticket, "check_receipts");
    let seq = id.split('-').next_back().expect("a number");
    let changed = door.api("agent", "PATCH", &format!("/api/v1/tickets/{number}"), &json!({"title": "Theirs"})).await;
    assert_eq!(changed.status, StatusCode::OK);
    let seen = ticket["version"].to_string();
    let page = door.post("agent", &format!("/agent/tickets/{number}/patch"), &[("seen", &seen), ("f.title", "Mine")]).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("Mine") && page.body.contains("Theirs"), "both values are shown");
    // A form that shows everything changes only what was touched.
    let page = door
        .post(
            "agent",
            &format!("/agent/tickets/{number}/patch"),
            &[("seen", &seen), ("f.title", "Claim over 400.00 EUR"), ("f.priority", "high")],
        )
        .await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    let reply = door.post("agent", &format!("/agent/tickets/{number}/work/{seq}"), &[("dialog", "check"), ("outcome", "nonsense")]).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
}

/// What was typed outlives the session and the token it was drawn with, and a form sent twice is done once.
#[tokio::test]
async fn forms_survive_their_session_and_are_done_once() {
    let door = Door::open().await;
    let number = door.claim("customer", "400").await["number"].as_str().expect("a number").to_owned();
    let path = format!("/tickets/{number}/article");
    let form = "article=A%20long%20text&visible=true&once=abcdefghijklmnopqrstu";
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let own = ("sec-fetch-site", "same-origin");
    // Nobody is signed in: the text is shown, with a button; from elsewhere it only leads to the sign-in.
    let ended = door.send("POST", &path, &[kind, own], form).await;
    assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
    assert!(ended.body.contains("A long text") && ended.body.contains("name=\"article\""), "{}", ended.body);
    assert_eq!(door.send("POST", &path, &[kind], form).await.status, StatusCode::SEE_OTHER);
    // Another session's token: a button with the new one, but only where the browser says that the page was ours.
    let (cookie, csrf) = door.session("customer").await;
    let old = door.send("POST", &path, &[kind, own, ("cookie", &cookie)], format!("{form}&csrf=old")).await;
    assert_eq!(old.status, StatusCode::FORBIDDEN);
    let shown = |body: &str| body.split("name=\"csrf\" value=\"").nth(1).and_then(|b| b.split('"').next()).map(str::to_owned);
    let token = shown(&old.body).expect("a button with a token");
    assert!(old.body.contains("A long text") && token != "old" && !old.body.contains(&csrf), "{}", old.body);
    let unknown = door.send("POST", &path, &[kind, ("cookie", &cookie)], format!("{form}&csrf=old")).await;
    assert!(unknown.body.contains("A long text") && shown(&unknown.body).is_none());
    // Sent twice with one key: one article. With another text it is another wish.
    for (text, articles) in [("one", 2), ("one", 2), ("two", 3)] {
        let body = format!("article={text}&visible=true&once=abcdefghijklmnopqrstu&csrf={token}");
        let sent = door.send("POST", &path, &[kind, ("cookie", &cookie)], body).await;
        assert_eq!((sent.status, sent.headers["location"].to_str().ok()), (StatusCode::SEE_OTHER, Some(&*format!("/tickets/{number}"))));
        let list = door.api("customer", "GET", &format!("/api/v1/tickets/{number}/articles"), &Json::Null).await.json();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(articles));
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_read_are_told_like_other_errors() {
    let door = Door::open().await;
    for (path, status, kind) in [
        ("/agent/queue?cursor=x", 400, "text/html"),
        ("/?cursor=%ff", 400, "text/html"),
        ("/agent/tickets/%ff", 404, "text/html"),
        ("/api/v1/tickets?cursor=x", 400, "application/problem+json"),
        ("/api/v1/tickets/%ff", 404, "application/problem+json"),
    ] {
        let (cookie, _) = door.session("agent").await;
        let reply = door.send("GET", path, &[("cookie", &cookie)], "").await;
        assert_eq!(reply.status.as_u16(), status, "{path}");
        assert!(reply.headers["content-type"].to_str().is_ok_and(|t| t.starts_with(kind)), "{path}: {:?}", reply.headers);
    }
}

#[tokio::test]
async fn choices_say_what_is_left_and_why_the_rest_is_not() {
    let door = Door::open().await;
    let new = json!({"title": "No light", "type": "incident", "queue": "it"});
    let number = door.api("agent", "POST", "/api/v1/tickets", &new).await.json()["number"].as_str().expect("a number").to_owned();
    let path = format!("/api/v1/tickets/{number}");
    let of = |json: &Json, name: &str| {
        json["choices"].as_array().and_then(|c| c.iter().find(|c| c["name"] == name).cloned()).expect("the choice")
    };
    let plain = door.api("agent", "GET", &format!("{path}/choices"), &Json::Null).await.json();
    let state = of(&plain, "state");
    assert_eq!(state["left"], json!(["new", "open", "waiting", "deferred", "closed_unsuccessful"]));
    assert!(state.get("missing").is_none());
    let why = door.api("agent", "GET", &format!("{path}/choices?explain=true"), &Json::Null).await.json();
    let missing = of(&why, "state")["missing"].clone();
    let closed = json!({"by": "acl", "detail": "Enter the solution first", "rule": "close_needs_solution",
        "condition": "ticket.type == \"incident\" && !has(ticket.fields.solution)",
        "values": {"ticket.fields.solution": "not set", "ticket.type": "incident", "value": "closed_successful"}});
    assert_eq!(
        missing,
        json!([
            {"value": "closed_successful", "refused": [closed]},
            {"value": "merged", "refused": [{"by": "life_cycle", "detail": "From `new` to `merged`: it comes with merging."}]},
            {"value": "removed", "refused": [{"by": "life_cycle", "detail": "From `new` to `removed`: it is for others to do."}]},
        ])
    );
    // All that refuse, right before life cycle before ACL.
    let other = door.api("agent", "POST", "/api/v1/tickets", &json!({"title": "x", "type": "incident", "queue": "finance"})).await.json();
    let path_there = format!("/api/v1/tickets/{}/choices?explain=true", other["number"].as_str().expect("a number"));
    let there = of(&door.api("manager", "GET", &path_there, &Json::Null).await.json(), "state")["missing"].clone();
    let by = |value: &str| {
        let option = there.as_array().and_then(|m| m.iter().find(|o| o["value"] == value).cloned()).unwrap_or_default();
        option["refused"].as_array().map(|r| r.iter().map(|r| r["by"].clone()).collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!((by("closed_successful"), by("removed")), (vec![json!("right"), json!("acl")], vec![json!("right"), json!("life_cycle")]));
    let refused = door.api("agent", "PATCH", &path, &json!({"state": "closed_successful"})).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["reason"], "acl");
    assert_eq!(refused.json()["errors"], json!([{"field": "state", "detail": "Enter the solution first", "rule": "close_needs_solution"}]));
    let good = door.api("agent", "PATCH", &path, &json!({"state": "closed_successful", "fields": {"solution": "A lamp"}})).await;
    assert_eq!(good.status, StatusCode::OK);
    // Customers learn nothing of it, strangers not even that there is a ticket.
    assert_eq!(door.api("customer", "GET", &format!("{path}/choices"), &Json::Null).await.status, StatusCode::NOT_FOUND);
    assert_eq!(door.api("agent", "GET", &format!("{path}/choices?explain=maybe"), &Json::Null).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn tickets_are_merged_and_split_through_the_api() {
    let door = Door::open().await;
    let create = async |title: &str, customer: &str| {
        let new =
            json!({"title": title, "type": "incident", "queue": "it", "customer_user": customer, "article": {"body": title, "minutes": 5}});
        let reply = door.api("agent", "POST", "/api/v1/tickets", &new).await;
        reply.json()["number"].as_str().expect("a number").to_owned()
    };
    let (one, two) = (create("One", "customer").await, create("Two", "customer").await);
    let merge = async |login: &str, from: &str, into: &str| {
        door.api(login, "POST", &format!("/api/v1/tickets/{from}/merge"), &json!({"into": into})).await
    };
    assert_eq!(merge("customer", &two, &one).await.status.as_u16(), 403);
    assert_eq!(merge("agent", &two, "4711").await.status.as_u16(), 422);
    let merged = merge("agent", &two, &one).await;
    assert_eq!((merged.status.as_u16(), merged.json()["state"].as_str()), (200, Some("merged")));
    let articles = door.api("agent", "GET", &format!("/api/v1/tickets/{one}/articles"), &Json::Null).await.json();
    assert_eq!(articles["items"][1]["origin"], json!(two));
    let ticket = door.api("agent", "GET", &format!("/api/v1/tickets/{one}"), &Json::Null).await.json();
    assert_eq!((&ticket["accounted"], &ticket["lock"]), (&json!(10), &json!(false)));
    let path = format!("/api/v1/tickets/{one}/split");
    let body = json!({"article": articles["items"][1]["id"], "type": "incident", "queue": "it"});
    let split = door.api("agent", "POST", &path, &body).await;
    assert_eq!(split.status.as_u16(), 201);
    let made = split.json()["made"][0].as_str().expect("a new ticket").to_owned();
    let there = door.api("customer", "GET", &format!("/api/v1/tickets/{made}/articles"), &Json::Null).await.json();
    assert_eq!(
        (&there["items"][0]["body"], &there["items"][0]["origin"]),
        (&json!("Two"), &Json::Null),
        "numbers of others are for agents"
    );
    let id = &articles["items"][1]["id"];
    for wrong in [json!({"article": 4711, "type": "incident", "queue": "it"}), json!({"article": id, "type": "no", "queue": "it"})] {
        assert_eq!(door.api("agent", "POST", &path, &wrong).await.status.as_u16(), 422, "{wrong}");
    }
    // Once merged, it stays merged.
    assert_eq!(merge("agent", &two, &one).await.status.as_u16(), 409);
}

#[tokio::test]
async fn messages_are_for_agents_and_must_be_known() {
    let door = Door::open().await;
    let send = async |login: &str| door.api(login, "POST", "/api/v1/events/parts_arrived", &json!({"order": "A"})).await;
    assert_eq!(send("customer").await.status.as_u16(), 403);
    let unknown = send("agent").await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.json()["detail"].clone()),
        (404, json!("No process declares the message `parts_arrived`."))
    );
}

/// Words are found by whoever sees them, in the article that has them; nobody else learns that they are there.
#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_by_whoever_sees_them() {
    let door = Door::open().await;
    let mine = door.claim("customer", "400.00").await["number"].as_str().expect("a number").to_owned();
    let other = door.claim("ben", "400.00").await["number"].as_str().expect("a number").to_owned();
    for number in [&mine, &other] {
        let path = format!("/api/v1/tickets/{number}/articles");
        for (body, visible) in [("Die Straße nach Köln", true), ("a veiled suspicion", false)] {
            let reply = door.api("agent", "POST", &path, &json!({"body": body, "visible": visible})).await;
            assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.body);
        }
    }
    let found = async |who: &str, text: &str| {
        let reply = door.api(who, "GET", &format!("/api/v1/tickets?text={}", text.replace(' ', "%20")), &json!(null)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        let reply = reply.json();
        let mut all: Vec<String> =
            reply["items"].as_array().expect("items").iter().filter_map(|t| t["number"].as_str().map(str::to_owned)).collect();
        all.sort();
        all
    };
    let both = vec![mine.clone(), other.clone()];
    assert_eq!(found("agent", "STRASSE").await, both);
    assert_eq!(found("agent", "suspic*").await, both);
    assert_eq!(found("agent", &format!("koln {mine}")).await, [mine.as_str()], "an article is found with its ticket's number");
    assert_eq!(found("customer", "strasse").await, [mine.as_str()]);
    assert_eq!(found("customer", "suspicion").await, [] as [&str; 0], "what customers do not see they do not find");
    assert_eq!(found("paul", "strasse").await, [] as [&str; 0], "who does not see the tickets does not find them");
    assert_eq!(found("agent", "strasse suspicion").await, [] as [&str; 0], "all words in one article");
    assert_eq!(found("agent", "%27;*").await, [] as [&str; 0]);
    let page = door.page("customer", "/?q=strasse").await;
    assert!(page.body.contains(&mine) && !page.body.contains(&other), "the portal finds it too");
    let page = door.page("agent", "/agent/queue?state=*&q=suspicion").await;
    assert!(page.body.contains(&mine) && page.body.contains(&other));
}
