//! Timers of activities and groups.

use crate::actions::Action;
use crate::cel::expr::Expr;
use crate::duration_text::DurationText;
use crate::kinds::branch::Branch;
use crate::name::Name;
use crate::record;

record! {
    /// What happens after some time.
    pub struct Timer as "a timer" {
        /// How long after the entry.
        after "after": DurationText = "2d";
        /// How long between repetitions.
        every "every": Option<DurationText> = "1d";
        /// The calendar in whose working time it counts; without one it is elapsed time.
        calendar "calendar": Option<Name> = "office";
        /// Only when this holds then.
        when "when": Option<Expr> = "ticket.priority > 3";
        /// Done then.
        actions "do": Vec<Action> = [{ "notify": "reminder" }];
        /// Ends the activity, and goes there.
        next "next": Option<Branch> = "escalated";
    }
}
