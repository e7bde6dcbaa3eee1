//! What strangers cost, how often people may ask, and what old copies cannot undo.

mod common;

use axum::http::{StatusCode, header};
use common::Door;
use serde_json::{Value as Json, json};
use vorgang_core::people::PersonPatch;
use vorgang_runtime::quota::Quotas;
use vorgang_web::MetricsDoor;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");

/// Of a caller who is not signed in little is read, and little is shown again.
#[tokio::test]
async fn a_strangers_form_is_kept_up_to_a_bound() {
    let door = Door::open().await;
    let kept = door.send("POST", "/settings", &[FORM, OWN_PAGE], "article=My+long+story").await;
    assert_eq!(kept.status, StatusCode::UNAUTHORIZED);
    assert!(kept.body.contains("My long story"), "{}", kept.body);
    for size in [65_000, 70_000, 15_000_000] {
        let reply = door.send("POST", "/settings", &[FORM, OWN_PAGE], format!("article={}", "\"".repeat(size))).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{size}");
        assert!(reply.body.len() < 1_000_000, "{size} bytes made {}", reply.body.len());
        assert!(size < 65_536 || reply.body.contains("still has the form"), "{}", reply.body);
    }
    // Nor is more read of a body without a length, or at a door that is open to all.
    let endless = axum::body::Body::from_stream(futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'a'; 4_096])));
    assert_eq!(door.send("POST", "/settings", &[FORM, OWN_PAGE], endless).await.status, StatusCode::UNAUTHORIZED);
    let reply = door.send("POST", "/sign-in", &[FORM], format!("login=a&password={}", "x".repeat(70_000))).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Of somebody whose form is too old more is kept, and not everything.
    let (cookie, _) = door.session("customer").await;
    let old = |size: usize| format!("csrf=x&article={}", "\"".repeat(size));
    for (size, most) in [(200_000, 3_000_000), (15_000_000, 10_000)] {
        let reply = door.send("POST", "/settings", &[FORM, OWN_PAGE, ("cookie", &cookie)], old(size)).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(reply.body.len() < most, "{size} bytes made {}", reply.body.len());
    }
}

#[tokio::test]
async fn json_of_many_values_is_refused_before_it_is_read() {
    let door = Door::open().await;
    let body = format!("{{\"title\":\"x\",\"type\":\"incident\",\"queue\":\"it\",\"fields\":{{\"a\":[{}0]}}}}", "0,".repeat(2_000_000));
    let token = door.desk.token_create("agent").await.expect("a token");
    let reply = door.send("POST", "/api/v1/tickets", &[("authorization", &format!("Bearer {token}"))], body).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.body.contains("more than 100000 values"), "{}", reply.body);
}

/// An old copy of a person undoes nothing: not by choosing a language, not by saving settings.
#[tokio::test]
async fn what_an_administrator_took_away_does_not_come_back() {
    let door = Door::open().await;
    for (path, form) in [("/language", vec![("language", "de")]), ("/settings", vec![("quiet_from", "20:00"), ("quiet_until", "07:00")])] {
        let before = door.desk.people().get("agent").cloned().expect("a person");
        assert!(!before.roles.is_empty());
        // Another node, or the command line, changes the row; this one has not heard of it.
        let taken = PersonPatch { roles: Some(vec![]), ..PersonPatch::default() };
        let skills = PersonPatch { skills: Some(["welding".to_owned()].into()), ..PersonPatch::default() };
        for patch in [&taken, &skills] {
            door.desk.store.person_change("agent", patch, None, &door.desk.by("admin", "cli"), false).await.expect("a change");
        }
        assert_eq!(door.post("agent", path, &form).await.status, StatusCode::SEE_OTHER, "{path}");
        let now = door.desk.people().get("agent").cloned().expect("a person");
        assert!(now.roles.is_empty() && now.settings.skills.contains("welding"), "{path}: {now:?}");
        let back = PersonPatch { roles: Some(before.roles.clone()), ..PersonPatch::default() };
        door.desk.person_change("agent", &back, None, &door.desk.by("admin", "cli")).await.expect("a change");
    }
}

