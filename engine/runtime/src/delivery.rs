//! What goes out is committed with the command that wants it, and delivered afterwards: claimed by one process, attempted, and
//! attempted again until it has arrived or is given up. What a channel does with it is the channel's own matter; claims, order, waits
//! and ends are the same for all. An attempt that a crash broke off is made again, under the same key.

use crate::desk::Desk;
use crate::lane::Lane;
use crate::wake::{TROUBLE, persist};
use crate::{step, trace};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument;
use vorgang_store::StoreError;
use vorgang_store::deliveries::{self, Delivery, DeliveryState, End};
use vorgang_store::due::Work;

/// How the deliveries of a channel are taken on.
#[derive(Debug, Clone, Copy)]
pub struct LanePlan {
    pub channel: deliveries::Channel,
    /// What wakes its lane.
    pub work: Work,
    /// Deliveries that are claimed at once.
    pub batch: u32,
    /// Attempts at the same time: in each lane where there are several, otherwise in all.
    pub width: usize,
    pub lanes: Lanes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lanes {
    /// Each lane has one batch at a time: one that stalls holds up no other.
    Each,
    /// All of the channel is one lane, and each delivery makes room as soon as it has ended.
    One,
    /// All of the channel is one lane of one node, in the order in which it was written.
    Ordered,
}

/// How often an attempt is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    pub most: u32,
    /// The first wait, in seconds; each is twice as long as the one before.
    pub first: u32,
    /// The longest wait, in seconds.
    pub longest: u32,
    /// Waits are longer by up to a quarter, so that not all come at once.
    pub spread: bool,
}

impl Retries {
    /// The time of the next attempt, where there is one: after so many others.
    pub fn next(&self, now: Timestamp, attempts: u32, key: &str) -> Option<Timestamp> {
        if attempts >= self.most {
            return None;
        }
        let wait = (i64::from(self.first) << attempts.min(20)).clamp(1, i64::from(self.longest).max(1));
        let hash = crate::desk::sha256(format!("{key} {}", attempts + 1).as_bytes());
        let spread = if self.spread { wait * 250 * i64::from(hash[0]) / 255 } else { 0 };
        Some(now + SignedDuration::from_millis(wait * 1_000 + spread))
    }
}

/// The end of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// It has arrived.
    Arrived,
    /// It has ended with a commit, and its row is gone.
    Committed,
    /// May arrive later.
    Again(String),
    /// The other side did not answer: neither will it to the next of this lane.
    Silent(String),
    /// Comes again then; this was no attempt.
    Later(Timestamp),
    /// Will never arrive.
    Failed(String),
    /// What became of it could not be written. It belongs to this process until its claim ends.
    Unwritten,
}

/// What is sent together, and what ends without an attempt.
#[derive(Debug, Default)]
pub struct Packed {
    pub parcels: Vec<Vec<Delivery>>,
    pub ends: Vec<End>,
    /// Those of the ends that are given up, each with the reason.
    pub told: Vec<(Vec<Delivery>, String)>,
}

/// One way out of the desk.
#[async_trait]
pub trait Channel: Send + Sync + 'static {
    fn plan(&self) -> LanePlan;

    fn retries(&self, first: &Delivery) -> Retries;

    /// Puts together what is sent as one; otherwise each goes alone.
    async fn pack(&self, _desk: &Desk, rows: Vec<Delivery>) -> Result<Packed, StoreError> {
        Ok(Packed { parcels: rows.into_iter().map(|row| vec![row]).collect(), ..Packed::default() })
    }

    /// Makes one attempt.
    async fn send(&self, desk: &Arc<Desk>, parcel: &[Delivery]) -> AttemptEnd;

    /// It is given up. False where that was written by a commit, so that nothing is left to mark.
    async fn give_up(&self, _desk: &Desk, _parcel: &[Delivery], _why: &str) -> bool {
        true
    }

    /// It has arrived, or was given up, and is marked so.
    async fn ended(&self, _desk: &Desk, _parcel: &[Delivery], _result: Result<(), &str>) {}
}

