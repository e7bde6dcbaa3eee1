//! Who comes in when there is much to do: people before programs, and nobody waits long for a refusal. Bodies are bounded in all,
//! and have to come at a least rate.

use crate::flow::Flow;
use crate::problem::{Fault, fault};
use crate::who::Who;
use crate::{App, BODY_BYTES_MAX, RequestId, caller, layout, session};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};
use vorgang_core::ids::Login;
use vorgang_runtime::limiter::network;

/// Requests that are worked on at the same time, and those of programs among them.
const UNDER_WAY: usize = 256;

const PROGRAMS: usize = 192;

/// Requests of callers who do not say who they are have places of their own, so that they take none of the others'; in all, and of one
/// address.
const STRANGERS: usize = 64;

const STRANGERS_OF_ONE: usize = 16;

/// Longest wait of a request for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bodies that are in memory at the same time, in KiB.
const BODIES_KIB: usize = 128 * 1024;

/// Small bodies need no place: their number is bounded already.
const SMALL_BYTES: u64 = 64 * 1024;

/// A body may take so long, a stranger's so long, and a second more for each so many bytes.
const BODY_TIME: Duration = Duration::from_secs(30);

const STRANGERS_TIME: Duration = Duration::from_secs(10);

const BODY_RATE: u64 = 4 * 1024;

/// The places of one server.
#[derive(Clone)]
pub struct Places {
    all: Arc<Semaphore>,
    programs: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
    lines: Arc<Lines>,
    /// Of each address that has one of the strangers' places.
    by_address: Arc<Mutex<HashMap<IpAddr, Arc<Semaphore>>>>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(UNDER_WAY)),
            programs: Arc::new(Semaphore::new(PROGRAMS)),
            bodies: Arc::new(Semaphore::new(BODIES_KIB)),
            strangers: Arc::new(Semaphore::new(STRANGERS)),
            lines: Arc::default(),
            by_address: Arc::default(),
        }
    }
}

/// Counts of each class of callers: a flood of one class refuses none of another.
#[derive(Default)]
struct Lines {
    people: Flow,
    programs: Flow,
    strangers: Flow,
}

/// Bytes of the body, as far as its head says; as many as it may have, where it does not. What stands between hides it from the body.
#[derive(Clone, Copy)]
struct Declared(u64);

/// The caller, as found out when the request came in.
#[derive(Clone)]
pub struct Known(pub Option<Who>);

/// The caller's login, on the way back: for the log.
#[derive(Clone)]
pub struct Asker(pub Login);

/// Work that was refused because there was too much to do: no failure of this request.
#[derive(Clone)]
pub struct Refused;

/// A place of a stranger, until it is dropped.
pub struct Stranger {
    address: IpAddr,
    places: Places,
    own: Option<OwnedSemaphorePermit>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(self.own.take());
        let mut all = self.places.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody holds one of its places, or waits for one.
        if all.get(&self.address).is_some_and(|own| Arc::strong_count(own) == 1) {
            all.remove(&self.address);
        }
    }
}

async fn wait(places: &Arc<Semaphore>, count: u32) -> Option<OwnedSemaphorePermit> {
    tokio::time::timeout(PATIENCE, places.clone().acquire_many_owned(count)).await.ok()?.ok()
}

impl Places {
    /// A place for somebody who is not known, if there is one in time.
    pub async fn stranger(&self, address: IpAddr) -> Option<Stranger> {
        let address = network(address);
        let own = {
            let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(address).or_insert_with(|| Arc::new(Semaphore::new(STRANGERS_OF_ONE))).clone()
        };
        let own = wait(&own, 1).await?;
        Some(Stranger { address, places: self.clone(), own: Some(own), _place: wait(&self.strangers, 1).await? })
    }

    /// Room in memory for a body of so many bytes, if there is some in time. A small body needs none.
    pub async fn room(&self, bytes: u64) -> Option<Option<OwnedSemaphorePermit>> {
        if bytes <= SMALL_BYTES {
            return Some(None);
        }
        wait(&self.bodies, (bytes / 1024 + 1) as u32).await.map(Some)
    }
}

/// Bytes that the body of a request may have.
pub fn declared(request: &Request) -> u64 {
    match *request.method() {
        Method::GET => 0,
        _ => request.extensions().get::<Declared>().map_or(BODY_BYTES_MAX as u64, |declared| declared.0),
    }
}

/// What operators ask, and the files of pages, cost nothing.
pub fn is_exempt(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/metrics") || path.starts_with("/assets/")
}

