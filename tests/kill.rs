//! `kill -9` under load: what was acknowledged is there, nothing ran twice, the history folds to the rows.

mod common;

use common::crowd::{Crowd, Tokens, judge};
use common::{Folder, Server, request, run, token};
use std::time::{Duration, Instant};

/// After so many kills the whole history is verified.
const VERIFY_EVERY: u32 = 10;

#[test]
fn twenty_kills_lose_nothing() {
    let kills: u32 = std::env::var("VORGANG_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(20);
    let folder = Folder::new("kill");
    let mut server = Server::start(&folder.0, &["--demo", "--tickets", "5"]);
    let tokens = Tokens { customer: token(&folder.0, "customer"), agent: token(&folder.0, "agent") };
    let crowd = Crowd::start("kill", 8, vec![server.address.clone()], &tokens);
    let (mut recoveries, mut seed) = (vec![], 0x9E37_79B9_u64);
    for round in 1..=kills {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(60 + (seed >> 40) % 250));
        server.kill();
        let broke = Instant::now();
        // Each verification reads all that is there: more of them where there is less.
        if round % VERIFY_EVERY.max(kills / 20) == 0 {
            let (code, out, err) = run(&folder.0, &["audit", "verify"]);
            assert_eq!(code, 0, "after kill {round}: {out}{err}");
        }
        let verified = broke.elapsed();
        server = Server::start(&folder.0, &[]);
        recoveries.push(broke.elapsed() - verified);
        crowd.moved(vec![server.address.clone()]);
    }
    crowd.go_on(30, Duration::from_secs(30));
    let journal = crowd.finish();
    let again: Vec<(String, String)> = journal.created.iter().take(20).map(|(k, n)| (k.clone(), n.clone())).collect();
    let verdict = judge(&folder, &server.address, &tokens.agent, journal, 5);
    // The same key asks for the same ticket: nothing is made twice.
    for (key, number) in again {
        let auth = format!("Bearer {}", tokens.customer);
        let headers = [("Authorization", auth.as_str()), ("Idempotency-Key", key.as_str()), ("Content-Type", "application/json")];
        let body = br#"{"dialog":"hand_in","fields":{"amount":"400.00"},"article":{"body":"Train to Kiel"}}"#;
        let answer = request(&server.address, "POST", "/api/v1/processes/expense_claim/start", &headers, body).expect("an answer");
        assert_eq!(answer.json()["number"].as_str(), Some(number.as_str()));
    }
    assert!(verdict.acknowledged > kills as usize, "too little was acknowledged to prove anything");
    verdict.tell("1, one node killed again and again", &recoveries);
}
