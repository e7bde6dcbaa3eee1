//! `cargo bench --bench mail`: mail in and out through the real doors of a server. Names after `--` choose: lmtp, pipe, large, outbox,
//! mailbox, corpus.

mod common;

use common::lmtp::{Door, mail, port};
use common::{Server, end, median, memory, serve, token};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
const MAILS: usize = 6_000;
const CONNECTIONS: usize = 8;

fn main() {
    common::run_wanted(
        "mail-bench",
        &[("lmtp", lmtp), ("pipe", pipe), ("large", large), ("outbox", outbox), ("mailbox", mailbox), ("corpus", corpus)],
    );
}

fn bring_all(port: u16, from: usize, count: usize, connections: usize) -> Duration {
    let next = AtomicUsize::new(from);
    let begun = Instant::now();
    std::thread::scope(|s| {
        for _ in 0..connections {
            s.spawn(|| {
                let mut door = Door::open(port);
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= from + count {
                        break;
                    }
                    door.bring(mail(n).as_bytes());
                }
            });
        }
    });
    begun.elapsed()
}

fn start(folder: &Path, more: &[&str]) -> (Server, u16) {
    let port = port();
    let listen = format!("127.0.0.1:{port}");
    let mut arguments = vec!["--demo", "--tickets", "1", "--lmtp", listen.as_str()];
    arguments.extend(more);
    (serve(folder, &arguments), port)
}

/// A mail becomes a ticket, durable, and is answered only then.
fn lmtp(folder: &Path) {
    let (server, port) = start(folder, &[]);
    bring_all(port, 0, 500, CONNECTIONS);
    let (mut eight, mut one) = (vec![], vec![]);
    for round in 0..ROUNDS {
        let from = 1_000 + round * MAILS;
        eight.push(MAILS as f64 / bring_all(port, from, MAILS, CONNECTIONS).as_secs_f64());
        one.push(500.0 / bring_all(port, 100_000 + round * 500, 500, 1).as_secs_f64());
    }
    println!(
        "mail to ticket, LMTP, eight connections: {:.0}/s ({eight:.0?}); one connection: {:.0}/s; memory {:.0} MB",
        median(eight.clone()),
        median(one),
        memory(server.child.id())
    );
    end(server);
}

/// `vorgang mail`, from its start to its end.
fn pipe(folder: &Path) {
    let (server, _) = start(folder, &[]);
    let once = |n: usize| {
        let begun = Instant::now();
        let said = common::pipe(folder, mail(n).as_bytes());
        assert!(said.starts_with("made ticket"), "{said}");
        begun.elapsed().as_secs_f64() * 1e3
    };
    let mut times: Vec<f64> = (0..200).map(once).collect();
    times.sort_by(f64::total_cmp);
    println!("vorgang mail, one after the other: median {:.1} ms, p95 {:.1} ms", times[100], times[190]);
    end(server);
}

