//! Loading tickets with everything that is open on them: one statement, so that all of it is of one moment.

use crate::rows::{error, hash, json, time};
use serde::Deserialize;
use sqlx::Row;
use sqlx::postgres::PgRow;
use vorgang_core::ids::{InstanceId, Login, TicketId, WorkId};
use vorgang_core::snapshot::{Instance, Snapshot, Step, Ticket, Told, Vote, WorkItem, WorkStatus};
use vorgang_store::names::NameIds;
use vorgang_store::{Result, StoreError, Stored, UnknownWord};

const INSTANCE: &str = "json_build_array(seq, process, hash, started, started_by, outcome, ended, more)";
const WORK: &str = "json_build_array(seq, instance, activity, status, source, claimed_by, entered, epoch, audience, more)";
const STEP: &str = "json_build_array(s.instance, s.activity, s.outcome, s.by, s.at, s.votes, s.ord, s.undone, s.items)";

/// What is read of a ticket, up to the condition on `ticket t`. Parts without rows are not looked for.
pub fn ticket_sql() -> String {
    let list =
        |bit: u8, of: &str, rest: &str| format!(", CASE WHEN t.parts & {bit} <> 0 THEN (SELECT json_agg({of})::text FROM {rest}) END");
    let running = "EXISTS (SELECT 1 FROM instance i WHERE i.ticket_id = t.id AND i.seq = s.instance AND i.outcome IS NULL)";
    let parts = [
        list(1, &format!("{INSTANCE} ORDER BY seq"), "instance WHERE ticket_id = t.id AND outcome IS NULL"),
        list(1, &format!("{WORK} ORDER BY seq"), "work WHERE ticket_id = t.id"),
        list(
            1,
            &format!("{STEP} ORDER BY s.instance, s.activity COLLATE \"C\""),
            &format!("step s WHERE s.ticket_id = t.id AND {running}"),
        ),
        list(1, "json_build_array(work, person, outcome, at) ORDER BY work, person COLLATE \"C\"", "vote WHERE ticket_id = t.id"),
        list(2, "state::json ORDER BY seq", "timer WHERE ticket_id = t.id"),
        list(4, "body::json ORDER BY seq", "incident WHERE ticket_id = t.id AND resolved IS NULL"),
        list(8, "person ORDER BY person COLLATE \"C\"", "watcher WHERE ticket_id = t.id"),
        list(16, "json_build_array(name, person, day) ORDER BY name COLLATE \"C\", person COLLATE \"C\"", "told WHERE ticket_id = t.id"),
        list(32, "state::json ORDER BY seq", "call WHERE ticket_id = t.id"),
        list(64, "state::json ORDER BY seq", "message_kept WHERE ticket_id = t.id"),
        list(128, "body::json ORDER BY address COLLATE \"C\"", "participant WHERE ticket_id = t.id"),
    ];
    format!(
        "SELECT t.id, t.number, t.title, t.type_id, t.queue_id, t.state_id, t.priority_id, t.owner_id, t.responsible_id, t.company_id, \
         t.customer_id, t.pending_until, t.created, t.updated, t.fields::text, t.version, t.last_seq, t.head, t.unlocked, t.accounted{} \
         FROM ticket t WHERE ",
        parts.concat()
    )
}

const PARTS: usize = 20;

/// One ticket; `None` where it has a name that is not known here yet.
pub fn stored(row: &PgRow, names: &NameIds) -> Result<Option<Stored>> {
    let int = |at: usize| row.try_get::<i64, _>(at).map_err(error);
    let maybe = |at: usize| row.try_get::<Option<i64>, _>(at).map_err(error);
    let text = |at: usize| row.try_get::<String, _>(at).map_err(error);
    let name = |at: usize| int(at).map(|id| names.find_name(id));
    let person = |at: usize| maybe(at).map(|id| id.map(|id| names.find_login(id)));
    let (owner, responsible, customer_user) = (person(7)?, person(8)?, person(10)?);
    let company = maybe(9)?.map(|id| names.find_name(id));
    if [&owner, &responsible, &customer_user, &company].iter().any(|n| matches!(n, Some(None))) {
        return Ok(None);
    }
    let (Some(ticket_type), Some(queue), Some(state), Some(priority)) = (name(3)?, name(4)?, name(5)?, name(6)?) else { return Ok(None) };
    let ticket = Ticket {
        id: TicketId(int(0)?),
        number: text(1)?.into(),
        title: text(2)?,
        ticket_type,
        queue,
        state,
        priority,
        owner: owner.flatten().map(Login::from),
        responsible: responsible.flatten().map(Login::from),
        unlocked: row.try_get(18).map_err(error)?,
        accounted: int(19)?,
        customer: company.flatten(),
        customer_user: customer_user.flatten().map(Login::from),
        pending_until: maybe(11)?.map(time).transpose().map_err(error)?,
        created: time(int(12)?).map_err(error)?,
        updated: time(int(13)?).map_err(error)?,
        fields: json(&text(14)?)?,
    };
    let mut snapshot = Snapshot::new(ticket);
    snapshot.version = int(15)? as u64;
    snapshot.last_seq = int(16)? as u32;
    let head = row.try_get(17).and_then(hash).map_err(error)?;
    snapshot.instances = list(row, PARTS, instance)?.into();
    if !snapshot.instances.is_empty() {
        snapshot.work = list(row, PARTS + 1, work_item)?.into();
        snapshot.steps = list(row, PARTS + 2, step)?.into();
        snapshot.votes = list(row, PARTS + 3, vote)?.into();
    }
    snapshot.timers = list(row, PARTS + 4, Ok)?.into();
    snapshot.incidents = list(row, PARTS + 5, Ok)?.into();
    snapshot.watchers = list(row, PARTS + 6, Ok)?.into();
    snapshot.told = list(row, PARTS + 7, told)?.into();
    snapshot.calls = list(row, PARTS + 8, Ok)?.into();
    snapshot.kept = list(row, PARTS + 9, Ok)?.into();
    snapshot.participants = list(row, PARTS + 10, Ok)?.into();
    Ok(Some(Stored { snapshot, head }))
}

