//! The listening socket. Nobody keeps a place who says nothing, and there are not more places than the system has
//! descriptors for. It closes without turning anybody away: whoever was let in by the system before it closed is still
//! served, and whoever comes later is refused at once, so that a proxy goes to another node.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::response::Response;
use futures_util::future::Either;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Sleep, timeout};
use tower::{ServiceExt, service_fn};
use vorgang_runtime::limiter::network;

/// Somebody who has just come says something within this time.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// The same where few places are left, and when it closes.
const FIRST_WORD_CROWDED: Duration = Duration::from_secs(1);
/// Requests that are under way when it closes have so long.
const LAST_REQUESTS: Duration = Duration::from_secs(20);
/// How long the next head may take: longer than proxies keep a connection that they do not use (nginx a minute, Caddy two),
/// so that it is they who close it.
const NEXT_HEAD: Duration = Duration::from_secs(150);
/// A head that has begun ends within this time.
const HEAD_TIME: Duration = Duration::from_secs(20);
/// A connection of an address that has its share already: it says something at once, and is short.
const FIRST_WORD_BEYOND: Duration = Duration::from_millis(200);
const TIME_BEYOND: Duration = Duration::from_secs(5);
/// The smallest share of an address.
const SHARE_MIN: usize = 32;
/// Waits where the system has no descriptor for another connection.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers a request before anything is done for it, if it has to be refused.
pub type Gate = Arc<dyn Fn(&Request<Incoming>) -> Option<Response> + Send + Sync>;

/// Serves until `stop` is ready; requests that are under way are finished. No more than `places` connections are open, and a quarter
/// of them from one address, but for the proxies.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    gate: Option<Gate>,
    places: usize,
    proxies: Vec<IpAddr>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(NEXT_HEAD);
    let (close, closing) = watch::channel(false);
    let shares = Shares { most: (places / 4).max(SHARE_MIN), proxies, open: Arc::default() };
    let door = Door { server, router, gate, graceful: GracefulShutdown::new(), closing, shares };
    let few = places / 4;
    let places = Arc::new(Semaphore::new(places));
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            let patience = if places.available_permits() < few { FIRST_WORD_CROWDED } else { FIRST_WORD };
            (listener.accept().await, place.ok(), patience)
        };
        let (accepted, place, patience) = tokio::select! {
            next = next => next,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => door.admit(stream, peer, place, patience),
            // No more descriptors: those that are open end some time.
            Err(e) => {
                tracing::warn!("a connection could not be taken: {e}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    // Everybody who waits comes in, and then it is closed, at once.
    let listener = listener.into_std()?;
    while let Ok((stream, peer)) = listener.accept() {
        stream.set_nonblocking(true)?;
        door.admit(TcpStream::from_std(stream)?, peer, None, FIRST_WORD_CROWDED);
    }
    drop(listener);
    let _ = close.send(true);
    if timeout(LAST_REQUESTS, door.graceful.shutdown()).await.is_err() {
        tracing::warn!("requests that did not end in {} s are cut", LAST_REQUESTS.as_secs());
    }
    Ok(())
}

struct Door {
    server: http1::Builder,
    router: Router,
    gate: Option<Gate>,
    graceful: GracefulShutdown,
    closing: watch::Receiver<bool>,
    shares: Shares,
}

/// Open connections by address; of IPv6 by the /64, which one customer of a provider has.
struct Shares {
    most: usize,
    proxies: Vec<IpAddr>,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection of an address, as long as it is open.
struct Share {
    address: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    /// It is beyond the share.
    beyond: bool,
}

impl Shares {
    /// `None` where the address has twice its share already.
    fn share_for(&self, peer: IpAddr) -> Option<Share> {
        let (peer, address) = (peer.to_canonical(), network(peer));
        let exempt = self.proxies.iter().any(|p| p.to_canonical() == peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if !exempt && *count >= 2 * self.most {
            return None;
        }
        *count += 1;
        metrics::gauge!("vorgang_connections_open").increment(1.0);
        Some(Share { address, open: self.open.clone(), beyond: !exempt && *count > self.most })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        metrics::gauge!("vorgang_connections_open").decrement(1.0);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// A stream whose heads have to end in time. The turn is even while a head is waited for, and odd while a request is answered.
struct Heads {
    stream: TcpStream,
    turn: Arc<AtomicU64>,
    seen: u64,
    /// When the head that has begun has to be there.
    due: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for Heads {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let turn = self.turn.load(Ordering::Acquire);
        if turn != self.seen {
            (self.seen, self.due) = (turn, None);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if turn % 2 == 1 {
            return read;
        }
        match read {
            Poll::Ready(_) => {
                if buffer.filled().len() > before && self.due.is_none() {
                    self.due = Some(Box::pin(tokio::time::sleep(HEAD_TIME)));
                }
                read
            }
            Poll::Pending => match self.due.as_mut().map(|due| due.as_mut().poll(cx)) {
                Some(Poll::Ready(())) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                _ => Poll::Pending,
            },
        }
    }
}

impl AsyncWrite for Heads {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, all: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, all)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Door {
    fn admit(&self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>, patience: Duration) {
        let Some(share) = self.shares.share_for(peer.ip()) else {
            metrics::counter!("vorgang_connections_refused_total").increment(1);
            return;
        };
        let patience = if share.beyond { FIRST_WORD_BEYOND } else { patience };
        // Small answers are not held back for more to come.
        let _ = stream.set_nodelay(true);
        let (router, gate, turn) = (self.router.clone(), self.gate.clone(), Arc::new(AtomicU64::new(0)));
        let answering = turn.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            answering.fetch_add(1, Ordering::AcqRel);
            let answer = match gate.as_ref().and_then(|gate| gate(&request)) {
                Some(refusal) => Either::Left(std::future::ready(Ok(refusal))),
                None => {
                    let mut request = request.map(Body::new);
                    request.extensions_mut().insert(ConnectInfo(peer));
                    Either::Right(router.clone().oneshot(request))
                }
            };
            let turn = answering.clone();
            async move {
                let answer = answer.await;
                turn.fetch_add(1, Ordering::AcqRel);
                answer
            }
        });
        let (server, watcher, mut closing) = (self.server.clone(), self.graceful.watcher(), self.closing.clone());
        tokio::spawn(async move {
            let (_place, share) = (place, share);
            let mut first = [0];
            let silent = async {
                if timeout(patience, closing.wait_for(|c| *c)).await.is_ok() {
                    tokio::time::sleep(FIRST_WORD_CROWDED).await;
                }
            };
            tokio::select! {
                // `readable` may be true of a stream that nothing has come from.
                _ = stream.peek(&mut first) => {}
                () = silent => return,
            }
            let heads = Heads { stream, turn, seen: 0, due: None };
            let served = watcher.watch(server.serve_connection(TokioIo::new(heads), TowerToHyperService::new(service)));
            // A client that disconnects early needs no further handling.
            if share.beyond {
                let _ = timeout(TIME_BEYOND, served).await;
            } else {
                let _ = served.await;
            }
        });
    }
}
