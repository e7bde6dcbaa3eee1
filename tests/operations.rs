//! What operators load: alert rules and a dashboard that name only metrics that there are.

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
    let server = Server::start(&folder.0, &[&site, "--demo", "--tickets", "2"]);
    let auth = format!("Bearer {}", token(&folder.0, "agent"));
    let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/json")];
    let body = br#"{"title": "One", "type": "incident", "queue": "it"}"#;
    assert_eq!(request(&server.address, "POST", "/api/v1/tickets", &headers, body).expect("an answer").status, 201);
    let (code, _, err) = run(&folder.0, &["backup", "backup.db"]);
    assert_eq!(code, 0, "{err}");
    let used: BTreeSet<String> = ["alerts.yaml", "grafana.json"]
        .iter()
        .flat_map(|f| named(&std::fs::read_to_string(operations().join(f)).expect("the file")))
        .collect();
    assert!(used.len() > 25, "{used:?}");
    // Counters are there once they have counted something.
    let seldom =
        ["vorgang_connections_refused_total", "vorgang_fenced_commits_total", "vorgang_http_refused_total", "vorgang_long_reads_total"];
    let (begun, mut missing) = (Instant::now(), vec![]);
    while begun.elapsed() < Duration::from_secs(60) {
        let there = named(&metrics(&server));
        missing = used.iter().filter(|u| !there.contains(*u) && !seldom.contains(&u.as_str())).cloned().collect();
        // The first checkpoint, and the first look at a mailbox, come a little after the start.
        let answered = there.contains("vorgang_mail_account_silent_seconds");
        missing.retain(|m| m != "vorgang_mail_account_silent_seconds" || answered);
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
    // Every line is one that Prometheus reads: a comment, or a name, labels and a number.
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (name, number) = line.rsplit_once(' ').expect("a value");
        assert!(number.parse::<f64>().is_ok() && name.starts_with(|c: char| c.is_ascii_lowercase()), "{line}");
    }
}

#[test]
fn prometheus_takes_the_rules() {
    let Ok(version) = Command::new("promtool").arg("--version").output() else {
        return println!("promtool is not installed: the alert rules were not loaded, SKIPPED");
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
