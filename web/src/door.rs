//! The listening socket. Nobody keeps a place who says nothing, and there are not more places than the system has
//! descriptors for. It closes without turning anybody away: whoever was let in by the system before it closed is still
//! served, and whoever comes later is refused at once, so that a proxy goes to another node.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tower::{ServiceExt, service_fn};

/// Somebody who has just come says something within this time.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// The same where few places are left, and when it closes.
const FIRST_WORD_CROWDED: Duration = Duration::from_secs(1);
/// Requests that are under way when it closes have so long.
const LAST_REQUESTS: Duration = Duration::from_secs(20);
/// How long the next head may take: longer than proxies keep a connection that they do not use (nginx a minute, Caddy two),
/// so that it is they who close it.
const NEXT_HEAD: Duration = Duration::from_secs(150);
/// Waits where the system has no descriptor for another connection.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stop` is ready; requests that are under way are finished. No more than `places` connections are open.
pub async fn serve(listener: TcpListener, router: Router, places: usize, stop: impl Future<Output = ()>) -> io::Result<()> {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(NEXT_HEAD);
    let (close, closing) = watch::channel(false);
    let door = Door { server, router, graceful: GracefulShutdown::new(), closing };
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
            Ok((stream, peer)) => door.take(stream, peer, place, patience),
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
        door.take(TcpStream::from_std(stream)?, peer, None, FIRST_WORD_CROWDED);
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
    graceful: GracefulShutdown,
    closing: watch::Receiver<bool>,
}

impl Door {
    fn take(&self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>, patience: Duration) {
        // Small answers are not held back for more to come.
        let _ = stream.set_nodelay(true);
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().oneshot(request)
        });
        let (server, watcher, mut closing) = (self.server.clone(), self.graceful.watcher(), self.closing.clone());
        tokio::spawn(async move {
            let _place = place;
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
            // Whoever breaks off has had what there was to have.
            let _ = watcher.watch(server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))).await;
        });
    }
}
