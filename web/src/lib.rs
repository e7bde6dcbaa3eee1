//! The portal and the API. Everything is decided by the runtime; here it is put into pages and JSON.

mod admission;
mod api;
mod asset_files;
mod assets;
mod auth;
pub mod backlog;
mod call;
mod caller;
pub mod door;
mod extract;
mod flow;
mod forms;
mod input;
mod kept;
mod layout;
mod open_work;
pub mod openapi;
mod pages;
mod problem;
mod quotes;
pub mod routes;
mod session;
mod stream;
mod texts;
mod who;
mod widgets;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use tracing::Instrument;
use vorgang_runtime::Desk;
use vorgang_runtime::outbox::Servers;
use vorgang_runtime::quota::Quotas;

/// Largest body of a request, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Whoever sends a body says something within this time.
const BODY_SILENCE_MAX: std::time::Duration = std::time::Duration::from_secs(30);
/// How long `/readyz` waits for the database.
const READY: std::time::Duration = std::time::Duration::from_secs(2);
/// Of a caller who has not signed in: nothing more is read.
pub(crate) const STRANGER_BYTES_MAX: usize = 64 * 1024;

/// What the server was told about its surroundings.
#[derive(Debug, Clone)]
pub struct Config {
    /// As people reach it, without a slash at the end; links in mails begin with it.
    pub public_url: String,
    /// Addresses whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// There is a server that takes mail.
    pub mail: bool,
    /// Requests that one person or address may make in a minute.
    pub quotas: Quotas,
    /// Without it `/metrics` is not served here; with one it is asked for as a bearer token.
    pub metrics: MetricsDoor,
    /// Each request is a line of the log.
    pub access_log: bool,
}

/// Where `/metrics` is served, and to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MetricsDoor {
    /// Callers on this machine, where people reach the desk by plain http too.
    #[default]
    Here,
    /// Callers with this bearer token.
    Token(String),
    /// Another listener serves them.
    Elsewhere,
}

impl Config {
    /// Is this the address of a trusted proxy?
    pub fn trusts(&self, address: std::net::IpAddr) -> bool {
        self.trusted_proxies.iter().any(|p| p.to_canonical() == address.to_canonical())
    }

