//! What somebody wants: page, API, CLI, timers are equals.

use crate::rules::failure::Failure;
use crate::rules::intake::Taken;
use crate::state::article::Article;
use crate::state::attachment::{Attachment, Blob};
use crate::state::ids::Seq;
use crate::state::linked::Linked;
use crate::state::mail::{Mail, MailInput};
use crate::state::message::Data;
use crate::state::snapshot::Retry;
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use vorgang_definitions::actions::link::LinkKind;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A ticket without a process.
    CreateTicket(NewTicket),
    /// A process with a new ticket: the first dialog is submitted in the same command.
    StartProcess {
        process: String,
        form: Form,
    },
    /// A dialog of a work item, or a vote (dialog `approval`).
    SubmitDialog {
        work: Seq,
        form: Form,
    },
    ClaimWork {
        work: Seq,
    },
    ReleaseWork {
        work: Seq,
    },
    /// Work by hand: an administrator's, and what people do with their own.
    Steer(Steer),
    /// Attributes and fields, by a person.
    PatchTicket {
        values: BTreeMap<String, Json>,
        /// The version that the person saw: other people's later changes of the same values conflict.
        seen: Option<u64>,
        /// The version that `If-Match` names: what is read or written here must not have changed since.
        expected: Option<u64>,
        /// The content of files among the values.
        blobs: Vec<Blob>,
    },
    AddArticle {
        article: ArticleInput,
    },
    /// Begins or ends watching, for oneself.
    WatchTicket {
        watch: bool,
    },
    /// Links another ticket, or takes the link away. Whoever gives the command may see the other one.
    LinkTicket {
        other: i64,
        number: String,
        kind: LinkKind,
        linked: bool,
    },
    RetryIncident {
        incident: Seq,
    },
    /// A timer whose time has come.
    FireTimer {
        timer: Seq,
    },
    /// A mutex of the site that a work item here waits for is free.
    TakeMutex {
        name: String,
        key: String,
    },
    /// Timers count anew after their calendar has changed.
    RecountTimers,
    /// Puts what was written here onto another ticket, and ends this one.
    MergeTicket {
        into: String,
    },
    /// Makes a ticket of its own of one message.
    SplitTicket {
        article: Seq,
        ticket_type: String,
        queue: String,
    },
    /// What a program wrote, or why it failed for good.
    AnswerCall {
        call: Seq,
        result: Result<String, String>,
    },
    /// A message, to the ticket's instances.
    ReceiveMessage {
        name: String,
        data: Data,
        sent: Timestamp,
        hops: u32,
    },
    /// One of the ticket's children was closed.
    CloseChild {
        number: String,
    },
    /// A process that this ticket waits for has ended on another one.
    EndSubProcess {
        work: Seq,
        ticket: String,
        instance: Seq,
        outcome: String,
        data: Data,
    },
    /// The ticket that had started this instance withdraws it.
    CancelInstance {
        instance: Seq,
    },
    /// What comes from another ticket.
    TakeIn(Box<TakenIn>),
    /// A mail was sent, or given up for this reason.
    EndMail {
        notice: Seq,
        to: String,
        result: Result<(), String>,
    },
    /// What went wrong elsewhere and is this ticket's to tell.
    Raise {
        failure: Failure,
        retry: Retry,
    },
    /// A job, on one of the tickets that it may mean.
    RunJob {
        job: String,
    },
    /// A ticket that a mail makes.
    OpenByMail(Box<Received>),
    /// A mail to a ticket.
    ReceiveMail(Box<Received>),
    /// Removes content for good.
    EraseContent(Box<EraseContent>),
    /// Before it went out.
    TakeBackMail {
        mail: Seq,
        article: Seq,
    },
}

/// What is done by hand with a work item, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steer {
    pub hand: Hand,
    pub reason: String,
    /// Even where nothing good can follow.
    pub anyway: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// It ends as if its people had given this outcome.
    Complete {
        work: Seq,
        outcome: String,
    },
    /// It goes on as with the outcome, though nobody did it: nothing of it is undone later.
    Skip {
        work: Seq,
        outcome: String,
    },
    /// It is taken away, and nothing follows.
    Cancel {
        work: Seq,
    },
    /// Its token is in another activity from now on.
    Move {
        work: Seq,
        to: String,
    },
    /// An activity that was completed begins again.
    Redo {
        instance: Seq,
        activity: String,
    },
    /// Nobody can do it, and its clocks stand, until it is resumed.
    Suspend {
        work: Seq,
    },
    Resume {
        work: Seq,
    },
    /// Somebody else does it.
    Over {
        work: Seq,
        to: String,
    },
}

impl Hand {
    pub const WORDS: [&'static str; 8] = ["complete", "skip", "cancel", "move", "redo", "suspend", "resume", "hand_over"];

    pub fn word(&self) -> &'static str {
        match self {
            Self::Complete { .. } => "complete",
            Self::Skip { .. } => "skip",
            Self::Cancel { .. } => "cancel",
            Self::Move { .. } => "move",
            Self::Redo { .. } => "redo",
            Self::Suspend { .. } => "suspend",
            Self::Resume { .. } => "resume",
            Self::Over { .. } => "hand_over",
        }
    }

    /// By its word, for a work item; `None` where something is missing.
    pub fn of_work(word: &str, work: Seq, outcome: Option<String>, to: Option<String>) -> Option<Self> {
        Some(match word {
            "complete" => Self::Complete { work, outcome: outcome? },
            "skip" => Self::Skip { work, outcome: outcome? },
            "cancel" => Self::Cancel { work },
            "move" => Self::Move { work, to: to? },
            "suspend" => Self::Suspend { work },
            "resume" => Self::Resume { work },
            "hand_over" => Self::Over { work, to: to? },
            _ => return None,
        })
    }

