use crate::kinds::kind::Kind;
use crate::load::OneOrMany;
use crate::name::Name;
use crate::phase::TemplateOf;
use crate::{choice, record};

record! {
    /// What the desk answers to mail by itself; never to a machine, and seldom to one address.
    pub struct AutoResponse<S> as "an automatic response" {
        /// The kind of this definition.
        kind "kind": Kind = "AutoResponse";
        /// The name of the response.
        name "name": Name = "received";
        /// What it answers.
        on "on": Occasion = "reply";
        /// In which queues; in all that have none of their own, if not written.
        queues "queues": Option<OneOrMany<Name>> = ["service"];
        /// The first line. It knows the ticket's number and what the desk itself has decided, nothing that the sender wrote.
        subject "subject": TemplateOf<S> = { "en": "We have your message", "de": "Ihre Nachricht ist da" };
        /// The text.
        body "body": TemplateOf<S> = { "en": "It has the number {{ticket.number}}.", "de": "Sie hat die Nummer {{ticket.number}}." };
    }
}

choice! {
    /// What became of the mail that is answered.
    pub enum Occasion {
        /// It was added to its ticket.
        FollowUp "follow_up",
        /// It was to a closed ticket, and a new one was made.
        NewTicket "new_ticket",
        /// It was to a closed ticket whose queue takes no more.
        Reject "reject",
        /// It was to a ticket that is removed.
        Remove "remove",
        /// A ticket was made of it.
        Reply "reply",
    }
}
