//! Tickets by words of their articles, and by a condition in CEL: the same `where` as in jobs, narrowed to what an agent may
//! read.

use crate::desk::{Desk, Error};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use vorgang_core::filter::Filter;
use vorgang_core::ids::TicketId;
use vorgang_core::people::{Person, PersonKind};
use vorgang_core::pushdown::{Pushdown, pushdown};
use vorgang_core::rights;
use vorgang_core::scope::TicketScope;
use vorgang_definitions::cel::program::Program;
use vorgang_definitions::cel::types::Ty;
use vorgang_definitions::check::job::over_tickets;
use vorgang_definitions::model::Model;
use vorgang_store::words::{Doc, Word, query};
use vorgang_store::{Page, Sort, TicketRow};

/// Longest condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 2_000;
/// Tickets that one page looks at; where the rest is, its cursor says.
const SCAN_MAX: usize = 5_000;

/// Documents that are fetched at once, and that one page looks at.
const DOCS: u32 = 500;
const DOCS_MAX: usize = 50_000;
/// Tickets that are taken into the index at once, where they were there before it.
const BUILD: u32 = 500;

/// What a list shows.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub narrow: Filter,
    /// Words that are looked for.
    pub text: Option<&'a str>,
    pub sort: Sort,
    pub limit: u32,
    /// Tickets beyond this one.
    pub after: Option<i64>,
}

/// A condition that was checked.
#[derive(Debug)]
pub struct Condition {
    program: Program,
    split: Pushdown,
}

impl Desk {
    /// Checks a condition; the text says what is wrong with it.
    pub fn condition(&self, text: &str) -> Result<Condition, String> {
        if text.len() > CONDITION_BYTES_MAX {
            return Err(format!("longer than {CONDITION_BYTES_MAX} bytes"));
        }
        let model = self.model();
        let program = Program::compile_as(text, &over_tickets(&model.names), Some(&Ty::Bool)).map_err(|findings| {
            let say = |f: &vorgang_definitions::cel::finding::Finding| match f.way_out() {
                Some(help) => format!("{}; {help}", f.message),
                None => f.message.clone(),
            };
            findings.iter().map(say).collect::<Vec<_>>().join("; ")
        })?;
        if !program.ty.fits(&Ty::Bool) {
            return Err(format!("expected true or false, found {}", program.ty));
        }
        let split = pushdown(text, &model.names, self.clock.now());
        Ok(Condition { program, split })
    }

