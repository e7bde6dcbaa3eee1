//! The rows of a commit. Rows of different parts never meet: what is deleted is not written by another part of the same
//! wave, so their order does not matter.

use crate::batch::Batch;
use crate::rows::{micros, text};
use crate::tables::deliveries::{self, OF_MESSAGE};
use crate::tables::inbox;
use crate::tables::site::{self, Around};
use crate::tables::{redaction, search};
use std::collections::BTreeMap;
use vorgang_core::event::FORMAT;
use vorgang_core::ids::{ArticleId, Login};
use vorgang_core::linked::Linked;
use vorgang_store::names::NameIds;
use vorgang_store::words::{Doc, of_texts};
use vorgang_store::{Commit, Origin, Result, StoreError};

const TICKET_NEW: &str = "INSERT INTO ticket (id, number, version, last_seq, title, type_id, queue_id, state_id, priority_id, owner_id, \
     responsible_id, company_id, customer_id, pending_until, created, updated, fields, head, parts, unlocked, accounted) \
     SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q::jsonb, r, s, t, u \
     FROM unnest({}) x (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u)";

const TICKET_ALL: &str = "UPDATE ticket SET version = c, last_seq = d, title = e, type_id = f, queue_id = g, state_id = h, priority_id = i, \
     owner_id = j, responsible_id = k, company_id = l, customer_id = m, pending_until = n, updated = p, fields = q::jsonb, head = r, \
     parts = s, unlocked = t, accounted = u \
     FROM unnest({}) x (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u) WHERE ticket.id = a AND number = b RETURNING 1";

const TICKET_FIELDS: &str = "UPDATE ticket SET version = b, last_seq = c, updated = d, head = e, parts = f, fields = g::jsonb \
     FROM unnest({}) x (a, b, c, d, e, f, g) WHERE ticket.id = a RETURNING 1";

const TICKET_STEP: &str = "UPDATE ticket SET version = b, last_seq = c, updated = d, head = e, parts = f \
     FROM unnest({}) x (a, b, c, d, e, f) WHERE ticket.id = a RETURNING 1";

const HISTORY: &str = "INSERT INTO history (ticket_id, version, format, at, actor, command, cause, events, personal, salt, personal_digest, hash) \
     SELECT * FROM unnest({})";

const INSTANCE: &str = "INSERT INTO instance (ticket_id, seq, process, hash, started, started_by, outcome, ended, more) SELECT * FROM unnest({}) \
     ON CONFLICT (ticket_id, seq) DO UPDATE SET outcome = excluded.outcome, ended = excluded.ended, more = excluded.more";

const WORK: &str = "INSERT INTO work (ticket_id, seq, instance, activity, status, source, claimed_by, entered, epoch, audience, more) \
     SELECT * FROM unnest({}) \
     ON CONFLICT (ticket_id, seq) DO UPDATE SET status = excluded.status, claimed_by = excluded.claimed_by, epoch = excluded.epoch, \
     audience = excluded.audience, more = excluded.more";

const WORK_ENDED: &str = "DELETE FROM work USING unnest({}) x (a, b) WHERE ticket_id = a AND seq = b";
const VOTES_OF: &str = "DELETE FROM vote USING unnest({}) x (a, b) WHERE ticket_id = a AND work = b";
const AUDIENCE: &str = "INSERT INTO work_audience (ticket_id, seq, key_id) SELECT * FROM unnest({}) ON CONFLICT DO NOTHING";
const AUDIENCE_GONE: &str = "DELETE FROM work_audience USING unnest({}) x (a, b, c) \
     WHERE ticket_id = a AND seq = b AND NOT key_id = ANY (c::bigint[])";

const STEP: &str = "INSERT INTO step (ticket_id, instance, activity, outcome, by, at, votes, ord, undone, items) SELECT * FROM unnest({}) \
     ON CONFLICT (ticket_id, instance, activity) DO UPDATE SET outcome = excluded.outcome, by = excluded.by, at = excluded.at, \
     votes = excluded.votes, ord = excluded.ord, undone = excluded.undone, items = excluded.items";

