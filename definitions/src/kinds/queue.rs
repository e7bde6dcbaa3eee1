use crate::duration_text::DurationText;
use crate::kinds::kind::Kind;
use crate::name::Name;
use crate::text::Text;
use crate::{choice, record};

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
        /// The mail account from which it writes; otherwise the one whose new tickets come here, or the first.
        account "account": Option<Name> = "support";
        /// What becomes of mail to a closed ticket: `possible` if not written.
        follow_up "follow_up": Option<FollowUp> = "possible";
    }
}

choice! {
    /// What becomes of mail to a closed ticket.
    pub enum FollowUp {
        /// It makes a new ticket, linked to the closed one.
        NewTicket "new_ticket",
        /// It is added to the ticket.
        Possible "possible",
        /// It is not taken, and the sender is told.
        Reject "reject",
    }
}
