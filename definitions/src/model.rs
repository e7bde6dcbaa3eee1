//! The checked site: valid by construction, nobody validates it twice.

use crate::acls::Acls;
use crate::actions::{Action, Verb, with_others};
use crate::calendar::WorkTime;
use crate::cel::types::{Ty, WordSet};
use crate::check;
use crate::diagnostic::{self, Diagnostic, Severity};
use crate::kinds::auto_response::AutoResponse;
use crate::kinds::calendar::Calendar;
use crate::kinds::field::Field;
use crate::kinds::handler::Handler;
use crate::kinds::job::Job;
use crate::kinds::mail_account::MailAccount;
use crate::kinds::mail_filter::MailFilter;
use crate::kinds::message::DataType;
use crate::kinds::notification::Notification;
use crate::kinds::priority::Priority;
use crate::kinds::process::Process;
use crate::kinds::queue::Queue;
use crate::kinds::role::Role;
use crate::kinds::site::Site;
use crate::kinds::state::{State, StateType};
use crate::kinds::test::Test;
use crate::kinds::ticket_type::TicketType;
use crate::kinds::{self, Definition};
use crate::load::Loader;
use crate::net::Net;
use crate::source::{Sources, Span};
use crate::yaml::{self, Node, Value};
use sha2::{Digest, Sha256};
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
    fn file(&mut self, text: &str) {
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
    fn explains(&self, d: &Diagnostic) -> bool {
        let inside = |of: &Span| of.file == d.span.file && of.start <= d.span.start && d.span.end <= of.end;
        !diagnostic::OF_THE_TEXT.contains(&d.code) && self.damaged.iter().any(inside)
    }
}

/// Everything that is always current: a running instance pins its process, and nothing of this.
#[derive(Debug, Clone)]
pub struct Names {
    pub site: Site,
    pub states: Table<State>,
    pub priorities: Table<Priority>,
    pub queues: Table<Queue>,
    pub fields: Table<Field>,
    pub types: Table<TicketType>,
    pub roles: Table<Role>,
    pub notifications: Table<Notification>,
    pub accounts: Table<MailAccount>,
    /// In the order in which they are asked.
    pub mail_filters: Vec<MailFilter>,
    pub auto_responses: Vec<AutoResponse>,
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
    pub callables: Arc<BTreeMap<String, crate::cel::callable::Callable>>,
}

impl Names {
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
    pub fn initial_states<'a>(&'a self, ticket_type: &'a TicketType) -> impl Iterator<Item = &'a str> {
        let begins = |s: &str| matches!(self.state_type(s), StateType::New | StateType::Open);
        ticket_type.states.iter().map(|s| s.as_str()).filter(move |s| begins(s))
    }
}

/// A process with what follows from it.
#[derive(Debug, Clone)]
pub struct ProcessModel {
    pub def: Process,
    /// Of the canonical definition: what a running instance pins.
    pub hash: String,
    /// The canonical definition as JSON.
    pub canonical: String,
    /// Who leads to whom.
    pub net: Net,
    /// Events for which it, or an activity of it, has handlers.
    pub handled: BTreeSet<String>,
    /// Fields that a proof relies on: they cannot be unset while an instance runs.
    pub relies: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub struct Model {
    pub sources: Sources,
    /// Of everything in the site.
    pub hash: String,
    pub names: Names,
    pub processes: BTreeMap<String, Arc<ProcessModel>>,
    /// Every process that runs, the current ones and the pinned ones, by hash.
    pub by_hash: HashMap<String, Arc<ProcessModel>>,
    /// What people may choose and do, in the order in which it is asked.
    pub acls: Acls,
    /// For each event the handlers of the site, in their order.
    pub handlers: HashMap<String, Vec<Arc<Handler>>>,
    /// For each event the names of the notifications that it sends.
    pub announced: HashMap<String, Vec<String>>,
    /// For each event the names of the jobs that it runs on its ticket.
    pub triggered: HashMap<String, Vec<String>>,
    pub jobs: BTreeMap<String, Arc<Job>>,
    pub tests: Vec<Test>,
}

impl Model {
    /// Does a handler of the site, a notification or a job wait for this event?
    pub fn site_listens(&self, event: &str) -> bool {
        self.handlers.contains_key(event) || self.announced.contains_key(event) || self.triggered.contains_key(event)
    }

