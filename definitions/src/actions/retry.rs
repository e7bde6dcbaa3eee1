use crate::duration_text::DurationText;
use crate::load::Int;
use crate::record;

record! {
    /// How often what failed outside is tried again, before it counts as failed.
    pub struct Retry as "`retry`" {
        /// How often.
        times "times": Int<1, 20> = 3;
        /// How long to wait before the second attempt, twice as long before the third, and so on up to an hour; a minute
        /// if not written.
        wait "wait": Option<DurationText> = "1m";
    }
}
