//! Signed checkpoints of the history: whoever changes, removes or cuts what one covers, and even computes all hashes anew,
//! does not have the key. Each is a row, and a line of a file outside the database.
//!
//! A checkpoint covers the heads that were written since the one before it: the leaves of a Merkle tree (RFC 9162, section
//! 2.1, with SHA-256), whose root is signed with Ed25519 (RFC 8032) together with the digest of the checkpoint before.

use crate::desk::{Desk, sha256};
use jiff::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use vorgang_core::chain::{Hash, hex};
use vorgang_core::ids::TicketId;
use vorgang_store::checkpoints::{Checkpoint, Head};
use vorgang_store::{Result, Store, StoreError};

/// How often one is made.
const EVERY: Duration = Duration::from_secs(3_600);
/// How long it takes until it is tried again, by this node or another.
const AGAIN: Duration = Duration::from_secs(60);
/// Rows of the history that one covers at most.
const ROWS_MAX: u32 = 100_000;
/// Rows that are covered twice: on PostgreSQL one with a smaller number may be committed later.
const OVERLAP: i64 = 10_000;
/// Bytes of a leaf: ticket, version, hash.
const LEAF: usize = 48;

/// The key, and the file that checkpoints are written to, in one folder.
pub struct Signer {
    key: Ed25519KeyPair,
    lines: PathBuf,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub id: i64,
    pub at: i64,
    pub up_to: i64,
    pub heads: u64,
    pub root: String,
    pub previous: String,
    pub key: String,
    pub signature: String,
}

impl Line {
    fn of_checkpoint(c: &Checkpoint) -> Self {
        let heads = (c.leaves.len() / LEAF) as u64;
        let (root, previous, key, signature) = (hex(&c.root), hex(&c.previous), hex(&c.key), hex(&c.signature));
        Self { id: c.id, at: c.at.as_microsecond(), up_to: c.up_to, heads, root, previous, key, signature }
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> StoreError + '_ {
    move |e| StoreError::Unavailable(format!("{}: {e}", path.display()))
}

/// The file of checkpoints in a folder.
pub fn lines_path(folder: &Path) -> PathBuf {
    folder.join("checkpoints.jsonl")
}

fn key_path(folder: &Path) -> PathBuf {
    folder.join("checkpoint.key")
}

impl Signer {
    /// With the key in this folder, which is made where there is none.
    pub fn open(folder: &Path) -> Result<Self> {
        vorgang_store::files::private_folder(folder).map_err(io(folder))?;
        let path = key_path(folder);
        let bad = |e: &dyn std::fmt::Display| StoreError::Unavailable(format!("{}: no key for signing: {e}", path.display()));
        if !path.exists() {
            let random = ring::rand::SystemRandom::new();
            let document = Ed25519KeyPair::generate_pkcs8(&random).map_err(|e| bad(&e))?;
            // Whole, before it has its name: whoever is killed here leaves no half of one, and of two nodes that begin at once
            // who comes second reads the first one's.
            let part = path.with_extension(format!("{}.part", hex(&crate::accounts::random_id::<8>())));
            let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
            file.and_then(|mut f| f.write_all(document.as_ref()).and_then(|()| f.sync_all())).map_err(io(&part))?;
            let named = std::fs::hard_link(&part, &path);
            std::fs::remove_file(&part).map_err(io(&part))?;
            match named {
                Ok(()) => std::fs::File::open(folder).and_then(|f| f.sync_all()).map_err(io(folder))?,
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(io(&path)(e)),
            }
        }
        let bytes = std::fs::read(&path).map_err(io(&path))?;
        let key = Ed25519KeyPair::from_pkcs8(&bytes).map_err(|e| bad(&e))?;
        Ok(Self { key, lines: lines_path(folder) })
    }

    /// The last line of the file; what a crash has left of one is cut off.
    fn last(&self) -> Result<i64> {
        let text = match std::fs::read_to_string(&self.lines) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            text => text.map_err(io(&self.lines))?,
        };
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            let file = std::fs::OpenOptions::new().write(true).open(&self.lines);
            file.and_then(|f| f.set_len(whole as u64)).map_err(io(&self.lines))?;
        }
        let last: Option<Line> = text[..whole].lines().last().and_then(|l| serde_json::from_str(l).ok());
        Ok(last.map_or(0, |l| l.id))
    }

    /// Writes the lines that a crash kept from being written. A file that has more than the database is not written to:
    /// somebody has removed what it tells of, or the database is an older one.
    async fn mend(&self, store: &dyn Store) -> Result<()> {
        let last = self.last()?;
        let newest = store.checkpoint_latest(1).await?.first().map_or(0, |c| c.id);
        if last > newest {
            let path = self.lines.display();
            return Err(StoreError::Corrupt(format!(
                "{path} ends with checkpoint {last}, the database with {newest}: see `vorgang audit verify`; if the database is an older one by \
                 intention, move the file away"
            )));
        }
        for missing in store.checkpoint_list(last, 1_000).await? {
            self.write(&missing)?;
        }
        Ok(())
    }

    fn write(&self, checkpoint: &Checkpoint) -> Result<()> {
        let mut line = serde_json::to_string(&Line::of_checkpoint(checkpoint)).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        line.push('\n');
        let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.lines);
        file.and_then(|mut f| f.write_all(line.as_bytes()).and_then(|()| f.sync_all())).map_err(io(&self.lines))
    }
}