const VOTE: &str = "INSERT INTO vote (ticket_id, work, person, outcome, at) SELECT * FROM unnest({})";
const TIMERS_OF: &str = "DELETE FROM timer USING unnest({}) x (a, b) WHERE ticket_id = a AND work = b";
const TIMER_ENDED: &str = "DELETE FROM timer USING unnest({}) x (a, b) WHERE ticket_id = a AND seq = b";
const TIMER: &str = "INSERT INTO timer (ticket_id, seq, work, epoch, due, state) SELECT a, b, c, 0, d, e FROM unnest({}) x (a, b, c, d, e) \
     ON CONFLICT (ticket_id, seq) DO UPDATE SET due = excluded.due, state = excluded.state, claimed = NULL";

const WATCHER: &str = "INSERT INTO watcher (ticket_id, person, since) SELECT * FROM unnest({}) ON CONFLICT DO NOTHING";
const WATCHER_GONE: &str = "DELETE FROM watcher USING unnest({}) x (a, b) WHERE ticket_id = a AND person = b";
const INCIDENT: &str = "INSERT INTO incident (ticket_id, seq, raised, resolved, body) SELECT * FROM unnest({}) \
     ON CONFLICT (ticket_id, seq) DO UPDATE SET resolved = excluded.resolved, body = excluded.body";

const BLOB: &str = "INSERT INTO blob (hash, bytes) SELECT DISTINCT ON (a) * FROM unnest({}) x (a, b) ORDER BY a \
     ON CONFLICT (hash) DO UPDATE SET hash = excluded.hash";

const ARTICLE: &str = "INSERT INTO article (ticket_id, seq, channel, sender, author, visible, subject, body, created, origin, head, withdrawn, rejected) \
     SELECT * FROM unnest({})";

const ARTICLE_PART: &str = "INSERT INTO article_part (ticket_id, article_seq, part, name, content_type, size, blob_hash) \
     SELECT * FROM unnest({})";

const CALL: &str = "INSERT INTO call (ticket_id, seq, state) SELECT * FROM unnest({})";
const CALL_ENDED: &str = "DELETE FROM call USING unnest({}) x (a, b) WHERE ticket_id = a AND seq = b";
const EMITTED: &str = "INSERT INTO message (name, data, sent, by, hops, until) SELECT * FROM unnest({}) RETURNING id, name, sent";
const KEPT: &str = "INSERT INTO message_kept (ticket_id, seq, instance, state) SELECT * FROM unnest({})";
const KEPT_GONE: &str = "DELETE FROM message_kept USING unnest({}) x (a, b) WHERE ticket_id = a AND seq = b";
const KEPT_OF: &str = "DELETE FROM message_kept USING unnest({}) x (a, b) WHERE ticket_id = a AND instance = b";
const NOTIFICATION: &str = "INSERT INTO notification (person_id, ticket_id, number, name, subject, body, at, instead_of) \
     SELECT * FROM unnest({})";

const TOLD: &str = "INSERT INTO told (ticket_id, name, person, day) SELECT * FROM unnest({}) \
     ON CONFLICT (ticket_id, name, person) DO UPDATE SET day = excluded.day";

const LINK: &str = "INSERT INTO ticket_link (ticket_id, other_id, kind, created) SELECT * FROM unnest({}) ON CONFLICT DO NOTHING";
const LINK_GONE: &str = "DELETE FROM ticket_link USING unnest({}) x (a, b, c, d) \
     WHERE (ticket_id = a AND other_id = b AND kind = c) OR (ticket_id = b AND other_id = a AND kind = d)";

const EVENT_DONE: &str = "DELETE FROM desk_event USING unnest({}) x (a) WHERE id = a RETURNING 1";
const MESSAGE_MARK: &str = "INSERT INTO message_done (message, ticket_id) SELECT m.id, b FROM unnest({}) x (a, b) \
     JOIN message m ON m.id = a AND m.closed IS NULL AND m.cursor < b RETURNING 1";

const JOB_MARK: &str = "INSERT INTO job_done (run, ticket_id, failed) SELECT r.id, b, c FROM unnest({}) x (a, b, c) \
     JOIN job_run r ON r.id = a AND r.ended IS NULL AND r.cursor < b RETURNING 1";

const IDEMPOTENCY: &str = "INSERT INTO idempotency (person_id, key, body_hash, status, answer, at) SELECT * FROM unnest({})";

