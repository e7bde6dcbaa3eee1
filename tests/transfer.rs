//! Moving, backing up and restoring whole databases, and what a history that was tampered with looks like.

mod common;

use common::{Folder, Server, run, token, url};
use std::process::Stdio;
use std::time::{Duration, Instant};
use vorgang_core::chain::{self, Hash, hex};
use vorgang_core::ids::TicketId;
use vorgang_store::HistoryRow;
use vorgang_testbed::{postgres, psql};

fn say((code, out, err): (i32, String, String)) -> String {
    format!("{code} {out}{err}")
}

/// Thousands of tickets go into another database and back, while the copying is killed again and again.
#[test]
fn a_copy_that_is_cut_goes_on_and_is_whole() {
    let folder = Folder::new("copy");
    let demo = Server::start(&folder.0, &["--demo", "--tickets", "8000"]);
    demo.end();
    let from = url(&folder.0);
    let to = folder.0.join("other.db").display().to_string();
    // A node that was killed is waited for until it is taken for dead: fewer are enough there.
    let cuts_max = if postgres().is_some() { 2 } else { 5 };
    // Does it stand in the half of a copy how far that came?
    let arrived = || {
        let open = rusqlite::Connection::open_with_flags(&to, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
        open.and_then(|c| c.query_row("SELECT count(*) FROM copying", [], |r| r.get(0))).is_ok_and(|rows: i64| rows > 0)
    };
    let (mut cuts, mut tries, mut mixed) = (0, 0, false);
    let done = loop {
        let mut copy = common::vorgang(&folder.0)
            .args(["copy", "--from", &from, "--to", &to])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it begins");
        // Killed as soon as something has arrived, a little later each time.
        let begun = Instant::now();
        while !arrived() && begun.elapsed() < Duration::from_secs(20) && copy.try_wait().expect("a state").is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(tries * 15));
        tries += 1;
        if cuts < cuts_max && copy.try_wait().expect("a state").is_none() {
            copy.kill().expect("it is cut");
            let _ = copy.wait();
            // What is half there is nobody's database.
            let said = say(run(&folder.0, &["--database", &to, "serve", "--listen", "127.0.0.1:0"]));
            assert!(said.starts_with('3'), "{said}");
            cuts += u32::from(said.contains("not complete; copy again"));
            if !mixed && arrived() {
                mixed = true;
                // Somebody was given another name meanwhile: two states are not mixed.
                let changed =
                    |to: &str| assert_eq!(folder.database().change(&format!("UPDATE person SET name = {to} WHERE login = 'tina'")), 1);
                changed("name || ' the Second'");
                let said = say(run(&folder.0, &["copy", "--from", &from, "--to", &to]));
                assert!(said.starts_with('3') && said.contains("has changed since the copy was begun (people"), "{said}");
                changed("replace(name, ' the Second', '')");
            }
            continue;
        }
        let output = copy.wait_with_output().expect("it ends");
        break String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    };
    assert!(cuts >= 2 && mixed, "it was too fast to be cut: {done}");
    assert!(done.contains("8000 tickets") && done.contains("gone on where it was cut") && done.contains(" 0 findings"), "{done}");
    // Where a checkpoint was made meanwhile, its file is the old place's: only a note.
    let report = |database: &str| {
        let said = say(run(&folder.0, &["--database", database, "audit", "verify", "--format", "json"]));
        said.split("\"notes\"").next().unwrap_or_default().to_owned()
    };
    assert_eq!(report(&from), report(&to));
    // Nothing is copied over what is there.
    let said = say(run(&folder.0, &["copy", "--from", &from, "--to", &to]));
    assert!(said.starts_with('3') && said.contains("it is not empty"), "{said}");
    // And it works: the same people, the same tickets, and numbers that nobody has yet.
    let served = Folder::at("copied", &to);
    let server = Server::start(&served.0, &[]);
    let auth = format!("Bearer {}", token(&served.0, "customer"));
    let body = br#"{"dialog":"hand_in","fields":{"amount":"400.00"},"article":{"body":"after the copy"}}"#;
    let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
    let made = common::request(&server.address, "POST", "/api/v1/processes/expense_claim/start", &headers, body).expect("an answer");
    assert_eq!(made.status, 201, "{}", made.body);
    println!("copied after {cuts} cuts");
}

