//! Verifying the history: every row's hash, the chain of each ticket, its head, and that folding the events gives
//! the rows. A cut tail of a whole ticket cannot be seen yet: that wants checkpoints kept outside.

use std::collections::HashMap;
use vorgang_core::Snapshot;
use vorgang_core::apply::{apply_commit, begin};
use vorgang_core::chain::{self, Hash, Link};
use vorgang_store::{HistoryRow, Result, Store};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub rows: u64,
    pub tickets: u64,
    pub erased: u64,
    pub findings: Vec<String>,
}

/// Findings after which the report stops to grow.
const FINDINGS_MAX: usize = 1_000;

struct Chain {
    version: u64,
    hash: Hash,
    /// `None` once a row's content was erased: then there is nothing to fold.
    snapshot: Option<Snapshot>,
}

pub async fn verify(store: &dyn Store) -> Result<Report> {
    let mut report = Report::default();
    let mut chains: HashMap<i64, Chain> = HashMap::new();
    let mut after = 0;
    loop {
        let (rows, last) = store.history_scan(after, 1_000).await?;
        for row in &rows {
            report.rows += 1;
            check_row(row, &mut chains, &mut report);
        }
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    heads(store, &mut chains, &mut report).await?;
    for (ticket, _) in chains {
        report.findings.push(format!("ticket {ticket}: the history is there, the ticket is not"));
    }
    report.findings.truncate(FINDINGS_MAX);
    Ok(report)
}

fn check_row(row: &HistoryRow, chains: &mut HashMap<i64, Chain>, report: &mut Report) {
    let at = format!("ticket {} version {}", row.ticket, row.version);
    let chain = chains.entry(row.ticket).or_insert(Chain { version: 0, hash: chain::GENESIS, snapshot: None });
    if row.version != chain.version + 1 {
        report.findings.push(format!("{at}: follows version {}", chain.version));
    }
    if let Some(personal) = &row.personal
        && chain::personal_digest(&row.salt, personal) != row.personal_digest
    {
        report.findings.push(format!("{at}: the content was changed"));
    }
    let expected = chain::hash(&Link {
        ticket: row.ticket,
        version: row.version,
        format: row.format,
        at: row.at,
        actor: &row.actor,
        command: &row.command,
        cause: &row.cause,
        events: &row.events,
        salt: &row.salt,
        personal_digest: row.personal_digest,
        previous: chain.hash,
    });
    if expected != row.hash {
        report.findings.push(format!("{at}: the row or one before it was changed"));
    }
    fold(row, chain, report);
    chain.version = row.version;
    chain.hash = row.hash;
}

fn fold(row: &HistoryRow, chain: &mut Chain, report: &mut Report) {
    let Some(personal) = &row.personal else {
        report.erased += 1;
        chain.snapshot = None;
        return;
    };
    let payload = chain::Payload { events: row.events.clone(), personal: personal.clone() };
    let Some(events) = chain::join(&payload) else {
        report.findings.push(format!("ticket {} version {}: the events cannot be read", row.ticket, row.version));
        chain.snapshot = None;
        return;
    };
    if row.version == 1 {
        chain.snapshot = events.first().and_then(begin);
    }
    let at = jiff::Timestamp::from_microsecond(row.at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    if let Some(snapshot) = chain.snapshot.take() {
        let mut snapshot = snapshot;
        apply_commit(&mut snapshot, &events, at, row.version);
        chain.snapshot = Some(snapshot.compact());
    }
}

async fn heads(store: &dyn Store, chains: &mut HashMap<i64, Chain>, report: &mut Report) -> Result<()> {
    let mut after = 0;
    loop {
        let heads = store.heads(after, 1_000).await?;
        let Some(last) = heads.last() else { return Ok(()) };
        after = last.0;
        for (ticket, version, head) in heads {
            report.tickets += 1;
            let Some(chain) = chains.remove(&ticket) else {
                report.findings.push(format!("ticket {ticket}: has no history"));
                continue;
            };
            if chain.version != version || chain.hash != head {
                report.findings.push(format!("ticket {ticket}: is at version {version}, its history ends at {}", chain.version));
                continue;
            }
            if let (Some(folded), Some(stored)) = (chain.snapshot, store.ticket_load_by_id(ticket).await?) {
                let stored = stored.snapshot.compact();
                if folded != stored {
                    report.findings.push(format!("ticket {ticket}: {}", difference(&folded, &stored)));
                }
            }
        }
    }
}

fn difference(folded: &Snapshot, stored: &Snapshot) -> String {
    let parts = [
        ("the ticket's attributes", folded.ticket != stored.ticket),
        ("its instances", folded.instances != stored.instances),
        ("its work", folded.work != stored.work),
        ("its steps", folded.steps != stored.steps),
        ("its votes", folded.votes != stored.votes),
        ("its incidents", folded.incidents != stored.incidents),
        ("its timers", folded.timers != stored.timers),
        ("who watches it", folded.watchers != stored.watchers),
        ("its counter", folded.last_seq != stored.last_seq || folded.version != stored.version),
    ];
    let differ: Vec<&str> = parts.iter().filter(|(_, d)| *d).map(|(n, _)| *n).collect();
    format!("the rows are not what the history tells: {}", differ.join(", "))
}