/// Adds the rows of one ticket's part of a commit.
pub fn rows<'a>(batch: &mut Batch<'a>, around: &mut Around<'a>, commit: &'a Commit, names: &NameIds) -> Result<()> {
    let changes = &commit.changes;
    let (t, h) = (&changes.ticket, &commit.history);
    ticket(batch, commit, names)?;
    batch.row(
        HISTORY,
        [
            t.id.into(),
            (changes.version as i64).into(),
            FORMAT.into(),
            micros(h.at).into(),
            (&h.actor).into(),
            (&h.command).into(),
            (&h.cause).into(),
            (&h.payload.events).into(),
            Some(h.payload.personal.clone()).into(),
            h.salt[..].into(),
            h.personal_digest[..].into(),
            h.hash[..].into(),
        ],
    );
    for i in &changes.instances {
        batch.row(
            INSTANCE,
            [
                t.id.into(),
                i.seq.into(),
                (&i.process).into(),
                (&i.hash).into(),
                micros(i.started).into(),
                (&i.started_by).into(),
                (&i.outcome).into(),
                i.ended.map(micros).into(),
                i.more.as_ref().map(text).transpose()?.into(),
            ],
        );
    }
    work(batch, commit, names)?;
    for s in &changes.steps {
        let votes = if s.votes.is_empty() { None } else { Some(text(&s.votes)?) };
        let items = if s.items.is_empty() { None } else { Some(text(&s.items)?) };
        batch.row(
            STEP,
            [
                t.id.into(),
                s.instance.into(),
                (&s.activity).into(),
                (&s.outcome).into(),
                (&s.by).into(),
                micros(s.at).into(),
                votes.into(),
                s.order.into(),
                s.undone.into(),
                items.into(),
            ],
        );
    }
    timers(batch, commit)?;
    site::rows(batch, around, changes);
    for (person, since) in &changes.watchers {
        batch.row(WATCHER, [t.id.into(), person.into(), micros(*since).into()]);
    }
    for person in &changes.watchers_gone {
        batch.row(WATCHER_GONE, [t.id.into(), person.into()]);
    }
    for i in &changes.incidents {
        batch.row(INCIDENT, [t.id.into(), i.seq.into(), micros(i.raised).into(), i.resolved.map(micros).into(), text(i)?.into()]);
    }
    articles(batch, commit)?;
    inbox::rows(batch, commit)?;
    deliveries::rows(batch, commit);
    if let Some(redaction) = &commit.redaction {
        redaction::rows(batch, commit, redaction)?;
    }
    messages(batch, commit)?;
    told(batch, commit, names)?;
    for (other, kind, since) in &changes.links {
        // As on SQLite: a link that goes in the same command is gone.
        if !changes.links_gone.iter().any(|(o, k)| o == other && k == kind) {
            batch.row(LINK, [t.id.into(), (*other).into(), kind.into(), micros(*since).into()]);
        }
    }
    for (other, kind) in &changes.links_gone {
        batch.row(LINK_GONE, [t.id.into(), (*other).into(), kind.into(), Linked::turned(kind).into()]);
    }
    match &commit.origin {
        Origin::Plain => {}
        Origin::DeskEvent(event) => batch.certain(EVENT_DONE, [(*event).into()]),
        Origin::Message(message) => batch.certain(MESSAGE_MARK, [(*message).into(), t.id.into()]),
        Origin::Job { run, failed } => batch.certain(JOB_MARK, [(*run).into(), t.id.into(), (*failed).into()]),
        Origin::Mail(mail) => inbox::add(batch, mail, Some(t.id))?,
        Origin::Request(i) => {
            let person = names.person(&i.login).ok_or(StoreError::NotFound)?;
            let answer = [i.body_hash[..].into(), u32::from(i.status).into(), (&i.answer).into()];
            let [hash, status, answer] = answer;
            batch.row(IDEMPOTENCY, [person.into(), (&i.key).into(), hash, status, answer, micros(h.at).into()]);
        }
    }
    Ok(())
}

