use crate::kinds::kind::Kind;
use crate::load::{Named, OneOrMany};
use crate::name::Name;
use crate::text::Text;
use crate::{choice, record};

choice! {
    /// What a role gives in one queue.
    pub enum Right {
        /// Read the tickets.
        Ro "ro",
        /// Write notes.
        Note "note",
        /// Change owner and responsible.
        Owner "owner",
        /// Change the priority.
        Priority "priority",
        /// Create tickets in the queue.
        Create "create",
        /// Move tickets into the queue.
        MoveInto "move_into",
        /// All of it, and every other change.
        Rw "rw",
    }
}

record! {
    /// What the people who have it may do, queue by queue.
    pub struct Role as "a role" {
        /// The kind of this definition.
        kind "kind": Kind = "Role";
        /// The name by which definitions and expressions know the role.
        name "name": Name = "accountant";
        /// What people read.
        title "title": Option<Text> = { "en": "Accountant", "de": "Buchhalter" };
        /// Rights by queue.
        queues "queues": Named<OneOrMany<Right>> = { "finance": ["rw"] };
        /// Gives the admin's pages: incidents, revisions, people.
        admin "admin": bool = false;
    }
}
