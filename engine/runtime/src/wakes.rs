//! Wakes the lanes that have work.

use tokio::sync::Notify;
use vorgang_core::changes::Changes;
use vorgang_store::Commit;
use vorgang_store::due::Work;

#[derive(Debug, Default)]
pub struct Wakes {
    lanes: [Notify; Work::ALL.len()],
    pub(crate) look: Notify,
}

impl Wakes {
    /// There is work for this lane.
    pub fn wake(&self, work: Work) {
        self.lanes[work as usize].notify_one();
    }

    pub fn wake_all(&self) {
        Work::ALL.into_iter().for_each(|work| self.wake(work));
    }

    /// Until there is work for this lane.
    pub async fn work(&self, work: Work) {
        self.lanes[work as usize].notified().await;
    }

    /// There may be work, now or at another time than was known.
    pub fn look_for_work(&self) {
        self.look.notify_one();
    }
}

/// Does this commit leave work behind?
pub(crate) fn leaves_work(commit: &Commit) -> bool {
    let of = |c: &Changes| {
        c.notices.iter().any(|n| n.mail)
            || !(c.outgoing.is_empty() && c.calls.is_empty() && c.emitted.is_empty() && c.timers.is_empty() && c.mails_wanted.is_empty())
    };
    of(&commit.changes) || commit.also.iter().any(leaves_work)
}
