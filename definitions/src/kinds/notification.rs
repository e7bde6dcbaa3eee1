use crate::kinds::Kind;
use crate::kinds::who::Whos;
use crate::load::OneOrMany;
use crate::name::Name;
use crate::template::Template;
use crate::{choice, record};

choice! {
    /// The way on which a notification goes.
    pub enum Channel {
        /// Shown in the portal.
        Portal "portal",
        /// Written to the outbox; held there until mail can be sent.
        Mail "mail",
    }
}

record! {
    /// A message to people about a ticket.
    pub struct Notification as "a notification" {
        /// The kind of this definition.
        kind "kind": Kind = "Notification";
        /// The name that the action `notify` uses.
        name "name": Name = "claim_paid";
        /// Who gets it.
        to "to": Whos = ["customer"];
        /// On which ways.
        by "by": OneOrMany<Channel> = ["portal", "mail"];
        /// The first line.
        subject "subject": Template = { "en": "Your claim {{ticket.number}} is paid" };
        /// The text.
        body "body": Template = { "en": "Dear {{customer.name}}, …" };
    }
}
