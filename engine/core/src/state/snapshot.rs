//! One ticket with everything that a command on it may need: what `decide` reads.

use crate::state::ids::{CallId, IncidentId, InstanceId, KeptId, Login, NoticeId, Seq, TicketId, TicketNumber, WorkId};
use crate::state::mail::Address;
use crate::state::message::{Data, Datum};
use crate::state::timer::{Timer, TimerKind};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
pub use vorgang_definitions::cel::value::Duration;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    pub id: TicketId,
    pub number: TicketNumber,
    pub title: String,
    #[serde(rename = "type")]
    pub ticket_type: String,
    pub queue: String,
    pub state: String,
    /// By name; its level is the model's.
    pub priority: String,
    pub owner: Option<Login>,
    pub responsible: Option<Login>,
    /// The owner does not hold it: see [`Ticket::lock`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlocked: bool,
    /// Minutes of work.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub accounted: i64,
    /// The company.
    pub customer: Option<String>,
    /// The login of the customer.
    pub customer_user: Option<Login>,
    pub pending_until: Option<Timestamp>,
    /// Own fields in stored form (see `vorgang_definitions::values`).
    pub fields: BTreeMap<String, Json>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

impl Ticket {
    /// Whoever becomes the owner holds the ticket, until it is said otherwise.
    pub fn lock(&self) -> bool {
        self.owner.is_some() && !self.unlocked
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkStatus {
    /// At a join until others have come, while its condition does not hold, or until a mutex is free.
    Waiting,
    Offered,
    /// Until a program has answered.
    Calling,
    /// Until its copies, or its sub-process, are done.
    Running,
    /// Claimed, or first input saved.
    Started,
    /// Somebody put it aside.
    Suspended,
    /// An incident keeps it here.
    Failed,
    Done,
    Cancelled,
}

impl WorkStatus {
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::Cancelled)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered => "offered",
            Self::Calling => "calling",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Started => "started",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::Waiting,
            Self::Offered,
            Self::Calling,
            Self::Running,
            Self::Started,
            Self::Suspended,
            Self::Failed,
            Self::Done,
            Self::Cancelled,
        ];
        all.into_iter().find(|s| s.word() == word)
    }
}

/// A token of the net: one activity being active.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkItem {
    pub seq: WorkId,
    pub instance: InstanceId,
    pub activity: String,
    pub status: WorkStatus,
    /// The activity from which the token came; `None` at a start.
    pub source: Option<String>,
    pub claimed_by: Option<Login>,
    pub entered: Timestamp,
    /// Grows whenever a form drawn from it becomes stale.
    pub epoch: u32,
    /// Who may see and do it: `role:x`, `user:x`, `agent`, `anyone`.
    pub audience: Vec<String>,
    /// What few work items have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<Box<WorkMore>>,
}

/// What few work items have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkMore {
    /// The copy of a `for_each` that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy: Option<Iteration>,
    /// Of a `for_each`: its copies that have ended, in the order of their elements.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// How often `repeat` has entered the activity again.
    #[serde(skip_serializing_if = "is_none")]
    pub round: u32,
    /// The sub-process that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child: Option<Child>,
    /// Clocks that stood when a program without [`Timer::stands`] wrote the row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stopped: Vec<Timer>,
    /// Since when it is suspended, or closed by its condition, in the middle of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// What it waits for, beside its join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
    /// Of an approval: who gave a vote, and to whom.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delegated: Vec<(Login, Login)>,
    /// It has waited for a mutex of the site.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub waited: bool,
}

fn is_none(n: &u32) -> bool {
    *n == 0
}

/// What keeps a work item from going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Waits {
    /// Its `while` does not hold.
    Condition,
    /// Another one holds the mutex: within the instance, or with a key in the site.
    Mutex {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The ticket that held it when it came, by its id, where that is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<TicketId>,
    },
}

/// A mutex of the site that an instance holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub name: String,
    pub key: String,
    pub by: Holder,
}

impl Held {
    pub fn is(&self, name: &str, key: &str) -> bool {
        self.name == name && self.key == key
    }
}

/// For what it holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Holder {
    Work { seq: WorkId },
    Group { name: String },
}

/// A copy of the activity for one element.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// The token whose copy it is.
    pub of: WorkId,
    /// Under which name it sees its element.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its place among all copies that there were, from nothing.
    pub place: u32,
    pub element: Datum,
    /// Its own inputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: Data,
}

/// What became of one copy: an entry of `items`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub place: u32,
    pub element: Datum,
    pub outcome: Option<String>,
    pub by: Option<Login>,
    pub at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: Data,
}

/// A sub-process that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// The number of its ticket, where it has one of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketNumber>,
    pub instance: InstanceId,
}

impl WorkItem {
    pub fn copy(&self) -> Option<&Iteration> {
        self.more.as_ref()?.copy.as_ref()
    }

    pub fn child(&self) -> Option<&Child> {
        self.more.as_ref()?.child.as_ref()
    }

    /// What it has beside the rest, for changing.
    pub fn more(&self) -> WorkMore {
        self.more.as_deref().cloned().unwrap_or_default()
    }

