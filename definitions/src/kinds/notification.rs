use crate::kinds::handler::EventName;
use crate::kinds::kind::Kind;
use crate::kinds::who::Whos;
use crate::load::OneOrMany;
use crate::name::Name;
use crate::phase::{ExprOf, TemplateOf};
use crate::text::Text;
use crate::{choice, record};

choice! {
    /// The way on which a notification goes.
    pub enum Channel {
        /// Shown in the portal.
        Portal "portal",
        /// Sent to the person's address, by way of the outbox.
        Mail "mail",
    }
}

record! {
    /// A message to people about a ticket.
    pub struct Notification<S> as "a notification" {
        /// The kind of this definition.
        kind "kind": Kind = "Notification";
        /// The name that the action `notify` uses.
        name "name": Name = "claim_paid";
        /// What people read where they choose what they want to be told.
        title "title": Option<Text> = { "en": "Your claim is paid", "de": "Ihr Antrag ist bezahlt" };
        /// Sent by itself on these events, instead of by `notify`.
        on "on": Option<OneOrMany<EventName>> = "ticket.state_changed";
        /// Of these events, only when this holds.
        when "when": Option<ExprOf<S>> = "event.new == \"closed_successful\"";
        /// Who gets it.
        to "to": Whos<S> = ["customer"];
        /// On which ways.
        by "by": OneOrMany<Channel> = ["portal", "mail"];
        /// Each person is told at most once a day about one ticket.
        once_a_day "once_a_day": bool = true;
        /// People may do without it.
        opt_out "opt_out": bool = true;
        /// Comes in quiet hours too, and to whoever is away.
        urgent "urgent": bool = true;
        /// The first line.
        subject "subject": TemplateOf<S> = { "en": "Your claim {{ticket.number}} is paid" };
        /// The text.
        body "body": TemplateOf<S> = { "en": "Dear {{customer.name}}, …" };
    }
}
