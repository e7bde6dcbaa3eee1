//! One node on a SQLite file, while the disk or the process fails: rows of the table of faults. `VORGANG_LONG=1` runs the long
//! form.

mod common;

use common::crowd::long;
use common::single::{Ground, able};
use common::{Folder, Server, below, program, request, run, vorgang};
use std::process::Command;
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(30);

#[test]
fn row_4_it_is_asked_to_end_under_load() {
    let Some(mut g) = Ground::new("ends") else { return };
    let mut server = Server::start(&g.folder.0, &[]);
    let crowd = g.crowd("ends", &server);
    for _ in 0..long(3, 30) {
        crowd.go_on(60, WITHIN);
        let broke = Instant::now();
        server.end();
        assert!(broke.elapsed() < Duration::from_secs(30), "it ends in time");
        server = Server::start(&g.folder.0, &[]);
        crowd.moved(vec![server.address.clone()]);
        crowd.go_on(3, WITHIN);
        g.recoveries.push(broke.elapsed());
    }
    g.verdict("4, asked to end under load", &server, crowd);
}

/// Nobody knows what is on disk after an fsync that failed: the process ends, and the next one reads it again.
#[test]
fn row_7_the_disk_does_not_sync() {
    if !able("strace", &["-f", "-e", "trace=none", "true"]) {
        return;
    }
    let Some(mut g) = Ground::new("fsync") else { return };
    let server = Server::start(&g.folder.0, &[]);
    let crowd = g.crowd("fsync", &server);
    crowd.go_on(30, WITHIN);
    server.end();
    for n in 0..long(2, 20) {
        // The first syncs are those of opening.
        let inject = format!("inject=fsync,fdatasync:error=EIO:when={}", 120 + n * 37);
        let mut server = g.under("strace", &["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", &inject]);
        crowd.moved(vec![server.address.clone()]);
        let begun = Instant::now();
        while server.child.try_wait().expect("a state").is_none() {
            assert!(begun.elapsed() < WITHIN, "a failed sync ends the process");
            std::thread::sleep(Duration::from_millis(10));
        }
        let broke = Instant::now();
        let next = Server::start(&g.folder.0, &[]);
        crowd.moved(vec![next.address.clone()]);
        crowd.go_on(3, WITHIN);
        g.recoveries.push(broke.elapsed());
        next.end();
    }
    let server = Server::start(&g.folder.0, &[]);
    crowd.moved(vec![server.address.clone()]);
    crowd.go_on(10, WITHIN);
    g.verdict("7, an fsync fails", &server, crowd);
}

