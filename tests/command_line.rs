//! The command line: what it says, where, and with which status. The revision story on a running server.

mod common;

use common::{Folder, Server, copy, request, run, token};
use std::fs;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What a person is called goes into heads of mail: it is one line.
#[test]
fn people_have_names_of_one_line() {
    let folder = Folder::new("names");
    for (option, text) in [("--email", "a@b\r\nBcc: x@y"), ("--email", "nobody"), ("--name", "A\nB"), ("--name", "A\u{1b}[31m")] {
        let (code, _, err) = run(&folder.0, &["user", "add", "ina", option, text]);
        assert_eq!(code, 2, "{option} {text:?}: {err}");
    }
    assert_eq!(run(&folder.0, &["user", "add", "ina\nb"]).0, 2);
}

/// Every example checks without a finding, and its tests pass.
#[test]
fn examples_are_good() {
    let folder = Folder::new("examples");
    let mut count = 0;
    let inside = |f: &str| fs::read_dir(root().join(f)).expect("sites").map(|e| e.expect("a site").path()).collect::<Vec<_>>();
    let sites = ["examples", "examples/patterns", "tests/sites"].into_iter().flat_map(inside).filter(|s| !s.ends_with("patterns"));
    for site in sites {
        let site = site.to_string_lossy();
        let (code, out, err) = run(&folder.0, &["check", &site, "--deny", "warnings"]);
        assert_eq!((code, out.as_str()), (0, ""), "{site}: {err}");
        let (code, out, _) = run(&folder.0, &["test", &site]);
        assert_eq!(code, 0, "{site}:\n{out}");
        count += 1;
    }
    assert!(count >= 47, "{count} sites");
}

/// The examples' own tests notice nine of ten small changes.
#[test]
fn tests_of_examples_notice_changes() {
    let folder = Folder::new("mutants");
    let inside = |f: &str| fs::read_dir(root().join(f)).expect("sites").map(|e| e.expect("a site").path()).collect::<Vec<_>>();
    for site in ["examples", "examples/patterns"].into_iter().flat_map(inside).filter(|s| !s.ends_with("patterns")) {
        let site = site.to_string_lossy();
        let (code, out, err) = run(&folder.0, &["test", &site, "--mutants", "--least", "90"]);
        assert_eq!(code, 0, "{site}:\n{out}{err}");
    }
    let (code, out, _) = run(&folder.0, &["test", &root().join("examples/gallery").to_string_lossy(), "--mutants", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, told["changes"].as_u64() > told["noticed"].as_u64()), (0, true), "{told}");
    assert_eq!(
        told["left"].as_array().map(Vec::len).unwrap_or_default() as u64 + told["noticed"].as_u64().unwrap_or_default(),
        told["changes"]
    );
}

/// `docs/patterns.md` says of each pattern what the example says of itself, with its drawing.
#[test]
fn the_page_of_patterns_is_current() {
    let folder = Folder::new("patterns");
    let mut sites: Vec<_> = fs::read_dir(root().join("examples/patterns")).expect("patterns").map(|e| e.expect("a site").path()).collect();
    sites.sort();
    assert_eq!(sites.len(), 43);
    let mut page = String::from(
        "# The workflow patterns\n\nThe 43 control-flow patterns of the Workflow Patterns Initiative (W. van der Aalst, A. ter Hofstede, \
         B. Kiepuszewski, A. Barros; N. Russell), each by a construct of the language, with a site to copy from and its tests: the expected \
         traces, another order of events, the case that is refused. `vorgang test examples/patterns/NN_NAME` plays them.\n",
    );
    for site in sites {
        let name = site.file_name().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(site.join("process.yaml")).expect("a process");
        let title = text.split("title: ").nth(1).and_then(|t| t.split(" }").next()).expect("a title");
        let says: Vec<&str> = text.lines().skip(1).filter_map(|l| l.strip_prefix("# ")).collect();
        let (number, process) = name.split_once('_').expect("a number");
        let (code, drawing, err) = run(&folder.0, &["graph", &site.to_string_lossy(), process, "--format", "mermaid"]);
        assert_eq!(code, 0, "{name}: {err}");
        let number: u32 = number.parse().expect("a number");
        let says = says.join(" ");
        page.push_str(&format!(
            "\n## {number} {title}\n\n{says} ([example](../examples/patterns/{name}/process.yaml))\n\n```mermaid\n{}\n```\n",
            drawing.trim_end()
        ));
    }
    let path = root().join("docs/patterns.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &page).expect("the page");
    }
    assert!(fs::read_to_string(&path).is_ok_and(|now| now == page), "UPDATE_EXPECT=1 writes docs/patterns.md anew");
}

