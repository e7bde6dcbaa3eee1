use crate::actions::link::LinkKind;
use crate::actions::set::Set;
use crate::name::Name;
use crate::phase::TemplateOf;
use crate::record;

record! {
    /// A new ticket.
    pub struct Create<S> as "`create`" {
        /// Its type.
        ticket_type "type": Name = "incident";
        /// Its queue.
        queue "queue": Name = "it";
        /// Its title.
        title "title": TemplateOf<S> = "Set up {{ticket.title}}";
        /// Further attributes and fields. Its customer is the ticket's own, if nothing else is said.
        values "set": Set<S> = { "priority": "high" };
        /// Its first message, which the customer sees.
        article "article": Option<TemplateOf<S>> = "As part of {{ticket.number}}.";
        /// What it is to this ticket; nothing if not written.
        link "link": Option<LinkKind> = "child";
    }
}