/// Into PostgreSQL and back: on the run that has a server.
#[test]
fn a_file_goes_into_a_server_and_back() {
    if postgres().is_none() {
        return eprintln!("SKIPPED: VORGANG_TEST_POSTGRES names no server");
    }
    let server = Folder::new("into");
    let file = Folder::at("file", &server.0.join("file.db").display().to_string());
    Server::start(&file.0, &["--demo", "--tickets", "300"]).kill();
    let (there, back) = (url(&server.0), server.0.join("back.db").display().to_string());
    let said = say(run(&file.0, &["copy", "--from", &format!("sqlite:{}", url(&file.0)), "--to", &there]));
    assert!(said.starts_with('0') && said.contains("300 tickets") && said.contains(" 0 findings"), "{said}");
    let said = say(run(&file.0, &["copy", "--from", &there, "--to", &back]));
    assert!(said.starts_with('0') && said.contains(" 0 findings"), "{said}");
    let report = |database: &str| say(run(&file.0, &["--database", database, "audit", "verify", "--format", "json"]));
    assert_eq!(report(&url(&file.0)), report(&back));
    // A database that a node uses is not copied from.
    let node = Server::start(&server.0, &[]);
    let said = say(run(&file.0, &["copy", "--from", &there, "--to", &server.0.join("live.db").display().to_string()]));
    assert!(said.starts_with('3') && said.contains("stop them first"), "{said}");
    node.kill();
}

/// Row 51 of the faults: a backup of a running desk, restored; what was to be sent since is held.
#[test]
fn a_backup_is_one_file_and_can_be_restored() {
    let folder = Folder::new("backup");
    let server = Server::start(&folder.0, &["--demo", "--tickets", "100"]);
    let file = folder.0.join("b.backup").display().to_string();
    let said = say(run(&folder.0, &["backup", &file]));
    assert!(said.starts_with('0') && said.contains("100 tickets") && said.contains("verified") && said.contains(" 0 findings"), "{said}");
    assert_eq!(run(&folder.0, &["backup", &file]).0, 2, "nothing is overwritten");
    let said = say(run(&folder.0, &["restore", "--verify", &file]));
    assert!(said.starts_with('0') && said.contains("can be restored"), "{said}");
    let said = say(run(&folder.0, &["doctor"]));
    assert!(said.contains("the last verified one is of"), "{said}");
    let said = say(run(&folder.0, &["restore", &file]));
    assert!(said.starts_with('3') && said.contains("not empty"), "{said}");
    server.kill();
    let fresh = Folder::new("restored");
    let said = say(run(&fresh.0, &["restore", &file]));
    assert!(said.starts_with('0') && said.contains("100 tickets") && said.contains("are held"), "{said}");
    assert_eq!(run(&fresh.0, &["audit", "verify"]).0, 0);
    // A bit that the disk changes, wherever it is.
    let bytes = std::fs::read(&file).expect("the backup");
    let damaged = folder.0.join("damaged.backup");
    for tenth in 0..10 {
        let mut bad = bytes.clone();
        let at = bad.len() / 10 * tenth + 200;
        bad[at] ^= 1;
        std::fs::write(&damaged, bad).expect("a file");
        let said = say(run(&folder.0, &["restore", "--verify", &damaged.display().to_string()]));
        assert!(!said.starts_with('0') && said.contains("is not what was written"), "byte {at}: {said}");
    }
    // A file that is no backup, or half of one.
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("half of it");
    let said = say(run(&folder.0, &["restore", "--verify", &file]));
    assert!(!said.starts_with('0'), "{said}");
}