    /// For agents, and of queues that they may read: a condition asks about everything of a ticket. A ticket for which
    /// it cannot be evaluated does not match.
    pub async fn search(&self, person: &Person, wanted: &Wanted<'_>, condition: &Condition) -> Result<Page<TicketRow>, Error> {
        let model = self.model();
        let readable = Filter::Queue(rights::readable_queues(&model.names, person));
        let narrow = wanted.narrow.clone().and(readable).and(condition.split.filter.clone());
        let (limit, after) = (wanted.limit, wanted.after);
        if condition.split.exact {
            return self.tickets_with(person, &Wanted { narrow, ..wanted.clone() }).await;
        }
        let (mut found, mut cursor, mut scanned) = (vec![], after, 0);
        loop {
            let page = self
                .tickets_with(person, &Wanted { narrow: narrow.clone(), limit: limit.max(100), after: cursor, ..wanted.clone() })
                .await?;
            let mut rows: VecDeque<TicketRow> = page.items.into();
            while let Some(row) = rows.pop_front() {
                scanned += 1;
                let id = row.id;
                if self.holds(&model, person, &row, &condition.program).await? {
                    found.push(row);
                }
                if found.len() >= limit as usize || scanned >= SCAN_MAX {
                    let more = !rows.is_empty() || page.next.is_some();
                    return Ok(Page { items: found, next: more.then_some(id) });
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(Page { items: found, next: None }),
            }
        }
    }

    /// Those that this person may know of, with all these words in one article or in number and title. What customers do not
    /// see is looked through only where this person sees everything.
    pub async fn tickets_with(&self, person: &Person, wanted: &Wanted<'_>) -> Result<Page<TicketRow>, Error> {
        let Wanted { narrow, text, sort, limit, after } = wanted;
        let (sort, limit, after) = (*sort, *limit, *after);
        let Some(text) = text.filter(|t| !t.trim().is_empty()) else {
            return self.tickets(person, narrow, sort, limit, after).await;
        };
        let words = query(text);
        let (mut page, mut seen) = (Page { items: vec![], next: None }, 0);
        let newest = sort == Sort::NewestFirst;
        let mut beyond = after.map(|id| if newest { Doc::first_of(TicketId(id)) } else { Doc::last_of(TicketId(id)) });
        while !words.is_empty() {
            let (found, last) = self.documents(&words, newest, beyond).await?;
            seen += found.len();
            let ids: BTreeMap<TicketId, bool> = found.iter().fold(BTreeMap::new(), |mut ids, d| {
                *ids.entry(d.ticket()).or_default() |= d.visible();
                ids
            });
            let filter = narrow.clone().and(self.seen_in(person, &ids));
            let rows = self.tickets(person, &filter, sort, ids.len() as u32, None).await?.items;
            page.items.extend(rows);
            if page.items.len() > limit as usize {
                page.items.truncate(limit as usize);
                page.next = page.items.last().map(|r| r.id);
                break;
            }
            let Some(last) = last else { break };
            if seen >= DOCS_MAX {
                // There may be more: from here on.
                page.next = Some(last.0);
                break;
            }
            beyond = Some(if newest { Doc::first_of(last) } else { Doc::last_of(last) });
        }
        Ok(page)
    }

    /// Some documents, all of each of their tickets, and the last ticket where there may be more.
    async fn documents(&self, words: &[Word], newest: bool, beyond: Option<Doc>) -> Result<(Vec<Doc>, Option<TicketId>), Error> {
        let mut limit = DOCS;
        loop {
            let mut found = self.store.docs(words, newest, beyond, limit).await?;
            let Some(cut) = found.last().filter(|_| found.len() >= limit as usize).map(|d| d.ticket()) else { return Ok((found, None)) };
            // The last ticket may have more of them.
            found.retain(|d| d.ticket() != cut);
            if let Some(last) = found.last().map(|d| d.ticket()) {
                return Ok((found, Some(last)));
            }
            limit *= 8;
        }
    }

    /// Tickets that were found by something that this person sees.
    fn seen_in(&self, person: &Person, ids: &BTreeMap<TicketId, bool>) -> Filter {
        let of = |visible: bool| Filter::Among(ids.iter().filter(|(_, v)| **v == visible).map(|(id, _)| id.0).collect());
        let inside = match person.kind {
            PersonKind::System => of(false),
            PersonKind::Agent => of(false).and(Filter::Queue(rights::readable_queues(&self.model().names, person))),
            PersonKind::Customer => Filter::None,
        };
        Filter::or(vec![of(true), inside])
    }

    async fn holds(&self, model: &Model, person: &Person, row: &TicketRow, program: &Program) -> Result<bool, Error> {
        let Some(stored) = self.store.ticket_load_by_id(TicketId(row.id)).await? else { return Ok(false) };
        let people = self.people();
        let scope = TicketScope::for_person(&model.names, &stored.snapshot, person, &people, self.clock.now());
        Ok(program.holds(&scope).unwrap_or(false))
    }
}

/// Takes tickets that were there before the index into it. Runs until it is aborted, or all are.
pub async fn run_lane(desk: Arc<Desk>) {
    let mut told = false;
    loop {
        let more = match desk.store.lane("search").await {
            Ok(true) => desk.store.docs_build(BUILD).await.map(Some),
            other => other.map(|_| None),
        };
        match more {
            Ok(Some(false)) => {
                if told {
                    tracing::info!("every ticket can be found by its words");
                }
                return;
            }
            Ok(Some(true)) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::info!("the index of words is being made; until then older tickets are not found by their words");
                }
                tokio::task::yield_now().await;
            }
            Ok(None) => tokio::time::sleep(Duration::from_secs(5)).await,
            Err(e) => {
                tracing::warn!("the index of words: {e}");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
}
