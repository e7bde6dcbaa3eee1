//! The demo's site behind its router, with people to sign in as.
#![allow(dead_code, reason = "each test file uses its part")]

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tower::ServiceExt;
use vorgang_definitions::site::read_folder;
use vorgang_runtime::clock::{Clock, SystemClock};
use vorgang_runtime::quota::Quotas;
use vorgang_runtime::{Desk, demo, revisions};
use vorgang_testbed::{Database, Folder};
use vorgang_web::backlog::Backlog;
use vorgang_web::{App, Config, MetricsDoor};

/// The system's clock until a test stops it.
#[derive(Default)]
pub struct StopWatch(AtomicI64);

impl StopWatch {
    /// From now on no time passes, however long a password takes to hash.
    pub fn stop(&self) {
        self.0.store(SystemClock.now().as_microsecond(), Ordering::Relaxed);
    }
}

impl Clock for StopWatch {
    fn now(&self) -> Timestamp {
        match self.0.load(Ordering::Relaxed) {
            0 => SystemClock.now(),
            stopped => Timestamp::from_microsecond(stopped).expect("a time"),
        }
    }
}

pub struct Door {
    pub router: Router,
    pub desk: Arc<Desk>,
    pub clock: Arc<StopWatch>,
    pub backlog: Backlog,
    pub gate: vorgang_web::door::Gate,
    _database: (Database, Folder),
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or(Json::Null)
    }
}

impl Door {
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// With other surroundings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new("doors");
        let database = Database::new(&folder.0);
        let store = database.open().await;
        let clock = Arc::new(StopWatch::default());
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/helpdesk");
        let files = read_folder(&site).expect("the example");
        let Ok(desk) = revisions::open(store, clock.clone(), Some(&files)).await.expect("a desk") else {
            panic!("the example does not check")
        };
        let desk = Arc::new(desk);
        desk.people_save(&demo::people(&desk.model().names, 0)).await.expect("people");
        let mut config = Config {
            public_url: "http://127.0.0.1:8080".into(),
            trusted_proxies: vec![],
            mail: false,
            quotas: Quotas { create: 0, search: 0, export: 0 },
            metrics: MetricsDoor::Here,
            access_log: false,
        };
        change(&mut config);
        let backlog = Backlog::default();
        let metrics = Arc::new(String::new);
        let app = App { desk: desk.clone(), config: Arc::new(config), servers: None, metrics, backlog: backlog.clone() };
        let gate = vorgang_web::gate(&app);
        let router = vorgang_web::router(app).layer(axum::Extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9)))));
        Self { router, desk, clock, backlog, gate, _database: (database, folder) }
    }

    /// The answer as it begins; its body may have no end.
    pub async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(body.into()).expect("a request")).await.expect("an answer")
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
        let (parts, body) = self.ask(method, path, headers, body).await.into_parts();
        // A stream has no end to wait for.
        let endless = parts.headers.get("content-type").is_some_and(|t| t == "text/event-stream");
        let bytes = if endless { Default::default() } else { axum::body::to_bytes(body, 10_000_000).await.expect("a body") };
        Reply { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub async fn api(&self, who: &str, method: &str, path: &str, body: &Json) -> Reply {
        let token = self.desk.token_create(who).await.expect("a token");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &[("authorization", &format!("Bearer {token}"))], body).await
    }

    /// A session's cookie and its token against forged forms.
    pub async fn session(&self, who: &str) -> (String, String) {
        let signed_in = self.desk.session_create(who).await.expect("a session").expect("a person");
        (format!("session={}", signed_in.session), signed_in.csrf)
    }

    pub async fn page(&self, who: &str, path: &str) -> Reply {
        let (cookie, _) = self.session(who).await;
        self.send("GET", path, &[("cookie", &cookie)], "").await
    }

    pub async fn post(&self, who: &str, path: &str, form: &[(&str, &str)]) -> Reply {
        let (cookie, csrf) = self.session(who).await;
        let encode = |t: &str| t.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
        let mut body = format!("csrf={}", encode(&csrf));
        for (name, value) in form {
            body.push_str(&format!("&{}={}", encode(name), encode(value)));
        }
        self.send("POST", path, &[("cookie", &cookie), ("content-type", "application/x-www-form-urlencoded")], body).await
    }

    pub async fn claim(&self, who: &str, amount: &str) -> Json {
        let body = json!({"fields": {"amount": amount}, "article": {"body": "Train to Kiel"}});
        let reply = self.api(who, "POST", "/api/v1/processes/expense_claim/start", &body).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.body);
        reply.json()
    }
}
