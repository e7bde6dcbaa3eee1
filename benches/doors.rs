//! `cargo bench --bench doors`: what the doors cost. Names after `--` choose: beside, strangers, html.
//!
//! `beside` compares this build with another one, `VORGANG_BESIDE=/path/vorgang`: both servers are up at once and answer batches of
//! requests by turns, so that noise of the machine meets both.

mod common;

use common::lmtp::{Door, mail, port};
use common::{Server, ask, binary, call, connect, end, median, memory, pipe, processor, serve, serve_by, token};
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Batches of each server, by turns.
const PAIRS: usize = 20;
/// Requests of a batch.
const BATCH: usize = 200;
const TICKETS: usize = 50;

fn main() {
    common::run_wanted("doors-bench", &[("beside", beside), ("strangers", strangers), ("html", html)]);
}

fn cookie(server: &Server) -> String {
    ask(&mut connect(&server.address), "POST", server.link.as_ref().expect("a link"), "").expect("signed in").1
}

/// A server, the callers that use it, and what they use.
struct Side {
    server: Server,
    http: BufReader<TcpStream>,
    lmtp: Door,
    cookie: String,
    token: String,
    numbers: Vec<String>,
    count: usize,
}

impl Side {
    fn start(binary: &Path, folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let port = port();
        let server = serve_by(binary, folder, "pages.db", &["--demo", "--lmtp", &format!("127.0.0.1:{port}")]);
        let (cookie, token) = (cookie(&server), token(folder, "pages.db", "agent"));
        let mut http = connect(&server.address);
        let numbers = (0..TICKETS).map(|_| new_ticket(&mut http, &token)).collect();
        Self { http, lmtp: Door::open(port), cookie, token, numbers, count: 0, server }
    }

    fn one(&mut self, what: &str) {
        self.count += 1;
        let number = &self.numbers[self.count % TICKETS];
        let status = match what {
            "patch" => {
                let body = format!("{{\"title\": \"Title {}\"}}", self.count);
                call(&mut self.http, &self.token, "PATCH", &format!("/api/v1/tickets/{number}"), &body).map(|a| a.0)
            }
            "page" => ask(&mut self.http, "GET", &format!("/agent/tickets/{number}"), &self.cookie).map(|a| a.0),
            "queue" => ask(&mut self.http, "GET", "/agent/queue", &self.cookie).map(|a| a.0),
            _ => {
                self.lmtp.bring(mail(self.count).as_bytes());
                Some(200)
            }
        };
        assert_eq!(status, Some(200), "{what}");
    }

    /// Requests a second, and microseconds of the server's processor for each.
    fn batch(&mut self, what: &str) -> (f64, f64) {
        let (begun, used) = (Instant::now(), processor(self.server.child.id()));
        for _ in 0..BATCH {
            self.one(what);
        }
        (BATCH as f64 / begun.elapsed().as_secs_f64(), (processor(self.server.child.id()) - used) * 1e6 / BATCH as f64)
    }
}

fn new_ticket(http: &mut BufReader<TcpStream>, token: &str) -> String {
    let body = r#"{"title": "A ticket", "type": "incident", "queue": "it"}"#;
    let answer = call(http, token, "POST", "/api/v1/tickets", body).expect("an answer").1;
    answer.split("\"number\":\"").nth(1).and_then(|l| l.split('"').next()).unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// The quartiles: a quarter, half, and three quarters of the values are below.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|q| values[values.len() * q / 4])
}

fn beside(folder: &Path) {
    let Some(other) = std::env::var_os("VORGANG_BESIDE").map(PathBuf::from) else {
        return println!("VORGANG_BESIDE names no other build: SKIPPED");
    };
    let mut this = Side::start(&binary(), &folder.join("this"));
    let mut that = Side::start(&other, &folder.join("that"));
    for what in ["patch", "page", "queue", "mail"] {
        let (mut ours, mut theirs) = (vec![], vec![]);
        for pair in 0..PAIRS {
            if pair % 2 == 0 {
                theirs.push(that.batch(what));
                ours.push(this.batch(what));
            } else {
                ours.push(this.batch(what));
                theirs.push(that.batch(what));
            }
        }
        let ratios = ours.iter().zip(&theirs).map(|(a, b)| a.0 / b.0).collect();
        let [low, middle, high] = quartiles(ratios);
        let rate = |of: &[(f64, f64)]| median(of.iter().map(|b| b.0).collect());
        let used = |of: &[(f64, f64)]| of.iter().map(|b| b.1).sum::<f64>() / of.len() as f64;
        println!(
            "{what}: {:.0}/s, the other build {:.0}/s; ratio of the pairs {middle:.2} (quartiles {low:.2} to {high:.2}); \
             processor of a request {:.0} us, the other build {:.0} us",
            rate(&ours),
            rate(&theirs),
            used(&ours),
            used(&theirs)
        );
    }
    end(this.server);
    end(that.server);
}