    pub fn process_by_hash(&self, hash: &str) -> Option<&Arc<ProcessModel>> {
        self.by_hash.get(hash)
    }

    pub fn title<'a>(&'a self, text: Option<&'a crate::text::Text>, name: &'a str, language: &str) -> &'a str {
        text.map_or(name, |t| t.get(language, self.names.site.main_language()))
    }

    /// Does anything in the site wait for this event?
    pub fn listens(&self, event: &str) -> bool {
        self.site_listens(event) || self.by_hash.values().any(|p| p.handled.contains(event))
    }

    /// The programs that actions run, in running processes too.
    pub fn programs(&self) -> BTreeSet<String> {
        let mut lists: Vec<&[Action]> = vec![];
        for process in self.by_hash.values().map(|p| &p.def) {
            lists.extend(process.action_lists());
        }
        lists.extend(self.handlers.values().flatten().map(|h| &h.actions[..]));
        lists.extend(self.jobs.values().map(|j| &j.actions[..]));
        lists.extend(self.names.types.iter().flat_map(|t| t.transitions.iter().flatten()).map(|t| &t.actions[..]));
        let program = |a: &Action| match &a.verb {
            Verb::Run(run) => Some(run.program.to_string()),
            _ => None,
        };
        lists.into_iter().flat_map(with_others).filter_map(program).collect()
    }
}

/// A file of a site, before it is read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SiteFile {
    pub path: String,
    pub text: String,
}

/// All findings, and the model where there is no error among them.
pub struct Loaded {
    pub model: Option<Model>,
    pub sources: Sources,
    pub diagnostics: Vec<Diagnostic>,
}

/// Loads and checks a site. `pinned` are canonical processes of running instances: each is compiled against the
/// new environment.
pub fn load(files: &[SiteFile], pinned: &[String]) -> Loaded {
    load_but(files, pinned, &[])
}

/// Findings with these codes leave a model.
fn load_but(files: &[SiteFile], pinned: &[String], but: &[&str]) -> Loaded {
    let mut sources = Sources::default();
    for file in files {
        sources.add(file.path.clone(), file.text.as_str());
    }
    let mut diagnostics = vec![];
    let mut faulty = Faulty::default();
    let mut nodes = vec![];
    for file in (0..files.len() as u32).filter(|f| !is_calendar_file(&files[*f as usize].path)) {
        utf8(&sources, file, &mut diagnostics);
        let before = diagnostics.len();
        nodes.extend(yaml::parse(&sources, file, &mut diagnostics));
        if diagnostics[before..].iter().any(|d| d.code == "yaml-syntax" || d.code == "too-large") {
            faulty.file(&sources.file(file).text);
        }
    }
    let mut definitions: Vec<(Node, Definition)> = vec![];
    for node in nodes {
        load_definitions(node, &sources, &mut diagnostics, &mut definitions, &mut faulty);
    }
    let mut pinned_definitions = vec![];
    for canonical in pinned {
        load_pinned(canonical, &mut sources, &mut diagnostics, &mut pinned_definitions);
    }
    let spans: Vec<Span> = definitions.iter().map(|(node, _)| node.span).collect();
    let broken = diagnostic::has_errors(&diagnostics);
    diagnostic::limit(&mut diagnostics);
    let read = diagnostics.len();
    let model = check::build(&sources, definitions, pinned_definitions, &faulty, &mut diagnostics);
    // What a definition lacks is not told where a part of it was left out.
    let found = diagnostics.split_off(read);
    diagnostics.extend(found.into_iter().filter(|d| !faulty.explains(d)));
    diagnostic::without_echoes(&mut diagnostics, &spans);
    diagnostic::sort(&mut diagnostics);
    let wrong = |d: &Diagnostic| d.severity == Severity::Error && !but.contains(&d.code);
    let model = model.filter(|_| !broken && !diagnostics.iter().any(wrong));
    diagnostic::limit(&mut diagnostics);
    Loaded { model, sources, diagnostics }
}

