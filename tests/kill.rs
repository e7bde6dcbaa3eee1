//! `kill -9` under load: what was acknowledged is there, nothing ran twice, the history folds to the rows.

mod common;

use common::{Folder, Server, request, run, token};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the callers know was acknowledged.
#[derive(Default)]
struct Journal {
    /// Idempotency key → ticket number.
    created: HashMap<String, String>,
    /// Ticket number → articles that were acknowledged.
    articles: HashMap<String, Vec<String>>,
    /// Tickets whose receipts were checked.
    checked: Vec<String>,
}

#[test]
fn twenty_kills_lose_nothing() {
    let kills: u32 = std::env::var("VORGANG_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(20);
    let folder = Folder::new("kill");
    let first = Server::start(&folder.0, &["--demo", "--tickets", "5"]);
    let (customer, agent) = (token(&folder.0, "customer"), token(&folder.0, "agent"));
    first.kill();
    let journal = Arc::new(Mutex::new(Journal::default()));
    let mut seed = 0x9E37_79B9_u64;
    for round in 0..kills {
        let server = Server::start(&folder.0, &[]);
        let stop = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let (journal, stop, address) = (journal.clone(), stop.clone(), server.address.clone());
                let (customer, agent) = (customer.clone(), agent.clone());
                std::thread::spawn(move || work(&format!("{round}-{worker}"), &address, &customer, &agent, &journal, &stop))
            })
            .collect();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(60 + (seed >> 40) % 250));
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().expect("a worker");
        }
        let (code, out, err) = run(&folder.0, &["audit", "verify"]);
        assert_eq!(code, 0, "after kill {round}: {out}{err}");
    }
    let server = Server::start(&folder.0, &[]);
    let journal = journal.lock().expect("the journal");
    let auth = format!("Bearer {agent}");
    let get = |path: String| request(&server.address, "GET", &path, &[("Authorization", &auth)], b"").expect("an answer");
    for number in journal.created.values() {
        let ticket = get(format!("/api/v1/tickets/{number}"));
        assert_eq!(ticket.status, 200, "ticket {number} is missing");
        let articles = get(format!("/api/v1/tickets/{number}/articles")).json();
        let bodies: Vec<&str> = articles["items"].as_array().expect("articles").iter().filter_map(|a| a["body"].as_str()).collect();
        for wanted in journal.articles.get(number).into_iter().flatten() {
            assert_eq!(bodies.iter().filter(|b| *b == wanted).count(), 1, "article {wanted} of {number}");
        }
    }
    for number in &journal.checked {
        let work = get(format!("/api/v1/tickets/{number}")).json()["work"].clone();
        let activities: Vec<&str> = work.as_array().expect("work").iter().filter_map(|w| w["activity"].as_str()).collect();
        assert!(!activities.contains(&"check_receipts"), "the acknowledged check of {number} is missing");
        assert_eq!(activities.iter().filter(|a| **a == "decided").count(), 1, "{number} ran twice: {activities:?}");
    }
    // The same key asks for the same ticket: nothing is made twice.
    for (key, number) in journal.created.iter().take(20) {
        let again = start(&server.address, &customer, key).expect("an answer");
        assert_eq!(again.json()["number"].as_str(), Some(number.as_str()));
    }
    println!(
        "{kills} kills, {} tickets, {} articles, {} checks acknowledged, none missing",
        journal.created.len(),
        journal.articles.values().map(Vec::len).sum::<usize>(),
        journal.checked.len()
    );
    assert!(journal.created.len() > kills as usize, "too little was acknowledged to prove anything");
    server.kill();
}

fn start(address: &str, token: &str, key: &str) -> Option<common::Answer> {
    let auth = format!("Bearer {token}");
    let body = br#"{"dialog":"hand_in","fields":{"amount":"400.00"},"article":{"body":"Train to Kiel"}}"#;
    let headers = [("Authorization", auth.as_str()), ("Idempotency-Key", key), ("Content-Type", "application/json")];
    request(address, "POST", "/api/v1/processes/expense_claim/start", &headers, body)
}

fn work(name: &str, address: &str, customer: &str, agent: &str, journal: &Mutex<Journal>, stop: &AtomicBool) {
    for i in 0.. {
        if stop.load(Ordering::Relaxed) || i > 2_000 {
            return;
        }
        let key = format!("{name}-{i}");
        let Some(answer) = start(address, customer, &key).filter(|a| a.status == 201) else { return };
        let ticket = answer.json();
        let number = ticket["number"].as_str().expect("a number").to_owned();
        journal.lock().expect("the journal").created.insert(key.clone(), number.clone());
        let auth = format!("Bearer {customer}");
        let body = format!("{{\"body\":\"note {key}\"}}");
        let path = format!("/api/v1/tickets/{number}/articles");
        let Some(_) = request(address, "POST", &path, &[("Authorization", &auth)], body.as_bytes()).filter(|a| a.status == 201) else {
            return;
        };
        journal.lock().expect("the journal").articles.entry(number.clone()).or_default().push(format!("note {key}"));
        let work = ticket["work"].as_array().and_then(|w| w.iter().find(|w| w["activity"] == "check_receipts")).cloned();
        let id = work.and_then(|w| w["id"].as_str().map(str::to_owned)).expect("the work item");
        let auth = format!("Bearer {agent}");
        let path = format!("/api/v1/work/{id}/submit");
        let Some(_) = request(address, "POST", &path, &[("Authorization", &auth)], br#"{"outcome":"good"}"#).filter(|a| a.status == 200)
        else {
            return;
        };
        journal.lock().expect("the journal").checked.push(number);
    }
}