    /// People may do it with their own work.
    pub fn is_for_workers(&self) -> bool {
        matches!(self, Self::Suspend { .. } | Self::Resume { .. } | Self::Over { .. })
    }

    pub fn work(&self) -> Option<Seq> {
        match self {
            Self::Complete { work, .. }
            | Self::Skip { work, .. }
            | Self::Cancel { work }
            | Self::Move { work, .. }
            | Self::Suspend { work }
            | Self::Resume { work }
            | Self::Over { work, .. } => Some(*work),
            Self::Redo { .. } => None,
        }
    }

    /// The outcome, the activity or the person.
    pub fn to(&self) -> Option<&str> {
        match self {
            Self::Complete { outcome: to, .. } | Self::Skip { outcome: to, .. } | Self::Move { to, .. } | Self::Over { to, .. } => Some(to),
            _ => None,
        }
    }
}

/// A mail that came in, with what was decided about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    pub mail: Arc<Mail>,
    /// Its bytes as they came.
    pub raw: Blob,
    pub taken: Taken,
    /// Of a new ticket: the other one that it is about.
    pub related: Option<(i64, String)>,
}

impl Command {
    pub fn word(&self) -> &'static str {
        match self {
            Self::CreateTicket(_) => "create_ticket",
            Self::StartProcess { .. } => "start_process",
            Self::SubmitDialog { .. } => "submit_dialog",
            Self::ClaimWork { .. } => "claim_work",
            Self::ReleaseWork { .. } => "release_work",
            Self::Steer(_) => "steer",
            Self::PatchTicket { .. } => "patch_ticket",
            Self::AddArticle { .. } => "add_article",
            Self::WatchTicket { .. } => "watch_ticket",
            Self::LinkTicket { .. } => "link_ticket",
            Self::RetryIncident { .. } => "retry_incident",
            Self::FireTimer { .. } => "fire_timer",
            Self::MergeTicket { .. } => "merge_ticket",
            Self::SplitTicket { .. } => "split_ticket",
            Self::AnswerCall { .. } => "answer_call",
            Self::ReceiveMessage { .. } => "receive_message",
            Self::CloseChild { .. } => "close_child",
            Self::EndSubProcess { .. } => "end_sub_process",
            Self::CancelInstance { .. } => "cancel_instance",
            Self::TakeIn(_) => "take_in",
            Self::EndMail { .. } => "end_mail",
            Self::Raise { .. } => "raise",
            Self::RunJob { .. } => "run_job",
            Self::OpenByMail(_) => "open_by_mail",
            Self::ReceiveMail(_) => "receive_mail",
            Self::EraseContent(_) => "erase_content",
            Self::TakeBackMail { .. } => "take_back_mail",
            Self::RecountTimers => "recount_timers",
            Self::TakeMutex { .. } => "take_mutex",
        }
    }

    /// Only the engine itself gives it.
    pub fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::FireTimer { .. }
                | Self::RecountTimers
                | Self::TakeMutex { .. }
                | Self::AnswerCall { .. }
                | Self::ReceiveMessage { .. }
                | Self::CloseChild { .. }
                | Self::EndSubProcess { .. }
                | Self::CancelInstance { .. }
                | Self::TakeIn(_)
                | Self::EndMail { .. }
                | Self::Raise { .. }
                | Self::RunJob { .. }
                | Self::OpenByMail(_)
                | Self::ReceiveMail(_)
        )
    }

    /// Makes a new ticket instead of changing one.
    pub fn creates(&self) -> bool {
        matches!(self, Self::CreateTicket(_) | Self::StartProcess { .. } | Self::OpenByMail(_))
    }
}

/// The content that an administrator erases, and where the runtime found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseContent {
    pub article: Seq,
    /// Subject and text as well as the files.
    pub whole: bool,
    /// Hashes of files, and of the mail as it came.
    pub files: Vec<String>,
    pub reason: String,
    /// The erased pieces of the history: versions, each with the numbers of its pieces.
    pub pieces: Vec<(u64, Vec<u32>)>,
    /// The version for which that was found.
    pub seen: u64,
}

/// Copies of another ticket's messages, and of a merged ticket what hangs on it.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenIn {
    pub number: String,
    /// The customer's login and company there.
    pub customer: (Option<String>, Option<String>),
    pub articles: Vec<Article>,
    pub merged: Option<Merged>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub id: i64,
    pub watchers: Vec<String>,
    pub links: Vec<Linked>,
    /// Of work.
    pub minutes: i64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewTicket {
    pub title: String,
    pub ticket_type: String,
    pub queue: String,
    pub state: Option<String>,
    pub priority: Option<String>,
    pub customer_user: Option<String>,
    pub fields: BTreeMap<String, Json>,
    pub article: Option<ArticleInput>,
    /// The content of files in `fields`.
    pub blobs: Vec<Blob>,
}

/// A form as a person sends it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Form {
    /// May be left out where there is one.
    pub dialog: Option<String>,
    pub outcome: Option<String>,
    pub values: BTreeMap<String, Json>,
    pub article: Option<ArticleInput>,
    /// The version of the ticket from which the form was drawn.
    pub seen: Option<u64>,
    /// The epoch of the work item from which the form was drawn.
    pub epoch: Option<u32>,
    pub blobs: Vec<Blob>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct ArticleInput {
    pub subject: String,
    pub body: String,
    pub visible: bool,
    pub channel: Option<String>,
    /// How long an agent worked.
    pub minutes: Option<u32>,
    /// It goes out as a mail.
    pub mail: Option<MailInput>,
    pub attachments: Vec<(Attachment, Blob)>,
    /// It is written to a closed ticket whose queue takes no follow-ups.
    pub rejected: bool,
}
