//! Files for operators: alert rules and a dashboard that name only existing metrics, a systemd unit, an image, a configuration.

mod common;

use common::{Folder, Server, copy, request, run, token};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const ACCOUNT: &str = r#"
kind: MailAccount
name: dead
address: dead@example.org
title: Dead
queue: it
type: incident
receive: pop3+plain://dead@127.0.0.1:1
"#;

fn operations() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("operations")
}

/// The names of metrics in a text.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let metric = |w: &&str| w.starts_with("vorgang_") || w.starts_with("process_");
    words.filter(metric).map(|w| ["_bucket", "_sum", "_count"].iter().find_map(|end| w.strip_suffix(end)).unwrap_or(w).to_owned()).collect()
}

fn metrics(server: &Server) -> String {
    request(&server.address, "GET", "/metrics", &[], b"").expect("the metrics").body
}

fn value(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|l| l.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn alerts_and_dashboard_name_metrics_that_there_are() {
    let folder = Folder::new("operations");
    let site = folder.0.join("site");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/helpdesk"), &site);
    std::fs::write(site.join("dead.yaml"), ACCOUNT).expect("a file");
    let site = site.display().to_string();
    let files = folder.0.join("files").display().to_string();
    let server = Server::start(&folder.0, &[&site, "--demo", "--tickets", "2", "--files", &files]);
    let auth = format!("Bearer {}", token(&folder.0, "agent"));
    let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
    let body = br#"{"title": "One", "type": "incident", "queue": "it"}"#;
    assert_eq!(request(&server.address, "POST", "/api/v1/tickets", &headers, body).expect("an answer").status, 201);
    let (code, _, err) = run(&folder.0, &["--files", &files, "backup", "backup.db"]);
    assert_eq!(code, 0, "{err}");
    let used: BTreeSet<String> = ["alerts.yaml", "grafana.json"]
        .iter()
        .flat_map(|f| named(&std::fs::read_to_string(operations().join(f)).expect("the file")))
        .collect();
    assert!(used.len() > 25, "{used:?}");
    // Only a file has a log beside it; counters are there once they have counted something.
    let own_log = vorgang_testbed::postgres().is_none();
    let seldom =
        ["vorgang_connections_refused_total", "vorgang_fenced_commits_total", "vorgang_http_refused_total", "vorgang_long_reads_total"];
    let (begun, mut missing) = (Instant::now(), vec![]);
    while begun.elapsed() < Duration::from_secs(60) {
        let there = named(&metrics(&server));
        missing = used.iter().filter(|u| !there.contains(*u) && !seldom.contains(&u.as_str())).cloned().collect();
        // The first checkpoint, and the first look at a mailbox, come a little after the start.
        let answered = there.contains("vorgang_mail_account_silent_seconds");
        missing.retain(|m| (m != "vorgang_mail_account_silent_seconds" || answered) && (m != "vorgang_log_bytes" || own_log));
        if missing.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(missing, Vec::<String>::new(), "named by no metric");
    let text = metrics(&server);
    assert_eq!(value(&text, "vorgang_mail_account_up{account=\"dead\"}"), Some(0.0), "{text}");
    assert_eq!(value(&text, "vorgang_database_up"), Some(1.0));
    assert!(value(&text, "vorgang_backup_age_seconds").is_some_and(|age| age < 120.0));
    assert!(value(&text, "vorgang_commit_seconds_count").is_some_and(|count| count > 0.0));
    assert!(text.contains("vorgang_http_request_seconds_bucket"), "histograms, which can be added over nodes");
    // Prometheus reads every line: a comment, or a name, labels and a number.
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (name, number) = line.rsplit_once(' ').expect("a value");
        assert!(number.parse::<f64>().is_ok() && name.starts_with(|c: char| c.is_ascii_lowercase()), "{line}");
    }
}

#[test]
fn prometheus_takes_the_rules() {
    let Ok(version) = Command::new("promtool").arg("--version").output() else {
        return vorgang_testbed::skip("promtool is not installed: the alert rules were not loaded");
    };
    println!("{}", String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default());
    for arguments in [["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]] {
        let output = Command::new("promtool").current_dir(operations()).args(arguments).output().expect("promtool runs");
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn each_alert_says_what_to_do() {
    let rules = std::fs::read_to_string(operations().join("alerts.yaml")).expect("the rules");
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/alerts.md")).expect("the page");
    let alerts: Vec<&str> = rules.lines().filter_map(|l| l.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 15);
    for alert in &alerts {
        assert!(page.contains(&format!("`{alert}`")), "docs/alerts.md says nothing about {alert}");
    }
    let dashboard: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(operations().join("grafana.json")).expect("the dashboard")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    assert!(panels.len() > 10 && panels.iter().all(|p| p["title"].is_string() && !p["targets"][0]["expr"].is_null()));
}

/// Systemd reads the unit, which leaves the service few rights.
#[test]
fn systemd_takes_the_unit() {
    let unit = std::fs::read_to_string(operations().join("vorgang.service")).expect("the unit");
    for line in ["DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "UMask=0077"] {
        assert!(unit.lines().any(|l| l == line), "{line}");
    }
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return vorgang_testbed::skip("systemd-analyze is not installed: the unit was read line by line only");
    }
    let folder = Folder::new("unit");
    let file = folder.0.join("vorgang.service");
    let program = common::program().into_string().expect("a path");
    std::fs::write(&file, unit.replace("/usr/local/bin/vorgang", &program)).expect("a file");
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&file).output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (good, said) = analyze(&["verify", "--man=no"]);
    assert!(good && !said.contains("vorgang.service"), "{said}");
    let (_, said) = analyze(&["security", "--offline=true", "--no-pager"]);
    let level = said.lines().find_map(|l| l.split_once("Overall exposure level for vorgang.service: ")).map(|(_, rest)| rest);
    let level: f64 = level.and_then(|l| l.split_whitespace().next()).and_then(|l| l.parse().ok()).unwrap_or_else(|| panic!("{said}"));
    assert!(level < 2.0, "the exposure is {level}");
}

#[test]
fn the_image_is_small_and_not_root() {
    let text = std::fs::read_to_string(operations().join("Containerfile")).expect("the file");
    let last = text.rsplit("\nFROM ").next().expect("a stage");
    assert!(last.starts_with("gcr.io/distroless/"), "no shell, no package manager");
    for line in ["USER nonroot:nonroot", "VOLUME /data", "STOPSIGNAL SIGTERM", "ENTRYPOINT [\"/vorgang\"]"] {
        assert!(last.lines().any(|l| l == line), "{line}");
    }
    assert!(!last.contains("RUN ") && text.contains("cargo build --profile dist --all-features --locked"));
    for key in last.split("VORGANG_").skip(1).map(|rest| rest.split('=').next().unwrap_or_default()) {
        let known = include_str!("../src/serve.rs").contains(&format!("\"VORGANG_{key}\""))
            || include_str!("../src/main.rs").contains(&format!("\"VORGANG_{key}\""));
        assert!(known, "VORGANG_{key}");
    }
    let builder = ["podman", "docker", "buildah"].into_iter().find(|b| Command::new(b).arg("--version").output().is_ok());
    match builder.filter(|_| std::env::var_os("VORGANG_LONG").is_some()) {
        None => println!("the image was checked line by line and not built (./test --long builds it where podman or docker is)"),
        Some(builder) => {
            let root = env!("CARGO_MANIFEST_DIR");
            let built = Command::new(builder).current_dir(root).args(["build", "-f", "operations/Containerfile", "."]).status();
            assert!(built.expect("it runs").success(), "the image is not built");
        }
    }
}

/// The command line comes before the environment, that before the file, and that before what is built in.
#[test]
fn a_file_configures_what_nothing_else_does() {
    let folder = Folder::new("config");
    let file = folder.0.join("vorgang.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("a file");
    let called = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut command = common::vorgang(&folder.0);
        command
            .env_remove("VORGANG_DATABASE")
            .env_remove("VORGANG_QUOTA_CREATE")
            .env_remove("VORGANG_QUOTA_EXPORT")
            .envs(environment.iter().copied());
        let output = command.env("VORGANG_CONFIG", &file).args(arguments).output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    };
    // The example is good.
    write(&std::fs::read_to_string(operations().join("vorgang.toml")).expect("the example"));
    let (code, out, err) = called(&["config", "check"], &[]);
    assert_eq!((code, out.contains("11 options, good")), (0, true), "{out}{err}");
    let shown = |arguments: &[&str], environment: &[(&str, &str)], name: &str| -> (String, String) {
        let (code, out, err) = called(&[arguments, &["config", "show", "--format", "json"]].concat(), environment);
        assert_eq!(code, 0, "{err}");
        let all: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let found = all["options"].as_array().and_then(|o| o.iter().find(|o| o["name"] == name).cloned()).expect("the option");
        (found["values"][0].as_str().unwrap_or("–").to_owned(), found["origin"].as_str().unwrap_or_default().to_owned())
    };
    let of_file = file.display().to_string();
    write("database = \"postgres://desk:secret@db/desk\"\nquota_create = 7\ntrusted_proxies = [\"10.0.0.1\", \"10.0.0.2\"]\n");
    assert_eq!(shown(&[], &[], "quota_create"), ("7".into(), of_file.clone()));
    assert_eq!(shown(&[], &[("VORGANG_QUOTA_CREATE", "8")], "quota_create"), ("8".into(), "VORGANG_QUOTA_CREATE".into()));
    assert_eq!(shown(&[], &[], "quota_export"), ("120".into(), "default".into()));
    assert_eq!(shown(&[], &[], "mail_url"), ("–".into(), "not set".into()));
    assert_eq!(shown(&[], &[], "database"), ("postgres://desk:***@db/desk".into(), of_file), "no password");
    assert_eq!(shown(&["--database", "x.db"], &[], "database"), ("x.db".into(), "command line".into()));
    // All that is wrong at once.
    write("lissten = \"127.0.0.1:1\"\nlisten = \"here\"\nquota_create = \"many\"\nwatch = \"yes\"\n");
    let (code, out, _) = called(&["config", "check"], &[]);
    assert_eq!(code, 1, "{out}");
    for word in ["`lissten`; did you mean `listen`?", "here", "many", "`watch` is true or false"] {
        assert!(out.contains(word), "{word} is not in {out}");
    }
    let (code, _, err) = called(&["user", "list"], &[]);
    assert_eq!((code, err.contains("there is no option `lissten`")), (2, true), "{err}");
    write("listen = ");
    assert_eq!(called(&["config", "check"], &[]).0, 1);
    // A server on it.
    write("demo = true\ntickets = 2\ndatabase = \"own.db\"\nlisten = \"127.0.0.1:0\"\naccess_log = true\n");
    let mut command = common::vorgang(&folder.0);
    let log = folder.0.join("log");
    command.env_remove("VORGANG_DATABASE").env("VORGANG_CONFIG", &file).arg("serve");
    let server = Server::wait_with_log(command, &log);
    let number = request(&server.address, "GET", "/sign-in?next=%2Fsecret", &[], b"").expect("an answer");
    let id = number.header("x-request-id").expect("its number").to_owned();
    request(&server.address, "GET", "/link/abcdefsecret", &[], b"").expect("an answer");
    assert!(folder.0.join("own.db").exists());
    server.end();
    let log = std::fs::read_to_string(log).expect("the log");
    let line = log.lines().find(|l| l.contains("vorgang::access") && l.contains("/sign-in")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(&id) && line.contains("status=200") && line.contains("127.0.0.1"), "{line}");
    assert!(!log.contains("secret"), "no query and no secret of a link: {log}");
}

/// A backup at the start, since there is none; the oldest beyond those that are kept go, and nothing else.
#[test]
fn backups_are_made_verified_and_kept() {
    let folder = Folder::new("backups");
    let backups = folder.0.join("backups");
    std::fs::create_dir(&backups).expect("a folder");
    let server = Server::start(&folder.0, &["--demo", "--tickets", "2"]);
    server.end();
    let files = folder.0.join("files").display().to_string();
    for name in ["helpdesk-20200101T010000Z.backup", "helpdesk-20200102T010000Z.backup", "mine.txt", "other-20200101T010000Z.backup"] {
        std::fs::write(backups.join(name), "x").expect("a file");
    }
    let shown = backups.display().to_string();
    let server = Server::start(&folder.0, &["--backups", &shown, "--backup-keep", "2", "--files", &files]);
    let names = || {
        let mut all: Vec<String> =
            std::fs::read_dir(&backups).expect("the folder").flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        all.sort();
        all
    };
    let begun = Instant::now();
    while names().iter().any(|n| n == "helpdesk-20200101T010000Z.backup") {
        assert!(begun.elapsed() < Duration::from_secs(60), "no backup was made: {:?}", names());
        std::thread::sleep(Duration::from_millis(200));
    }
    let left = names();
    assert_eq!(left.len(), 4, "{left:?}");
    assert_eq!(
        (left[0].as_str(), left[2].as_str(), left[3].as_str()),
        ("helpdesk-20200102T010000Z.backup", "mine.txt", "other-20200101T010000Z.backup")
    );
    let (code, out, err) = run(&folder.0, &["restore", "--verify", &backups.join(&left[1]).display().to_string()]);
    assert_eq!((code, out.contains("can be restored")), (0, true), "{out}{err}");
    assert!(value(&metrics(&server), "vorgang_backup_age_seconds").is_some_and(|age| age < 120.0));
}