/// Only what changed is written: a step that leaves attributes and fields alone touches five columns, none of an index.
fn ticket<'a>(batch: &mut Batch<'a>, commit: &'a Commit, names: &NameIds) -> Result<()> {
    let changes = &commit.changes;
    let t = &changes.ticket;
    let (version, head) = (changes.version as i64, &commit.history.hash[..]);
    if !changes.created && !changes.attributes_changed && !changes.fields_changed {
        let cells = [t.id.into(), version.into(), changes.last_seq.into(), micros(t.updated).into(), head.into(), changes.parts.into()];
        batch.certain(TICKET_STEP, cells);
        return Ok(());
    }
    let fields = text(&t.fields)?;
    if !changes.created && !changes.attributes_changed {
        batch.certain(
            TICKET_FIELDS,
            [
                t.id.into(),
                version.into(),
                changes.last_seq.into(),
                micros(t.updated).into(),
                head.into(),
                changes.parts.into(),
                fields.into(),
            ],
        );
        return Ok(());
    }
    let person = |login: &Option<Login>| -> Result<Option<i64>> {
        let found = |l: &Login| names.person(l).ok_or_else(|| StoreError::Corrupt(format!("nobody has the login `{l}`")));
        login.as_ref().map(found).transpose()
    };
    let cells = [
        t.id.into(),
        t.number.as_str().into(),
        version.into(),
        changes.last_seq.into(),
        (&t.title).into(),
        names.id("type", &t.ticket_type)?.into(),
        names.id("queue", &t.queue)?.into(),
        names.id("state", &t.state)?.into(),
        names.id("priority", &t.priority)?.into(),
        person(&t.owner)?.into(),
        person(&t.responsible)?.into(),
        t.customer.as_ref().map(|c| names.id("company", c)).transpose()?.into(),
        person(&t.customer_user)?.into(),
        t.pending_until.map(micros).into(),
        micros(t.created).into(),
        micros(t.updated).into(),
        fields.into(),
        head.into(),
        changes.parts.into(),
        t.unlocked.into(),
        t.accounted.into(),
    ];
    if changes.created {
        batch.row(TICKET_NEW, cells)
    } else {
        batch.certain(TICKET_ALL, cells)
    }
    Ok(())
}

/// Open items are rows; an ended one goes, with its audience and its votes.
fn work<'a>(batch: &mut Batch<'a>, commit: &'a Commit, names: &NameIds) -> Result<()> {
    let changes = &commit.changes;
    let t = &changes.ticket;
    for w in &changes.work {
        let open = w.status.is_open();
        let keys = if open { w.audience.iter().map(|k| names.id("audience", k)).collect::<Result<Vec<_>>>()? } else { vec![] };
        if !changes.created {
            // Arrays of arrays have one length: the keys that stay go as one text.
            let stay = format!("{{{}}}", keys.iter().map(i64::to_string).collect::<Vec<_>>().join(","));
            batch.row(AUDIENCE_GONE, [t.id.into(), w.seq.into(), stay.into()]);
        }
        for key in keys {
            batch.row(AUDIENCE, [t.id.into(), w.seq.into(), key.into()]);
        }
        if !open {
            if !changes.created {
                batch.row(WORK_ENDED, [t.id.into(), w.seq.into()]);
                batch.row(VOTES_OF, [t.id.into(), w.seq.into()]);
            }
            continue;
        }
        batch.row(
            WORK,
            [
                t.id.into(),
                w.seq.into(),
                w.instance.into(),
                (&w.activity).into(),
                w.status.word().into(),
                (&w.source).into(),
                (&w.claimed_by).into(),
                micros(w.entered).into(),
                w.epoch.into(),
                text(&w.audience)?.into(),
                w.more.as_ref().map(text).transpose()?.into(),
            ],
        );
    }
    for v in &changes.votes {
        // A vote on an item that this command ends is only history.
        if !changes.work.iter().any(|w| w.seq == v.work && !w.status.is_open()) {
            batch.row(VOTE, [t.id.into(), v.work.into(), (&v.person).into(), (&v.outcome).into(), micros(v.at).into()]);
        }
    }
    Ok(())
}

