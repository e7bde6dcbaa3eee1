use crate::kinds::Kind;
use crate::kinds::test::DurationText;
use crate::name::Name;
use crate::record;
use crate::text::Text;

record! {
    /// Where tickets wait for the people who work on them.
    pub struct Queue as "a queue" {
        /// The kind of this definition.
        kind "kind": Kind = "Queue";
        /// The name by which definitions and expressions know the queue.
        name "name": Name = "finance";
        /// What people read.
        title "title": Option<Text> = { "en": "Finance", "de": "Buchhaltung" };
        /// The queue under which this one stands in lists; rights are not inherited.
        parent "parent": Option<Name> = "administration";
        /// A new or open ticket whose owner does nothing for this long belongs to nobody again.
        unlock_after "unlock_after": Option<DurationText> = "8h";
        /// The calendar in which that counts; without it hours are hours.
        calendar "calendar": Option<Name> = "office";
    }
}
