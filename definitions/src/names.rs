//! Everything that a site names, by its name.

use crate::calendar::WorkTime;
use crate::cel::callable::Callable;
use crate::cel::types::{Ty, WordSet};
use crate::diagnostic::{self, Diagnostic};
use crate::kinds::auto_response::AutoResponse;
use crate::kinds::calendar::Calendar;
use crate::kinds::field::Field;
use crate::kinds::mail_account::MailAccount;
use crate::kinds::mail_filter::MailFilter;
use crate::kinds::message::DataType;
use crate::kinds::notification::Notification;
use crate::kinds::priority::Priority;
use crate::kinds::queue::Queue;
use crate::kinds::role::Role;
use crate::kinds::site::Site;
use crate::kinds::state::{State, StateType};
use crate::kinds::ticket_type::TicketType;
use crate::phase::{Compile, Compiled, Parts, Phase, Written};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Things by name, in the order in which they were written.
#[derive(Debug, Clone)]
pub struct Table<T> {
    items: Vec<T>,
    index: HashMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { items: vec![], index: HashMap::new() }
    }
}

impl<T> Table<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.index.get(name).map(|i| &self.items[*i])
    }
    pub fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }
    pub fn len(&self) -> usize {
        self.items.len()
    }
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
    /// False when the name is taken.
    pub fn insert(&mut self, name: &str, item: T) -> bool {
        if self.index.contains_key(name) {
            return false;
        }
        self.index.insert(name.to_owned(), self.items.len());
        self.items.push(item);
        true
    }
}

impl<T: Compile> Compile for Table<T> {
    type Compiled = Table<T::Compiled>;
    fn compile(self, parts: &Parts) -> Result<Self::Compiled, Span> {
        Ok(Table { items: self.items.compile(parts)?, index: self.index })
    }
}

/// What could not be read, so that nothing follows from it: one fault gives one finding.
#[derive(Debug, Default)]
pub struct Faulty {
    /// Names that are written in what could not be read: using them is no finding.
    pub lost: BTreeSet<String>,
    /// Definitions of which a part was left out.
    pub damaged: Vec<Span>,
    /// The site itself could not be read.
    pub site: bool,
}

impl Faulty {
    /// Notes the names of all definitions of a file that is not valid YAML.
    pub(crate) fn file(&mut self, text: &str) {
        for line in text.lines() {
            for (at, key) in line.match_indices("name:") {
                let word: String = line[at + key.len()..].trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                self.lost.insert(word);
            }
        }
        self.site |= text.contains("kind: Site");
    }

    pub fn is_empty(&self) -> bool {
        self.lost.is_empty() && self.damaged.is_empty() && !self.site
    }

    /// Whether a finding may only follow from what could not be read.
    pub(crate) fn explains(&self, d: &Diagnostic) -> bool {
        let inside = |of: &Span| of.file == d.span.file && of.start <= d.span.start && d.span.end <= of.end;
        !diagnostic::OF_THE_TEXT.contains(&d.code) && self.damaged.iter().any(inside)
    }
}

/// Everything that is always current: a running instance pins its process, and nothing of this.
#[derive(Debug, Clone)]
pub struct Names<S: Phase = Compiled> {
    pub site: Site,
    pub states: Table<State>,
    pub priorities: Table<Priority>,
    pub queues: Table<Queue>,
    pub fields: Table<Field>,
    pub types: Table<TicketType<S>>,
    pub roles: Table<Role>,
    pub notifications: Table<Notification<S>>,
    pub accounts: Table<MailAccount>,
    /// In the order in which they are asked.
    pub mail_filters: Vec<MailFilter<S>>,
    pub auto_responses: Vec<AutoResponse<S>>,
    pub calendars: Table<Calendar>,
    /// The calendars, ready to be counted in.
    pub work_times: BTreeMap<String, WorkTime>,
    pub job_names: BTreeSet<String>,
    /// What the messages of all processes carry.
    pub messages: BTreeMap<String, BTreeMap<String, DataType>>,
    pub process_names: BTreeSet<String>,
    /// With what the instances of each process can end.
    pub ends: BTreeMap<String, Vec<String>>,
    /// The processes that end when their ticket is closed from outside.
    pub cancelled_by_closing: BTreeSet<String>,
    pub state_ty: Ty,
    pub queue_ty: Ty,
    pub type_ty: Ty,
    pub role_set: Arc<WordSet>,
    pub calendar_set: Arc<WordSet>,
    /// Names in definitions that could not be read; none in a model.
    pub lost: Arc<BTreeSet<String>>,
    /// Decisions and functions, by name.
    pub callables: Arc<BTreeMap<String, Callable>>,
}

