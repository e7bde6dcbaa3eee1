//! The names of the kinds.

/// Gives the list of kinds to a macro: variant, word, type, and what it defines.
macro_rules! kinds {
    ($list:ident) => {
        $list! {
            Acl "Acl" acl::Acl<Written>, "What people may choose or do on a ticket right now.";
            AutoResponse "AutoResponse" auto_response::AutoResponse<Written>, "What the desk answers to mail by itself.";
            Calendar "Calendar" calendar::Calendar, "Working hours and holidays: what timers and service levels count in.";
            Decision "Decision" decision::Decision, "A table of rules: from inputs to outputs.";
            Field "Field" field::Field, "A typed attribute of tickets that designers add.";
            Function "Function" function::Function, "An expression with a name, which other expressions call.";
            Handler "Handler" handler::Handler<Written>, "Actions on an event, whatever process it happens in.";
            Job "Job" job::Job<Written>, "Actions on all tickets that a condition holds for.";
            MailAccount "MailAccount" mail_account::MailAccount, "An address of the desk.";
            MailFilter "MailFilter" mail_filter::MailFilter<Written>, "What becomes of mail that comes in.";
            Notification "Notification" notification::Notification<Written>, "A message to people about a ticket.";
            Priority "Priority" priority::Priority, "How urgent a ticket is.";
            Process "Process" process::Process<Written>, "A net of activities that drives one ticket.";
            Queue "Queue" queue::Queue, "Where tickets wait for the people who work on them.";
            Role "Role" role::Role, "What the people who have it may do, queue by queue.";
            Site "Site" site::Site, "The desk itself: its languages, its zone, its settings.";
            State "State" state::State, "Where a ticket stands.";
            Test "Test" test::Test<Written>, "A story about a process, played in virtual time.";
            TicketType "TicketType" ticket_type::TicketType<Written>, "A sort of ticket: its fields and its life cycle.";
        }
    };
}

pub(crate) use kinds;

macro_rules! names {
    ($($kind:ident $word:literal $ty:ty, $doc:literal;)*) => {
        $crate::choice! {
            /// What a definition defines.
            pub enum Kind { $(#[doc = $doc] $kind $word,)* }
        }

        impl Kind {
            pub fn doc(self) -> &'static str {
                match self { $(Self::$kind => $doc,)* }
            }
        }
    };
}

kinds!(names);
