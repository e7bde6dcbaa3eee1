//! Verifying the history: every row's hash, the chain of each ticket, its head, and that folding the events gives
//! the rows. Ticket by ticket, so that it needs no more memory for a million of them; a ticket that changes meanwhile is
//! looked at again.

use std::collections::{BTreeSet, HashMap};
use vorgang_core::apply::{apply_commit, begin};
use vorgang_core::article::{Article, Erasure};
use vorgang_core::chain::{self, Hash};
use vorgang_core::event::{ArticleAdded, ContentErased, Event, MailTakenBack};
use vorgang_core::ids::TicketId;
use vorgang_core::snapshot::Snapshot;
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
/// Tickets, and rows of the history, that are read at once.
const PAGE: u32 = 1_000;
/// How often a ticket is looked at that does not fit: somebody may be writing it.
const LOOKS: u32 = 5;

pub async fn verify(store: &dyn Store) -> Result<Report> {
    let mut report = Report::default();
    let mut rows = Rows { store, ahead: vec![], after: (TicketId(0), 0), ended: false };
    let mut after = TicketId(0);
    loop {
        let heads = store.heads(after, PAGE).await?;
        let up_to = if heads.len() < PAGE as usize { TicketId(i64::MAX) } else { heads.last().map_or(TicketId(i64::MAX), |h| h.0) };
        let ids: Vec<TicketId> = heads.iter().map(|h| h.0).collect();
        let mut stored: HashMap<TicketId, Snapshot> =
            store.tickets_load(&ids).await?.into_iter().map(|s| (s.snapshot.ticket.id, s.snapshot)).collect();
        let mut heads: HashMap<TicketId, (u64, Hash)> = heads.into_iter().map(|(id, version, hash)| (id, (version, hash))).collect();
        while let Some(history) = rows.ticket(up_to).await? {
            let id = history[0].ticket;
            report.rows += history.len() as u64;
            ticket(store, id, &history, heads.remove(&id), stored.remove(&id), &mut report).await?;
        }
        let mut left: Vec<TicketId> = heads.into_keys().collect();
        left.sort_unstable();
        for id in left {
            ticket(store, id, &[], Some((0, chain::GENESIS)), stored.remove(&id), &mut report).await?;
        }
        if up_to == TicketId(i64::MAX) {
            report.findings.truncate(FINDINGS_MAX);
            return Ok(report);
        }
        after = up_to;
    }
}

/// The history, read ahead.
struct Rows<'a> {
    store: &'a dyn Store,
    /// The last comes first.
    ahead: Vec<HistoryRow>,
    after: (TicketId, u64),
    ended: bool,
}

impl Rows<'_> {
    async fn peek(&mut self) -> Result<Option<&HistoryRow>> {
        if self.ahead.is_empty() && !self.ended {
            self.ahead = self.store.history_scan(self.after, PAGE).await?;
            self.ended = self.ahead.is_empty();
            if let Some(last) = self.ahead.last() {
                self.after = (last.ticket, last.version);
            }
            self.ahead.reverse();
        }
        Ok(self.ahead.last())
    }

    /// All rows of the next ticket, up to this id.
    async fn ticket(&mut self, up_to: TicketId) -> Result<Option<Vec<HistoryRow>>> {
        let Some(id) = self.peek().await?.map(|r| r.ticket).filter(|id| *id <= up_to) else { return Ok(None) };
        let mut all = vec![];
        while self.peek().await?.is_some_and(|r| r.ticket == id) {
            all.extend(self.ahead.pop());
        }
        Ok(Some(all))
    }
}

/// Judges one ticket. What does not fit is read again: a commit may have come between two reads.
async fn ticket(
    store: &dyn Store,
    id: TicketId,
    history: &[HistoryRow],
    head: Option<(u64, Hash)>,
    stored: Option<Snapshot>,
    report: &mut Report,
) -> Result<()> {
    let mut judged = judge(id, history, head, stored);
    if judged.findings.is_empty() {
        articles(store, id, history, &mut judged).await?;
    }
    for _ in 1..LOOKS {
        if judged.findings.is_empty() {
            break;
        }
        let found = store.ticket_load_by_id(id).await?;
        let mut history: Vec<HistoryRow> = vec![];
        loop {
            let page = store.history_list(id, history.last().map_or(0, |r| r.version), PAGE).await?;
            let more = page.len() == PAGE as usize;
            history.extend(page);
            if !more {
                break;
            }
        }
        // What was written after the ticket was read is judged the next time.
        let version = found.as_ref().map_or(u64::MAX, |f| f.snapshot.version);
        history.retain(|r| r.version <= version);
        let again = judge(id, &history, found.as_ref().map(|f| (f.snapshot.version, f.head)), found.map(|f| f.snapshot));
        if again.findings == judged.findings {
            break;
        }
        judged = again;
        if judged.findings.is_empty() {
            articles(store, id, &history, &mut judged).await?;
        }
    }
    report.tickets += judged.tickets;
    report.erased += judged.erased;
    if report.findings.len() < FINDINGS_MAX {
        report.findings.append(&mut judged.findings);
    }
    Ok(())
}