    /// Somebody works on it, or it works by itself: it has begun, and has not ended.
    pub fn is_started(&self) -> bool {
        let put_aside = self.status == WorkStatus::Suspended && self.claimed_by.is_some();
        put_aside || matches!(self.status, WorkStatus::Calling | WorkStatus::Running | WorkStatus::Started | WorkStatus::Failed)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub seq: InstanceId,
    pub process: String,
    /// Hash of the process that it pins.
    pub hash: String,
    pub started: Timestamp,
    pub started_by: Login,
    /// `None` while it runs.
    pub outcome: Option<String>,
    pub ended: Option<Timestamp>,
    /// What few instances have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<Box<InstanceMore>>,
}

/// What few instances have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct InstanceMore {
    /// `process.data`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub data: Data,
    /// Joins that have fired and whose round goes on: the arrows that have delivered.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rounds: BTreeMap<String, Vec<String>>,
    /// Groups that have tokens.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, GroupState>,
    /// What waits for its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// Mutexes of the site that it holds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<Held>,
}

/// A group that has tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupState {
    /// Its clocks have been set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed: bool,
    /// One of its items has started: it holds its mutex.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub started: bool,
}

/// What waits for the end of a sub-process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The number of its ticket, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketNumber>,
    pub work: WorkId,
    /// How many processes are above it.
    pub depth: u32,
}

impl Instance {
    /// What it has beside the rest, for changing.
    pub fn more(&self) -> InstanceMore {
        self.more.as_deref().cloned().unwrap_or_default()
    }
}

/// The last completion of an activity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub instance: InstanceId,
    pub activity: String,
    pub outcome: String,
    pub by: Login,
    pub at: Timestamp,
    /// Counts the completions of its instance: the last one has the greatest.
    #[serde(default)]
    pub order: u32,
    /// What it did was taken back.
    #[serde(default)]
    pub undone: bool,
    /// The votes of an approval: whoever goes back to it finds them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
    /// What became of the copies of a `for_each`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

/// A message that an instance keeps until a handler waits for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptMessage {
    pub seq: KeptId,
    pub instance: InstanceId,
    pub name: String,
    pub data: Data,
    pub until: Timestamp,
}

/// A program that is to be run, or runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub seq: CallId,
    /// The work item that waits for it, and which of its activity's actions it is.
    pub waits: Option<(WorkId, usize)>,
    pub program: String,
    /// The process that wants it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    /// What it is given: an object.
    pub input: Json,
    /// Fields or values of the process, each with the key of the output's object; without a key all of it.
    pub into: Vec<(String, Option<String>)>,
    /// How long it may take, in seconds.
    pub limit: u32,
    /// How often it is tried again, and how many seconds later at first.
    pub retry: (u32, u32),
    pub wanted: Timestamp,
}

impl Call {
    /// Does this work item wait for it?
    pub fn is_for(&self, work: WorkId) -> bool {
        self.waits.is_some_and(|(w, _)| w == work)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    pub work: WorkId,
    pub person: Login,
    pub outcome: String,
    pub at: Timestamp,
}

impl Retry {
    /// The token that the incident holds.
    pub fn work(&self) -> Option<WorkId> {
        match self {
            Self::Call { call } => call.waits.map(|(work, _)| work),
            Self::Resume { work, .. }
            | Self::Enter { work }
            | Self::Look { work }
            | Self::Complete { work, .. }
            | Self::Vote { work, .. } => Some(*work),
            Self::Fire { work, .. } => *work,
            Self::EnterAll | Self::Handle { .. } | Self::Deliver { .. } | Self::Job { .. } | Self::Nothing => None,
        }
    }
}

/// What an incident's retry does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Retry {
    /// Runs the activity from its beginning.
    Enter { work: WorkId },
    /// Runs the rest of the activity's `do`, from this action on.
    Resume { work: WorkId, from: usize },
    /// Runs a program again.
    Call { call: Box<Call> },
    /// Runs every token that a chain without an end has stopped.
    EnterAll,
    /// Runs the approval's `do` again, then counts the votes.
    Vote { work: WorkId, by: Login },
    /// Tries `next` again with the same outcome.
    Complete { work: WorkId, outcome: String, by: Login },
    /// Tries the transitions again that wait for a change.
    Look { work: WorkId },
    /// Does again what the timer does.
    Fire { work: Option<WorkId>, kind: TimerKind },
    /// Runs a handler again, for the same event as [`Happening::stored`] writes it. Without the event, its content was erased.
    ///
    /// [`Happening::stored`]: crate::state::happening::Happening::stored
    Handle { handler: HandlerAt, happening: Option<Json> },
    /// Sends a notification's mail again.
    Deliver { notice: NoticeId },
    /// Runs the job on this ticket again, if it still means it.
    Job { job: String },
    /// There is nothing to try: it is only acknowledged.
    Nothing,
}

/// Which handler: one of an activity that is under way, one of a running process, or one of the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum HandlerAt {
    Activity { work: WorkId, index: usize },
    Group { instance: InstanceId, group: usize, index: usize },
    Process { instance: InstanceId, index: usize },
    Site { name: String },
    Notification { name: String },
}

