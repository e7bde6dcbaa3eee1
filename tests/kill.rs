//! `kill -9` under load: what was acknowledged is there, nothing ran twice, the history folds to the rows.

mod common;

use common::crowd::judge::{judge, longest_wait_of_a_mail};
use common::crowd::scene::Scene;
use common::crowd::{Crowd, ask_again};
use common::{Folder, Server, run};
use std::time::{Duration, Instant};
use vorgang_testbed::postgres;

/// Longest wait of a mail. On SQLite the next process frees the claims of the killed one when it starts; on PostgreSQL a
/// node frees them as soon as the lease of the killed one ends, after eight seconds.
const MAIL_WAITS: Duration = Duration::from_secs(10);
/// After so many kills the whole history is verified.
const VERIFY_EVERY: u32 = 10;

#[test]
fn twenty_kills_lose_nothing() {
    let kills: u32 = std::env::var("VORGANG_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(20);
    let folder = Folder::new("kill");
    let scene = if postgres().is_some() { Scene::set(&folder) } else { Scene::of_one_node(&folder) };
    let mut server = Server::start(&folder.0, &[]);
    let crowd = Crowd::start("kill", 8, vec![server.address.clone()], &scene);
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
    // The same key asks for the same ticket: nothing is made twice. The judge counts the tickets afterwards.
    assert!(ask_again(&server.address, &scene, &journal, 20) > 0, "no delivery was begun");
    let verdict = judge(&folder, &server.address, &scene, journal);
    assert!(verdict.acknowledged > kills as usize, "too little was acknowledged to prove anything");
    let waited = longest_wait_of_a_mail(&folder);
    println!("the longest wait of a mail: {waited:.1?}");
    assert!(waited < MAIL_WAITS, "a mail waited for {waited:?}");
    verdict.tell("1, one node killed again and again", &recoveries);
}