#[test]
fn findings_wrong_usage_and_failure_have_their_status() {
    let folder = Folder::new("status");
    let broken = folder.0.join("broken");
    fs::create_dir(&broken).expect("a folder");
    fs::write(broken.join("site.yaml"), "kind: Site\nname: x\n").expect("a file");
    let broken = broken.to_string_lossy();
    let (code, out, err) = run(&folder.0, &["check", &broken]);
    assert_eq!(code, 1);
    assert!(out.contains("missing-key") && out.contains("site.yaml:1:1"), "{out}");
    assert!(err.contains("errors"), "{err}");
    let (code, out, _) = run(&folder.0, &["check", &broken, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, json["version"].as_i64()), (1, Some(1)));
    assert_eq!(run(&folder.0, &["test", &broken]).0, 1);
    assert_eq!(run(&folder.0, &["chekc"]).0, 2);
    assert_eq!(run(&folder.0, &["schema", "Queeue"]).0, 2);
    assert_eq!(run(&folder.0, &["explain", "nonsense"]).0, 2);
    assert_eq!(run(&folder.0, &["check", "/nowhere"]).0, 3);
    assert_eq!(run(&folder.0, &["audit", "verify"]).0, 3);
    assert_eq!(run(&folder.0, &["serve", "--listen", "0.0.0.0:0"]).0, 2);
    assert_eq!(run(&folder.0, &["--database", "postgres://x/y", "user", "list"]).0, 3);
}

#[test]
fn schema_graph_and_explain_print_what_is_asked() {
    let folder = Folder::new("prints");
    let site = root().join("examples/helpdesk");
    let site = site.to_string_lossy();
    let (code, svg, _) = run(&folder.0, &["graph", &site, "expense_claim"]);
    assert_eq!(code, 0);
    assert!(svg.starts_with("<svg ") && svg.contains("Check the receipts"), "{svg}");
    assert_eq!(run(&folder.0, &["graph", &site, "expence_claim"]).0, 2);
    for draft in ["2020-12", "7"] {
        let (code, schema, _) = run(&folder.0, &["schema", "Process", "--draft", draft]);
        assert_eq!(code, 0);
        let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
        assert!(schema["$schema"].as_str().is_some_and(|s| s.contains(if draft == "7" { "draft-07" } else { "2020-12" })));
    }
    for word in ["may-be-unset", "Process", "days", "set", "has"] {
        assert_eq!(run(&folder.0, &["explain", word]).0, 0, "{word}");
    }
}

#[test]
fn fix_quotes_what_it_is_sure_of() {
    let folder = Folder::new("fix");
    let site = folder.0.join("site");
    copy(&root().join("examples/helpdesk"), &site);
    let file = site.join("processes/leave_request.yaml");
    let text = fs::read_to_string(&file)
        .expect("the file")
        .replace("when: ticket.fields.last_day < ticket.fields.first_day", "when: !has(ticket.owner)");
    fs::write(&file, text).expect("a file");
    let path = site.to_string_lossy();
    assert_eq!(run(&folder.0, &["check", &path]).0, 1);
    let (code, out, _) = run(&folder.0, &["check", &path, "--fix"]);
    assert_eq!(code, 0, "{out}");
    assert!(fs::read_to_string(&file).expect("the file").contains("when: '!has(ticket.owner)'"));
}