/// Eight connections that send forms of 15 MB each without a session.
fn strangers(folder: &Path) {
    let server = serve(folder, &["--demo"]);
    let pid = server.child.id();
    std::thread::sleep(Duration::from_secs(1));
    let (before, done) = (memory(pid), AtomicBool::new(false));
    let mut most = before;
    std::thread::scope(|s| {
        let attack = || {
            let mut stream = connect(&server.address);
            let head = "POST /settings HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
                        Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 15000008\r\n\r\narticle=";
            let _ = stream.get_mut().write_all(head.as_bytes());
            // The server may have closed it by then.
            let _ = stream.get_mut().write_all("\"".repeat(15_000_000).as_bytes());
            let mut answer = vec![];
            let _ = stream.read_to_end(&mut answer);
            String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap_or("closed").to_owned()
        };
        let all: Vec<_> = (0..8).map(|_| s.spawn(attack)).collect();
        s.spawn(|| {
            let answers: Vec<String> = all.into_iter().map(|t| t.join().expect("an answer")).collect();
            println!("eight strangers with 15 MB each are answered {answers:?}");
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            most = most.max(memory(pid));
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    println!("memory {before:.1} MB before, at most {most:.1} MB: +{:.1} MB (reach < 20)", most - before);
    end(server);
}

/// The kinds of HTML that cost most, each a mail of a megabyte.
fn worst() -> Vec<(&'static str, String)> {
    const SIZE: usize = 1_000_000;
    let filled = |unit: &str| unit.repeat(SIZE / unit.len());
    let fonts: String = (0..400).map(|n| format!("<font color=\"#{n:06x}\">")).collect();
    let attributes: String = (0..90).map(|n| format!(" a{n}")).collect();
    vec![
        ("formatting that is never closed", format!("{fonts}{}", "<p>x".repeat((SIZE - 12_000) / 4))),
        ("tags that never end", filled("<br")),
        ("depth", filled("<div>")),
        ("attributes", filled(&format!("<p{attributes}>"))),
        ("references that are none", filled("&a")),
        ("tables", filled("<table><tr><td>")),
        ("images of the mail", filled("<img src=\"cid:a@b\">")),
        ("spaces", filled("&nbsp;")),
        ("a quote that never ends", format!("<br a=\"{}", "<br ".repeat(SIZE / 4))),
        ("references before text", format!("{}{}", "&amp;".repeat(19_000), "x".repeat(SIZE - 95_000))),
        ("links", filled("<a href=\"http://x.y/?a=b\">x</a>")),
        ("styles", filled(&format!("<p style=\"{}\">x</p>", "color:red;".repeat(100)))),
        ("text", filled("x ")),
    ]
}

/// From the request for a mail's HTML to its last byte, the first time and again.
fn html(folder: &Path) {
    let server = serve(folder, &["--demo"]);
    let (cookie, token) = (cookie(&server), token(folder, "pages.db", "agent"));
    let mut http = connect(&server.address);
    let (mut slowest, mut largest) = (0.0_f64, 0.0_f64);
    for (n, (name, html)) in worst().into_iter().enumerate() {
        let mut raw = format!(
            "From: customer@example.org\r\nTo: support@example.org\r\nSubject: {name}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/html; charset=utf-8\r\nMessage-ID: <worst.{n}@client.example>\r\n\r\n"
        );
        for line in html.as_bytes().chunks(900) {
            raw.push_str(std::str::from_utf8(line).expect("ASCII"));
            raw.push_str("\r\n");
        }
        let begun = Instant::now();
        let said = pipe(folder, raw.as_bytes());
        let taken = begun.elapsed().as_secs_f64() * 1e3;
        let number = said.split("ticket ").nth(1).and_then(|r| r.split_whitespace().next()).unwrap_or_else(|| panic!("{said}"));
        let articles = call(&mut http, &token, "GET", &format!("/api/v1/tickets/{number}/articles"), "").expect("an answer").1;
        let articles: serde_json::Value = serde_json::from_str(&articles).expect("JSON");
        let path = format!("/agent/tickets/{number}/articles/{}/html", articles["items"][0]["id"]);
        let view = || {
            let begun = Instant::now();
            let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
            let (mut stream, mut answer) = (connect(&server.address), vec![]);
            stream.get_mut().write_all(head.as_bytes()).expect("it is asked");
            stream.read_to_end(&mut answer).expect("an answer");
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{name}: {}", String::from_utf8_lossy(&answer[..answer.len().min(200)]));
            (begun.elapsed().as_secs_f64() * 1e3, answer.len() as f64 / raw.len() as f64)
        };
        let ((first, size), (again, _)) = (view(), view());
        (slowest, largest) = (slowest.max(first), largest.max(size));
        println!("{name}: taken in {taken:.0} ms, first view {first:.0} ms, again {again:.0} ms, {size:.2} times its size");
    }
    println!("worst mail of 1 MB: first view {slowest:.0} ms (reach < 100), {largest:.2} times its size (reach < 10)");
    end(server);
}
