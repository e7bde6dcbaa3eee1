//! The proof of soundness and the engine are one: small random nets are played by `decide` itself, over all choices that
//! people, clocks, events and conditions have, and what it finds is compared with what the proof says.
//!
//! Bounds: nets of 5 to 8 activities; up to 300 different states of the engine, 20 tokens in a place, 12 choices in one
//! command. What is larger is left out and counted. Nets with copies are played in part: of them only
//! that no fault is missed is asked. `while`, `mutex` and child tickets are not in the nets. `VORGANG_NETS=N` plays so many nets,
//! `VORGANG_NETS=FROM..TO` those of these seeds; `VORGANG_NET=SEED` shows one.

#[path = "oracle/given.rs"]
mod given;
#[path = "oracle/net.rs"]
mod net;
#[path = "oracle/play.rs"]
mod play;

use play::{Played, Truth};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use vorgang_definitions::model::Model;
use vorgang_definitions::site::{SiteFile, load_to_draw};
use vorgang_definitions::soundness::decide_within;
use vorgang_definitions::soundness::fault::{Answer, Fault, Limits};

/// Nets of one run, and of a long one.
const NETS: u64 = 2_000;
const NETS_LONG: u64 = 50_000;
/// Nets on which the proof once walked the same ways for minutes.
const LONG_WAYS: [u64; 2] = [8_385, 9_940];
/// Nets in which a repeated form reopens an activity in each round.
const ROUNDS: [u64; 2] = [2_231, 8_863];
/// Of a thousand nets: so many at most may be undecided, or be faulted without reason.
const UNDECIDED: u64 = 50;
const FALSE_ALARMS: u64 = 10;

/// What the proof says, in the engine's terms; `None` where it is not decided.
fn proved(model: &Model, reduced: bool) -> Option<(Truth, String)> {
    let limits = [Limits { states: 20_000, reduced }];
    let faults = match decide_within(&model.names, &model.processes["net"].def, &limits) {
        Answer::Undecided => return None,
        Answer::Sound => vec![],
        Answer::Unsound(faults) => faults,
    };
    let mut truth = Truth::default();
    for fault in &faults {
        let activity = fault.activity().to_owned();
        match fault {
            Fault::Waits { .. } | Fault::NoEnd { .. } => truth.dead = true,
            Fault::Unbounded { .. } => truth.unbounded = true,
            Fault::NeverEntered { .. } => _ = truth.never.insert(activity),
            Fault::Withdrawn { .. } => _ = truth.withdrawn.insert(activity),
            Fault::Second { .. } => _ = truth.second.insert(activity),
        }
    }
    Some((truth, faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}

#[derive(Default)]
struct Count {
    played: u64,
    /// They have a fault that is no net's: a name that nothing leads to, for example.
    broken: u64,
    too_large: u64,
    undecided: u64,
    sound: u64,
    misses: BTreeMap<(u64, bool), String>,
    alarms: BTreeMap<(u64, bool), String>,
}

/// What the proof does not say though the engine does it, and the other way round. Where one fault hides others, only
/// what is said is compared.
fn compared(seed: u64, model: &Model, played: &Truth, count: &Mutex<Count>) {
    let in_part = net::is_played_in_part(&net::site(seed));
    for reduced in [false, true] {
        let Some((said, text)) = proved(model, reduced) else {
            let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
            count.undecided += u64::from(!reduced);
            continue;
        };
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        count.sound += u64::from(!reduced && said == Truth::default());
        let how = if reduced { "reduced" } else { "whole" };
        let note = |what: &str| format!("{how}: {what}; the proof: {text}; the engine: {played}");
        // The reduction lets tokens go that could pile up: it does not always see that they grow.
        let faulty = played.dead || (played.unbounded && !reduced);
        if faulty && !(said.dead || said.unbounded) {
            count.misses.insert((seed, reduced), note("missed"));
        } else if played.unbounded || in_part {
            // The engine was not played to where it may stand still.
        } else if (said.dead && !played.dead) || said.unbounded {
            count.alarms.insert((seed, reduced), note("false"));
        } else if !(said.dead || said.unbounded) {
            // More can happen to the proof than to the engine, so of withdrawn tokens only that they are real is asked.
            // With the reduction not every state is seen, so of second tokens only that they are real is asked.
            let missed: BTreeSet<_> = played.second.difference(&said.second).filter(|_| !reduced).collect();
            if said.withdrawn.difference(&played.withdrawn).next().is_some()
                || said.never.difference(&played.never).next().is_some()
                || said.second.difference(&played.second).next().is_some()
            {
                count.alarms.insert((seed, reduced), note("false"));
            } else if !missed.is_empty() || (said.never != played.never && !reduced) {
                count.misses.insert((seed, reduced), note("missed"));
            }
        }
    }
}

fn play_one(seed: u64, count: &Mutex<Count>) {
    let model = given::model(seed);
    let played = model.as_ref().map(play::play);
    {
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        match &played {
            None => count.broken += 1,
            Some(Played::TooLarge) => count.too_large += 1,
            Some(Played::Whole(_)) => count.played += 1,
        }
    }
    if let (Some(model), Some(Played::Whole(truth))) = (&model, &played) {
        compared(seed, model, truth, count);
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|n| n.parse().ok())
}

#[test]
fn the_proof_and_the_engine_agree() {
    if let Some(seed) = number("VORGANG_NET") {
        println!("{}", net::site(seed));
        let files = [SiteFile { path: "net.yaml".into(), text: net::site(seed) }];
        let loaded = load_to_draw(&files);
        loaded.diagnostics.iter().for_each(|d| println!("{}: {}", d.code, d.message));
        let Some(model) = loaded.model else { panic!("the net has other faults") };
        println!("the engine: {:?}", play::play(&model));
        [false, true].iter().for_each(|reduced| println!("the proof, reduced {reduced}: {:?}", proved(&model, *reduced)));
        return;
    }
    let part = std::env::var("VORGANG_NETS").ok().and_then(|n| {
        let (from, to) = n.split_once("..")?;
        Some(from.parse().ok()?..to.parse().ok()?)
    });
    let all = number("VORGANG_NETS").unwrap_or(if std::env::var_os("VORGANG_LONG").is_some() { NETS_LONG } else { NETS });
    let part = part.unwrap_or(0..all);
    let nets = part.end.saturating_sub(part.start);
    let count = Mutex::new(Count::default());
    let seeds: Vec<u64> = LONG_WAYS.into_iter().chain(ROUNDS).chain(part).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    play_one(*seed, &count);
                }
            });
        }
    });
    let count = count.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!(
        "{nets} nets: {} with other faults, {} larger than is played; of {} that were played {} are sound, {} undecided, {} false alarms, {} missed",
        count.broken,
        count.too_large,
        count.played,
        count.sound,
        count.undecided,
        count.alarms.len(),
        count.misses.len(),
    );
    for ((seed, _), what) in count.misses.iter().chain(&count.alarms).take(20) {
        println!("VORGANG_NET={seed}: {what}");
    }
    assert!(count.played > nets / 3, "too few were played");
    assert!(count.sound > count.played / 20, "too few of them are sound");
    assert!(count.misses.is_empty(), "{} faults of nets are not found", count.misses.len());
    assert!(count.undecided * 1_000 <= count.played * UNDECIDED, "{} of {} nets are not decided", count.undecided, count.played);
    assert!(count.alarms.len() as u64 * 1_000 < count.played.max(1) * FALSE_ALARMS, "{} false alarms", count.alarms.len());
}
