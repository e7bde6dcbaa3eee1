//! `cargo bench --bench load`: servers under an open-loop load (requests at fixed times, whether the earlier ones have been
//! answered or not). Names after `--` choose: nodes, large, mix, overload.
//!
//! `large` measures a database that is there already, since making one of five million tickets takes a while:
//! `vorgang serve --demo --tickets 5000000`, then `VORGANG_LARGE=/path/vorgang.db` (or a URL) `cargo bench --bench load -- large`.

mod common;

use common::{Server, ask, call, connect, end, median, memory, open_loop, processor, serve, serve_on, token};
use std::io::BufReader;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use vorgang_testbed::{cluster, psql};

const ROUNDS: usize = 3;
const SECONDS: u64 = 8;
/// Steps a second that each node is given.
const RATE: f64 = 100.0;

fn main() {
    common::run_wanted("load", &[("nodes", nodes), ("mix", mix), ("overload", overload), ("large", large)]);
}

/// Calls at fixed times, spread over the servers; the milliseconds of each, waiting included.
fn at_rate(rate: f64, seconds: u64, callers: usize, send: impl Fn(u64) + Sync) -> Vec<f64> {
    let (total, next, begin) = ((rate * seconds as f64) as u64, AtomicU64::new(0), Instant::now());
    let all = Mutex::new(vec![]);
    std::thread::scope(|s| {
        for _ in 0..callers {
            s.spawn(|| {
                let mut mine = vec![];
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    // Requests that cannot be sent in time are left out.
                    if i >= total || begin.elapsed() > Duration::from_secs(seconds + 10) {
                        break;
                    }
                    let due = begin + Duration::from_secs_f64(i as f64 / rate);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    send(i);
                    mine.push(due.elapsed().as_secs_f64() * 1e3);
                }
                all.lock().expect("the list").extend(mine);
            });
        }
    });
    all.into_inner().expect("the list")
}

/// The median and the 99th percentile; not a number where nothing was measured.
fn percentiles(mut latencies: Vec<f64>) -> (f64, f64) {
    if latencies.is_empty() {
        return (f64::NAN, f64::NAN);
    }
    latencies.sort_by(f64::total_cmp);
    let at = |q: f64| latencies[((latencies.len() - 1) as f64 * q) as usize];
    (at(0.5), at(0.99))
}

/// Processes that are begun on 1, 2 and 4 nodes of one PostgreSQL: what a second of the nodes' processors does.
fn nodes(folder: &Path) {
    if cluster::programs().is_none() {
        return println!("PostgreSQL is not installed: SKIPPED");
    }
    let cluster = cluster::Cluster::start(true, false);
    psql(&format!("{}/postgres", cluster.primary.server()), "CREATE DATABASE desk");
    let url = cluster.url("desk");
    let mut servers: Vec<Server> = vec![serve_on(folder, &url, &["--demo", "--tickets", "50"])];
    let customer = token(folder, &url, "customer");
    let mut done = [1, 2, 4].map(|_| (vec![], vec![]));
    let begin = |servers: &[Server], seconds: u64| {
        let count = servers.len();
        let connections: Vec<Mutex<BufReader<TcpStream>>> =
            (0..count * 8).map(|n| Mutex::new(connect(&servers[n % count].address))).collect();
        at_rate(RATE * count as f64, seconds, count * 8, |i| {
            let body = r#"{"dialog":"hand_in","fields":{"amount":"400.00"},"article":{"body":"Train to Kiel"}}"#;
            let mut stream = connections[i as usize % connections.len()].lock().expect("a connection");
            let answer = call(&mut stream, &customer, "POST", "/api/v1/processes/expense_claim/start", body);
            assert_eq!(answer.map(|a| a.0), Some(201));
        })
    };
    // What a new server does first is not what it does later.
    begin(&servers, SECONDS * 2);
    for (i, count) in [1_usize, 2, 4].into_iter().enumerate() {
        while servers.len() < count {
            servers.push(serve_on(folder, &url, &[]));
        }
        begin(&servers, 4);
        for _ in 0..ROUNDS {
            let before: f64 = servers.iter().map(|s| processor(s.child.id())).sum();
            let latencies = begin(&servers, SECONDS);
            let used = servers.iter().map(|s| processor(s.child.id())).sum::<f64>() - before;
            done[i].0.push(latencies.len() as f64 / used);
            done[i].1.push(percentiles(latencies).1);
        }
    }
    let one = median(done[0].0.clone());
    for (count, (rates, p99)) in [1, 2, 4].into_iter().zip(done) {
        let rate = median(rates);
        println!(
            "{count} nodes on one PostgreSQL, {RATE} processes a second each: {rate:.0} a processor second of the nodes, {:.0} % of one node's; p99 {:.1} ms{}",
            rate / one * 100.0,
            median(p99),
            if count == 4 { " (reach 85 %)" } else { "" }
        );
    }
    for mut server in servers {
        let _ = server.child.kill();
        let _ = server.child.wait();
    }
}

