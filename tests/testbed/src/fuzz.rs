//! Inputs that were changed at random, from the same seed each time.

use std::time::{Duration, Instant};

/// The longest time that one input may take, in a build without optimisation and on a machine that others use too.
const HANG: Duration = Duration::from_secs(10);

/// xorshift64*, G. Marsaglia and S. Vigna.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n.max(1)
    }
}

/// One of all, changed in a few places; `words` are what is put in.
pub fn change(random: &mut Random, all: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = all[random.below(all.len())].clone();
    for _ in 0..1 + random.below(8) {
        let at = random.below(bytes.len() + 1);
        let end = (at + 1 + random.below(200)).min(bytes.len());
        match random.below(8) {
            0 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            1 => drop(bytes.drain(at.min(end)..end)),
            2 => {
                let word = words[random.below(words.len())].as_bytes();
                bytes.splice(at..at, word.iter().copied());
            }
            3 => {
                let part = bytes[at.min(end)..end].to_vec();
                let times = 1 + random.below(20);
                bytes.splice(at..at, part.repeat(times));
            }
            4 => {
                let other = &all[random.below(all.len())];
                let from = random.below(other.len());
                let to = (from + random.below(2_000)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            5 => bytes.truncate(at),
            6 => {
                let word = words[random.below(words.len())].repeat(1 + random.below(300));
                bytes.splice(at..at, word.bytes());
            }
            _ => {
                for _ in 0..random.below(10) {
                    let at = random.below(bytes.len());
                    if let Some(b) = bytes.get_mut(at) {
                        *b = b.wrapping_add(1 + random.below(255) as u8);
                    }
                }
            }
        }
        bytes.truncate(500_000);
    }
    bytes
}

/// For how many seconds a target runs: `VORGANG_FUZZ` says it.
pub fn seconds() -> u64 {
    std::env::var("VORGANG_FUZZ").ok().and_then(|s| s.parse().ok()).unwrap_or(2)
}

/// Runs one target on one input after the other.
pub fn fuzz(seed: u64, all: &[Vec<u8>], words: &[&str], target: impl Fn(&[u8])) {
    let (begun, mut random, mut runs) = (Instant::now(), Random(seed), 0_u64);
    while begun.elapsed() < Duration::from_secs(seconds()) {
        let input = change(&mut random, all, words);
        let one = Instant::now();
        target(&input);
        assert!(one.elapsed() < HANG, "input {runs} of seed {seed} takes {:?}", one.elapsed());
        runs += 1;
    }
    println!("{runs} inputs");
}
