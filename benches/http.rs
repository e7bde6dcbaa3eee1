//! `cargo bench --bench http`: calls and pages a second over HTTP, with 16 and 64 connections in a closed loop, the callers on the same
//! machine. `VORGANG_BEFORE=/path/vorgang` measures another build by turns with this one. Names after `--` choose: sqlite, postgres.

mod common;

use common::place::{Ground, Place};
use common::{Server, binary, call, connect, median, processor, serve_by, token};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
const SECONDS: u64 = 3;
const TICKETS: u64 = 2_000;
const CONNECTIONS: [u64; 2] = [16, 64];

/// A process of five activities that run by themselves.
const SITE: &str = r#"
- { kind: Site, name: bench, language: 1, languages: en, zone: UTC, title: Bench }
- { kind: State, name: new, type: new }
- { kind: State, name: open, type: open }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: agent, queues: { desk: [rw] } }
- { kind: Field, name: count, type: integer }
- { kind: TicketType, name: case, fields: [ { field: count, default: 0 } ], states: [new, open] }
- kind: Process
  name: five
  starts: [ { by: agent, at: a } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    a: { do: [ { set: { count: 1 } } ], next: b }
    b: { do: [ { set: { count: "= ticket.fields.count + 1" } } ], next: [ { to: c, when: ticket.fields.count > 1 }, { to: e, otherwise: true } ] }
    c: { do: [ { set: { count: "= ticket.fields.count + 1" } } ], next: d }
    d: { do: [ { note: five } ], next: e }
    e: { do: [ { set: { state: open } } ], end: done }
"#;

fn main() {
    common::run_wanted("http", &[("sqlite", sqlite), ("postgres", postgres)]);
}

fn sqlite(folder: &Path) {
    measure(folder, false);
}

fn postgres(folder: &Path) {
    measure(folder, true);
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Wish {
    List,
    Ticket,
    Articles,
    Start,
}

const WISHES: [(Wish, &str); 4] = [
    (Wish::List, "list of 20 tickets"),
    (Wish::Ticket, "one ticket"),
    (Wish::Articles, "its articles"),
    (Wish::Start, "start of a process of five automatic activities"),
];

/// A build with a database of its own.
struct Desk {
    name: &'static str,
    place: Place,
    program: PathBuf,
    token: String,
}

impl Desk {
    fn new(folder: &Path, name: &'static str, program: PathBuf, place: Place) -> Self {
        let site = folder.join("site");
        std::fs::create_dir_all(&site).expect("a folder");
        std::fs::write(site.join("site.yaml"), SITE).expect("the site");
        let url = place.url();
        let server = serve_by(&program, folder, &url, &[&site.display().to_string()]);
        let agent = ["--database", &url, "user", "add", "agent", "--name", "Agent", "--agent", "--role", "agent"];
        assert!(Command::new(binary()).current_dir(folder).args(agent).status().is_ok_and(|s| s.success()));
        let desk = Self { name, token: token(folder, &url, "agent"), place, program };
        let mut stream = connect(&server.address);
        for _ in 0..TICKETS {
            assert!(desk.ask(&mut stream, Wish::Start, 0));
        }
        common::end(server);
        desk.place.settle();
        desk
    }

    fn serve(&self, folder: &Path) -> Server {
        serve_by(&self.program, folder, &self.place.url(), &[])
    }

    fn ask(&self, stream: &mut std::io::BufReader<std::net::TcpStream>, wish: Wish, i: u64) -> bool {
        let number = self.first() + i * 7 % TICKETS;
        let answer = match wish {
            Wish::List => call(stream, &self.token, "GET", "/api/v1/tickets?limit=20&state=open", ""),
            Wish::Ticket => call(stream, &self.token, "GET", &format!("/api/v1/tickets/{number}"), ""),
            Wish::Articles => call(stream, &self.token, "GET", &format!("/api/v1/tickets/{number}/articles"), ""),
            Wish::Start => call(stream, &self.token, "POST", "/api/v1/processes/five/start", "{}"),
        };
        answer.is_some_and(|(status, _)| matches!(status, 200 | 201))
    }

    /// The number of the first ticket: the year, and a count.
    fn first(&self) -> u64 {
        let year = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year();
        u64::try_from(year).expect("a year") * 1_000_000 + 1
    }
}

/// Answers a second, and those of one second of the server's processor.
fn rates(desk: &Desk, server: &Server, wish: Wish, connections: u64) -> (f64, f64) {
    let (done, begun, used) = (AtomicU64::new(0), Instant::now(), processor(server.child.id()));
    std::thread::scope(|s| {
        for caller in 0..connections {
            let done = &done;
            s.spawn(move || {
                let mut stream = connect(&server.address);
                for i in (caller..).step_by(connections as usize).take_while(|_| begun.elapsed() < Duration::from_secs(SECONDS)) {
                    assert!(desk.ask(&mut stream, wish, i), "an answer");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let done = done.into_inner() as f64;
    (done / begun.elapsed().as_secs_f64(), done / (processor(server.child.id()) - used))
}

fn measure(folder: &Path, postgres: bool) {
    let Some(ground) = Ground::new(folder, postgres) else { return };
    let mut desks = vec![Desk::new(folder, "now", binary(), ground.place("now"))];
    if let Some(before) = std::env::var_os("VORGANG_BEFORE") {
        desks.push(Desk::new(folder, "before", before.into(), ground.place("before")));
    }
    let mut all = vec![vec![vec![]; WISHES.len() * CONNECTIONS.len()]; desks.len()];
    for round in 0..ROUNDS {
        for turn in 0..desks.len() {
            let at = (round + turn) % desks.len();
            let server = desks[at].serve(folder);
            rates(&desks[at], &server, Wish::List, 16);
            for (n, connections) in CONNECTIONS.into_iter().enumerate() {
                for (w, (wish, _)) in WISHES.into_iter().enumerate() {
                    all[at][n * WISHES.len() + w].push(rates(&desks[at], &server, wish, connections));
                }
            }
            common::end(server);
        }
    }
    for (n, connections) in CONNECTIONS.into_iter().enumerate() {
        for (w, (_, name)) in WISHES.into_iter().enumerate() {
            let of = |at: usize| {
                let runs: &Vec<(f64, f64)> = &all[at][n * WISHES.len() + w];
                let part = |pick: fn(&(f64, f64)) -> f64| median(runs.iter().map(pick).collect());
                format!("{} {:.0} a second, {:.0} a processor second", desks[at].name, part(|r| r.0), part(|r| r.1))
            };
            let told: Vec<String> = (0..desks.len()).map(of).collect();
            println!("{}, {connections} connections, {name}: {}", desks[0].place.name(), told.join("; "));
        }
    }
}
