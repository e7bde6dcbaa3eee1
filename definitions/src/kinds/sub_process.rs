//! A process as one step of another (C17).

use crate::load::Named;
use crate::name::Name;
use crate::phase::{Phase, TemplateOf};
use crate::value_expr::ValueExpr;
use crate::{choice, record};

choice! {
    /// The ticket on which a sub-process runs.
    pub enum RunsOn {
        /// This one.
        Same "same",
        /// A new one, linked as its child.
        Child "child",
    }
}

record! {
    /// Runs another process, and goes on with its end.
    pub struct SubProcess<S> as "`process`" {
        /// The process.
        name "name": Name = "install_host";
        /// The ticket that it runs on; this one if not written.
        on "on": Option<RunsOn> = "child";
        /// Whether its end is waited for; yes if not written.
        wait "wait": Option<bool> = false;
        /// What of the child ticket is not as the process says.
        ticket "ticket": Option<ChildTicket<S>> = { "queue": "changes" };
        /// What it is given: values that its `data` declares, or fields of the child ticket.
        with "with": Named<ValueExpr<S>> = { "host": "= ticket.fields.server" };
        /// What comes back at its end: own values or fields, each with the name of one of its values.
        into "into": Named<Name> = { "booking": "reference" };
    }
}

impl<S: Phase> SubProcess<S> {
    pub fn waits(&self) -> bool {
        self.wait.unwrap_or(true)
    }

    pub fn is_child(&self) -> bool {
        self.on == Some(RunsOn::Child)
    }
}

record! {
    /// The child ticket of a sub-process.
    pub struct ChildTicket<S> as "the ticket of a sub-process" {
        /// Its queue.
        queue "queue": Option<Name> = "changes";
        /// Its state at the beginning.
        state "state": Option<Name> = "new";
        /// Its priority at the beginning, by name.
        priority "priority": Option<Name> = "normal";
        /// Its title; that of the process if not written.
        title "title": Option<TemplateOf<S>> = "Install {{ticket.fields.server}}";
    }
}
