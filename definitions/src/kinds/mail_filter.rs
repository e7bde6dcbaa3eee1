use crate::actions::set::Set;
use crate::kinds::kind::Kind;
use crate::load::Int;
use crate::name::Name;
use crate::phase::ExprOf;
use crate::text::Text;
use crate::{choice, record};

record! {
    /// What becomes of mail that comes in, by what stands in it.
    pub struct MailFilter<S> as "a mail filter" {
        /// The kind of this definition.
        kind "kind": Kind = "MailFilter";
        /// The name of the filter.
        name "name": Name = "invoices";
        /// What people read.
        title "title": Option<Text> = { "en": "Invoices to accounting", "de": "Rechnungen an die Buchhaltung" };
        /// Filters are asked in this order, then by name.
        order "order": Option<Int<0, 1_000_000>> = 100;
        /// When: `arrival` if not written.
        stage "at": Option<Stage> = "arrival";
        /// Only when this holds.
        when "when": Option<ExprOf<S>> = "mail.subject.contains(\"Invoice\")";
        /// What the ticket gets, new or not.
        set "set": Set<S> = { "queue": "billing" };
        /// What becomes of it instead of being sorted as always.
        then "then": Option<Fate> = "ignore";
        /// No filter after this one is asked.
        stop "stop": bool = true;
    }
}

choice! {
    /// When a filter is asked.
    pub enum Stage {
        /// Before it is known whether the mail belongs to a ticket.
        Arrival "arrival",
        /// Once it is known: `mail.ticket` is its number, or empty.
        Sorted "sorted",
    }
}

choice! {
    /// What a filter makes of a mail.
    pub enum Fate {
        /// It is kept in the log of mail, and makes nothing.
        Ignore "ignore",
        /// It waits until somebody has looked at it.
        Quarantine "quarantine",
        /// It makes a ticket of its own, whatever it answers.
        NewTicket "new_ticket",
    }
}
