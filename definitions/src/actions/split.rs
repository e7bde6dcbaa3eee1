use crate::actions::link::LinkKind;
use crate::actions::set::Set;
use crate::name::Name;
use crate::phase::TemplateOf;
use crate::record;

record! {
    /// A new ticket of the message that the handler is there for.
    pub struct Split<S> as "`split`" {
        /// Its type.
        ticket_type "type": Name = "incident";
        /// Its queue.
        queue "queue": Name = "it";
        /// Its title; the message's subject if not written.
        title "title": Option<TemplateOf<S>> = "{{article.subject}}";
        /// Further attributes and fields. Its customer is the ticket's own, if nothing else is said.
        values "set": Set<S> = { "priority": "high" };
        /// What it is to this ticket; `child` if not written.
        link "link": Option<LinkKind> = "related";
    }
}
