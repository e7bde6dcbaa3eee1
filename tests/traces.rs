//! Traces as a collector gets them: one from the request through decision and commit to the mail or the program that it sets off.
#![cfg(feature = "otlp")]

mod common;

use common::crowd::scene::Scene;
use common::{Folder, Server, request, vorgang};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Longest time until something is there.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
}

/// Takes spans by OTLP in JSON; where, and what came.
fn collector() -> (String, Arc<Mutex<Vec<Span>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
    let taken = spans.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let body: Json = serde_json::from_slice(&body).expect("JSON");
            let list = |v: &Json, name: &str| v[name].as_array().cloned().unwrap_or_default();
            let scopes = list(&body, "resourceSpans").into_iter().flat_map(|r| list(&r, "scopeSpans"));
            let text = |v: &Json, name: &str| v[name].as_str().unwrap_or_default().to_owned();
            taken.lock().expect("the spans").extend(scopes.flat_map(|s| list(&s, "spans")).map(|s| Span {
                trace: text(&s, "traceId"),
                id: text(&s, "spanId"),
                parent: text(&s, "parentSpanId"),
                name: text(&s, "name"),
            }));
            let _ = (&stream)
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        }
    });
    (address, spans)
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} does not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn one_trace_leads_from_the_request_to_the_mail_and_one_from_the_message_to_the_program() {
    let folder = Folder::new("traces");
    let scene = Scene::set(&folder);
    let (address, spans) = collector();
    let mut command = vorgang(&folder.0);
    command.args(["serve", "--listen", "127.0.0.1:0", "--traces", &address, "--trusted-proxies", "127.0.0.1"]);
    // The collector of a test reads JSON.
    command.env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json").env("OTEL_BSP_SCHEDULE_DELAY", "200");
    let server = Server::wait(command);
    let ask = |method: &str, token: &str, path: &str, body: Json| {
        let auth = format!("Bearer {token}");
        // A trace that began in a proxy.
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut headers = vec![("Authorization", auth.as_str()), ("Content-Type", "application/json")];
        headers.extend(path.ends_with("/articles").then_some(("traceparent", trace)));
        let body = if method == "GET" { vec![] } else { body.to_string().into_bytes() };
        let answer = request(&server.address, method, path, &headers, &body).expect("an answer");
        assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.body);
        answer.json()
    };
    let begin = |process: &str, fields: Json| {
        let body = json!({"dialog": "hand_in", "fields": fields, "article": {"body": "Train to Kiel"}});
        ask("POST", &scene.customer, &format!("/api/v1/processes/{process}/start"), body)
    };
    let submit = |token: &str, ticket: &Json, activity: &str, outcome: &str| {
        let work = ticket["work"].as_array().expect("work").iter().find(|w| w["activity"] == activity).expect("the activity");
        ask("POST", token, &format!("/api/v1/work/{}/submit", work["id"].as_str().expect("an id")), json!({"outcome": outcome}))
    };
    let claim = begin("expense_claim", json!({"amount": "400.00", "mark": "traced"}));
    let delivery = begin("delivery", json!({"mark": "sent"}));
    let path = |ticket: &Json| format!("/api/v1/tickets/{}", ticket["number"].as_str().expect("a number"));
    ask("POST", &scene.customer, &format!("{}/articles", path(&claim)), json!({"body": "From afar"}));
    let waited = |ticket: &Json| (ask("GET", &scene.agent, &path(ticket), Json::Null)["fields"]["waited"] == 1).then_some(());
    eventually("the timer", || waited(&claim).and(waited(&delivery)));
    let checked = submit(&scene.agent, &claim, "check", "good");
    submit(&scene.managers[0], &checked, "approve", "approve");
    submit(&scene.managers[1], &checked, "approve", "approve");
    ask("POST", &scene.agent, "/api/v1/events/parcel", json!({"mark": "sent"}));
    eventually("the mail", || scene.mails().contains_key("traced").then_some(()));
    eventually("the program", || scene.runs().contains_key("sent").then_some(()));
    // The last of a trace comes last: what is done at the end is told when the server ends.
    server.end();
    let whole = |name: &str| {
        let all = spans.lock().expect("the spans").clone();
        let last = all.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no span `{name}`")).clone();
        let of_trace: Vec<&Span> = all.iter().filter(|s| s.trace == last.trace).collect();
        let ids: BTreeSet<&String> = of_trace.iter().map(|s| &s.id).collect();
        let roots = of_trace.iter().filter(|s| s.parent.is_empty()).count();
        assert_eq!(roots, 1, "one beginning of the trace of `{name}`");
        assert!(of_trace.iter().all(|s| s.parent.is_empty() || ids.contains(&s.parent)), "every step hangs below another");
        of_trace.iter().map(|s| s.name.clone()).collect::<BTreeSet<String>>()
    };
    let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<String>>();
    assert_eq!(whole("mail"), names(&["POST /api/v1/work/{id}/submit", "command", "decide", "commit", "mail"]));
    assert_eq!(whole("program"), names(&["command", "decide", "commit", "program"]));
    let all = spans.lock().expect("the spans");
    let afar: BTreeSet<&str> = all.iter().filter(|s| s.trace == "4bf92f3577b34da6a3ce929d0e0e4736").map(|s| s.name.as_str()).collect();
    assert!(afar.contains("POST /api/v1/tickets/{number}/articles") && afar.contains("commit"), "{afar:?}");
}

#[test]
fn a_collector_that_is_not_there_holds_nothing_up() {
    let folder = Folder::new("traces-none");
    let scene = Scene::set(&folder);
    let server = Server::start(&folder.0, &["--traces", "http://127.0.0.1:9"]);
    let auth = format!("Bearer {}", scene.customer);
    let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
    let body = br#"{"dialog":"hand_in","fields":{"mark":"x"},"article":{"body":"x"}}"#;
    let answer = request(&server.address, "POST", "/api/v1/processes/delivery/start", &headers, body).expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.body);
    let begun = Instant::now();
    server.end();
    assert!(begun.elapsed() < PATIENCE, "it ends");
}