/// Delivers what is due on a channel. Runs until it is aborted.
pub async fn run_lane(desk: Arc<Desk>, channel: Arc<dyn Channel>) {
    let plan = channel.plan();
    let mut under_way = UnderWay::default();
    loop {
        while let Some(ended) = under_way.tasks.try_join_next() {
            under_way.ended(ended);
        }
        match under_way.claim(&desk, plan).await {
            Ok(batches) if batches.is_empty() => {
                tokio::select! {
                    () = desk.wakes.work(plan.work) => {}
                    Some(ended) = under_way.tasks.join_next() => {
                        under_way.ended(ended);
                        // What has failed has another due time.
                        desk.wakes.look_for_work();
                    }
                }
            }
            Ok(batches) => {
                for (lane, rows) in batches {
                    under_way.ids.insert(lane.clone(), rows.iter().map(|m| m.id).collect());
                    let (desk, channel) = (desk.clone(), channel.clone());
                    under_way.tasks.spawn(async move {
                        let done = deliver(&desk, &channel, rows).await;
                        if let Err(e) = &done {
                            tracing::warn!(channel = plan.channel.word(), "deliveries: {e}");
                            tokio::time::sleep(TROUBLE).await;
                        }
                        (lane, done.is_ok())
                    });
                }
            }
            Err(e) => {
                tracing::warn!(channel = plan.channel.word(), "deliveries: {e}");
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }
}

/// A task for each batch, and what each has.
#[derive(Default)]
struct UnderWay {
    /// The lane, and whether all of its deliveries came to an end.
    tasks: JoinSet<(String, bool)>,
    ids: BTreeMap<String, Vec<i64>>,
    /// More may be claimed than is under way: without its task, or by a claim whose answer was lost.
    unsure: bool,
}

impl UnderWay {
    fn ended(&mut self, ended: Result<(String, bool), JoinError>) {
        match ended {
            Ok((lane, all)) => {
                self.ids.remove(&lane);
                self.unsure |= !all;
            }
            // Which one it was is known when the others have ended; they are few.
            Err(e) => tracing::error!("a lane of deliveries broke off: {e}"),
        }
        if self.tasks.is_empty() && !self.ids.is_empty() {
            self.ids.clear();
            self.unsure = true;
        }
    }

    /// Deliveries for lanes that have room.
    async fn claim(&mut self, desk: &Desk, plan: LanePlan) -> Result<BTreeMap<String, Vec<Delivery>>, StoreError> {
        if self.unsure {
            let under_way: Vec<i64> = self.ids.values().flatten().copied().collect();
            desk.store.delivery_disown(plan.channel, &under_way).await?;
            self.unsure = false;
        }
        let (limit, busy) = match plan.lanes {
            Lanes::Each => (plan.batch, self.ids.keys().cloned().collect()),
            Lanes::One => (plan.batch.min((plan.width - self.ids.len().min(plan.width)) as u32), vec![]),
            Lanes::Ordered => (if self.ids.is_empty() { plan.batch } else { 0 }, vec![]),
        };
        if limit == 0 || (plan.lanes == Lanes::Ordered && !desk.store.lane(plan.channel.word()).await?) {
            return Ok(BTreeMap::new());
        }
        let claimed = desk.store.delivery_claim(plan.channel, desk.clock.now(), limit, &busy).await;
        self.unsure = claimed.is_err();
        Ok(by_lane(plan, claimed?))
    }
}

fn by_lane(plan: LanePlan, claimed: Vec<Delivery>) -> BTreeMap<String, Vec<Delivery>> {
    let mut lanes: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
    for row in claimed {
        let lane = match plan.lanes {
            Lanes::Each => row.lane.clone(),
            Lanes::One => row.id.to_string(),
            Lanes::Ordered => String::new(),
        };
        lanes.entry(lane).or_default().push(row);
    }
    lanes
}

/// Delivers what is due now; how many were attempted.
pub async fn deliver_due(desk: &Arc<Desk>, channel: &Arc<dyn Channel>) -> Result<usize, StoreError> {
    let plan = channel.plan();
    let claimed = desk.store.delivery_claim(plan.channel, desk.clock.now(), plan.batch, &[]).await?;
    let count = claimed.len();
    match plan.lanes {
        Lanes::Each => {
            for rows in by_lane(plan, claimed).into_values() {
                deliver(desk, channel, rows).await?;
            }
        }
        Lanes::One | Lanes::Ordered => deliver(desk, channel, claimed).await?,
    }
    Ok(count)
}

/// Deliveries of one lane.
async fn deliver(desk: &Arc<Desk>, channel: &Arc<dyn Channel>, rows: Vec<Delivery>) -> Result<(), StoreError> {
    let packed = channel.pack(desk, rows).await?;
    if !packed.ends.is_empty() {
        desk.store.delivery_ended(&packed.ends).await?;
    }
    for (parcel, why) in &packed.told {
        channel.ended(desk, parcel, Err(why)).await;
    }
    let plan = channel.plan();
    let mut lane = Lane::new(plan.width, packed.parcels);
    // Once the other side has not answered, the rest of the batch is put off: each would wait as long.
    let silent = Arc::new(AtomicBool::new(false));
    let work = |parcel: &Vec<Delivery>| {
        let (desk, channel, parcel, silent) = (desk.clone(), channel.clone(), parcel.clone(), silent.clone());
        async move {
            if silent.load(Ordering::Relaxed) {
                return AttemptEnd::Silent("there was no answer to the one before this one".into());
            }
            // What goes together goes on with the trace of its first.
            let first = parcel.first();
            let span = first.map_or_else(tracing::Span::none, |first| span(plan.channel, first, parcel.len()));
            let span = trace::followed(span, first.and_then(|d| d.trace.as_deref()));
            let outcome = channel.send(&desk, &parcel).instrument(span).await;
            silent.fetch_or(matches!(outcome, AttemptEnd::Silent(_)), Ordering::Relaxed);
            outcome
        }
    };
    while let Some(first) = lane.next(work).await {
        // Those that have ended meanwhile are marked together with it.
        let mut ended = vec![first];
        ended.extend(std::iter::from_fn(|| lane.next_ended()));
        mark(desk, channel, ended).await;
    }
    Ok(())
}

/// The step of a trace that an attempt is.
fn span(channel: deliveries::Channel, first: &Delivery, count: usize) -> tracing::Span {
    match channel {
        deliveries::Channel::Mail => step!("mail", mails = count),
        deliveries::Channel::Program => step!("program", program = first.lane, ticket = %first.number),
        // One may be for many tickets, each with a trace of its own.
        deliveries::Channel::Message => tracing::Span::none(),
    }
}

/// Writes how attempts have ended, and tells the channel of those that ended for good.
async fn mark(desk: &Desk, channel: &Arc<dyn Channel>, ended: Vec<(Vec<Delivery>, Result<AttemptEnd, JoinError>)>) {
    let now = desk.clock.now();
    // Where an attempt counts when it begins, its end counts nothing.
    let (word, counts) = (channel.plan().channel.word(), i64::from(!channel.plan().channel.counts_beginnings()));
    let (mut ends, mut told) = (vec![], vec![]);
    for (parcel, outcome) in ended {
        let Some(first) = parcel.first() else { continue };
        let outcome = outcome.unwrap_or_else(|e| AttemptEnd::Again(format!("the attempt broke off: {e}")));
        let attempts = parcel.iter().map(|m| m.attempts).max().unwrap_or(0);
        let (state, at, more, error) = match outcome {
            AttemptEnd::Arrived => (DeliveryState::Sent, now, counts, None),
            AttemptEnd::Later(at) => (DeliveryState::Due, at, counts - 1, None),
            AttemptEnd::Again(why) | AttemptEnd::Silent(why) => match channel.retries(first).next(now, attempts, &first.key) {
                Some(next) => {
                    tracing::warn!(channel = word, key = first.key, attempts = attempts + 1, "it did not arrive: {why}");
                    (DeliveryState::Due, next, counts, Some(why))
                }
                None => (DeliveryState::Failed, now, counts, Some(why)),
            },
            AttemptEnd::Failed(why) => (DeliveryState::Failed, now, counts, Some(why)),
            AttemptEnd::Committed | AttemptEnd::Unwritten => continue,
        };
        if let (DeliveryState::Failed, Some(why)) = (state, &error)
            && !channel.give_up(desk, &parcel, why).await
        {
            continue;
        }
        ends.extend(parcel.iter().map(|d| End { id: d.id, state, at, attempts: more, error: error.clone() }));
        match state {
            DeliveryState::Sent => told.push((parcel, Ok(()))),
            DeliveryState::Failed => told.push((parcel, Err(error.unwrap_or_default()))),
            _ => {}
        }
    }
    if ends.is_empty() {
        return;
    }
    if let Err(e) = persist(StoreError::passes, || desk.store.delivery_ended(&ends)).await {
        // They come again after their claim.
        tracing::error!(channel = word, count = ends.len(), "attempts have ended and could not be marked: {e}");
        return;
    }
    for (parcel, result) in told {
        channel.ended(desk, &parcel, result.as_ref().copied().map_err(String::as_str)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest() {
        let now = Timestamp::UNIX_EPOCH;
        let retries = Retries { most: 9, first: 10, longest: 60, spread: false };
        let waits: Vec<Option<i64>> = (0..10).map(|n| retries.next(now, n, "k").map(|t| t.duration_since(now).as_secs())).collect();
        let grown = [10, 20, 40, 60, 60, 60, 60, 60, 60].map(Some);
        assert_eq!((&waits[..9], waits[9]), (&grown[..], None));
        assert_eq!(Retries { most: 0, ..retries }.next(now, 0, "k"), None);
        let spread = Retries { spread: true, ..retries };
        let (one, other) = (spread.next(now, 3, "7-3").expect("a time"), spread.next(now, 3, "7-4").expect("a time"));
        assert_ne!(one, other, "not all at once");
        assert!([one, other].iter().all(|t| (60..=75).contains(&t.duration_since(now).as_secs())));
    }
}
