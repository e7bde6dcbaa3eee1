//! Plays a net with `decide`: every state that the engine can come to, breadth first.

use crate::given::{self, NOW};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use vorgang_core::commands::{AddArticle, ArticleInput, Command, FireTimer, Form, ReceiveMessage, StartProcess, SubmitDialog};
use vorgang_core::decision::Decision;
use vorgang_core::event::{Event, InstanceEnded, WorkEnded, WorkEntered};
use vorgang_core::ids::{InstanceId, WorkId};
use vorgang_core::people::Directory;
use vorgang_core::snapshot::{Instance, Snapshot, WorkItem, WorkStatus};
use vorgang_definitions::model::Model;

/// Bounds: states, tokens in one place, and choices in one command.
const STATES_MAX: usize = 300;
const TOKENS_MAX: usize = 20;
const CHOICES_MAX: usize = 12;
/// Runs of one command with different choices.
const RUNS_MAX: usize = 1_000;

/// What is wrong with a net.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// It can come to where the end cannot be reached any more.
    pub dead: bool,
    pub unbounded: bool,
    /// Activities that no token enters.
    pub never: BTreeSet<String>,
    /// Activities that tokens enter only to be withdrawn in the same command.
    pub withdrawn: BTreeSet<String>,
    /// Activities without a join that a second token can enter while one is there.
    pub second: BTreeSet<String>,
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "dead {}, unbounded {}, never {:?}, withdrawn {:?}, second {:?}",
            self.dead, self.unbounded, self.never, self.withdrawn, self.second
        )
    }
}

#[derive(Debug, Clone)]
pub enum Played {
    Whole(Truth),
    TooLarge,
}

struct Player<'a> {
    model: &'a Model,
    people: Directory,
    states: Vec<State>,
    index: HashMap<String, usize>,
    truth: Truth,
    /// Tokens past their joins, by activity, that were seen.
    entered: BTreeSet<String>,
    /// Activities in which a token was left at the end of a command, or that one completed.
    lived: BTreeSet<String>,
}

struct State {
    snapshot: Snapshot,
    /// The net's instance; `None` once it has ended.
    instance: Option<InstanceId>,
    next: Vec<usize>,
}

struct TooLarge;

pub fn play(model: &Model) -> Played {
    let mut player = Player {
        model,
        people: given::people(),
        states: vec![],
        index: HashMap::new(),
        truth: Truth::default(),
        entered: BTreeSet::new(),
        lived: BTreeSet::new(),
    };
    match player.all() {
        Err(TooLarge) => Played::TooLarge,
        Ok(()) => {
            player.judge();
            Played::Whole(player.truth)
        }
    }
}