impl HandlerAt {
    /// What people call it.
    pub fn name(&self, snapshot: &Snapshot) -> String {
        let process = |seq: InstanceId| snapshot.instance(seq).map_or("", |i| i.process.as_str());
        match self {
            Self::Site { name } | Self::Notification { name } => name.clone(),
            Self::Process { instance, .. } | Self::Group { instance, .. } => process(*instance).to_owned(),
            Self::Activity { work, .. } => {
                snapshot.item(*work).map_or_else(String::new, |w| format!("{} / {}", process(w.instance), w.activity))
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub seq: IncidentId,
    pub kind: String,
    pub message: String,
    /// Process and activity, where it happened in one.
    pub place: Option<String>,
    /// The expression that could not be evaluated.
    pub expression: Option<String>,
    /// What it read.
    pub values: BTreeMap<String, String>,
    /// The activities that ran before, for chains without an end.
    pub chain: Vec<String>,
    pub retry: Retry,
    pub raised: Timestamp,
    pub resolved: Option<Timestamp>,
}

/// Rows that are cheap to copy: a savepoint shares them with what goes on from it. Most tickets have none of most kinds,
/// and then nothing is allocated.
#[derive(Debug, Clone)]
pub struct Rows<T>(Option<Arc<Vec<T>>>);

impl<T> Rows<T> {
    /// For changing; what others share stays as it is.
    pub fn make_mut(&mut self) -> &mut Vec<T>
    where
        T: Clone,
    {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> std::ops::Deref for Rows<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<T> From<Vec<T>> for Rows<T> {
    fn from(rows: Vec<T>) -> Self {
        Self(if rows.is_empty() { None } else { Some(Arc::new(rows)) })
    }
}

impl<T: PartialEq> PartialEq for Rows<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// The row that a command reads and writes, and what belongs to it. Only what is open is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    pub ticket: Arc<Ticket>,
    pub version: u64,
    pub last_seq: Seq,
    /// Running ones, and those that ended in this command.
    pub instances: Rows<Instance>,
    /// Open ones, and those that ended in this command.
    pub work: Rows<WorkItem>,
    /// Of the instances above.
    pub steps: Rows<Step>,
    /// Of the open work items.
    pub votes: Rows<Vote>,
    /// Open ones.
    pub incidents: Rows<Incident>,
    /// Those that have not fired.
    pub timers: Rows<Timer>,
    /// Programs that have not answered.
    pub calls: Rows<Call>,
    /// Messages that no handler has taken, the oldest first.
    pub kept: Rows<KeptMessage>,
    /// Logins, sorted.
    pub watchers: Rows<Login>,
    /// Those who write and are written to by mail, by their addresses.
    pub participants: Rows<Address>,
    /// The last day on which somebody was told what comes once a day.
    pub told: Rows<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The notification.
    pub name: String,
    pub to: Login,
    pub day: Date,
}

impl Snapshot {
    pub fn new(ticket: Ticket) -> Self {
        Self {
            ticket: Arc::new(ticket),
            version: 0,
            last_seq: 0,
            instances: Rows::default(),
            work: Rows::default(),
            steps: Rows::default(),
            votes: Rows::default(),
            incidents: Rows::default(),
            timers: Rows::default(),
            calls: Rows::default(),
            kept: Rows::default(),
            watchers: Rows::default(),
            participants: Rows::default(),
            told: Rows::default(),
        }
    }

    pub fn instance(&self, seq: InstanceId) -> Option<&Instance> {
        self.instances.iter().find(|i| i.seq == seq)
    }

    pub fn item(&self, seq: WorkId) -> Option<&WorkItem> {
        self.work.iter().find(|w| w.seq == seq)
    }

    pub fn open_work(&self) -> impl Iterator<Item = &WorkItem> {
        self.work.iter().filter(|w| w.status.is_open())
    }

    pub fn step(&self, instance: InstanceId, activity: &str) -> Option<&Step> {
        self.steps.iter().find(|s| s.instance == instance && s.activity == activity)
    }

    /// Only what a freshly loaded snapshot would hold: ended work, instances and incidents are dropped.
    pub fn compact(mut self) -> Self {
        self.instances.make_mut().retain(|i| i.outcome.is_none());
        self.work.make_mut().retain(|w| w.status.is_open());
        self.incidents.make_mut().retain(|i| i.resolved.is_none());
        let (instances, work) = (&self.instances, &self.work);
        let (steps, votes) = (self.steps.make_mut(), self.votes.make_mut());
        steps.retain(|s| instances.iter().any(|i| i.seq == s.instance));
        votes.retain(|v| work.iter().any(|w| w.seq == v.work));
        steps.sort_by(|a, b| (a.instance, &a.activity).cmp(&(b.instance, &b.activity)));
        votes.sort_by(|a, b| (a.work, &a.person).cmp(&(b.work, &b.person)));
        self.timers.make_mut().sort_by_key(|t| t.seq);
        self
    }
}