/// The log is synced, the database's file is not: once the log is written back nobody knows what is on disk.
#[test]
fn row_7_the_databases_file_does_not_sync() {
    if !able("strace", &["-f", "-e", "trace=none", "true"]) {
        return;
    }
    let Some(mut g) = Ground::new("checkpoint") else { return };
    let server = Server::start(&g.folder.0, &[]);
    let crowd = g.crowd("checkpoint", &server);
    crowd.go_on(30, WITHIN);
    server.end();
    let database = g.folder.0.join("test.db").display().to_string();
    let options =
        ["-f", "-qq", "-o", "/dev/null", "-P", &database, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"];
    let mut server = g.under("strace", &options);
    crowd.moved(vec![server.address.clone()]);
    let begun = Instant::now();
    while server.child.try_wait().expect("a state").is_none() {
        assert!(begun.elapsed() < WITHIN * 2, "a failed sync ends the process");
        std::thread::sleep(Duration::from_millis(10));
    }
    let broke = Instant::now();
    let server = Server::start(&g.folder.0, &[]);
    crowd.moved(vec![server.address.clone()]);
    crowd.go_on(10, WITHIN);
    g.recoveries.push(broke.elapsed());
    g.verdict("7, the database's file does not sync", &server, crowd);
}

/// A large attachment is on disk, with its name, before anybody is told that the mail was taken.
#[test]
fn attachments_are_synced_before_anybody_is_told() {
    if !able("strace", &["-f", "-e", "trace=none", "true"]) {
        return;
    }
    let Some(g) = Ground::new("synced") else { return };
    let trace = g.folder.0.join("trace");
    let to = trace.display().to_string();
    let server = g.under("strace", &["-f", "-qq", "-y", "-o", &to, "-e", "trace=fsync,fdatasync"]);
    let letters = "QUJD".repeat(19) + "\n";
    let raw = format!(
        "From: x@client.example\nTo: desk@example.org\nSubject: Scan\nMIME-Version: 1.0\nContent-Type: application/pdf; name=scan.pdf\n\
         Content-Transfer-Encoding: base64\n\n{}",
        letters.repeat(3_000)
    );
    let mut mail = vorgang(&g.folder.0).arg("mail").stdin(std::process::Stdio::piped()).spawn().expect("it runs");
    std::io::Write::write_all(&mut mail.stdin.take().expect("its input"), raw.as_bytes()).expect("a mail");
    assert!(mail.wait().expect("an end").success());
    let synced = std::fs::read_to_string(&trace).expect("the trace");
    let files: Vec<&str> = synced.lines().filter(|l| l.contains("/files/") && !l.contains("/spool") && l.ends_with("= 0")).collect();
    assert!(files.iter().any(|l| l.contains(".part>")), "the content: {synced}");
    assert!(files.iter().any(|l| l.contains("/files/") && !l.contains(".part>")), "its name: {synced}");
    drop(server);
}

#[test]
fn row_8_the_disk_is_full() {
    if !able("unshare", &["-m", "true"]) {
        return;
    }
    let Some(mut g) = Ground::new("full") else { return };
    let data = g.folder.0.join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let home = data.display().to_string();
    let script = "mount -t tmpfs -o size=40m vorgang \"$0\" && for f in test.db test.db-wal; do test ! -f $f || cp $f \"$0\"; done && dd if=/dev/zero of=\"$0/ballast\" bs=1M count=28 status=none && exec \"$@\" --database \"$0/test.db\"";
    let server = g.under("unshare", &["-m", "sh", "-c", script, &home]);
    let crowd = g.crowd("full", &server);
    crowd.go_on(30, WITHIN);
    // Until nothing fits any more: reading works, and it says that it cannot write.
    let begun = Instant::now();
    let auth = format!("Bearer {}", g.scene.customer);
    let refused = |body: &str| {
        let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
        let body = format!(r#"{{"fields":{{"amount":"400"}},"article":{{"body":"{body}"}}}}"#);
        request(&server.address, "POST", "/api/v1/processes/expense_claim/start", &headers, body.as_bytes())
            .is_some_and(|a| a.status == 503)
    };
    let large = "x".repeat(60_000);
    while !(refused(&large) && refused("small")) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never fills up");
    }
    let list = request(&server.address, "GET", "/api/v1/tickets", &[("Authorization", &auth)], b"").expect("an answer");
    assert_eq!(list.status, 200, "reading works on");
    let ready = || request(&server.address, "GET", "/readyz", &[], b"").map(|a| a.status);
    // A little may still fit now and then, until the last of it is taken.
    while ready() != Some(503) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never says that it cannot write");
        refused("small");
    }
    let broke = Instant::now();
    let pid = below(server.child.id()).unwrap_or(server.child.id()).to_string();
    let inside = |program: &str, arguments: &[&str]| {
        let output = Command::new("nsenter").args(["-t", &pid, "-m", program]).args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    };
    inside("rm", &[&format!("{home}/ballast")]);
    crowd.go_on(10, WITHIN);
    g.recoveries.push(broke.elapsed());
    assert_eq!(ready(), Some(200), "it writes again");
    let journal = crowd.finish();
    let created = journal.begun().len();
    for number in journal.begun().values() {
        let found = request(&server.address, "GET", &format!("/api/v1/tickets/{number}"), &[("Authorization", &auth)], b"");
        assert_eq!(found.map(|a| a.status), Some(200), "the acknowledged ticket {number} is missing");
    }
    assert!(journal.violations.is_empty(), "{:?}", journal.violations);
    inside(&program().to_string_lossy(), &["--database", &format!("{home}/test.db"), "audit", "verify"]);
    println!("PASS 8, the disk is full: 1 fault, {created} tickets acknowledged, 0 violations, recovery {:.1?}", g.recoveries[0]);
}