/// Agents, customers and programs at once, on one node and a file.
fn mix(folder: &Path) {
    let mut server = serve(folder, &["--demo", "--tickets", "20000"]);
    let (customer, agent) = (token(folder, "pages.db", "customer"), token(folder, "pages.db", "agent"));
    let (_, cookie) = ask(&mut connect(&server.address), "POST", &server.link.clone().expect("a link"), "").expect("signed in");
    let streams: Vec<Mutex<BufReader<TcpStream>>> = (0..32).map(|_| Mutex::new(connect(&server.address))).collect();
    let kinds = ["queue page", "ticket by the API", "list by the API", "search", "a customer begins a process", "an agent writes"];
    let times: Vec<Mutex<Vec<f64>>> = kinds.iter().map(|_| Mutex::default()).collect();
    let rate = 300.0;
    at_rate(rate, SECONDS * 2, 32, |i| {
        let mut stream = streams[i as usize % streams.len()].lock().expect("a connection");
        let (kind, number) = (i as usize % kinds.len(), 2_026_000_000 + 1 + i * 7 % 20_000);
        let begin = Instant::now();
        let ticket = format!("/api/v1/tickets/{number}");
        let status = match kind {
            0 => ask(&mut stream, "GET", "/agent/queue?queue=it", &cookie).map(|a| a.0),
            1 => call(&mut stream, &agent, "GET", &ticket, "").map(|a| a.0),
            2 => call(&mut stream, &agent, "GET", "/api/v1/tickets?limit=50&state=open", "").map(|a| a.0),
            3 => call(&mut stream, &agent, "GET", "/api/v1/tickets?text=train", "").map(|a| a.0),
            4 => {
                let body = r#"{"dialog":"hand_in","fields":{"amount":"400.00"},"article":{"body":"Train to Kiel"}}"#;
                call(&mut stream, &customer, "POST", "/api/v1/processes/expense_claim/start", body).map(|a| a.0)
            }
            _ => call(&mut stream, &agent, "POST", &format!("{ticket}/articles"), r#"{"body":"a word about the train"}"#).map(|a| a.0),
        };
        assert!(matches!(status, Some(200 | 201 | 404 | 409 | 422)), "{}: {status:?}", kinds[kind]);
        times[kind].lock().expect("the times").push(begin.elapsed().as_secs_f64() * 1e3);
    });
    println!("mix at {rate} requests a second, 20,000 tickets, memory {:.0} MB:", memory(server.child.id()));
    for (kind, times) in kinds.iter().zip(times) {
        let times = times.into_inner().expect("the times");
        let count = times.len();
        let (half, most) = percentiles(times);
        println!("  {kind}: {count} requests, median {half:.1} ms, p99 {most:.1} ms");
    }
    let _ = server.child.kill();
    let _ = server.child.wait();
}

/// Leaves a process a share of one processor, in percent, by a control group that is empty afterwards. The callers stand on the
/// same machine: without it they have no processor left to ask for ten times what the server can do. The share is given every 10 ms,
/// so that the server is a slow one and not one that stands still most of the time.
fn confine(pid: u32, percent: u64) -> std::io::Result<()> {
    let (period, share) = (10_000, percent * 100);
    let (folder, limits) = match Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        true => ("/sys/fs/cgroup/vorgang-bench", vec![("cpu.max", format!("{share} {period}"))]),
        false => {
            let limits = vec![("cpu.cfs_period_us", period.to_string()), ("cpu.cfs_quota_us", share.to_string())];
            ("/sys/fs/cgroup/cpu/vorgang-bench", limits)
        }
    };
    std::fs::create_dir_all(folder)?;
    for (limit, value) in limits {
        std::fs::write(format!("{folder}/{limit}"), value)?;
    }
    std::fs::write(format!("{folder}/cgroup.procs"), pid.to_string())
}