fn timers<'a>(batch: &mut Batch<'a>, commit: &'a Commit) -> Result<()> {
    let changes = &commit.changes;
    let ticket = changes.ticket.id;
    for work in &changes.timers_of {
        batch.row(TIMERS_OF, [ticket.into(), (*work).into()]);
    }
    for seq in &changes.timers_ended {
        batch.row(TIMER_ENDED, [ticket.into(), (*seq).into()]);
    }
    for timer in &changes.timers {
        let work = timer.work.map_or(0, |work| work.0);
        batch.row(TIMER, [ticket.into(), timer.seq.into(), work.into(), timer.fires().map(micros).into(), text(timer)?.into()]);
    }
    for call in &changes.calls {
        batch.row(CALL, [ticket.into(), call.seq.into(), text(call)?.into()]);
    }
    for seq in &changes.calls_ended {
        batch.row(CALL_ENDED, [ticket.into(), (*seq).into()]);
    }
    Ok(())
}

fn articles<'a>(batch: &mut Batch<'a>, commit: &'a Commit) -> Result<()> {
    let changes = &commit.changes;
    let (t, ticket) = (&changes.ticket, changes.ticket.id);
    if changes.created || changes.retitled {
        batch.row(search::PUT, [Doc::new(ticket, ArticleId(0), true).0.into(), of_texts(&[&t.number, &t.title]).into()]);
    }
    for a in &changes.articles {
        let words = of_texts(&a.searched(&t.number, &t.title));
        batch.row(search::PUT, [Doc::new(ticket, a.seq, a.visible).0.into(), words.into()]);
    }
    for b in &changes.blobs {
        batch.row(BLOB, [(&b.hash).into(), b.bytes[..].into()]);
    }
    for a in &changes.articles {
        batch.row(
            ARTICLE,
            [
                ticket.into(),
                a.seq.into(),
                (&a.channel).into(),
                a.sender.word().into(),
                (&a.author).into(),
                a.visible.into(),
                (&a.subject).into(),
                (&a.body).into(),
                micros(a.at).into(),
                a.origin.as_deref().into(),
                a.head.as_ref().map(text).transpose()?.into(),
                a.withdrawn.into(),
                a.rejected.into(),
            ],
        );
        for (part, p) in a.attachments.iter().enumerate() {
            batch.row(
                ARTICLE_PART,
                [
                    ticket.into(),
                    a.seq.into(),
                    (part as i64).into(),
                    (&p.name).into(),
                    (&p.content_type).into(),
                    (p.size as i64).into(),
                    (&p.blob).into(),
                ],
            );
        }
    }
    Ok(())
}

/// Messages to processes.
fn messages<'a>(batch: &mut Batch<'a>, commit: &'a Commit) -> Result<()> {
    let (changes, h) = (&commit.changes, &commit.history);
    let ticket = changes.ticket.id;
    for m in &changes.emitted {
        let until = m.until.map(micros);
        let cells = [(&m.name).into(), text(&m.data)?.into(), micros(h.at).into(), (&h.actor).into(), m.hops.into(), until.into()];
        batch.row_and(EMITTED, OF_MESSAGE, cells);
    }
    for kept in &changes.kept {
        batch.row(KEPT, [ticket.into(), kept.seq.into(), kept.instance.into(), text(kept)?.into()]);
    }
    for seq in &changes.kept_gone {
        batch.row(KEPT_GONE, [ticket.into(), (*seq).into()]);
    }
    for instance in changes.kept_of.iter().filter(|_| !changes.created) {
        batch.row(KEPT_OF, [ticket.into(), (*instance).into()]);
    }
    Ok(())
}

/// What people are told.
fn told<'a>(batch: &mut Batch<'a>, commit: &'a Commit, names: &NameIds) -> Result<()> {
    let changes = &commit.changes;
    let t = &changes.ticket;
    for n in &changes.notices {
        if let (true, Some(person)) = (n.portal, names.person(&n.to)) {
            batch.row(
                NOTIFICATION,
                [
                    person.into(),
                    t.id.into(),
                    t.number.as_str().into(),
                    (&n.name).into(),
                    (&n.subject).into(),
                    (&n.body).into(),
                    micros(n.at).into(),
                    (&n.instead_of).into(),
                ],
            );
        }
    }
    let days: BTreeMap<_, _> = changes.told.iter().map(|told| ((&told.name, &told.to), told.day)).collect();
    for ((name, person), day) in days {
        batch.row(TOLD, [t.id.into(), name.into(), person.into(), day.to_string().into()]);
    }
    Ok(())
}