/// The articles are those that the history tells of, and nothing else.
async fn articles(store: &dyn Store, id: TicketId, history: &[HistoryRow], report: &mut Report) -> Result<()> {
    let mut told: Vec<Article> = vec![];
    for row in history {
        // Of a row of an old format all content goes at once; that it may is judged before.
        if row.personal.is_none() {
            return Ok(());
        }
        for event in row.events_read()? {
            match event {
                Event::ArticleAdded(ArticleAdded { article }) => told.push(article),
                Event::MailTakenBack(MailTakenBack { article, .. }) => {
                    for a in told.iter_mut().filter(|a| a.seq == article) {
                        (a.withdrawn, a.visible) = (true, false);
                    }
                }
                Event::ContentErased(ContentErased { article, whole, files, reason, by, at, .. }) => {
                    for a in told.iter_mut().filter(|a| a.seq == article) {
                        a.erase(whole, &files, Erasure { by: by.clone(), at, reason: reason.clone() });
                    }
                }
                _ => {}
            }
        }
    }
    let there = store.article_list(id).await?;
    let version = history.last().map_or(0, |r| r.version);
    // What was added since is judged the next time.
    let since = |store_version: u64| store_version > version;
    if there != told && !store.ticket_load_by_id(id).await?.is_some_and(|s| since(s.snapshot.version)) {
        report.findings.push(format!("ticket {id}: the articles are not what the history tells"));
    }
    Ok(())
}

fn judge(id: TicketId, history: &[HistoryRow], head: Option<(u64, Hash)>, stored: Option<Snapshot>) -> Report {
    let mut report = Report { tickets: u64::from(head.is_some()), ..Report::default() };
    if history.is_empty() {
        report.findings.push(format!("ticket {id}: has no history"));
        return report;
    }
    let mut chain = Chain { version: 0, hash: chain::GENESIS, snapshot: None, gone: BTreeSet::new(), named: BTreeSet::new() };
    for row in history {
        check_row(row, &mut chain, &mut report);
    }
    for (version, _) in chain.gone.difference(&chain.named) {
        report
            .findings
            .push(format!("ticket {id} version {version}: content is gone, and no entry of the history says that it was erased"));
    }
    for (version, _) in chain.named.difference(&chain.gone) {
        report.findings.push(format!("ticket {id} version {version}: the history says that content was erased, and it is still there"));
    }
    report.findings.dedup();
    let Some((version, hash)) = head else {
        report.findings.push(format!("ticket {id}: the history is there, the ticket is not"));
        return report;
    };
    if chain.version != version || chain.hash != hash {
        report.findings.push(format!("ticket {id}: is at version {version}, its history ends at {}", chain.version));
    } else if let (Some(folded), Some(stored)) = (chain.snapshot, stored) {
        let stored = stored.compact();
        if folded != stored {
            report.findings.push(format!("ticket {id}: {}", difference(&folded, &stored)));
        }
    }
    report
}

struct Chain {
    version: u64,
    hash: Hash,
    /// `None` once all content of a row is gone: then there is nothing to fold.
    snapshot: Option<Snapshot>,
    /// Pieces that are gone, and those of which an entry says so: (version, number); without a number the row's whole content.
    gone: BTreeSet<(u64, Option<u32>)>,
    named: BTreeSet<(u64, Option<u32>)>,
}

fn check_row(row: &HistoryRow, chain: &mut Chain, report: &mut Report) {
    let at = format!("ticket {} version {}", row.ticket, row.version);
    if row.version != chain.version + 1 {
        report.findings.push(format!("{at}: follows version {}", chain.version));
    }
    if let Some(personal) = &row.personal {
        match chain::personal_digest(row.format, &row.salt, personal) {
            Ok(digest) if digest == row.personal_digest => {}
            Ok(_) => report.findings.push(format!("{at}: the content was changed")),
            Err(why) => report.findings.push(format!("{at}: {why}")),
        }
        let erased = chain::erased(row.format, personal).unwrap_or_default();
        report.erased += u64::from(!erased.is_empty());
        chain.gone.extend(erased.into_iter().map(|piece| (row.version, Some(piece))));
    } else {
        chain.gone.insert((row.version, None));
    }
    if row.hash_after(chain.hash) != row.hash {
        report.findings.push(format!("{at}: the row or one before it was changed"));
    }
    fold(row, chain, report);
    chain.version = row.version;
    chain.hash = row.hash;
}

fn fold(row: &HistoryRow, chain: &mut Chain, report: &mut Report) {
    if row.personal.is_none() {
        report.erased += 1;
        chain.snapshot = None;
        return;
    }
    let events = match row.events_read() {
        Ok(events) => events,
        Err(why) => {
            report.findings.push(format!("ticket {} version {}: the events cannot be read: {why}", row.ticket, row.version));
            chain.snapshot = None;
            return;
        }
    };
    for event in &events {
        let Event::ContentErased(ContentErased { pieces, .. }) = event else { continue };
        for (version, numbers) in pieces {
            match numbers.as_slice() {
                [] => drop(chain.named.insert((*version, None))),
                numbers => chain.named.extend(numbers.iter().map(|n| (*version, Some(*n)))),
            }
        }
    }
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
