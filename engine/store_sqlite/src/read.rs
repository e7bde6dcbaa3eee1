//! Loading a ticket with everything that is open on it.

use crate::rows::{error, hash, json, time, unreadable, word};
use crate::tables::{calls, courier, inbox};
use rusqlite::{Connection, Row, params};
use vorgang_core::changes::{HAS_CALLS, HAS_INCIDENTS, HAS_INSTANCES, HAS_KEPT, HAS_PARTICIPANTS, HAS_TIMERS, HAS_TOLD, HAS_WATCHERS};
use vorgang_core::ids::{InstanceId, Login, Seq, TicketId, TicketNumber, WorkId};
use vorgang_core::snapshot::{Instance, Snapshot, Step, Ticket, Told, Vote, WorkItem, WorkStatus};
use vorgang_store::names::NameIds;
use vorgang_store::{Result, Stored};

const TICKET: &str = "SELECT id, number, title, type_id, queue_id, state_id, priority_id, owner_id, responsible_id, company_id, \
     customer_id, pending_until, created, updated, fields, version, last_seq, head, parts, unlocked, accounted FROM ticket WHERE ";

/// Several reads that see the same state, and take the database's locks once.
pub fn together<T>(connection: &Connection, read: impl FnOnce() -> Result<T>) -> Result<T> {
    let run = |sql: &str| connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map_err(error);
    run("BEGIN")?;
    let result = read();
    run("COMMIT")?;
    result
}

pub fn by_number(connection: &Connection, names: &NameIds, number: &str) -> Result<Option<Stored>> {
    let mut statement = connection.prepare_cached(&format!("{TICKET} number = ?1")).map_err(error)?;
    let mut rows = statement.query([number]).map_err(error)?;
    match rows.next().map_err(error)? {
        Some(row) => load(connection, names, row).map(Some).map_err(error),
        None => Ok(None),
    }
}

pub fn by_id(connection: &Connection, names: &NameIds, id: TicketId) -> Result<Option<Stored>> {
    let mut statement = connection.prepare_cached(&format!("{TICKET} id = ?1")).map_err(error)?;
    let mut rows = statement.query([id.0]).map_err(error)?;
    match rows.next().map_err(error)? {
        Some(row) => load(connection, names, row).map(Some).map_err(error),
        None => Ok(None),
    }
}

fn load(connection: &Connection, names: &NameIds, row: &Row) -> rusqlite::Result<Stored> {
    let id: i64 = row.get(0)?;
    let fields: String = row.get(14)?;
    let ticket = Ticket {
        id: TicketId(id),
        number: row.get::<_, String>(1).map(TicketNumber::from)?,
        title: row.get(2)?,
        ticket_type: names.name(row.get(3)?),
        queue: names.name(row.get(4)?),
        state: names.name(row.get(5)?),
        priority: names.name(row.get(6)?),
        owner: row.get::<_, Option<i64>>(7)?.map(|i| names.login(i)),
        responsible: row.get::<_, Option<i64>>(8)?.map(|i| names.login(i)),
        unlocked: row.get(19)?,
        accounted: row.get(20)?,
        customer: row.get::<_, Option<i64>>(9)?.map(|i| names.name(i)),
        customer_user: row.get::<_, Option<i64>>(10)?.map(|i| names.login(i)),
        pending_until: row.get::<_, Option<i64>>(11)?.map(time).transpose()?,
        created: time(row.get(12)?)?,
        updated: time(row.get(13)?)?,
        fields: json(&fields)?,
    };
    let mut snapshot = Snapshot::new(ticket);
    snapshot.version = row.get::<_, i64>(15)? as u64;
    snapshot.last_seq = row.get::<_, Seq>(16)?;
    let head = hash(&row.get::<_, Vec<u8>>(17)?)?;
    let parts: u32 = row.get(18)?;
    if parts & HAS_INSTANCES != 0 {
        snapshot.instances = instances(connection, TicketId(id), " AND outcome IS NULL")?.into();
    }
    if !snapshot.instances.is_empty() {
        snapshot.work = work(connection, TicketId(id))?.into();
        let mut steps = steps(connection, TicketId(id))?;
        steps.retain(|s| snapshot.instances.iter().any(|i| i.seq == s.instance));
        snapshot.steps = steps.into();
        if snapshot.work.iter().any(|w| {
            matches!(w.status, WorkStatus::Started | WorkStatus::Calling | WorkStatus::Failed | WorkStatus::Suspended | WorkStatus::Waiting)
        }) {
            snapshot.votes = votes(connection, TicketId(id))?.into();
        }
    }
    if parts & HAS_TIMERS != 0 {
        let mut statement = connection.prepare_cached("SELECT state FROM timer WHERE ticket_id = ?1 ORDER BY seq")?;
        snapshot.timers = statement.query_map([id], |r| json(&r.get::<_, String>(0)?))?.collect::<rusqlite::Result<Vec<_>>>()?.into();
    }
    if parts & HAS_CALLS != 0 {
        snapshot.calls = calls::of_ticket(connection, TicketId(id))?.into();
    }
    if parts & HAS_KEPT != 0 {
        snapshot.kept = courier::kept_of(connection, TicketId(id))?.into();
    }
    if parts & HAS_PARTICIPANTS != 0 {
        snapshot.participants = inbox::participants(connection, TicketId(id))?.into();
    }
    if parts & HAS_WATCHERS != 0 {
        let mut statement = connection.prepare_cached("SELECT person FROM watcher WHERE ticket_id = ?1 ORDER BY person")?;
        snapshot.watchers =
            statement.query_map([id], |r| r.get::<_, String>(0).map(Login::from))?.collect::<rusqlite::Result<Vec<_>>>()?.into();
    }
    if parts & HAS_TOLD != 0 {
        let mut statement = connection.prepare_cached("SELECT name, person, day FROM told WHERE ticket_id = ?1")?;
        let row = |r: &Row| {
            let day: String = r.get(2)?;
            Ok(Told {
                name: r.get(0)?,
                to: r.get::<_, String>(1).map(Login::from)?,
                day: day.parse().map_err(|e| unreadable(Box::new(e)))?,
            })
        };
        snapshot.told = statement.query_map([id], row)?.collect::<rusqlite::Result<Vec<_>>>()?.into();
    }
    if parts & HAS_INCIDENTS == 0 {
        return Ok(Stored { snapshot, head });
    }
    let mut statement = connection.prepare_cached("SELECT body FROM incident WHERE ticket_id = ?1 AND resolved IS NULL ORDER BY seq")?;
    snapshot.incidents = statement.query_map([id], |r| json(&r.get::<_, String>(0)?))?.collect::<rusqlite::Result<Vec<_>>>()?.into();
    Ok(Stored { snapshot, head })
}

