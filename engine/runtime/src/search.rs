//! Tickets by a condition in CEL: the same `where` as in jobs, narrowed to what an agent may read.

use crate::desk::{Desk, Error};
use std::collections::VecDeque;
use vorgang_core::filter::Filter;
use vorgang_core::people::Person;
use vorgang_core::pushdown::{Pushdown, pushdown};
use vorgang_core::rights;
use vorgang_core::scope::TicketScope;
use vorgang_definitions::cel::Program;
use vorgang_definitions::cel::types::Ty;
use vorgang_definitions::check::job::over_tickets;
use vorgang_definitions::model::Model;
use vorgang_store::{Page, Sort, TicketRow};

/// Longest condition, in bytes.
pub const CONDITION_BYTES_MAX: usize = 2_000;
/// Tickets that one page looks at; where the rest is, its cursor says.
const SCAN_MAX: usize = 5_000;

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
            let say = |f: &vorgang_definitions::cel::check::Finding| match &f.help {
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
    pub async fn search(
        &self,
        person: &Person,
        narrow: &Filter,
        condition: &Condition,
        sort: Sort,
        limit: u32,
        after: Option<i64>,
    ) -> Result<Page<TicketRow>, Error> {
        let model = self.model();
        let readable = Filter::Queue(rights::readable_queues(&model.names, person));
        let narrow = narrow.clone().and(readable).and(condition.split.filter.clone());
        if condition.split.exact {
            return self.tickets(person, &narrow, sort, limit, after).await;
        }
        let (mut found, mut cursor, mut scanned) = (vec![], after, 0);
        loop {
            let page = self.tickets(person, &narrow, sort, limit.max(100), cursor).await?;
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

    async fn holds(&self, model: &Model, person: &Person, row: &TicketRow, program: &Program) -> Result<bool, Error> {
        let Some(stored) = self.store.ticket_load_by_id(row.id).await? else { return Ok(false) };
        let people = self.people();
        let scope = TicketScope::of(&model.names, &stored.snapshot, person, &people, self.clock.now());
        Ok(program.holds(&scope).unwrap_or(false))
    }
}