/// What is signed, and what the next one names.
fn digest(c: &Checkpoint) -> Hash {
    let mut bytes = vec![];
    for n in [c.id, c.at.as_microsecond(), c.up_to, c.leaves.len() as i64] {
        bytes.extend(n.to_be_bytes());
    }
    bytes.extend(c.root);
    bytes.extend(c.previous);
    sha256(&bytes)
}

/// The root of the Merkle tree over these leaves.
fn root(leaves: &[&[u8]]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => sha256(&[&[0], *leaf].concat()),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha256(&[&[1], &root(left)[..], &root(right)[..]].concat())
        }
    }
}

fn leaves(heads: &[Head]) -> Vec<u8> {
    let newest: BTreeMap<TicketId, (u64, Hash)> = heads.iter().map(|h| (h.ticket, (h.version, h.hash))).collect();
    let mut bytes = Vec::with_capacity(newest.len() * LEAF);
    for (ticket, (version, hash)) in newest {
        bytes.extend(ticket.0.to_be_bytes());
        bytes.extend(version.to_be_bytes());
        bytes.extend(hash);
    }
    bytes
}

/// Makes checkpoints until all that is written is covered; how many.
pub async fn make(store: &dyn Store, signer: &Signer, now: Timestamp) -> Result<usize> {
    let mut made = 0;
    signer.mend(store).await?;
    loop {
        let latest = store.checkpoint_latest(1).await?;
        let covered = latest.first().map_or(0, |c| c.up_to);
        let again = (covered - OVERLAP).max(0);
        let heads = store.heads_written(again, ROWS_MAX).await?;
        let up_to = heads.last().map_or(0, |h| h.id);
        let more = heads.len() == ROWS_MAX as usize;
        // With a new key, what is covered is signed anew.
        let same_key = latest.first().is_none_or(|c| c.key == signer.key.public_key().as_ref());
        if up_to <= covered && same_key {
            return Ok(made);
        }
        let leaves = leaves(&heads);
        let mut checkpoint = Checkpoint {
            id: latest.first().map_or(1, |c| c.id + 1),
            at: now,
            up_to: up_to.max(covered),
            root: root(&leaves.chunks(LEAF).collect::<Vec<_>>()),
            leaves,
            previous: latest.first().map_or([0; 32], digest),
            key: signer.key.public_key().as_ref().to_vec(),
            signature: vec![],
        };
        checkpoint.signature = signer.key.sign(&digest(&checkpoint)).as_ref().to_vec();
        match store.checkpoint_add(checkpoint).await {
            Ok(()) => made += 1,
            // Somebody else made it: there may be more to cover.
            Err(StoreError::Conflict) => continue,
            Err(e) => return Err(e),
        }
        signer.mend(store).await?;
        // What is written meanwhile is for the next hour.
        if !more {
            return Ok(made);
        }
    }
}

/// Runs until it is aborted.
pub async fn run_lane(desk: Arc<Desk>, signer: Arc<Signer>) {
    loop {
        let made = match desk.store.lane("checkpoints").await {
            Ok(true) => make(&*desk.store, &signer, desk.clock.now()).await.map(|_| true),
            other => other,
        };
        if let Err(e) = &made {
            tracing::error!("no checkpoint of the history could be made: {e}");
        }
        tokio::time::sleep(if made == Ok(true) { EVERY } else { AGAIN }).await;
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub checkpoints: u64,
    /// Heads that they cover.
    pub heads: u64,
    pub findings: Vec<String>,
    /// What is no finding, but should be known.
    pub notes: Vec<String>,
}

/// What lies outside the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outside {
    pub lines: Vec<Line>,
    /// The public half of the key there.
    pub key: Option<Vec<u8>>,
}

