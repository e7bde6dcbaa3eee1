use crate::state::event_data::{EventData, used};
use crate::state::snapshot::Snapshot;
use crate::state::timer::Timer;
use crate::state::touched::Touched;
use serde::{Deserialize, Serialize};
use vorgang_definitions::display::display_time;
use vorgang_definitions::names::Names;

/// A timer was set, or replaced the one with its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimerSet {
    pub timer: Timer,
}

impl EventData for TimerSet {
    fn apply(&self, snapshot: &mut Snapshot) {
        let Self { timer } = self;
        used(snapshot, timer.seq);
        let timers = snapshot.timers.make_mut();
        match timers.iter_mut().find(|t| t.seq == timer.seq) {
            Some(t) => *t = timer.clone(),
            None => timers.push(timer.clone()),
        }
    }

    fn touch(&self, rows: &mut Touched) {
        let Self { timer } = self;
        rows.timers.insert(timer.seq);
    }

    fn summary(&self, names: &Names) -> String {
        let Self { timer } = self;
        match timer.fires() {
            Some(due) => format!("timer {} at {}", timer.seq, display_time(due, "en", &names.site.zone.0)),
            None => format!("timer {} stands", timer.seq),
        }
    }
}
