use crate::actions::link::LinkKind;
use crate::actions::set::Set;
use crate::name::Name;
use crate::record;
use crate::template::Template;

record! {
    /// A new ticket.
    pub struct Create as "`create`" {
        /// Its type.
        ticket_type "type": Name = "incident";
        /// Its queue.
        queue "queue": Name = "it";
        /// Its title.
        title "title": Template = "Set up {{ticket.title}}";
        /// Further attributes and fields. Its customer is the ticket's own, if nothing else is said.
        values "set": Set = { "priority": "high" };
        /// Its first message, which the customer sees.
        article "article": Option<Template> = "As part of {{ticket.number}}.";
        /// What it is to this ticket; nothing if not written.
        link "link": Option<LinkKind> = "child";
    }
}