/// Verifies every checkpoint: its signature, that it follows the one before it, that the history still has what it covers,
/// and, with what lies outside, that none is gone, and that the newest is signed with the key there.
pub async fn verify(store: &dyn Store, outside: Option<&Outside>) -> Result<Report> {
    let mut report = Report::default();
    let mut previous: Option<Checkpoint> = None;
    let mut lines: BTreeMap<i64, Vec<&Line>> = BTreeMap::new();
    for line in outside.into_iter().flat_map(|o| &o.lines) {
        lines.entry(line.id).or_default().push(line);
    }
    // One that was made since the file was read.
    let last_line = lines.keys().last().copied().unwrap_or(0);
    loop {
        let page = store.checkpoint_list(previous.as_ref().map_or(0, |c| c.id), 10).await?;
        if page.is_empty() {
            break;
        }
        for c in page {
            verify_one(store, &c, previous.as_ref(), &mut report).await?;
            if outside.is_some() {
                match lines.remove(&c.id) {
                    Some(all) if all.iter().all(|l| **l == Line::of_checkpoint(&c)) => {}
                    None if c.id > last_line && last_line > 0 => {}
                    Some(_) => report.findings.push(format!("checkpoint {}: differs from its line in the file", c.id)),
                    None => report.findings.push(format!("checkpoint {}: is not in the file", c.id)),
                }
            }
            previous = Some(c);
        }
    }
    if let (Some(newest), Some(key)) = (&previous, outside.and_then(|o| o.key.as_ref()))
        && newest.key != *key
    {
        report.findings.push(format!("checkpoint {}: is not signed with the key of the folder", newest.id));
    }
    for id in lines.keys() {
        report.findings.push(format!("checkpoint {id}: is in the file, and no longer in the database"));
    }
    Ok(report)
}

async fn verify_one(store: &dyn Store, c: &Checkpoint, previous: Option<&Checkpoint>, report: &mut Report) -> Result<()> {
    let (findings, notes) = (&mut report.findings, &mut report.notes);
    let mut find = |what: String| findings.push(format!("checkpoint {}: {what}", c.id));
    let (id, link, key) = previous.map_or((1, [0; 32], c.key.clone()), |p| (p.id + 1, digest(p), p.key.clone()));
    if c.id != id {
        find(format!("follows {}", id - 1));
    }
    if c.previous != link {
        find("the one before it is another one than when it was made".into());
    }
    if c.key != key {
        notes.push(format!("from checkpoint {} on another key signs than before", c.id));
    }
    if UnparsedPublicKey::new(&ED25519, &c.key).verify(&digest(c), &c.signature).is_err() {
        find("its signature is not right".into());
    }
    let leaves: Vec<&[u8]> = c.leaves.chunks(LEAF).collect();
    if root(&leaves) != c.root {
        find("its heads are not those that were signed".into());
    }
    let number = |leaf: &[u8], at: usize| leaf.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, i64::from_be_bytes);
    for leaves in leaves.chunks(1_000) {
        let of: Vec<(i64, u64)> = leaves.iter().map(|l| (number(l, 0), number(l, 8) as u64)).collect();
        let found = store.history_hashes(&of).await?;
        let found: BTreeMap<(i64, u64), Hash> = found.into_iter().map(|(t, v, h)| ((t, v), h)).collect();
        for (leaf, (ticket, version)) in leaves.iter().zip(of) {
            match found.get(&(ticket, version)) {
                Some(hash) if hash[..] == leaf[16..] => {}
                Some(_) => find(format!("ticket {ticket} version {version} was another one when it was signed")),
                None => find(format!("ticket {ticket} version {version} was there when it was signed, and is gone")),
            }
        }
    }
    report.checkpoints += 1;
    report.heads += leaves.len() as u64;
    Ok(())
}

/// What lies in a folder; `None` where there are no lines.
pub fn outside(folder: &Path) -> Result<Option<Outside>> {
    let path = lines_path(folder);
    let text = match std::fs::read_to_string(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(io(&path))?,
    };
    let read = |(i, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|e| StoreError::Corrupt(format!("{} line {}: {e}", path.display(), i + 1)))
    };
    let lines = text.lines().enumerate().map(read).collect::<Result<_>>()?;
    let key = std::fs::read(key_path(folder)).ok().and_then(|bytes| Ed25519KeyPair::from_pkcs8(&bytes).ok());
    Ok(Some(Outside { lines, key: key.map(|k| k.public_key().as_ref().to_vec()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_and_its_place_changes_the_root() {
        let all: Vec<Vec<u8>> = (0_u8..7).map(|n| vec![n; LEAF]).collect();
        let of = |leaves: &[Vec<u8>]| root(&leaves.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let whole = of(&all);
        for i in 0..all.len() {
            let mut other = all.clone();
            other[i][3] ^= 1;
            assert_ne!(of(&other), whole);
            other = all.clone();
            other.remove(i);
            assert_ne!(of(&other), whole);
        }
        let mut turned = all.clone();
        turned.swap(2, 3);
        assert_ne!(of(&turned), whole);
    }
}