/// Row 52: each kind of tampering is found, also by one who can compute every hash.
#[tokio::test(flavor = "multi_thread")]
async fn tampering_is_found() {
    let folder = Folder::new("tampering");
    let server = Server::start(&folder.0, &["--demo", "--tickets", "20"]);
    // Where a server on a file keeps them.
    let files = folder.0.join("test.db.files").display().to_string();
    assert_eq!(run(&folder.0, &["--files", &files, "audit", "checkpoint"]).0, 0);
    server.kill();
    let verify = |folder: &Folder| say(run(&folder.0, &["--files", &files, "audit", "verify"]));
    let clean = verify(&folder);
    assert!(clean.starts_with('0') && !clean.contains(" 0 checkpoints"), "{clean}");
    let rows = {
        let store = folder.open().await;
        let rows = store.history_list(TicketId(7), 0, 100).await.expect("a history");
        store.leave().await;
        rows
    };
    let last = rows.last().expect("a row");
    let before = rows.len().checked_sub(2).map_or(chain::GENESIS, |i| rows[i].hash);
    let stamped = HistoryRow { actor: "nobody".into(), ..last.clone() };
    let hash = stamped.hash_after(before);
    let bytes = |hash: &Hash| if postgres().is_some() { format!("decode('{}', 'hex')", hex(hash)) } else { format!("X'{}'", hex(hash)) };
    let version = last.version;
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("an edited row", vec!["UPDATE history SET events = replace(events, 'new', 'neu') WHERE ticket_id = 7 AND version = 1".into()]),
        ("edited content", vec!["UPDATE history SET personal = personal || ' ' WHERE ticket_id = 7 AND version = 1".into()]),
        ("emptied content", vec!["UPDATE history SET personal = NULL WHERE ticket_id = 7 AND version = 1".into()]),
        ("content without its pieces", vec!["UPDATE history SET personal = '[]' WHERE ticket_id = 7 AND version = 1".into()]),
        ("the log of security", vec!["UPDATE security_log SET actor = 'nobody' WHERE id = 1".into()]),
        ("an entry of that log", vec!["DELETE FROM security_log WHERE id = 2".into()]),
        ("a removed row", vec!["DELETE FROM history WHERE ticket_id = 7 AND version = 1".into()]),
        ("another time", vec!["UPDATE history SET at = at + 1 WHERE ticket_id = 7 AND version = 1".into()]),
        ("rows that changed places", vec!["UPDATE history SET ticket_id = 1007 - ticket_id WHERE ticket_id IN (7)".into()]),
        ("a ticket's row", vec!["UPDATE ticket SET title = 'other' WHERE id = 7".into()]),
        (
            "hashes computed anew",
            vec![
                format!("UPDATE history SET actor = 'nobody', hash = {} WHERE ticket_id = 7 AND version = {version}", bytes(&hash)),
                format!("UPDATE ticket SET head = {} WHERE id = 7", bytes(&hash)),
            ],
        ),
        ("a ticket that was cut off", vec!["DELETE FROM history WHERE ticket_id = 7".into(), "DELETE FROM ticket WHERE id = 7".into()]),
        // The last one may be the server's own, which it was killed in the middle of: in the database and not yet in the file.
        ("the checkpoints", vec!["DELETE FROM checkpoint WHERE id >= (SELECT max(id) - 1 FROM checkpoint)".into()]),
        ("a checkpoint's heads", vec![format!("UPDATE checkpoint SET leaves = {} WHERE id = 1", bytes(&hash))]),
    ];
    for (what, changes) in cases {
        let copy = folder.copy("tampered");
        for sql in &changes {
            assert!(copy.database().change(sql) > 0, "{what} changed nothing");
        }
        let said = verify(&copy);
        assert!(said.starts_with('1'), "{what} was not found: {said}");
        println!("{what}: {}", said.lines().next().unwrap_or_default());
    }
}