#[tokio::test]
async fn quotas_are_told_and_people_have_their_own() {
    let door = Door::with(|c| c.quotas = Quotas { create: 3, search: 2, export: 1 }).await;
    let ticket = json!({"title": "x", "type": "incident", "queue": "it"});
    for n in 0..3 {
        assert_eq!(door.api("agent", "POST", "/api/v1/tickets", &ticket).await.status, StatusCode::CREATED, "{n}");
    }
    let refused = door.api("agent", "POST", "/api/v1/tickets", &ticket).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers[header::RETRY_AFTER].to_str().is_ok_and(|s| s.parse::<u32>().is_ok_and(|s| s <= 20)), "{:?}", refused.headers);
    assert_eq!(refused.json()["status"], 429);
    assert_eq!(door.api("admin", "POST", "/api/v1/tickets", &ticket).await.status, StatusCode::CREATED, "another's");
    for wanted in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(door.api("agent", "GET", "/api/v1/tickets", &Json::Null).await.status, wanted);
    }
    assert_eq!(door.page("agent", "/agent/queue").await.status, StatusCode::TOO_MANY_REQUESTS, "the same at every door");
    assert_eq!(door.page("agent", "/agent").await.status, StatusCode::OK, "what has no quota goes on");
    assert_eq!(door.page("agent", "/agent/new").await.status, StatusCode::OK, "so does looking at a form");
}