/// Ten times as much as it can do, for a minute: what becomes of those that come in, and how soon the others are told.
/// `VORGANG_SHARE=PERCENT` leaves the server so much of one processor (as root).
fn overload(folder: &Path) {
    const CALLERS: usize = 800;
    let server = serve(folder, &["--demo", "--tickets", "20000", "--quota-search", "0", "--quota-create", "0"]);
    let agent = token(folder, "pages.db", "agent");
    let (_, cookie) = ask(&mut connect(&server.address), "POST", &server.link.clone().expect("a link"), "").expect("signed in");
    let one = |stream: &mut BufReader<TcpStream>, i: u64| {
        let number = 2_026_000_001 + i * 7 % 20_000;
        let answer = match i % 4 {
            0 => ask(stream, "GET", "/agent/queue?queue=it", &cookie).map(|a| a.0),
            1 => ask(stream, "GET", &format!("/agent/tickets/{number}"), &cookie).map(|a| a.0),
            2 => call(stream, &agent, "GET", "/api/v1/tickets?limit=200&state=open", "").map(|a| a.0),
            _ => {
                let path = format!("/api/v1/tickets/{number}/articles");
                call(stream, &agent, "POST", &path, r#"{"body":"a word about the train"}"#).map(|a| a.0)
            }
        };
        if answer.is_none() {
            *stream = connect(&server.address);
        }
        answer
    };
    if let Ok(share) = std::env::var("VORGANG_SHARE") {
        confine(server.child.id(), share.parse().expect("a share in percent")).expect("a control group");
        println!("the server has {share} % of one processor");
    }
    // Capacity: 32 callers in a closed loop.
    let (done, begun) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|s| {
        for caller in 0..32 {
            let (one, done) = (&one, &done);
            let mut stream = connect(&server.address);
            s.spawn(move || {
                for i in (caller..).step_by(32).take_while(|_| begun.elapsed() < Duration::from_secs(SECONDS)) {
                    done.fetch_add(u64::from(one(&mut stream, i).is_some_and(|s| s < 500)), Ordering::Relaxed);
                }
            });
        }
    });
    let full = done.into_inner() as f64 / begun.elapsed().as_secs_f64();
    let streams: Vec<Mutex<BufReader<TcpStream>>> = (0..CALLERS).map(|_| Mutex::new(connect(&server.address))).collect();
    let (taken, refused, other) = (Mutex::new(vec![]), Mutex::new(vec![]), AtomicU64::new(0));
    let peak = AtomicU64::new(0);
    let begun = Instant::now();
    at_rate(full * 10.0, 60, CALLERS, |i| {
        let mut stream = streams[i as usize % CALLERS].lock().expect("a connection");
        let sent = Instant::now();
        let status = one(&mut stream, i);
        let took = sent.elapsed().as_secs_f64() * 1e3;
        match status {
            Some(status) if status < 500 => taken.lock().expect("the times").push(took),
            Some(503) => refused.lock().expect("the times").push(took),
            _ => _ = other.fetch_add(1, Ordering::Relaxed),
        }
        if i % 1_000 == 0 {
            peak.fetch_max(memory(server.child.id()) as u64, Ordering::Relaxed);
        }
    });
    let seconds = begun.elapsed().as_secs_f64();
    let (taken, refused) = (taken.into_inner().expect("the times"), refused.into_inner().expect("the times"));
    let (count, offered) = (taken.len(), taken.len() + refused.len());
    let ((half, most), (half_refused, most_refused)) = (percentiles(taken), percentiles(refused));
    println!("overload: it can do {full:.0} requests a second; {:.0} a second were offered for {seconds:.0} s", offered as f64 / seconds);
    println!("  {:.0} a second came in: median {half:.0} ms, p99 {most:.0} ms (reach < 2,000)", count as f64 / seconds);
    println!("  the others were refused: median {half_refused:.1} ms, p99 {most_refused:.0} ms (reach < 100)");
    println!("  memory at most {} MB (reach < 300); {} got no answer", peak.into_inner(), other.into_inner());
    end(server);
}

/// A large database: starting, and reading at a hundred requests a second.
fn large(folder: &Path) {
    let Ok(database) = std::env::var("VORGANG_LARGE") else { return println!("VORGANG_LARGE names no database: SKIPPED") };
    let database = database.as_str();
    let mut starts = vec![];
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let mut server = serve_on(folder, database, &[]);
        assert_eq!(ask(&mut connect(&server.address), "GET", "/readyz", "").map(|a| a.0), Some(200));
        starts.push(begin.elapsed().as_secs_f64());
        let _ = server.child.kill();
        let _ = server.child.wait();
    }
    println!("restart after kill -9, until /readyz: {:.2} s (reach < 2)", median(starts));
    let mut server = serve_on(folder, database, &["--demo"]);
    std::thread::sleep(Duration::from_secs(3));
    let (_, cookie) = ask(&mut connect(&server.address), "POST", &server.link.clone().expect("a link"), "").expect("signed in");
    let agent = token(folder, database, "agent");
    let list = call(&mut connect(&server.address), &agent, "GET", "/api/v1/tickets?limit=1", "").expect("a list").1;
    let number = list.split("\"number\":\"").nth(1).and_then(|l| l.split('"').next()).expect("a number").to_owned();
    for (name, path) in [
        ("queue page", "/agent/queue?queue=it".to_owned()),
        ("ticket page", format!("/agent/tickets/{number}")),
        ("search of a common word, newest first", "/agent/queue?state=*&q=printer".to_owned()),
        ("search of a number", format!("/agent/queue?state=*&q={number}")),
        ("search of two words", "/agent/queue?state=*&q=train+kiel".to_owned()),
        ("search of a word that nobody wrote", "/agent/queue?state=*&q=qwxyz".to_owned()),
    ] {
        // The first readings come from the disk.
        open_loop(&server.address, &path, &cookie, 20.0, 1);
        let (half, most) = percentiles(open_loop(&server.address, &path, &cookie, 100.0, SECONDS));
        println!("{name} at 100 requests a second: median {half:.1} ms, p99 {most:.1} ms (reach < 100)");
    }
    println!("memory: {:.0} MB", memory(server.child.id()));
    let _ = server.child.kill();
    let _ = server.child.wait();
}
