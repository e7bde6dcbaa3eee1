use crate::kinds::kind::Kind;
use crate::load::{Int, Placed};
use crate::name::Name;
use crate::record;
use crate::text::Text;

record! {
    /// How urgent a ticket is.
    pub struct Priority as "a priority" {
        /// The kind of this definition.
        kind "kind": Kind = "Priority";
        /// The name by which definitions know the priority.
        name "name": Name = "normal";
        /// Higher is more urgent; `ticket.priority` in expressions.
        level "level": Placed<Int<1, 100>> = 3;
        /// What people read.
        title "title": Option<Text> = { "en": "normal", "de": "normal" };
    }
}