impl Player<'_> {
    fn all(&mut self) -> Result<(), TooLarge> {
        let start = Command::StartProcess(StartProcess { process: "net".into(), form: Form::default() });
        let decision = self.decide(None, &start).ok_or(TooLarge)?;
        self.saw(None, &decision)?;
        self.see(decision.after);
        let mut at = 0;
        while at < self.states.len() {
            if self.states.len() > STATES_MAX {
                return Err(TooLarge);
            }
            self.next(at)?;
            if self.truth.unbounded {
                return Ok(());
            }
            at += 1;
        }
        Ok(())
    }

    fn decide(&self, snapshot: Option<&Snapshot>, command: &Command) -> Option<Decision> {
        // Clocks are asked one by one: each when it is due, whatever the others are.
        let now = match (command, snapshot) {
            (Command::FireTimer(FireTimer { timer }), Some(s)) => s.timers.iter().find(|t| t.seq == *timer)?.due.max(NOW),
            _ => NOW,
        };
        given::decision(self.model, &self.people, snapshot, command, now)
    }

    /// Every command that can be given here, with every choice that it meets.
    fn next(&mut self, at: usize) -> Result<(), TooLarge> {
        let snapshot = self.states[at].snapshot.clone();
        if self.states[at].instance.is_none() {
            return Ok(());
        }
        let mut commands: Vec<Command> = vec![];
        for item in snapshot.open_work().filter(|w| matches!(w.status, WorkStatus::Offered | WorkStatus::Started)) {
            for outcome in given::outcomes(self.model, &snapshot, item) {
                commands.push(Command::SubmitDialog(SubmitDialog { work: item.seq, form: Form { outcome, ..Form::default() } }));
            }
        }
        commands.extend(snapshot.timers.iter().filter(|t| t.stands.is_none()).map(|t| Command::FireTimer(FireTimer { timer: t.seq })));
        let article = ArticleInput { body: "Hello".into(), ..ArticleInput::default() };
        commands.push(Command::AddArticle(AddArticle { article }));
        if !self.model.names.messages.is_empty() {
            commands.push(Command::ReceiveMessage(ReceiveMessage { name: "m".into(), data: BTreeMap::new(), sent: NOW, hops: 0 }));
        }
        for command in commands {
            self.with_all_choices(at, &snapshot, &command)?;
        }
        Ok(())
    }

    /// Runs the command with digits on the tape, and counts them up like an odometer: each digit as far as bits of it were
    /// asked.
    fn with_all_choices(&mut self, at: usize, snapshot: &Snapshot, command: &Command) -> Result<(), TooLarge> {
        let mut digits: Vec<u64> = vec![];
        for _ in 0..RUNS_MAX {
            let mut begun = snapshot.clone();
            let tape = digits.iter().rev().fold(0_u64, |tape, digit| tape * 8 + digit);
            let fields = &mut Arc::make_mut(&mut begun.ticket).fields;
            fields.insert("tape".into(), json!(tape));
            fields.insert("cur".into(), json!(0));
            fields.insert("log".into(), json!(1));
            // A refusal changes nothing.
            let Some(decision) = self.decide(Some(&begun), command) else { return Ok(()) };
            if decision.after.incidents.iter().any(|i| i.resolved.is_none()) {
                return Err(TooLarge);
            }
            let log = decision.after.ticket.fields.get("log").and_then(serde_json::Value::as_u64).unwrap_or(1);
            let mut radixes: Vec<u64> = vec![];
            let mut rest = log;
            while rest > 1 {
                radixes.push(1_u64 << (rest % 4));
                rest /= 4;
            }
            radixes.reverse();
            if radixes.len() > CHOICES_MAX {
                return Err(TooLarge);
            }
            self.saw(Some(&begun), &decision)?;
            let told = std::env::var_os("VORGANG_NET").map(|_| format!("{} with {digits:?} (radixes {radixes:?})", command.word()));
            let to = self.see(decision.after);
            if let Some(told) = told {
                println!("{at}: {told} leads to {to}: {}", key(&self.states[to].snapshot));
            }
            if !self.states[at].next.contains(&to) {
                self.states[at].next.push(to);
            }
            digits.resize(radixes.len(), 0);
            loop {
                let Some(last) = digits.pop() else { return Ok(()) };
                if last + 1 < radixes[digits.len()] {
                    digits.push(last + 1);
                    break;
                }
            }
        }
        Err(TooLarge)
    }

    /// Follows the tokens through the events of one command: also those that stand somewhere only for a moment.
    fn saw(&mut self, before: Option<&Snapshot>, decision: &Decision) -> Result<(), TooLarge> {
        let Some(instance) = decision.after.instances.iter().find(|i| i.process == "net").map(|i| i.seq) else { return Ok(()) };
        let process = self.model.processes.get("net").ok_or(TooLarge)?;
        // Copies stand in the place of the token whose copies they are.
        let inside = |w: &WorkItem| w.instance == instance && is_past_join(w) && w.copy().is_none();
        let open = before.iter().flat_map(|s| s.open_work()).filter(|w| inside(w));
        let mut tokens: BTreeMap<WorkId, String> = open.map(|w| (w.seq, w.activity.clone())).collect();
        for event in &decision.events {
            match event {
                Event::WorkEntered(WorkEntered { item }) if inside(item) => {
                    tokens.insert(item.seq, item.activity.clone());
                    self.entered.insert(item.activity.clone());
                    let count = tokens.values().filter(|a| **a == item.activity).count();
                    let join = process.def.activities.get(&item.activity).and_then(|a| a.join);
                    if count > 1 && join.is_none() {
                        self.truth.second.insert(item.activity.clone());
                    }
                    self.truth.unbounded |= count > TOKENS_MAX;
                }
                Event::WorkEntered(WorkEntered { item }) if item.instance == instance && item.copy().is_none() => {
                    let waiting = |w: &&WorkItem| w.instance == instance && w.activity == item.activity && !is_past_join(w);
                    self.truth.unbounded |= decision.after.open_work().filter(waiting).count() > TOKENS_MAX;
                }
                Event::WorkEnded(WorkEnded { seq, status, .. }) => {
                    let gone = tokens.remove(seq);
                    self.lived.extend(gone.filter(|_| *status == WorkStatus::Done));
                }
                Event::InstanceEnded(InstanceEnded { seq, .. }) if *seq == instance => tokens.clear(),
                _ => {}
            }
        }
        self.lived.extend(tokens.into_values());
        Ok(())
    }

    fn see(&mut self, snapshot: Snapshot) -> usize {
        let running = |i: &&Instance| i.process == "net" && i.outcome.is_none();
        let instance = snapshot.instances.iter().find(running).map(|i| i.seq);
        let key = instance.map_or_else(|| "over".into(), |_| key(&snapshot));
        *self.index.entry(key).or_insert_with(|| {
            self.states.push(State { snapshot, instance, next: vec![] });
            self.states.len() - 1
        })
    }

    fn judge(&mut self) {
        let process = &self.model.processes["net"].def;
        if self.truth.unbounded {
            return;
        }
        let several = process
            .activities
            .iter()
            .flat_map(|(_, a)| a.ways())
            .flat_map(|(_, b)| b.targets())
            .any(|(t, _)| t.is_some_and(|t| t.times() > 1));
        if several {
            self.truth.second.clear();
        }
        let all = process.activities.names().map(str::to_owned);
        self.truth.withdrawn = self.entered.difference(&self.lived).cloned().collect();
        self.truth.never = all.filter(|a| !self.entered.contains(a)).collect();
        let mut ends: Vec<bool> = self.states.iter().map(|s| s.instance.is_none()).collect();
        loop {
            let more: Vec<usize> = (0..ends.len()).filter(|s| !ends[*s] && self.states[*s].next.iter().any(|n| ends[*n])).collect();
            if more.is_empty() {
                break;
            }
            more.into_iter().for_each(|s| ends[s] = true);
        }
        self.truth.dead = ends.iter().any(|e| !e);
    }
}

