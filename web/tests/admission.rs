//! The doors when there is more to do than they can: whom they let in, and what they say to the others.

mod common;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::routing::get;
use common::{Door, Reply};
use hyper::body::{Frame, SizeHint};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// A body of ten bytes that never come.
struct Never;

impl hyper::body::Body for Never {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(10)
    }
}

/// The refusal that comes once all places are taken.
async fn refused(door: &Door, path: &str, headers: &[(&str, &str)]) -> Reply {
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let reply = door.send("GET", path, headers, "").await;
        if reply.status == StatusCode::SERVICE_UNAVAILABLE {
            return reply;
        }
    }
    panic!("nobody is refused at {path}")
}

/// Programs that hold their places keep no person out; when people hold theirs too, everybody is told when to come again.
#[tokio::test]
async fn people_come_before_programs_and_nobody_waits_long() {
    let door = Door::with(|c| c.trusted_proxies = vec![IpAddr::from([127, 0, 0, 1])]).await;
    let token = door.desk.token_create("agent").await.expect("a token");
    let auth = format!("Bearer {token}");
    let (cookie, _) = door.session("agent").await;
    let hang = |path: &'static str, name: &'static str, value: &str| {
        let request = axum::http::Request::builder().method("POST").uri(path).header("host", "127.0.0.1:8080");
        let request = request.header("content-type", "application/x-www-form-urlencoded").header(name, value);
        let (router, request) = (door.router.clone(), request.body(Body::new(Never)).expect("a request"));
        tokio::spawn(async move { tower::ServiceExt::oneshot(router, request).await })
    };
    // Strangers take no place of others, and one address none of another's.
    let mut hanging: Vec<_> = (0..16).map(|_| hang("/sign-in", "x-forwarded-for", "192.0.2.7")).collect();
    let stranger = refused(&door, "/sign-in", &[("x-forwarded-for", "192.0.2.7")]).await;
    assert!(stranger.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(door.send("GET", "/sign-in", &[("x-forwarded-for", "192.0.2.8")], "").await.status, StatusCode::OK);
    // Nor does somebody who says who it is, and is not believed.
    let own_page = [FORM, ("cookie", "session=nobody"), ("sec-fetch-site", "same-origin"), ("x-forwarded-for", "192.0.2.7")];
    assert_eq!(door.send("POST", "/settings", &own_page, "a=b").await.status, StatusCode::SERVICE_UNAVAILABLE);
    // However many there are, with whatever they make up.
    let made_up: Vec<_> = (0..300)
        .map(|n| if n % 2 == 0 { hang("/sign-in", "cookie", "session=nobody") } else { hang("/sign-in", "authorization", "Bearer x") })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(door.page("agent", "/agent").await.status, StatusCode::OK, "strangers keep nobody out");
    assert_eq!(door.api("agent", "GET", "/api/v1/work", &serde_json::Value::Null).await.status, StatusCode::OK);
    for hangs in made_up {
        hangs.abort();
        let _ = hangs.await;
    }
    // A form without a session needs one place, not two.
    let last = hanging.pop().expect("the last stranger");
    last.abort();
    let _ = last.await;
    let no_session = [FORM, ("sec-fetch-site", "same-origin"), ("x-forwarded-for", "192.0.2.7")];
    assert_ne!(door.send("POST", "/settings", &no_session, "a=b").await.status, StatusCode::SERVICE_UNAVAILABLE);
    hanging.extend((0..192).map(|_| hang("/api/v1/tickets", "authorization", &auth)));
    let program = refused(&door, "/api/v1/tickets", &[("authorization", &auth)]).await;
    assert!(program.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(door.page("agent", "/agent").await.status, StatusCode::OK, "a person comes in");
    hanging.extend((0..64).map(|_| hang("/settings", "cookie", &cookie)));
    let person = refused(&door, "/", &[("cookie", &cookie)]).await;
    assert!(person.headers.contains_key(header::RETRY_AFTER));
    let begun = std::time::Instant::now();
    assert_eq!(door.send("GET", "/readyz", &[], "").await.status, StatusCode::OK);
    assert!(begun.elapsed() < Duration::from_secs(2), "whether it is there is told at once");
    for one in hanging {
        one.abort();
    }
    assert_eq!(door.page("agent", "/agent").await.status, StatusCode::OK, "places are given back");
}

async fn serve(places: usize, proxies: Vec<IpAddr>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/", get(|| async { "here" }));
    tokio::spawn(vorgang_web::door::serve(listener, router, None, places, proxies, std::future::pending()));
    address
}

async fn from(caller: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((Ipv4Addr::from(caller), 0))).expect("an address of this machine");
    socket.connect(to).await.expect("a connection")
}

async fn asks(stream: &mut TcpStream) -> String {
    let asked = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let mut answer = String::new();
    match asked {
        Ok(()) => stream.read_to_string(&mut answer).await.map_or_else(|_| String::new(), |_| answer),
        Err(_) => answer,
    }
}

/// One address has its share of the places, whatever it does with them; a proxy has as many as it needs.
#[tokio::test]
async fn one_address_does_not_take_all_places() {
    // A quarter of the places is a share; twice as many are taken for a moment.
    let to = serve(400, vec![]).await;
    let mut crowd = vec![];
    for _ in 0..250 {
        crowd.push(from([127, 0, 0, 1], to).await);
    }
    let mut beyond = crowd.split_off(200);
    for stream in &mut beyond {
        assert_eq!(asks(stream).await, "", "there is no place for it");
    }
    let mut other = from([127, 0, 0, 2], to).await;
    assert!(asks(&mut other).await.ends_with("here"));
    let to = serve(400, vec![IpAddr::from([127, 0, 0, 1])]).await;
    let mut crowd = vec![];
    for _ in 0..250 {
        crowd.push(from([127, 0, 0, 1], to).await);
    }
    for stream in &mut crowd {
        assert!(asks(stream).await.ends_with("here"), "a proxy brings everybody");
    }
}

/// A head that has begun ends in time, however steadily its bytes come.
#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_ends() {
    let to = serve(400, vec![]).await;
    let mut stream = TcpStream::connect(to).await.expect("a connection");
    let begun = tokio::time::Instant::now();
    let mut sent = 0;
    loop {
        let wrote = stream.write_all(if sent == 0 { b"GET / HTTP/1.1\r\n" } else { b"x" }).await;
        sent += 1;
        let mut byte = [0];
        let closed = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut byte)).await;
        if wrote.is_err() || closed.is_ok() {
            break;
        }
        assert!(sent < 20, "it goes on for ever");
    }
    assert!((15..=30).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

/// Requests that waited long for a thread have waited enough; operators still learn whether the server is alive.
#[tokio::test]
async fn with_a_backlog_everybody_is_refused_at_once() {
    let door = Door::open().await;
    let token = door.desk.token_create("agent").await.expect("a token");
    let auth = [("authorization", format!("Bearer {token}"))];
    let auth = [(auth[0].0, auth[0].1.as_str())];
    let answers = async || {
        let page = door.send("GET", "/sign-in", &[], "").await;
        let list = door.send("GET", "/api/v1/tickets", &auth, "").await;
        let alive = door.send("GET", "/livez", &[], "").await;
        [page.status.as_u16(), list.status.as_u16(), alive.status.as_u16()]
    };
    assert_eq!(answers().await, [200, 200, 200]);
    door.backlog.record(Duration::from_secs(1));
    assert_eq!(answers().await, [200, 200, 200], "a single long wait may be a pause of the machine");
    door.backlog.record(Duration::from_secs(1));
    assert_eq!(answers().await, [503, 503, 200]);
    let reply = door.send("GET", "/api/v1/tickets", &auth, "").await;
    assert_eq!(reply.headers.get(header::RETRY_AFTER).map(|v| v.as_bytes()), Some(&b"2"[..]));
    assert!(reply.body.contains("Nothing was begun"), "{}", reply.body);
    door.backlog.record(Duration::ZERO);
    assert_eq!(answers().await, [200, 200, 200], "one after the other");
}

/// The same at the socket, before a request has a route: with its number, and with the headers of every answer.
#[tokio::test]
async fn with_a_backlog_the_socket_refuses() {
    let door = Door::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let serving = vorgang_web::door::serve(listener, door.router.clone(), Some(door.gate.clone()), 8, vec![], std::future::pending());
    let serving = tokio::spawn(serving);
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let mut ask = async |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let (mut answer, mut part) = (String::new(), [0; 4096]);
        loop {
            let read = stream.read(&mut part).await.expect("an answer");
            answer.push_str(&String::from_utf8_lossy(&part[..read]));
            let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")).and_then(|n| n.parse::<usize>().ok());
            if body.len() >= length.expect("a length") {
                return answer;
            }
        }
    };
    assert!(ask("/api/v1/openapi.json").await.starts_with("HTTP/1.1 200 "));
    for _ in 0..2 {
        door.backlog.record(Duration::from_secs(1));
    }
    for (path, kind) in [("/api/v1/openapi.json", "application/problem+json"), ("/sign-in", "text/html")] {
        let refused = ask(path).await;
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        let heads = [kind, "retry-after: 2", "x-request-id: ", "content-security-policy: ", "cache-control: no-store"];
        assert!(heads.iter().all(|h| refused.contains(h)), "{refused}");
    }
    assert!(ask("/livez").await.starts_with("HTTP/1.1 200 "), "operators are answered");
    door.backlog.record(Duration::ZERO);
    assert!(ask("/api/v1/openapi.json").await.starts_with("HTTP/1.1 200 "), "on the same connection");
    serving.abort();
}
