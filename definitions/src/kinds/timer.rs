//! Timers of activities and groups.

use crate::actions::Action;
use crate::duration_text::DurationText;
use crate::kinds::branch::Branch;
use crate::name::Name;
use crate::phase::ExprOf;
use crate::record;

record! {
    /// What happens after some time.
    pub struct Timer<S> as "a timer" {
        /// How long after the entry.
        after "after": DurationText = "2d";
        /// How long between repetitions.
        every "every": Option<DurationText> = "1d";
        /// The calendar in whose working time it counts; without one it is elapsed time.
        calendar "calendar": Option<Name> = "office";
        /// Only when this holds then.
        when "when": Option<ExprOf<S>> = "ticket.priority > 3";
        /// Done then.
        actions "do": Vec<Action<S>> = [{ "notify": "reminder" }];
        /// Ends the activity, and goes there.
        next "next": Option<Branch<S>> = "escalated";
    }
}