#[test]
fn row_11_the_disk_is_slow() {
    if !able("strace", &["-f", "-e", "trace=none", "true"]) {
        return;
    }
    let Some(mut g) = Ground::new("slow") else { return };
    let delay = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:delay_exit=200000"];
    let server = g.under("strace", &delay);
    let crowd = g.crowd("slow", &server);
    // Eight callers share one sync: more than eight in two seconds.
    let took = crowd.go_on(80, Duration::from_secs(60));
    assert!(took < Duration::from_secs(20), "80 operations at 0.2 s a sync took {took:?}");
    g.recoveries.push(took);
    g.verdict("11, each sync takes 0.2 s", &server, crowd);
}

/// Somebody reads for long: writing goes on, and the log is written back afterwards.
#[test]
fn row_13_a_reader_stays() {
    let Some(mut g) = Ground::new("reader") else { return };
    let server = Server::start(&g.folder.0, &[]);
    let crowd = g.crowd("reader", &server);
    crowd.go_on(30, WITHIN);
    let path = g.folder.0.join("test.db");
    let reader = rusqlite::Connection::open(&path).expect("the database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM ticket;").expect("a read");
    let broke = Instant::now();
    crowd.go_on(300, Duration::from_secs(60));
    g.recoveries.push(broke.elapsed());
    drop(reader);
    crowd.go_on(30, WITHIN);
    std::thread::sleep(Duration::from_secs(1));
    let log = std::fs::metadata(g.folder.0.join("test.db-wal")).map_or(0, |m| m.len());
    assert!(log < 200_000_000, "the log has {log} bytes");
    g.verdict("13, a reader stays", &server, crowd);
}

/// What a power cut may leave: the database with any beginning of its log is whole, and its history is what its rows are. Where
/// the log ends before the schema is complete, nothing was acknowledged yet; reading commands say so, and the next command that writes completes it.
#[test]
fn row_6_the_log_ends_anywhere() {
    let Some(g) = Ground::new("torn") else { return };
    let server = Server::start(&g.folder.0, &[]);
    let log = g.folder.0.join("test.db-wal");
    let begun = std::fs::metadata(&log).expect("the log").len() as usize;
    let crowd = g.crowd("torn", &server);
    crowd.go_on(200, WITHIN);
    let copy = Folder::new("torn-copy");
    let database = g.folder.0.join("test.db");
    let bytes = std::fs::read(&log).expect("the log");
    std::fs::copy(&database, copy.0.join("whole.db")).expect("a copy");
    let cuts = long(25, 2_000);
    let (mut seed, mut early): (u64, u32) = (7, 0);
    for _ in 0..cuts {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let cut = (seed >> 20) as usize % bytes.len();
        std::fs::copy(copy.0.join("whole.db"), copy.0.join("test.db")).expect("a copy");
        let mut torn = bytes[..cut].to_vec();
        // The last piece may be anything.
        let tail = torn.len().saturating_sub(64);
        torn[tail..].iter_mut().for_each(|b| *b ^= (seed >> 40) as u8);
        std::fs::write(copy.0.join("test.db-wal"), torn).expect("a log");
        let _ = std::fs::remove_file(copy.0.join("test.db-shm"));
        let (code, out, err) = run(&copy.0, &["audit", "verify"]);
        if cut < begun && code == 3 && err.contains("its schema is at step") {
            early += 1;
            let (code, _, err) = run(&copy.0, &["user", "add", "late", "--name", "Late"]);
            assert!(code == 0 || err.contains("has no revision yet"), "cut at {cut}: {err}");
            let (code, out, err) = run(&copy.0, &["audit", "verify"]);
            assert_eq!(code, 0, "cut at {cut}, completed: {out}{err}");
            continue;
        }
        assert_eq!(code, 0, "cut at {cut}: {out}{err}");
    }
    println!("{early} cuts before the schema was complete");
    println!("{cuts} cuts, 0 violations");
    g.verdict("6, the log ends anywhere", &server, crowd);
}