impl Compile for Names<Written> {
    type Compiled = Names;
    fn compile(self, parts: &Parts) -> Result<Names, Span> {
        Ok(Names {
            site: self.site,
            states: self.states,
            priorities: self.priorities,
            queues: self.queues,
            fields: self.fields,
            types: self.types.compile(parts)?,
            roles: self.roles,
            notifications: self.notifications.compile(parts)?,
            accounts: self.accounts,
            mail_filters: self.mail_filters.compile(parts)?,
            auto_responses: self.auto_responses.compile(parts)?,
            calendars: self.calendars,
            work_times: self.work_times,
            job_names: self.job_names,
            messages: self.messages,
            process_names: self.process_names,
            ends: self.ends,
            cancelled_by_closing: self.cancelled_by_closing,
            state_ty: self.state_ty,
            queue_ty: self.queue_ty,
            type_ty: self.type_ty,
            role_set: self.role_set,
            calendar_set: self.calendar_set,
            lost: self.lost,
            callables: self.callables,
        })
    }
}

impl<S: Phase> Names<S> {
    /// With what the instances of a process can end; one that is not there ends as any does.
    pub fn ends_of(&self, process: &str) -> Vec<String> {
        self.ends.get(process).cloned().unwrap_or_else(|| vec!["done".into()])
    }

    pub fn state_type(&self, state: &str) -> StateType {
        self.states.get(state).map_or(StateType::Open, |s| s.state_type)
    }

    /// A calendar by name; the site's own where none is named, or the only one.
    pub fn work_time(&self, name: Option<&str>) -> Option<&WorkTime> {
        let only = || self.work_times.values().next().filter(|_| self.work_times.len() == 1);
        match name.or(self.site.calendar.as_deref()) {
            Some(name) => self.work_times.get(name),
            None => only(),
        }
    }

    /// The account that a queue writes from; `None` where the site has none.
    pub fn account_of(&self, queue: &str) -> Option<&MailAccount> {
        let named = self.queues.get(queue).and_then(|q| self.accounts.get(q.account.as_ref()?));
        named.or_else(|| self.accounts.iter().find(|a| a.queue == queue)).or_else(|| self.accounts.iter().next())
    }

    /// The account that has this address.
    pub fn account_at(&self, address: &str) -> Option<&MailAccount> {
        self.accounts.iter().find(|a| a.addresses().any(|m| m.is(address)))
    }

    /// The priority's name at a level, or the nearest below.
    pub fn priority_name(&self, level: i64) -> Option<&str> {
        self.priorities.iter().filter(|p| p.level.value.0 <= level).max_by_key(|p| p.level.value.0).map(|p| p.name.as_str())
    }

    pub fn priority_level(&self, name: &str) -> i64 {
        self.priorities.get(name).map_or(0, |p| p.level.value.0)
    }

    /// A ticket may begin in the states of its type that are new or open.
    pub fn initial_states<'a>(&'a self, ticket_type: &'a TicketType<S>) -> impl Iterator<Item = &'a str> {
        let begins = |s: &str| matches!(self.state_type(s), StateType::New | StateType::Open);
        ticket_type.states.iter().map(|s| s.as_str()).filter(move |s| begins(s))
    }
}