/// Memory while large mails come.
fn large(folder: &Path) {
    let (server, port) = start(folder, &[]);
    let pid = server.child.id();
    let sized = |mb: usize, n: usize| {
        let head = format!(
            "From: a{n}@client.example\r\nTo: support@example.org\r\nSubject: Large {n}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        );
        let line = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\r\n";
        let mut mail = head.into_bytes();
        while mail.len() < mb * 1024 * 1024 {
            mail.extend_from_slice(line.as_bytes());
        }
        mail.extend_from_slice(b"--b--\r\n");
        mail
    };
    let highest = |work: &(dyn Fn() + Sync)| {
        let done = std::sync::atomic::AtomicBool::new(false);
        let mut most = 0.0_f64;
        std::thread::scope(|s| {
            s.spawn(|| {
                work();
                done.store(true, Ordering::Relaxed);
            });
            while !done.load(Ordering::Relaxed) {
                most = most.max(memory(pid));
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        most
    };
    let at_rest = memory(pid);
    let one = sized(100, 1);
    let begun = Instant::now();
    let most = highest(&|| Door::open(port).bring(&one));
    println!("one mail of 100 MB: at most {most:.0} MB resident (at rest {at_rest:.0}), {:.1} s", begun.elapsed().as_secs_f64());
    let forty = sized(48, 2);
    let begun = Instant::now();
    let most = highest(&|| Door::open(port).bring(&forty));
    println!("one mail of 48 MB, taken apart: at most {most:.0} MB resident, {:.1} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    let most = highest(&|| {
        std::thread::scope(|s| {
            for n in 0..50 {
                let sized = &sized;
                s.spawn(move || {
                    let mail = sized(10, 100 + n);
                    Door::open(port).bring(&mail);
                });
            }
        });
    });
    println!("fifty mails of 10 MB at once: at most {most:.0} MB resident, {:.1} s", begun.elapsed().as_secs_f64());
    end(server);
}

/// One value of the server's database.
fn look<T: rusqlite::types::FromSql>(folder: &Path, sql: &str) -> T {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let c = rusqlite::Connection::open_with_flags(folder.join("pages.db"), flags).expect("the database");
    c.query_row(sql, [], |r| r.get(0)).expect("a value")
}

/// Counts of the outbox, by state.
fn count(folder: &Path, condition: &str) -> i64 {
    look(folder, &format!("SELECT count(*) FROM delivery WHERE {condition}"))
}

/// What the servers said of mails that did not go out.
fn errors(folder: &Path) -> String {
    look(folder, "SELECT coalesce(group_concat(DISTINCT error), '') FROM delivery")
}

/// A mail server that takes everything; Postfix's own for such measurements.
fn sink(port: u16) -> Option<Child> {
    let program = ["/usr/sbin/smtp-sink", "/usr/bin/smtp-sink"].into_iter().find(|p| Path::new(p).exists())?;
    let mut command = Command::new(program);
    // As root it wants to know whom it may become.
    if Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout == b"0\n") {
        command.args(["-u", "nobody"]);
    }
    command.args([&format!("127.0.0.1:{port}"), "1000"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
}

/// The demo's site, and more.
fn site(folder: &Path, more: &str) -> PathBuf {
    let site = folder.join("site");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/helpdesk");
    assert!(Command::new("cp").arg("-r").arg(from).arg(&site).status().is_ok_and(|s| s.success()));
    std::fs::write(site.join("more.yaml"), more).expect("a file");
    site
}

/// Answers that wait go out to a local mail server; and once more while another server, with mail of its own, says nothing.
fn outbox(folder: &Path) {
    const ANSWERS: usize = 5_000;
    let sink_port = port();
    let Some(mut sink) = sink(sink_port) else {
        println!("Postfix's smtp-sink is not installed: SKIPPED");
        return;
    };
    // A server that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_port = silent.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let mut kept = vec![];
        while let Ok((stream, _)) = silent.accept() {
            kept.push(stream);
        }
    });
    let more = format!(
        "- {{ kind: Queue, name: slow, account: slow }}\n- {{ kind: MailAccount, name: slow, address: slow@example.org, queue: slow, type: incident, send: \"smtp+plain://127.0.0.1:{silent_port}\" }}\n"
    );
    let site = site(folder, &more);
    let roles = std::fs::read_to_string(site.join("roles.yaml")).expect("a file");
    std::fs::write(site.join("roles.yaml"), roles.replace("finance: [rw]", "finance: [rw], slow: [rw]")).expect("a file");
    let site = site.display().to_string();
    let relay = format!("smtp+plain://127.0.0.1:{sink_port}");
    let sending = [site.as_str(), "--mail-url", &relay, "--mail-from", "Help desk <support@example.org>"];
    let mut rates = vec![];
    for stalled in [0, 400] {
        // Written while nobody sends: the account's server has nobody behind it yet.
        let server =
            serve(folder, &[&site, "--demo", "--tickets", "1", "--mail-url", "smtp+plain://127.0.0.1:9", "--mail-from", "a@example.org"]);
        let token = token(folder, "pages.db", "agent");
        let ticket = |queue: &str| {
            let body = format!("{{\"title\": \"T\", \"type\": \"incident\", \"queue\": \"{queue}\"}}");
            let answer = post(&server.address, &token, "/api/v1/tickets", &body);
            answer.split("\"number\":\"").nth(1).and_then(|r| r.split('"').next()).unwrap_or_else(|| panic!("{answer}")).to_owned()
        };
        let tickets: Vec<String> = (0..40).map(|_| ticket("it")).collect();
        let slow: Vec<String> = if stalled > 0 { vec![ticket("slow")] } else { vec![] };
        std::thread::scope(|s| {
            for part in 0..16 {
                let (tickets, slow, token, address) = (&tickets, &slow, &token, &server.address);
                s.spawn(move || {
                    let write = |number: &str, n: usize| {
                        let body = format!(
                            "{{\"body\": \"Answer {n}\", \"subject\": \"Re: T\", \"mail\": {{\"to\": [\"a{n}@client.example\"]}}}}"
                        );
                        post(address, token, &format!("/api/v1/tickets/{number}/articles"), &body);
                    };
                    for n in (part..ANSWERS).step_by(16) {
                        write(&tickets[n % tickets.len()], n);
                    }
                    for n in (part..stalled).step_by(16) {
                        write(&slow[0], n);
                    }
                });
            }
        });
        end(server);
        let server = serve(folder, &sending);
        // What failed before is due at once.
        let c = rusqlite::Connection::open(folder.join("pages.db")).expect("the database");
        c.busy_timeout(Duration::from_secs(10)).expect("a limit");
        c.execute("UPDATE delivery SET due = created WHERE state = 'due'", []).expect("they are due");
        drop(c);
        let (begun, before) = (Instant::now(), count(folder, "state = 'sent'"));
        let left = || count(folder, "state = 'due' AND lane <> 'slow'");
        while left() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(120), "{} are left: {}", left(), errors(folder));
            std::thread::sleep(Duration::from_millis(20));
        }
        let sent = count(folder, "state = 'sent'") - before;
        let rate = sent as f64 / begun.elapsed().as_secs_f64();
        println!("outbox to a local mail server, {stalled} mails for one that says nothing beside it: {sent} sent, {rate:.0}/s");
        rates.push(rate);
        end(server);
    }
    println!("beside a server that says nothing: {:.0} %", 100.0 * rates[1] / rates[0]);
    let _ = sink.kill();
    let _ = sink.wait();
}