    pub fn secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

#[derive(Clone)]
pub struct App {
    pub desk: Arc<Desk>,
    pub config: Arc<Config>,
    /// The mail servers, for trying them.
    pub servers: Option<Arc<dyn Servers>>,
    pub metrics: MetricsText,
    pub backlog: backlog::Backlog,
}

/// Writes the process's metrics as Prometheus reads them.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// The number of a request: in the log, and on error pages.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in routes::all() {
        let (access, quota) = (route.access, route.quota);
        let guard = middleware::from_fn_with_state(app.clone(), move |State(app): State<App>, request: Request, next: Next| {
            auth::guard(app, access, quota, request, next)
        });
        let bytes = if access == who::Access::Anyone { STRANGER_BYTES_MAX } else { BODY_BYTES_MAX };
        router = router.route(route.path, route.handler.layer(DefaultBodyLimit::max(bytes)).layer(guard));
    }
    router
        .fallback(pages::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(RequestBodyTimeoutLayer::new(BODY_SILENCE_MAX))
        .layer(middleware::from_fn_with_state((app.clone(), admission::Places::default()), admission::admit))
        .layer(middleware::from_fn_with_state(app.config.secure(), headers))
        // Nothing secret stands in a page as the same text twice (`session::masked`). Streams, images and small answers stay as they are.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

/// Refuses, with a backlog, before a request has a route, a line of the log or a body: each of these would cost more than the refusal.
pub fn gate(app: &App) -> door::Gate {
    let (backlog, secure) = (app.backlog.clone(), app.config.secure());
    Arc::new(move |request| {
        let path = request.uri().path();
        let api = path.starts_with("/api/");
        if admission::is_exempt(path) || !backlog.refuses(api) {
            return None;
        }
        let id = RequestId(request_id());
        let mut response = admission::busy(api, &id);
        protect(response.headers_mut(), secure, false);
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(X_REQUEST_ID, value);
        }
        Some(response)
    })
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request id, a log line, a metric.
async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = request_id();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().map_or_else(|| "-".to_owned(), |p| p.as_str().to_owned());
    request.extensions_mut().insert(RequestId(id.clone()));
    // The path without what it may prove: a link's secret, and the query.
    let logged = app.config.access_log.then(|| {
        let shown = if path.contains("{link}") { path.clone() } else { request.uri().path().to_owned() };
        (shown, caller::caller(&app, &request))
    });
    let begun = Instant::now();
    let step = traced(&app, &request, &id, &path);
    // Every line that is written meanwhile has the request's number.
    let mut response = next.run(request).instrument(step.clone()).instrument(tracing::info_span!("request", id)).await;
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    step.record("http.response.status_code", status);
    metrics::counter!("vorgang_http_requests_total", "method" => known_method(&method), "path" => path.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("vorgang_http_request_seconds", "path" => path.clone()).record(seconds);
    if let Some((shown, address)) = logged {
        let who = response.extensions().get::<admission::Asker>().map_or("-", |login| login.0.as_str());
        tracing::info!(target: "vorgang::access", id, %address, who, %method, path = shown, status, seconds);
    }
    if response.extensions().get::<admission::Refused>().is_some() {
        tracing::debug!(request = id, %method, path, status, "refused");
    } else if status >= 500 && path != "/readyz" {
        tracing::error!(request = id, %method, path, status, seconds, "request failed");
    } else {
        tracing::debug!(request = id, %method, path, status, seconds, "request");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// The request's step of a trace. A trusted proxy may have begun the trace.
fn traced(app: &App, request: &Request, id: &str, path: &str) -> tracing::Span {
    let step = vorgang_runtime::step!(
        "request",
        otel.kind = "server",
        otel.name = tracing::field::Empty,
        http.request.method = known_method(request.method()),
        http.route = path,
        http.response.status_code = tracing::field::Empty,
        vorgang.request = id
    );
    if step.is_disabled() {
        return step;
    }
    step.record("otel.name", format!("{} {path}", known_method(request.method())));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
    let before = request.headers().get("traceparent").filter(|_| peer.is_some_and(|p| app.config.trusts(p)));
    vorgang_runtime::trace::followed(step, before.and_then(|v| v.to_str().ok()))
}

/// Labels come from a closed set, whatever is sent.
fn known_method(method: &axum::http::Method) -> &'static str {
    ["GET", "POST", "PATCH", "HEAD", "PUT", "DELETE", "OPTIONS"].into_iter().find(|m| *m == method.as_str()).unwrap_or("other")
}

pub(crate) fn request_id() -> String {
    use base64::Engine;
    let bytes: [u8; 15] = vorgang_runtime::accounts::random_id();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// On every response, errors too: nothing inline, nobody frames us, nothing is kept by others.
async fn headers(State(secure): State<bool>, request: Request, next: Next) -> Response {
    let is_asset = request.uri().path().starts_with("/assets/");
    let mut response = next.run(request).await;
    protect(response.headers_mut(), secure, is_asset);
    response
}

fn protect(headers: &mut HeaderMap, secure: bool, is_asset: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if secure {
        // Browsers keep to https for a year (RFC 6797).
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if !is_asset {
        set(header::CACHE_CONTROL, "no-store");
    }
}

pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

pub(crate) async fn readyz(State(app): State<App>) -> Response {
    // Whoever asks wants to know whether to send somebody here: not while it ends, nor to wait long for a database.
    let answers = async {
        app.desk.store.ping().await?;
        app.desk.can_write().await
    };
    let able = tokio::time::timeout(READY, answers).await;
    match able.is_ok_and(|a| a.is_ok()) && !app.desk.live.is_closed() {
        true => "ready\n".into_response(),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
    }
}

pub(crate) async fn metrics_text(State(app): State<App>, ConnectInfo(peer): ConnectInfo<SocketAddr>, headers: HeaderMap) -> Response {
    let token = headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
    let may = match &app.config.metrics {
        // With https there is a proxy in front, whose callers are not on this machine.
        MetricsDoor::Here => !app.config.secure() && peer.ip().to_canonical().is_loopback() && !headers.contains_key("x-forwarded-for"),
        MetricsDoor::Elsewhere => false,
        MetricsDoor::Token(wanted) => token.is_some_and(|t| vorgang_runtime::secrets::is_secret(t.trim(), wanted)),
    };
    if !may {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    all_metrics(&app.metrics, &app.desk).await
}

async fn all_metrics(metrics: &MetricsText, desk: &Desk) -> Response {
    let text = metrics() + &desk.measures().await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], Body::from(text)).into_response()
}

/// `/metrics` alone, for a listener of its own.
pub fn metrics_router(metrics: MetricsText, desk: Arc<Desk>) -> Router {
    let handler = move || {
        let (metrics, desk) = (metrics.clone(), desk.clone());
        async move { all_metrics(&metrics, &desk).await }
    };
    Router::new().route("/metrics", axum::routing::get(handler))
}

/// How often what was measured is counted together: until then each value takes its own place.
const COUNT_TOGETHER: std::time::Duration = std::time::Duration::from_secs(5);

/// Upper ends of the buckets of times, in seconds, and of the sizes of batches.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const COMMANDS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The process's metrics.
pub struct Metrics(metrics_exporter_prometheus::PrometheusHandle);

impl Metrics {
    /// Sets them up: once in a process.
    pub fn install() -> Result<Self, String> {
        use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
        // Histograms, not quantiles: those of several nodes can be added.
        let commands = Matcher::Full("vorgang_commit_commands".into());
        let builder = PrometheusBuilder::new().set_buckets(&SECONDS).and_then(|b| b.set_buckets_for_metric(commands, &COMMANDS));
        let metrics = builder.and_then(PrometheusBuilder::install_recorder).map(Self).map_err(|e| e.to_string())?;
        metrics::describe_counter!("vorgang_http_requests_total", "Requests that were answered");
        metrics::describe_histogram!("vorgang_http_request_seconds", "Time until an answer began");
        metrics::describe_counter!("vorgang_http_refused_total", "Requests that were refused because there was too much to do");
        metrics::describe_gauge!("vorgang_connections_open", "Connections that are open");
        metrics::describe_counter!("vorgang_connections_refused_total", "Connections for which there was no place");
        metrics::describe_counter!("vorgang_store_queries_total", "Questions to the database, and changes");
        metrics::describe_counter!("vorgang_long_reads_total", "Reads that took longer than a few milliseconds");
        metrics::describe_counter!("vorgang_fenced_commits_total", "Commits of a node that others had taken for dead");
        metrics::describe_histogram!("vorgang_commit_seconds", "Time of a batch of commands until it was on disk");
        metrics::describe_histogram!("vorgang_commit_commands", "Commands of a batch");
        metrics_process::Collector::default().describe();
        Ok(metrics)
    }

    /// Writes them as Prometheus reads them.
    pub fn text(&self) -> MetricsText {
        let (handle, process) = (self.0.clone(), metrics_process::Collector::default());
        Arc::new(move || {
            process.collect();
            handle.render()
        })
    }

    /// Keeps them small, whether or not anybody reads them. Runs until it is aborted.
    pub async fn keep(self) {
        loop {
            tokio::time::sleep(COUNT_TOGETHER).await;
            self.0.run_upkeep();
        }
    }
}
