//! A server to measure, and requests to it.
#![allow(dead_code, reason = "each bench uses its part")]

pub mod crowd;
pub mod lmtp;
pub mod place;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vorgang_core::people::{Person, PersonKind};

/// Who does everything.
pub fn agent() -> Person {
    Person {
        login: "agent".into(),
        name: "Agent".into(),
        email: String::new(),
        kind: PersonKind::Agent,
        company: None,
        language: "en".into(),
        roles: vec!["agent".into()],
        active: true,
        settings: Default::default(),
    }
}

pub const ROUNDS: usize = 5;

/// The median of the rounds in microseconds, with the fastest and the slowest.
pub fn rounds(mut round: impl FnMut() -> f64) -> String {
    let mut all: Vec<f64> = (0..ROUNDS).map(|_| round()).collect();
    all.sort_by(f64::total_cmp);
    format!("{:.1} us (runs {:.1} to {:.1})", all[ROUNDS / 2], all[0], all[ROUNDS - 1])
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub struct Server {
    pub child: Child,
    pub address: String,
    pub link: Option<String>,
}

pub fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_vorgang"))
}

pub fn serve(folder: &Path, arguments: &[&str]) -> Server {
    serve_on(folder, "pages.db", arguments)
}

/// On this database.
pub fn serve_on(folder: &Path, database: &str, arguments: &[&str]) -> Server {
    serve_by(&binary(), folder, database, arguments)
}

/// By this binary, which may be another release.
pub fn serve_by(binary: &Path, folder: &Path, database: &str, arguments: &[&str]) -> Server {
    let mut child = Process::new(binary)
        .current_dir(folder)
        .args(["serve", "--listen", "127.0.0.1:0", "--database", database])
        .args(arguments)
        // One caller does the work of many.
        .envs(["CREATE", "SEARCH", "EXPORT"].map(|quota| (format!("VORGANG_QUOTA_{quota}"), "0")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
    let mut stderr = BufReader::new(child.stderr.take().expect("stderr"));
    let mut line = String::new();
    let mut link = None;
    if arguments.contains(&"--demo") {
        while stdout.read_line(&mut line).unwrap_or(0) > 0 && !line.contains("tina ") {
            if line.trim_start().starts_with("agent ") {
                link = line.split_whitespace().nth(1).and_then(|u| u.split_once("/link/")).map(|(_, p)| format!("/link/{p}"));
            }
            line.clear();
        }
    }
    let address = loop {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap_or(0) > 0, "the server ended");
        if let Some((_, url)) = line.trim().rsplit_once(" on http://") {
            break url.to_owned();
        }
    };
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    Server { child, address, link }
}

/// Ends it in order.
pub fn end(mut server: Server) {
    let _ = Process::new("kill").args(["-TERM", &server.child.id().to_string()]).status();
    let _ = server.child.wait();
}

/// Seconds of the processor that a process has used.
pub fn processor(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse().ok()).collect();
    // USER_HZ is 100 on Linux.
    ticks.iter().sum::<f64>() / 100.0
}

/// Resident memory of a process, in MB.
pub fn memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|k| k.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// One request on a kept connection; its status and cookie.
pub fn ask(stream: &mut BufReader<TcpStream>, method: &str, path: &str, cookie: &str) -> Option<(u16, String)> {
    // In one piece: small writes would wait for each other's acknowledgement.
    let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nContent-Length: 0\r\n\r\n");
    stream.get_mut().write_all(head.as_bytes()).ok()?;
    let (status, cookie, _) = answer(stream)?;
    Some((status, cookie))
}

/// Status, cookie and body of the next answer.
fn answer(stream: &mut BufReader<TcpStream>) -> Option<(u16, String, Vec<u8>)> {
    let (mut status, mut length, mut set_cookie, mut line) = (0, 0, String::new(), String::new());
    loop {
        line.clear();
        stream.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let lower = line.to_ascii_lowercase();
        if status == 0 {
            status = line.split(' ').nth(1)?.parse().ok()?;
        } else if let Some(v) = lower.strip_prefix("content-length:") {
            length = v.trim().parse().ok()?;
        } else if lower.starts_with("set-cookie:") {
            set_cookie = line["set-cookie:".len()..].trim().split(';').next()?.to_owned();
        } else if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((status, set_cookie, body))
}

pub fn connect(address: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    BufReader::new(stream)
}

/// Requests at fixed times, whether the earlier ones have been answered or not: waiting counts.
pub fn open_loop(address: &str, path: &str, cookie: &str, rate: f64, seconds: u64) -> Vec<f64> {
    let total = (rate * seconds as f64) as u64;
    let next = AtomicU64::new(0);
    let begin = Instant::now();
    let latencies = std::sync::Mutex::new(vec![]);
    std::thread::scope(|s| {
        for _ in 0..16 {
            s.spawn(|| {
                let mut stream = connect(address);
                let mut mine = vec![];
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= total {
                        break;
                    }
                    let due = begin + Duration::from_secs_f64(i as f64 / rate);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    assert_eq!(ask(&mut stream, "GET", path, cookie).map(|a| a.0), Some(200));
                    mine.push(due.elapsed().as_secs_f64() * 1e3);
                }
                latencies.lock().expect("the list").extend(mine);
            });
        }
    });
    latencies.into_inner().expect("the list")
}

/// A request with a body on a kept connection; its status and body.
pub fn call(stream: &mut BufReader<TcpStream>, token: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.get_mut().write_all(head.as_bytes()).ok()?;
    let (status, _, body) = answer(stream)?;
    Some((status, String::from_utf8_lossy(&body).into_owned()))
}

/// A new token for the API, of this person.
pub fn token(folder: &Path, database: &str, login: &str) -> String {
    let output =
        Process::new(binary()).current_dir(folder).args(["--database", database, "user", "token", login]).output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Hands a mail to `vorgang mail`, as the pipe of a mail server does; what it says.
pub fn pipe(folder: &Path, raw: &[u8]) -> String {
    let mut child = Process::new(binary())
        .args(["--database", "pages.db", "mail"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("stdin").write_all(raw).expect("it is given");
    String::from_utf8_lossy(&child.wait_with_output().expect("it ends").stdout).into_owned()
}

/// The name of a bench, and the bench, which is given a folder.
pub type Bench<'a> = (&'a str, fn(&Path));

/// Runs the benches that the command line names, all where it names none, each in a folder of its own.
pub fn run_wanted(name: &str, benches: &[Bench]) {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let folder = std::env::temp_dir().join(format!("vorgang-{name}-{}", std::process::id()));
    for (name, bench) in benches.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name)) {
        let own = folder.join(name);
        std::fs::create_dir_all(&own).expect("a folder");
        bench(&own);
    }
    let _ = std::fs::remove_dir_all(&folder);
}