fn post(address: &str, token: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("it is asked");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    answer
}

/// A mailbox of Dovecot, emptied.
fn mailbox(folder: &Path) {
    let mails: usize = std::env::var("VORGANG_MAILBOX").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    if !Path::new("/usr/sbin/dovecot").exists() {
        println!("Dovecot is not installed: SKIPPED");
        return;
    }
    let home = folder.join("dovecot");
    for part in ["run", "mail/box@example.org/new", "mail/box@example.org/cur", "mail/box@example.org/tmp"] {
        std::fs::create_dir_all(home.join(part)).expect("a folder");
    }
    for n in 0..mails {
        let path = home.join("mail/box@example.org/new").join(format!("{}.{n}.here", 1_700_000_000 + n));
        std::fs::write(path, mail(n).replace("support@", "box@")).expect("a mail");
    }
    let (imap, at) = (port(), home.display());
    let config = format!(
        "base_dir = {at}/run\nstate_dir = {at}/run\nlog_path = {at}/log\nprotocols = imap\nlisten = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\n\
         mail_location = maildir:{at}/mail/%u\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
         passdb {{\n driver = static\n args = password=secret\n}}\nuserdb {{\n driver = static\n args = uid=mail gid=mail home={at}/mail/%u allow_all_users=yes\n}}\n\
         service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n"
    );
    std::fs::write(home.join("dovecot.conf"), config).expect("a file");
    for path in home.ancestors().take(4) {
        let _ = Command::new("chmod").arg("a+rx").arg(path).status();
    }
    let _ = Command::new("chown").args(["-R", "mail:mail"]).arg(home.join("mail")).status();
    let mut dovecot = Command::new("/usr/sbin/dovecot").args(["-F", "-c"]).arg(home.join("dovecot.conf")).spawn().expect("Dovecot starts");
    let more = format!(
        "- {{ kind: MailAccount, name: box, address: box@example.org, queue: it, type: incident, receive: \"imap+plain://box%40example.org@127.0.0.1:{imap}\" }}\n"
    );
    let site = site(folder, &more);
    let secrets = folder.join("secrets");
    std::fs::create_dir_all(&secrets).expect("a folder");
    std::fs::write(secrets.join("box"), "secret").expect("a file");
    std::thread::sleep(Duration::from_secs(1));
    let (site, secrets) = (site.display().to_string(), secrets.display().to_string());
    let server = serve(folder, &[&site, "--demo", "--tickets", "1", "--secrets", &secrets]);
    let inbox = || look::<i64>(folder, "SELECT count(*) FROM inbox") as usize;
    let waited = Instant::now();
    while inbox() == 0 {
        assert!(waited.elapsed() < Duration::from_secs(120), "nothing comes");
        std::thread::sleep(Duration::from_millis(5));
    }
    let begun = Instant::now();
    while inbox() < mails {
        assert!(begun.elapsed() < Duration::from_secs(900), "{} of {mails}", inbox());
        std::thread::sleep(Duration::from_millis(50));
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "mailbox of {mails} by IMAP, emptied: {:.0}/s; first mail after {:.1} s; memory {:.0} MB",
        mails as f64 / seconds,
        waited.elapsed().as_secs_f64() - seconds,
        memory(server.child.id())
    );
    end(server);
    let _ = Command::new("kill").args(["-TERM", &dovecot.id().to_string()]).status();
    let _ = dovecot.wait();
}

/// Real and hostile mails: time by size, and how much memory each takes at most.
fn corpus(_: &Path) {
    let folder = std::env::var_os("VORGANG_MAILS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/mail"), PathBuf::from);
    let mut mails: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.file_name().to_string_lossy().into_owned(), std::fs::read(e.path()).ok()?)))
        .filter(|(n, _)| n.ends_with(".eml"))
        .collect();
    mails.sort();
    if mails.is_empty() {
        println!("../shared/data/mail is not there: SKIPPED");
        return;
    }
    let mut slowest: Vec<(f64, f64, &str, usize)> = vec![];
    for (name, raw) in &mails {
        let mut times: Vec<f64> = (0..9)
            .map(|_| {
                let begun = Instant::now();
                let _ = vorgang_mail::read(raw, "h", u64::MAX);
                let _ = vorgang_mail::shown(raw);
                begun.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        slowest.push((times[4], times[4] / (raw.len() as f64 / 1_048_576.0).max(0.02), name, raw.len()));
    }
    let total: f64 = slowest.iter().map(|s| s.0).sum();
    let bytes: usize = mails.iter().map(|(_, r)| r.len()).sum();
    slowest.sort_by(|a, b| b.1.total_cmp(&a.1));
    println!("{} mails of the corpus, {} KB: {total:.1} ms in all, read and shown", mails.len(), bytes / 1024);
    for (ms, by_size, name, size) in slowest.iter().take(3) {
        println!("  {name}: {ms:.2} ms, {by_size:.1} ms per MB ({size} bytes)");
    }
}