/// A good change is taken into the running server, a bad one refused whole; tickets keep their process.
#[test]
fn apply_takes_a_good_change_and_refuses_a_bad_one() {
    let folder = Folder::new("apply");
    let site = folder.0.join("site");
    copy(&root().join("examples/helpdesk"), &site);
    let path = site.to_string_lossy().into_owned();
    let server = Server::start(&folder.0, &[&path, "--demo", "--tickets", "3"]);
    let customer = format!("Bearer {}", token(&folder.0, "customer"));
    let manager = format!("Bearer {}", token(&folder.0, "manager"));
    let agent = format!("Bearer {}", token(&folder.0, "agent"));
    let call = |who: &str, method: &str, path: &str, body: &str| {
        request(&server.address, method, path, &[("Authorization", who)], body.as_bytes()).expect("an answer")
    };
    let start =
        || call(&customer, "POST", "/api/v1/processes/expense_claim/start", r#"{"fields":{"amount":"80"},"article":{"body":"x"}}"#).json();
    let before = start();
    let works = |t: &serde_json::Value| t["work"].as_array().map_or(0, Vec::len);
    assert_eq!(works(&before), 2);
    // From now on claims up to 100 are paid at once.
    let file = site.join("processes/expense_claim.yaml");
    let good = fs::read_to_string(&file).expect("the file").replace("<= 50", "<= 100");
    fs::write(&file, &good).expect("a file");
    assert_eq!(run(&folder.0, &["plan", &path]).0, 1);
    let (code, out, err) = run(&folder.0, &["apply", &path]);
    assert_eq!((code, out.trim()), (0, "applied as revision 2"), "{err}");
    assert_eq!(start()["state"], "closed_successful");
    // A bad one: whole, with its findings.
    fs::write(&file, good.replace("to: pay", "to: payy")).expect("a file");
    let (code, out, err) = run(&folder.0, &["apply", &path]);
    assert_eq!(code, 1);
    assert!(out.contains("no activity is called `payy`") && err.contains("refused"), "{out}{err}");
    assert_eq!(start()["state"], "closed_successful");
    // One that takes away what running tickets use.
    fs::write(&file, &good).expect("a file");
    let tickets = site.join("site.yaml");
    let text = fs::read_to_string(&tickets).expect("the file");
    fs::write(
        &tickets,
        text.replace(
            "- { kind: Priority, name: normal, level: 3, title: { en: normal, de: normal } }",
            "- { kind: Priority, name: middle, level: 3 }",
        ),
    )
    .expect("a file");
    let process =
        fs::read_to_string(site.join("processes/leave_request.yaml")).expect("the file").replace("priority: normal", "priority: middle");
    fs::write(site.join("processes/leave_request.yaml"), process).expect("a file");
    fs::write(&file, good.replace("priority: normal", "priority: middle")).expect("a file");
    let (code, out, _) = run(&folder.0, &["apply", &path]);
    assert_eq!(code, 1);
    assert!(out.contains("no longer checks; tickets on it: "), "{out}");
    // The ticket that was under way goes the old way.
    let number = before["number"].as_str().expect("a number");
    let id = |activity: &str| {
        before["work"]
            .as_array()
            .expect("work")
            .iter()
            .find(|w| w["activity"] == activity)
            .and_then(|w| w["id"].as_str())
            .expect("an id")
            .to_owned()
    };
    assert_eq!(call(&manager, "POST", &format!("/api/v1/work/{}/submit", id("approve")), r#"{"outcome":"approve"}"#).status, 200);
    assert_eq!(call(&agent, "POST", &format!("/api/v1/work/{}/submit", id("check_receipts")), r#"{"outcome":"good"}"#).status, 200);
    assert_eq!(call(&agent, "GET", &format!("/api/v1/tickets/{number}"), "").json()["state"], "closed_successful");
    let (code, out, _) = run(&folder.0, &["audit", "verify"]);
    assert_eq!(code, 0, "{out}");
    // A second server on the same file is refused in one sentence; on PostgreSQL it is another node.
    if vorgang_testbed::postgres().is_none() {
        let (code, _, err) = run(&folder.0, &["serve", &path, "--listen", "127.0.0.1:0"]);
        assert_eq!(code, 3);
        assert!(err.contains("another server holds"), "{err}");
        // Nor by another path, by a link of either kind, or after its lock was removed.
        let database = folder.0.join("test.db");
        let (soft, hard) = (folder.0.join("soft.db"), folder.0.join("hard.db"));
        std::os::unix::fs::symlink(&database, &soft).expect("a link");
        fs::hard_link(&database, &hard).expect("a link");
        fs::remove_file(folder.0.join("test.db.lock")).expect("the lock");
        for other in [database, soft, hard] {
            let other = other.display().to_string();
            let (code, _, err) = run(&folder.0, &["--database", &other, "serve", &path, "--listen", "127.0.0.1:0"]);
            assert!(code == 3 && err.contains("another server holds"), "{other}: {code} {err}");
        }
    }
    // Demo data goes into an empty database only, or into its own again.
    server.kill();
    let other = Folder::new("apply-other");
    assert_eq!(run(&other.0, &["apply", &path.replace("site", "nowhere")]).0, 3);
}

/// A database that is gone, or empty, does not begin anew beside the checkpoints of the old one.
#[test]
fn a_lost_database_is_not_replaced_by_an_empty_one() {
    if vorgang_testbed::postgres().is_some() {
        return eprintln!("SKIPPED: a server's database is no file");
    }
    let folder = Folder::new("lost");
    Server::start(&folder.0, &["--demo", "--tickets", "3"]).end();
    assert_eq!(run(&folder.0, &["audit", "checkpoint"]).0, 0);
    let database = folder.0.join("test.db");
    for what in ["missing", "empty"] {
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{ending}", database.display()));
        }
        if what == "empty" {
            fs::write(&database, "").expect("a file");
        }
        let (code, _, err) = run(&folder.0, &["serve", "--demo", "--listen", "127.0.0.1:0"]);
        assert!(code == 3 && err.contains("signed checkpoints of one: restore the database"), "{what}: {code} {err}");
        assert_eq!(err.lines().count(), 1, "{what}: {err}");
        assert_eq!(database.exists(), what == "empty", "nothing is made");
    }
    fs::remove_dir_all(folder.0.join("test.db.files")).expect("moved away");
    Server::start(&folder.0, &["--demo", "--tickets", "3"]).end();
}

/// A job is tried out, explained and run, with a server and without.
#[test]
fn jobs_run_by_hand() {
    let folder = Folder::new("jobs");
    let site = folder.0.join("site");
    copy(&root().join("examples/helpdesk"), &site);
    let job = r#"{ kind: Job, name: pick_up, where: ticket.type == "incident" && ticket.state == "new" && ticket.title.size() > 3, do: [ { set: { state: open } } ] }"#;
    fs::write(site.join("job.yaml"), job).expect("a file");
    let path = site.to_string_lossy().into_owned();
    let server = Server::start(&folder.0, &[&path, "--demo", "--tickets", "20"]);
    let (code, tried, err) = run(&folder.0, &["job", "run", "pick_up", "--dry-run"]);
    assert!(code == 0 && tried.starts_with("pick_up would act on ") && tried.contains("state = open"), "{tried}{err}");
    let (code, explained, _) = run(&folder.0, &["explain", "job", "pick_up"]);
    assert!(code == 0 && explained.contains("ticket.title.size() > 3\nquery") && explained.contains("plan"), "{explained}");
    let (code, listed, _) = run(&folder.0, &["job", "list"]);
    assert!(code == 0 && listed.contains("close_waiting  next 20") && listed.contains("pick_up  next by hand  never ran"), "{listed}");
    let (code, ran, _) = run(&folder.0, &["job", "run", "pick_up"]);
    assert!(code == 0 && ran.contains(" 0 failed") && !ran.contains(" 0 tickets"), "{ran}");
    server.kill();
    let (code, again, err) = run(&folder.0, &["job", "run", "pick_up"]);
    assert_eq!((code, again.trim()), (0, "pick_up: 0 tickets changed, 0 failed, 0 could not be judged"), "{err}");
    let (code, _, err) = run(&folder.0, &["job", "run", "pick"]);
    assert!(code == 1 && err.contains("no job is called `pick`"), "{err}");
    assert_eq!(run(&folder.0, &["explain", "jobs", "pick_up"]).0, 2);
    let (code, out, _) = run(&folder.0, &["audit", "verify"]);
    assert_eq!(code, 0, "{out}");
}

/// Somebody changes the database behind our back: each kind of tampering is found.
#[test]
fn audit_finds_what_was_changed() {
    let folder = Folder::new("audit");
    let server = Server::start(&folder.0, &["--demo", "--tickets", "5"]);
    server.kill();
    let (code, out, _) = run(&folder.0, &["audit", "verify"]);
    assert_eq!(code, 0, "{out}");
    let cases = [
        ("an edited row", "UPDATE history SET events = replace(events, 'new', 'neu') WHERE id = 1"),
        ("edited content", "UPDATE history SET personal = personal || ' ' WHERE id = 2"),
        ("a removed row", "DELETE FROM history WHERE version = 1 AND ticket_id = (SELECT min(ticket_id) FROM history)"),
        ("a cut tail", "DELETE FROM history WHERE id = (SELECT max(id) FROM history)"),
        ("an actor", "UPDATE history SET actor = 'nobody' WHERE id = 3"),
        ("a ticket's row", "UPDATE ticket SET title = 'other' WHERE id = 1"),
    ];
    for (what, sql) in cases {
        let copy = folder.copy("audit-copy");
        assert!(copy.database().change(sql) > 0, "{what} changed nothing");
        let (code, out, _) = run(&copy.0, &["audit", "verify"]);
        assert_eq!(code, 1, "{what} was not found: {out}");
    }
}