fn list<R: for<'a> Deserialize<'a>, T>(row: &PgRow, at: usize, read: impl Fn(R) -> Result<T>) -> Result<Vec<T>> {
    match row.try_get::<Option<&str>, _>(at).map_err(error)? {
        Some(text) => json::<Vec<R>>(text)?.into_iter().map(read).collect(),
        None => Ok(vec![]),
    }
}

type InstanceRow = (u32, String, String, i64, String, Option<String>, Option<i64>, Option<String>);

fn instance((seq, process, hash, started, started_by, outcome, ended, more): InstanceRow) -> Result<Instance> {
    let more = more.map(|m| json(&m)).transpose()?;
    Ok(Instance {
        seq: InstanceId(seq),
        process,
        hash,
        started: time(started).map_err(error)?,
        started_by: started_by.into(),
        outcome,
        ended: ended.map(time).transpose().map_err(error)?,
        more,
    })
}

type WorkRow = (u32, u32, String, String, Option<String>, Option<String>, i64, u32, String, Option<String>);

pub fn work_item((seq, instance, activity, status, source, claimed_by, entered, epoch, audience, more): WorkRow) -> Result<WorkItem> {
    let status = WorkStatus::from_word(&status).ok_or_else(|| StoreError::Newer(UnknownWord(status.clone()).to_string()))?;
    let more = more.map(|m| json(&m)).transpose()?;
    Ok(WorkItem {
        seq: WorkId(seq),
        instance: InstanceId(instance),
        activity,
        status,
        source,
        claimed_by: claimed_by.map(Login::from),
        entered: time(entered).map_err(error)?,
        epoch,
        audience: json(&audience)?,
        more,
    })
}

type StepRow = (u32, String, String, String, i64, Option<String>, u32, bool, Option<String>);

fn step((instance, activity, outcome, by, at, votes, order, undone, items): StepRow) -> Result<Step> {
    let (votes, items) = (votes.map_or(Ok(vec![]), |v| json(&v))?, items.map_or(Ok(vec![]), |i| json(&i))?);
    Ok(Step { instance: InstanceId(instance), activity, outcome, by: by.into(), at: time(at).map_err(error)?, order, undone, votes, items })
}

fn vote((work, person, outcome, at): (u32, String, String, i64)) -> Result<Vote> {
    Ok(Vote { work: WorkId(work), person: person.into(), outcome, at: time(at).map_err(error)? })
}

fn told((name, to, day): (String, String, String)) -> Result<Told> {
    let day = day.parse().map_err(|e: jiff::Error| vorgang_store::StoreError::Corrupt(e.to_string()))?;
    Ok(Told { name, to: to.into(), day })
}

/// Every instance and step of a ticket, the ended ones too.
pub fn runs_sql() -> String {
    format!(
        "SELECT (SELECT json_agg({INSTANCE} ORDER BY seq)::text FROM instance WHERE ticket_id = $1), \
         (SELECT json_agg({STEP} ORDER BY s.instance, s.activity COLLATE \"C\")::text FROM step s WHERE s.ticket_id = $1)"
    )
}

pub fn runs(row: &PgRow) -> Result<(Vec<Instance>, Vec<Step>)> {
    Ok((list(row, 0, instance)?, list(row, 1, step)?))
}

/// The columns of a work item, as one.
pub fn work_column(table: &str) -> String {
    let columns = ["seq", "instance", "activity", "status", "source", "claimed_by", "entered", "epoch", "audience", "more"];
    format!("json_build_array({})::text", columns.map(|c| format!("{table}.{c}")).join(", "))
}