fn is_past_join(item: &WorkItem) -> bool {
    item.status != WorkStatus::Waiting || item.more.as_ref().is_some_and(|m| m.waits.is_some())
}

/// What makes two states different: the open work in its order, rounds, clocks.
fn key(snapshot: &Snapshot) -> String {
    let instances: Vec<InstanceId> = snapshot.instances.iter().filter(|i| i.outcome.is_none()).map(|i| i.seq).collect();
    let place = |seq: InstanceId| instances.iter().position(|i| *i == seq).unwrap_or(usize::MAX);
    let mut text = String::new();
    let mut add = |part: String| {
        text.push_str(&part);
        text.push(' ');
    };
    let open: Vec<&WorkItem> = snapshot.open_work().collect();
    for w in &open {
        let source = w.source.as_deref().filter(|_| !is_past_join(w)).unwrap_or("-");
        let child = w.child().map(|c| place(c.instance));
        add(format!("{}:{}:{}:{source}:{child:?}", place(w.instance), w.activity, w.status == WorkStatus::Running));
    }
    for i in snapshot.instances.iter().filter(|i| i.outcome.is_none()) {
        add(format!("{:?}", i.more.as_ref().map(|m| (&m.rounds, &m.groups))));
    }
    let mut timers: Vec<String> =
        snapshot.timers.iter().map(|t| format!("{:?}{:?}", t.work.and_then(|w| open.iter().position(|o| o.seq == w)), t.kind)).collect();
    timers.sort();
    timers.into_iter().for_each(add);
    text
}