/// What is not what it should be is said in one sentence, and nothing is changed by it.
#[test]
fn wrong_databases_are_refused() {
    let folder = Folder::new("wrong");
    Server::start(&folder.0, &["--demo", "--tickets", "2"]).kill();
    let refused = |folder: &Folder, word: &str| {
        let (code, _, err) = run(&folder.0, &["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!((code, err.lines().count()), (3, 1), "{} {err}", url(&folder.0));
        assert!(err.contains(word), "{err}");
        assert_eq!(run(&folder.0, &["user", "list"]).0, 3);
    };
    let newer = folder.copy("newer");
    if postgres().is_some() {
        psql(&url(&newer.0), "INSERT INTO schema_version VALUES (999)");
    } else {
        rusqlite::Connection::open(url(&newer.0)).and_then(|c| c.execute_batch("PRAGMA user_version = 999")).expect("a version");
    }
    // It says that this program can work with it, as the release before does while nodes are brought up by turns; then not.
    let said = say(run(&newer.0, &["audit", "verify"]));
    assert!(said.starts_with('0'), "{said}");
    newer.database().change("UPDATE schema_needs SET steps = 999");
    refused(&newer, "newer version (999)");
    for url in ["postgres://nobody@127.0.0.1:1/x", "postgres://127.0.0.1", "mysql://x/y", "/nowhere/x.db"] {
        refused(&Folder::at("nowhere", url), "");
    }
    // Another site on a database that has one.
    let site = folder.0.join("site");
    std::fs::create_dir_all(&site).expect("a folder");
    std::fs::write(site.join("site.yaml"), "{ kind: Site, name: another, language: 1, languages: en, zone: UTC, title: Another }")
        .expect("a site");
    let said = say(run(&folder.0, &["serve", &site.display().to_string(), "--listen", "127.0.0.1:0"]));
    assert!(said.starts_with('3') && said.contains("holds the site `helpdesk`, not `another`"), "{said}");
    assert_eq!(run(&folder.0, &["audit", "verify"]).0, 0);
}

/// Row 10 of the faults: a large attachment lies outside the database, is in the backup, and says when it was changed.
#[test]
fn large_attachments_are_files() {
    let folder = Folder::new("attachments");
    let files = folder.0.join("files");
    let shown = files.display().to_string();
    let server = Server::start(&folder.0, &["--demo", "--tickets", "3", "--files", &shown]);
    let auth = format!("Bearer {}", token(&folder.0, "customer"));
    let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
    let body = r#"{"dialog":"hand_in","fields":{"amount":"400.00"},"article":{"body":"with files"}}"#;
    let made =
        common::request(&server.address, "POST", "/api/v1/processes/expense_claim/start", &headers, body.as_bytes()).expect("an answer");
    let number = made.json()["number"].as_str().expect("a number").to_owned();
    let attach = |name: &str, bytes: usize| {
        // All `A`: zero bytes.
        let content = "A".repeat(bytes / 3 * 4);
        let body =
            format!(r#"{{"body":"see {name}","attachments":[{{"name":"{name}","content_type":"text/plain","content":"{content}"}}]}}"#);
        let path = format!("/api/v1/tickets/{number}/articles");
        let answer = common::request(&server.address, "POST", &path, &headers, body.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 201, "{}", answer.body);
    };
    attach("small.txt", 3_000);
    attach("large.bin", 600_000);
    let lie: Vec<_> = walk(&files.join("attachments"));
    assert_eq!(lie.iter().map(|p| p.metadata().expect("a file").len()).collect::<Vec<_>>(), [600_000], "only the large one");
    let hash = lie[0].file_name().expect("a name").to_string_lossy().into_owned();
    let download = |server: &Server, cookie: &str| {
        let path = format!("/agent/tickets/{number}/files/{hash}");
        common::request(&server.address, "GET", &path, &[("Cookie", cookie)], b"").expect("an answer")
    };
    let agent = server.sign_in("agent");
    let there = download(&server, &agent);
    assert_eq!((there.status, there.body.len()), (200, 600_000));

    let file = folder.0.join("b.backup").display().to_string();
    let said = say(run(&folder.0, &["backup", &file, "--files", &shown]));
    assert!(said.starts_with('0'), "{said}");
    // Without the folder it is said that it is not whole.
    let without = folder.0.join("without.backup").display().to_string();
    let nowhere = folder.0.join("nowhere").display().to_string();
    let said = say(run(&folder.0, &["backup", &without, "--files", &nowhere]));
    assert!(said.starts_with('1') && said.contains("1 attachments are not in it"), "{said}");

    // What nobody names goes when it is old; the rest stays, however old it is.
    std::fs::create_dir_all(files.join("attachments/ff")).expect("a folder");
    let stray = files.join("attachments/ff").join("f".repeat(64));
    std::fs::write(&stray, "left by a commit that never came").expect("a file");
    let age = |path: &std::path::Path, days: u32| {
        let file = std::fs::File::options().write(true).open(path).expect("the file");
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(24) * days).expect("its time");
    };
    age(&lie[0], 99);
    let sweep = |more: &[&str]| say(run(&folder.0, &[&["sweep", "--files", shown.as_str()], more].concat()));
    assert!(sweep(&[]).contains("1 files are older than 30 days; 0 that"), "a new one stays");
    age(&stray, 31);
    let said = sweep(&["--dry-run"]);
    assert!(said.contains("2 files are older than 30 days; 1 that nobody names would go") && stray.exists(), "{said}");
    let said = sweep(&[]);
    assert!(said.contains("1 that nobody names removed, 32 bytes") && !stray.exists() && lie[0].exists(), "{said}");

    let fresh = Folder::new("attachments-restored");
    assert_eq!(run(&fresh.0, &["restore", &file]).0, 0);
    let restored = Server::start(&fresh.0, &["--demo"]);
    assert_eq!(download(&restored, &restored.sign_in("agent")).body.len(), 600_000, "it comes back from the backup");

    // The disk changes a byte: that is said, and the ticket is read as before.
    let mut bytes = std::fs::read(&lie[0]).expect("the file");
    bytes[1_000] = 7;
    std::fs::write(&lie[0], bytes).expect("a change");
    assert_ne!(download(&server, &agent).status, 200, "nobody gets what is not what was sent");
    let page = common::request(&server.address, "GET", &format!("/agent/tickets/{number}"), &[("Cookie", &agent)], b"").expect("a page");
    assert_eq!(page.status, 200);
    let said = say(run(&folder.0, &["doctor", "--files", &shown]));
    assert!(said.starts_with('1') && said.contains("1 of 1 are damaged"), "{said}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = vec![];
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { all.extend(walk(&entry.path())) } else { all.push(entry.path()) }
    }
    all
}

/// Databases of earlier versions stay readable: each is a backup that was made then. It is restored, on either kind of
/// database, and work goes on where it was.
#[test]
fn backups_of_every_version_can_be_restored() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade");
    let mut all = walk(&folder);
    all.sort();
    assert!(!all.is_empty());
    for file in all {
        let shown = file.display().to_string();
        let fresh = Folder::new("upgrade");
        let said = say(run(&fresh.0, &["restore", &shown]));
        assert!(said.starts_with('0') && said.contains(" 0 findings"), "{shown}: {said}");
        let server = Server::start(&fresh.0, &[]);
        let auth = format!("Bearer {}", token(&fresh.0, "agent"));
        let call = |method: &str, path: &str, body: &str| {
            let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
            common::request(&server.address, method, path, &headers, body.as_bytes()).expect("an answer")
        };
        let list = call("GET", "/api/v1/work", "").json();
        let item =
            list["items"].as_array().expect("work").iter().find(|w| w["activity"] == "check_receipts").expect("an open check").clone();
        let path = format!("/api/v1/work/{}/submit", item["id"].as_str().expect("an id"));
        assert_eq!(call("POST", &path, r#"{"outcome":"good"}"#).status, 200, "{shown}: work goes on");
        let said = say(run(&fresh.0, &["audit", "verify"]));
        assert!(said.starts_with('0'), "{shown}: {said}");
    }
}