/// As [`load`], for drawing: a model too where all that is wrong is that a net is not sound.
pub fn load_to_draw(files: &[SiteFile]) -> Loaded {
    load_but(files, &[], &["never-entered", "withdrawn", "no-end", "tokens-grow", "waits-for-ever"])
}

/// What calendars take holidays from; everything else of a site is YAML.
fn is_calendar_file(path: &str) -> bool {
    path.ends_with(".ics")
}

/// Bytes that are no UTF-8 have become this character when the file was read.
fn utf8(sources: &Sources, file: u32, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(at) = sources.file(file).text.find(char::REPLACEMENT_CHARACTER) {
        let d = Diagnostic::error("not-utf8", Span::new(file, at, at + 3), "the file is not UTF-8 here");
        diagnostics.push(d.help("save the file in UTF-8; older editors write Latin-1"));
    }
}

fn load_definitions(
    node: Node,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
    out: &mut Vec<(Node, Definition)>,
    faulty: &mut Faulty,
) {
    match node.value {
        Value::Null => {}
        Value::List(items) => {
            for item in items {
                load_definitions(item, sources, diagnostics, out, faulty);
            }
        }
        _ => {
            let mut loader = Loader::new(sources, diagnostics);
            let loaded = kinds::load(&node, &mut loader);
            if loaded.is_none() {
                loader.leave_out(&node);
            }
            faulty.damaged.extend(loader.damaged.then_some(node.span));
            faulty.lost.append(&mut loader.lost);
            let is_site = || matches!(node.get("kind").map(|n| &n.value), Some(Value::Text(kind)) if *kind == *"Site");
            faulty.site |= loaded.is_none() && is_site();
            out.extend(loaded.map(|definition| (node, definition)));
        }
    }
}

fn load_pinned(canonical: &str, sources: &mut Sources, diagnostics: &mut Vec<Diagnostic>, out: &mut Vec<(Node, Process)>) {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(canonical) else { return };
    let name = json["name"].as_str().unwrap_or("?");
    let file = sources.add(format!("running process `{name}` {}", &hash(canonical)[..12]), canonical);
    let node = Node::from_json(&json, Span::new(file, 0, 0));
    let mut loader = Loader::new(sources, diagnostics);
    if let Some(Definition::Process(process)) = kinds::load(&node, &mut loader)
        && !loader.damaged
    {
        out.push((node, process));
    }
}

pub fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// The definition as canonical JSON; the order of keys is kept, since it is the order of buttons.
pub fn canonical(node: &Node) -> String {
    node.to_json().to_string()
}

/// Largest file of a site, in bytes.
const FILE_BYTES_MAX: u64 = 4_000_000;

/// Reads every `*.yaml`, `*.yml` and `*.ics` below a folder, in the order of their paths.
///
/// # Errors
/// What cannot be read, a link that leaves the folder, a file of more than 4 MB.
pub fn read_folder(folder: &std::path::Path) -> std::io::Result<Vec<SiteFile>> {
    fn walk(folder: &std::path::Path, depth: usize, out: &mut Vec<std::path::PathBuf>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            // Links to folders are not followed: they can lead in a circle.
            let linked = path.symlink_metadata().is_ok_and(|m| m.is_symlink());
            if path.is_dir() && !hidden && !linked && depth < 16 {
                walk(&path, depth + 1, out)?;
            } else if !hidden && path.is_file() && path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "ics") {
                out.push(path);
            }
        }
        Ok(())
    }
    let mut paths = vec![];
    walk(folder, 0, &mut paths)?;
    paths.sort();
    let root = folder.canonicalize()?;
    let read = |path: &std::path::PathBuf| {
        // A link may name another file of the site, and nothing else of the machine.
        if !path.canonicalize()?.starts_with(&root) {
            let why = format!("{} is a link that leaves the site's folder", path.display());
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why));
        }
        if path.metadata()?.len() > FILE_BYTES_MAX {
            let why =
                format!("{} is larger than {} MB, which no definitions are that people write", path.display(), FILE_BYTES_MAX / 1_000_000);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why));
        }
        let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
        Ok(SiteFile { path: path.to_string_lossy().into_owned(), text })
    };
    paths.iter().map(read).collect()
}