#[tokio::test]
async fn metrics_are_for_who_reads_them() {
    let here = Door::open().await;
    assert_eq!(here.send("GET", "/metrics", &[], "").await.status, StatusCode::OK);
    assert_eq!(here.send("GET", "/metrics", &[("x-forwarded-for", "192.0.2.1")], "").await.status, StatusCode::NOT_FOUND);
    let public = Door::with(|c| c.public_url = "https://desk.example.org".into()).await;
    assert_eq!(public.send("GET", "/metrics", &[], "").await.status, StatusCode::NOT_FOUND);
    let page = public.send("GET", "/sign-in", &[], "").await;
    assert_eq!(page.headers[header::STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    assert!(!here.send("GET", "/sign-in", &[], "").await.headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    let token = Door::with(|c| c.metrics = MetricsDoor::Token("a-long-enough-token".into())).await;
    let ask = async |value: &str| token.send("GET", "/metrics", &[("authorization", value)], "").await.status;
    assert_eq!((ask("Bearer a-long-enough-token").await, ask("Bearer x").await), (StatusCode::OK, StatusCode::NOT_FOUND));
    assert_eq!(token.send("GET", "/metrics", &[], "").await.status, StatusCode::NOT_FOUND);
    let elsewhere = Door::with(|c| c.metrics = MetricsDoor::Elsewhere).await;
    assert_eq!(elsewhere.send("GET", "/metrics", &[], "").await.status, StatusCode::NOT_FOUND);
}

/// The proxies' addresses are skipped from the right; what stands left of the caller's counts for nothing.
#[tokio::test]
async fn guesses_are_counted_by_the_address_that_proxies_saw() {
    let door =
        Door::with(|c| c.trusted_proxies = vec!["127.0.0.1".parse().expect("an address"), "10.0.0.1".parse().expect("an address")]).await;
    let guess = async |lines: &[&str]| {
        let mut headers = vec![FORM];
        headers.extend(lines.iter().map(|l| ("x-forwarded-for", *l)));
        door.send("POST", "/sign-in", &headers, "login=agent&password=wrong").await.status
    };
    // The same caller, behind one or two proxies, in one line or two, whatever the caller makes up.
    let ways: [&[&str]; 5] = [
        &["192.0.2.7"],
        &["198.51.100.1, 192.0.2.7, 10.0.0.1"],
        &["198.51.100.2", "192.0.2.7, 10.0.0.1"],
        &["198.51.100.3, 192.0.2.7", "10.0.0.1"],
        &["nonsense, 192.0.2.7"],
    ];
    door.clock.stop();
    for way in ways {
        assert_eq!(guess(way).await, StatusCode::UNPROCESSABLE_ENTITY, "{way:?}");
    }
    assert_eq!(guess(&["192.0.2.7"]).await, StatusCode::TOO_MANY_REQUESTS, "five were counted as one caller's");
    assert_eq!(guess(&["192.0.2.8"]).await, StatusCode::UNPROCESSABLE_ENTITY, "another caller is free");
}

#[tokio::test]
async fn the_log_of_security_tells_who_did_what_and_no_secrets() {
    let door = Door::open().await;
    door.desk.password_change("agent", "correct horse battery").await.expect("a password");
    let sign_in = async |password: &str| door.send("POST", "/sign-in", &[FORM], format!("login=agent&password={password}")).await.status;
    assert_eq!(sign_in("hunter2-hunter2").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(sign_in("correct+horse+battery").await, StatusCode::SEE_OTHER);
    door.send("POST", "/sign-in", &[FORM], "login=my-password-in-the-wrong-field&password=x").await;
    assert_eq!(door.page("customer", "/admin").await.status, StatusCode::NOT_FOUND);
    assert_eq!(door.page("customer", &format!("/admin/jobs/{}", "c".repeat(8_000))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(door.post("agent", "/language", &[("language", "de")]).await.status, StatusCode::SEE_OTHER);
    // A command without the right to it, and a whole history that is fetched.
    let ticket = door.api("agent", "POST", "/api/v1/tickets", &json!({"title": "x", "type": "incident", "queue": "it"})).await.json();
    let (number, customer) = (ticket["number"].as_str().expect("a number"), json!({"customer_user": "customer"}));
    let path = format!("/api/v1/tickets/{number}");
    assert_eq!(door.api("agent", "PATCH", &path, &customer).await.status, StatusCode::OK);
    assert_eq!(door.api("customer", "PATCH", &path, &json!({"priority": "high"})).await.status, StatusCode::FORBIDDEN);
    let history = format!("{path}/history");
    assert_eq!(door.api("agent", "GET", &history, &Json::Null).await.status, StatusCode::OK);
    let link = door.desk.link_create("customer", jiff::SignedDuration::from_mins(5)).await.expect("a link");
    door.send("POST", &format!("/link/{link}"), &[], "").await;
    assert_eq!(door.api("agent", "GET", "/api/v1/security-log", &Json::Null).await.status, StatusCode::FORBIDDEN);
    let log = door.api("admin", "GET", "/api/v1/security-log?limit=1000", &Json::Null).await;
    let items = log.json()["items"].as_array().cloned().expect("entries");
    let events: Vec<(&str, &str)> =
        items.iter().map(|e| (e["event"].as_str().unwrap_or_default(), e["about"].as_str().unwrap_or_default())).collect();
    for wanted in [
        ("person.created", "agent"),
        ("password.changed", "agent"),
        ("sessions.ended", "agent"),
        ("sign_in.failed", "agent"),
        ("sign_in", "agent"),
        ("sign_in.failed", ""),
        ("denied", "/admin"),
        ("denied", number),
        ("exported", history.as_str()),
        ("person.changed", "agent"),
        ("link.created", "customer"),
        ("sign_in", "customer"),
        ("token.created", "agent"),
        ("denied", "/api/v1/security-log"),
    ] {
        assert!(events.contains(&wanted), "{wanted:?} is not in {events:?}");
    }
    assert!(events.iter().all(|(_, about)| about.len() <= 200), "what others wrote is bounded");
    let changed = items.iter().find(|e| e["event"] == "person.changed").expect("the change");
    assert_eq!((&changed["actor"], &changed["cause"]), (&json!("agent"), &json!("portal")));
    assert_eq!(changed["details"]["changes"]["language"]["new"], "de");
    for secret in ["hunter2", "correct horse", "wrong-field", link.as_str()] {
        assert!(!log.body.contains(secret), "{secret}");
    }
    let by = door.api("admin", "GET", "/api/v1/security-log?who=agent&limit=1000", &Json::Null).await.json();
    let all = by["items"].as_array().expect("entries");
    assert!(!all.is_empty() && all.iter().all(|e| e["actor"] == "agent" || e["about"] == "agent"));
    assert_eq!(vorgang_runtime::security::verify(&*door.desk.store).await.expect("a look").1, Vec::<String>::new());
}

/// A repeated request is answered as the first time, whether it changed something or not.
#[tokio::test]
async fn every_answer_is_kept_under_its_key() {
    let door = Door::open().await;
    let token = door.desk.token_create("admin").await.expect("a token");
    let auth = format!("Bearer {token}");
    let ask = async |method: &str, path: &str, key: &str, body: Json| {
        door.send(method, path, &[("authorization", auth.as_str()), ("idempotency-key", key)], body.to_string()).await
    };
    let made = async |key: &str| {
        let reply = ask("POST", "/api/v1/tickets", key, json!({"title": "first", "type": "incident", "queue": "it"})).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.body);
        format!("/api/v1/tickets/{}", reply.json()["number"].as_str().expect("a number"))
    };
    let (path, other) = (made("a").await, made("b").await);
    let number = other.rsplit('/').next().expect("a number").to_owned();
    let same = ask("PATCH", &path, "same", json!({"title": "first"})).await;
    let link = ask("POST", &format!("{path}/links"), "link", json!({"to": number})).await;
    let letter = ask("POST", &format!("{path}/articles"), "letter", json!({"subject": "s", "body": "a secret word"})).await;
    let articles = door.api("admin", "GET", &format!("{path}/articles"), &Json::Null).await.json();
    let erase_end = format!("/articles/{}/erase", articles["items"][0]["id"]);
    let erase = ask("POST", &format!("{path}{erase_end}"), "erase", json!({"reason": "asked for"})).await;
    let watch = ask("POST", &format!("{path}/watch"), "watch", json!({"watch": true})).await;
    assert_eq!(ask("PATCH", &path, "other", json!({"title": "second"})).await.status, StatusCode::OK);
    for (first, method, end, key, body) in [
        (same, "PATCH", "", "same", json!({"title": "first"})),
        (link, "POST", "/links", "link", json!({"to": number})),
        (letter, "POST", "/articles", "letter", json!({"subject": "s", "body": "a secret word"})),
        (erase, "POST", erase_end.as_str(), "erase", json!({"reason": "asked for"})),
        (watch, "POST", "/watch", "watch", json!({"watch": true})),
    ] {
        assert!(first.status.is_success(), "{key}: {}", first.body);
        let again = ask(method, &format!("{path}{end}"), key, body).await;
        assert_eq!((again.status, again.json()), (first.status, first.json()), "{key}");
    }
}

/// A kept answer says no more than its caller may see now.
#[tokio::test]
async fn kept_answers_are_for_those_who_may_still_see_them() {
    let door = Door::open().await;
    let token = door.desk.token_create("agent").await.expect("a token");
    let auth = format!("Bearer {token}");
    let create = async || {
        let body = json!({"title": "kept words", "type": "incident", "queue": "it"}).to_string();
        door.send("POST", "/api/v1/tickets", &[("authorization", auth.as_str()), ("idempotency-key", "k")], body).await
    };
    let first = create().await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!(create().await.json(), first.json());
    let by = door.desk.by("admin", "cli");
    let roles = door.desk.people().get("agent").expect("a person").roles.clone();
    for patch in [
        PersonPatch { roles: Some(vec![]), ..PersonPatch::default() },
        PersonPatch { kind: Some(vorgang_core::people::PersonKind::Customer), ..PersonPatch::default() },
    ] {
        door.desk.person_change("agent", &patch, None, &by).await.expect("a change");
        let again = create().await;
        assert_eq!(again.status, StatusCode::CREATED);
        assert_eq!(again.json(), json!({"number": first.json()["number"], "version": first.json()["version"]}), "{patch:?}");
    }
    let back = PersonPatch { roles: Some(roles), kind: Some(vorgang_core::people::PersonKind::Agent), ..PersonPatch::default() };
    door.desk.person_change("agent", &back, None, &by).await.expect("a change");
    assert_eq!(create().await.json(), first.json());
}

/// Pages, answers and files are compressed for those who can read it; what is small, and what is still being written, is not.
#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let door = Door::open().await;
    let token = door.desk.token_create("agent").await.expect("a token");
    let (cookie, _) = door.session("agent").await;
    let home = door.send("GET", "/agent", &[("cookie", &cookie)], "").await;
    let script = home.body.split('"').find(|part| part.starts_with("/assets/") && part.ends_with(".js")).expect("a script").to_owned();
    let auth = format!("Bearer {token}");
    let cases = [
        ("/agent", ("cookie", cookie.as_str()), true),
        ("/api/v1/openapi.json", ("authorization", auth.as_str()), true),
        (script.as_str(), ("accept", "*/*"), true),
        ("/livez", ("accept", "*/*"), false),
        ("/stream?tickets=", ("cookie", cookie.as_str()), false),
    ];
    for (path, header, is_compressed) in cases {
        let plain = door.ask("GET", path, &[header], "").await;
        assert_eq!((plain.status().as_u16(), plain.headers().get("content-encoding")), (200, None), "{path}");
        let reply = door.ask("GET", path, &[header, ("accept-encoding", "gzip")], "").await;
        assert_eq!(reply.headers().get("content-encoding").map(|v| v.as_bytes()), is_compressed.then_some(&b"gzip"[..]), "{path}");
    }
}