/// JSON that is not always there.
fn maybe<T: serde::de::DeserializeOwned>(r: &Row, at: usize) -> rusqlite::Result<Option<T>> {
    r.get::<_, Option<String>>(at)?.map(|t| json(&t)).transpose()
}

pub fn instances(connection: &Connection, ticket: TicketId, and: &str) -> rusqlite::Result<Vec<Instance>> {
    let sql = format!(
        "SELECT seq, process, hash, started, started_by, outcome, ended, more FROM instance WHERE ticket_id = ?1{and} ORDER BY seq"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let read = |r: &Row| {
        Ok(Instance {
            seq: r.get(0).map(InstanceId)?,
            process: r.get(1)?,
            hash: r.get(2)?,
            started: time(r.get(3)?)?,
            started_by: r.get::<_, String>(4).map(Login::from)?,
            outcome: r.get(5)?,
            ended: r.get::<_, Option<i64>>(6)?.map(time).transpose()?,
            more: maybe(r, 7)?,
        })
    };
    statement.query_map([ticket.0], read)?.collect()
}

pub const WORK: &str = "w.seq, w.instance, w.activity, w.status, w.source, w.claimed_by, w.entered, w.epoch, w.audience, w.more";

pub fn work_item(r: &Row, from: usize) -> rusqlite::Result<WorkItem> {
    Ok(WorkItem {
        seq: r.get(from).map(WorkId)?,
        instance: r.get(from + 1).map(InstanceId)?,
        activity: r.get(from + 2)?,
        status: word(r, from + 3, WorkStatus::from_word)?,
        source: r.get(from + 4)?,
        claimed_by: r.get::<_, Option<String>>(from + 5)?.map(Login::from),
        entered: time(r.get(from + 6)?)?,
        epoch: r.get(from + 7)?,
        audience: json(&r.get::<_, String>(from + 8)?)?,
        more: maybe(r, from + 9)?,
    })
}

fn work(connection: &Connection, ticket: TicketId) -> rusqlite::Result<Vec<WorkItem>> {
    let mut statement = connection.prepare_cached(&format!("SELECT {WORK} FROM work w WHERE ticket_id = ?1 ORDER BY seq"))?;
    statement.query_map([ticket.0], |r| work_item(r, 0))?.collect()
}

pub fn steps(connection: &Connection, ticket: TicketId) -> rusqlite::Result<Vec<Step>> {
    let sql =
        "SELECT instance, activity, outcome, by, at, votes, ord, undone, items FROM step WHERE ticket_id = ?1 ORDER BY instance, activity";
    let mut statement = connection.prepare_cached(sql)?;
    let votes = |text: Option<String>| text.map_or(Ok(vec![]), |t| json(&t));
    let read = |r: &Row| {
        let (instance, activity, outcome, by, at) =
            (r.get(0).map(InstanceId)?, r.get(1)?, r.get(2)?, r.get::<_, String>(3).map(Login::from)?, time(r.get(4)?)?);
        let (order, undone, items) = (r.get(6)?, r.get(7)?, maybe(r, 8)?.unwrap_or_default());
        Ok(Step { instance, activity, outcome, by, at, order, undone, votes: votes(r.get(5)?)?, items })
    };
    statement.query_map(params![ticket.0], read)?.collect()
}

fn votes(connection: &Connection, ticket: TicketId) -> rusqlite::Result<Vec<Vote>> {
    let mut statement =
        connection.prepare_cached("SELECT work, person, outcome, at FROM vote WHERE ticket_id = ?1 ORDER BY work, person")?;
    let read = |r: &Row| {
        Ok(Vote { work: r.get(0).map(WorkId)?, person: r.get::<_, String>(1).map(Login::from)?, outcome: r.get(2)?, at: time(r.get(3)?)? })
    };
    statement.query_map([ticket.0], read)?.collect()
}