/// Everything but what only says whether the server is there.
pub async fn admit(State((app, places)): State<(App, Places)>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_exempt(path) {
        return next.run(request).await;
    }
    let api = request.uri().path().starts_with("/api/");
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(layout::no_id);
    // Before anything else: this request has waited already, and others wait behind it.
    let Some(_entered) = app.backlog.enter(api) else { return busy(api, &id) };
    app.desk.attend().await;
    // RFC 9112, 3.2: one `Host`, or the request is refused. HTTP/2 has it in the request line.
    if request.version() <= Version::HTTP_11 && request.headers().get_all(header::HOST).iter().count() != 1 {
        let no_host =
            Fault::new(StatusCode::BAD_REQUEST, "The request names no host, or several.", "Die Anfrage nennt keinen Host oder mehrere.");
        return fault(api, no_host, &id);
    }
    // Before the caller is looked up, so that a refusal is cheap.
    let line = if api { &places.lines.programs } else { &places.lines.people };
    if line.is_full() {
        return busy(api, &id);
    }
    let most = BODY_BYTES_MAX as u64;
    let declared = Declared(request.body().size_hint().upper().unwrap_or(most).min(most));
    request.extensions_mut().insert(declared);
    request.extensions_mut().insert(places.clone());
    // A place among those who are known is for callers who are: a session or a token that somebody made up buys nothing.
    let (parts, body) = request.into_parts();
    let asked = tokio::time::timeout(PATIENCE, session::who(&app, &parts.headers)).await;
    let mut request = Request::from_parts(parts, body);
    let known = match asked {
        Ok(Ok(who)) => Known(who),
        Ok(Err(_)) => return fault(api, Fault::unavailable(), &id),
        Err(_) => return busy(api, &id),
    };
    let login = known.0.as_ref().map(|who| Asker(who.person.login.clone()));
    request.extensions_mut().insert(known);
    let Some(login) = login else {
        let Some(inside) = places.lines.strangers.enter() else { return busy(api, &id) };
        let Some(_stranger) = places.stranger(caller::caller(&app, &request)).await else { return busy(api, &id) };
        let response = next.run(request.map(|body| Body::new(Paced::new(body, STRANGERS_TIME)))).await;
        inside.answered();
        return response;
    };
    let Some(inside) = line.enter() else { return busy(api, &id) };
    // Programs stand in line for a place among programs first: while they wait, people do not wait behind them.
    let program = if api { wait(&places.programs, 1).await } else { None };
    let place = if api && program.is_none() { None } else { wait(&places.all, 1).await };
    let Some(_place) = place else { return busy(api, &id) };
    let mut response = next.run(request.map(|body| Body::new(Paced::new(body, BODY_TIME)))).await;
    inside.answered();
    response.extensions_mut().insert(login);
    response
}

/// The refusal of work that was not begun.
pub fn busy(api: bool, id: &RequestId) -> Response {
    metrics::counter!("vorgang_http_refused_total").increment(1);
    let mut response = fault(
        api,
        Fault::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "There is too much to do right now. Nothing was begun; please try again in a moment.",
            "Gerade ist zu viel zu tun. Es wurde nichts begonnen; bitte gleich noch einmal versuchen.",
        ),
        id,
    );
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response.extensions_mut().insert(Refused);
    response
}

/// A body that ends where it comes too slowly, or not at all.
struct Paced {
    body: Body,
    begun: Instant,
    time: Duration,
    bytes: u64,
    /// When what has come until now is too little; made when it is first waited for.
    due: Option<Pin<Box<Sleep>>>,
}

impl Paced {
    fn new(body: Body, time: Duration) -> Self {
        Self { body, begun: Instant::now(), time, bytes: 0, due: None }
    }
}

impl HttpBody for Paced {
    type Data = axum::body::Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                let until = self.begun + self.time + Duration::from_secs(self.bytes / BODY_RATE);
                let due = self.due.get_or_insert_with(|| Box::pin(sleep_until(until)));
                if due.deadline() != until {
                    due.as_mut().reset(until);
                }
                due.as_mut().poll(cx).map(|()| Some(Err("the body came too slowly".into())))
            }
            Poll::Ready(frame) => {
                if let Some(Ok(frame)) = &frame {
                    self.bytes += frame.data_ref().map_or(0, |d| d.len() as u64);
                }
                Poll::Ready(frame.map(|f| f.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt, stream};

    /// Pieces that come one by one, with a pause before each; after the last, nothing.
    async fn comes(pieces: usize, size: usize, pause: Duration, ends: bool) -> (Option<usize>, Duration) {
        let begun = Instant::now();
        let piece = move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(vec![b'a'; size])
        };
        let pieces = stream::iter(0..pieces).then(piece);
        let body = match ends {
            true => Body::from_stream(pieces),
            false => Body::from_stream(pieces.chain(stream::pending())),
        };
        let paced = Body::new(Paced::new(body, BODY_TIME));
        let read = axum::body::to_bytes(paced, usize::MAX).await;
        (read.ok().map(|b| b.len()), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_too_slowly_or_not_at_all_ends() {
        let seconds = Duration::from_secs;
        let about = |d: Duration| d.as_secs_f64().round() as u64;
        let (read, after) = comes(0, 0, seconds(0), false).await;
        assert_eq!((read, about(after)), (None, 30), "nothing comes");
        let (read, after) = comes(1_000, 1, seconds(10), true).await;
        assert_eq!((read, about(after)), (None, 30), "a byte each ten seconds");
        let (read, after) = comes(1, 40 * 1024, seconds(1), false).await;
        assert_eq!((read, about(after)), (None, 40), "what came buys time");
        let (read, after) = comes(100, 8 * 1024, seconds(1), true).await;
        assert_eq!((read, about(after)), (Some(100 * 8 * 1024), 100), "a slow line that goes on");
    }
}
