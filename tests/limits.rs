//! What the system does not give: descriptors, memory, a disk that takes writes, pages that stay what they were. Rows of the
//! table of faults, on SQLite.

mod common;

use common::crowd::long;
use common::single::{Ground, able};
use common::{Folder, Server, request, run, url, vorgang};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(60);

/// Row 50: more callers than descriptors, who say nothing and stay.
#[test]
fn row_50_descriptors_run_out() {
    if !able("prlimit", &["--nofile=64:64", "true"]) {
        return;
    }
    let Some(mut g) = Ground::new("descriptors") else { return };
    let server = g.under("prlimit", &["--nofile=64:64"]);
    let crowd = g.crowd("descriptors", &server);
    crowd.go_on(30, WITHIN);
    for _ in 0..long(1, 10) {
        let broke = Instant::now();
        let silent: Vec<TcpStream> = (0..200).filter_map(|_| TcpStream::connect(&server.address).ok()).collect();
        assert!(silent.len() > 64, "they come in");
        crowd.go_on(30, WITHIN);
        g.recoveries.push(broke.elapsed());
        drop(silent);
    }
    g.verdict("50, more silent callers than descriptors", &server, crowd);
}

/// Row 5: memory runs out while large bodies come in; the process may end, and the next one has all that was acknowledged.
#[test]
fn row_5_memory_runs_out() {
    let limit = "--data=100000000";
    if !able("prlimit", &[limit, "true"]) {
        return;
    }
    let Some(mut g) = Ground::new("memory") else { return };
    let mut server = g.under("prlimit", &[limit]);
    let crowd = g.crowd("memory", &server);
    let auth = format!("Bearer {}", g.scene.customer);
    let content = "A".repeat(12 << 20);
    let body = format!(
        r#"{{"fields":{{"amount":"400"}},"article":{{"body":"large","attachments":[{{"name":"a","content_type":"text/plain","content":"{content}"}}]}}}}"#
    );
    let mut ended = 0;
    for _ in 0..long(2, 20) {
        crowd.go_on(30, WITHIN);
        let broke = Instant::now();
        std::thread::scope(|s| {
            for _ in 0..24 {
                s.spawn(|| {
                    let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
                    request(&server.address, "POST", "/api/v1/processes/expense_claim/start", &headers, body.as_bytes())
                });
            }
        });
        let before = crowd.acknowledged();
        while crowd.acknowledged() < before + 3 {
            assert!(broke.elapsed() < WITHIN, "it does not come back");
            if server.child.try_wait().expect("a state").is_some() {
                ended += 1;
                server = g.under("prlimit", &[limit]);
                crowd.moved(vec![server.address.clone()]);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        g.recoveries.push(broke.elapsed());
    }
    println!("{ended} times the process ended");
    g.verdict("5, memory runs out", &server, crowd);
}

/// Row 9: the disk takes no writes for a while. What is asked meanwhile is refused or waits, nothing is half done.
#[test]
fn row_9_the_disk_takes_no_writes() {
    let inject = ["-e", "trace=pwrite64", "-e", "inject=pwrite64:error=EROFS"];
    if !able("strace", &[&["-f", "-o", "/dev/null"][..], &inject, &["true"]].concat()) {
        return;
    }
    let Some(mut g) = Ground::new("readonly") else { return };
    let mut server = Server::start(&g.folder.0, &[]);
    let crowd = g.crowd("readonly", &server);
    for _ in 0..long(1, 10) {
        crowd.go_on(30, WITHIN);
        let (before, pid) = (crowd.refused(), server.child.id().to_string());
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-p", &pid]).args(inject);
        let mut fault = command.stderr(Stdio::null()).spawn().expect("strace runs");
        let broke = Instant::now();
        while crowd.refused() == before {
            assert!(broke.elapsed() < WITHIN, "nothing is refused");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_secs(2));
        assert!(Command::new("kill").args(["-INT", &fault.id().to_string()]).status().is_ok_and(|s| s.success()));
        fault.wait().expect("strace leaves");
        // In the same process, or in the next.
        let mended = Instant::now();
        if server.child.try_wait().expect("a state").is_some() {
            server = Server::start(&g.folder.0, &[]);
            crowd.moved(vec![server.address.clone()]);
        }
        crowd.go_on(30, WITHIN);
        g.recoveries.push(mended.elapsed());
    }
    g.verdict("9, the disk takes no writes", &server, crowd);
}

/// Rows of the tables of tickets, read past the server; `None` where SQLite cannot read them.
fn content(database: &[u8]) -> Option<Vec<String>> {
    let folder = vorgang_testbed::Folder::new("bits-content");
    let file = folder.0.join("test.db");
    std::fs::write(&file, database).expect("a database");
    let c = rusqlite::Connection::open(&file).ok()?;
    let mut all = vec![];
    for table in ["ticket", "article", "article_part", "history", "instance", "work", "timer"] {
        let mut statement = c.prepare(&format!("SELECT * FROM {table} NOT INDEXED")).ok()?;
        let columns = statement.column_count();
        let row = |r: &rusqlite::Row| (0..columns).map(|at| Ok(format!("{:?}", r.get_ref(at)?))).collect::<rusqlite::Result<Vec<_>>>();
        let rows = statement.query_map([], row).ok()?.collect::<rusqlite::Result<Vec<_>>>().ok()?;
        all.extend(rows.into_iter().map(|r| format!("{table} {}", r.join(" "))));
    }
    Some(all)
}

/// Row 14: bits change in the database's file. What is read of it is refused, never a crash; `doctor` or `audit verify` tell
/// of every page that is broken and every ticket that is not what it was, and the backup is restored.
#[test]
fn row_14_bits_change() {
    let Some(g) = Ground::new("bits") else { return };
    let server = Server::start(&g.folder.0, &[]);
    let crowd = g.crowd("bits", &server);
    crowd.go_on(300, WITHIN);
    crowd.finish();
    server.end();
    let file = g.folder.0.join("b.backup").display().to_string();
    assert_eq!(run(&g.folder.0, &["backup", &file]).0, 0);
    let whole = std::fs::read(g.folder.0.join("test.db")).expect("the database");
    let copy = Folder::new("bits-copy");
    let as_it_was = content(&whole).expect("the whole database");
    let (mut seed, mut told, mut changed, all) = (11_u64, 0, 0, long(24, 500));
    for _ in 0..all {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = whole.clone();
        // A whole sector, as disks break.
        let at = (seed >> 24) as usize % (bytes.len() / 512) * 512;
        bytes[at..at + 512].iter_mut().enumerate().for_each(|(i, b)| *b ^= (seed >> (i % 40)) as u8 | 1);
        std::fs::write(copy.0.join("test.db"), &bytes).expect("a database");
        let mut found = false;
        for command in [&["doctor"][..], &["audit", "verify"]] {
            let (code, out, err) = run(&copy.0, command);
            assert!((0..=3).contains(&code), "sector {}: {code} {out}{err}", at / 512);
            found |= code != 0;
        }
        told += u32::from(found);
        if content(&bytes).is_none_or(|now| now != as_it_was) {
            changed += 1;
            assert!(found, "sector {}: tickets are not what they were, and nothing is told", at / 512);
        }
        for end in ["-wal", "-shm", ".lock"] {
            let _ = std::fs::remove_file(copy.0.join(format!("test.db{end}")));
        }
    }
    println!("{told} of {all} sectors told; {changed} of them held tickets, or what leads to them");
    assert!(changed > 0, "no sector held a ticket");
    let fresh = Folder::new("bits-restored");
    assert_eq!(run(&fresh.0, &["restore", &file]).0, 0);
    assert_eq!(run(&fresh.0, &["audit", "verify"]).0, 0);
}

/// Row 40: it is killed while it makes its database, or brings one up to a new schema; the next start goes on.
#[test]
fn row_40_it_is_killed_while_the_schema_is_made() {
    let Some(g) = Ground::new("schema") else { return };
    let older = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade/0019.backup");
    for (name, from) in [("empty", None), ("older", Some(older))] {
        for wait in (1..long(12, 60)).map(|n| Duration::from_millis(u64::from(n) * 4)) {
            let folder = Folder::new("schema-cut");
            if let Some(from) = &from {
                std::fs::copy(from, url(&folder.0)).expect("a copy");
            }
            let mut command = vorgang(&folder.0);
            command.args(["serve", "--demo", "--tickets", "3", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("it starts");
            std::thread::sleep(wait);
            child.kill().expect("it is killed");
            let _ = child.wait();
            let server = Server::start(&folder.0, &["--demo", "--tickets", "3"]);
            let ready = request(&server.address, "GET", "/readyz", &[], b"").expect("an answer");
            assert_eq!(ready.status, 200, "{name}, killed after {wait:?}");
            server.end();
            // The backup's checkpoints were signed with the key of another folder.
            let (code, out, err) = run(&folder.0, &["audit", "verify", "--files", "nowhere"]);
            assert_eq!(code, 0, "{name}, killed after {wait:?}: {out}{err}");
        }
    }
    drop(g);
}
