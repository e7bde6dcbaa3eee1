//! A process as a drawing: activities in layers from left to right, after K. Sugiyama, S. Tagawa, M. Toda (1981).
//! One renderer for command line, docs and portal; colours come from classes.

mod layout;
mod svg;

use crate::cel::value::Duration;
use crate::kinds::branch::{Branch, Join, Next, Split, Transition};
use crate::kinds::group::Group;
use crate::kinds::handler::LocalHandler;
use crate::kinds::process::{Activity, Process, Way};
use crate::model::Model;
use crate::value_expr::ValueExpr;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How an activity stands in one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Done,
    Current,
    Next,
    Failed,
}

impl Mark {
    pub fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Current => "current",
            Self::Next => "next",
            Self::Failed => "failed",
        }
    }
}

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Graph {
    pub title: String,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    /// Groups with their nodes, the outer ones first.
    pub groups: Vec<(String, Vec<usize>)>,
}

#[derive(Debug, Clone)]
pub struct Node {
    pub name: String,
    pub title: String,
    pub starts: bool,
    pub ends: bool,
    /// For people: it has a form or a vote.
    pub manual: bool,
    /// What becomes of a token that leaves: the sign at its right side.
    pub split: Option<Gate>,
    /// What a token that comes waits for: the sign at its left side.
    pub join: Option<Gate>,
    /// How it joins, is copied, repeated, or excludes others: a few words.
    pub note: String,
    pub mark: Option<Mark>,
}

/// A sign at a box, after the gateways of BPMN 2.0 (OMG formal/2011-01-03).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// One way of several.
    Exclusive,
    /// All ways, or a token from every arrow.
    Parallel,
    /// Every way that holds, or a token from every arrow on which one can still come.
    Matching,
    /// So many different arrows; the rest is withdrawn where it `cancels`.
    First { count: usize, cancels: bool },
    /// So many tokens.
    Tokens(usize),
}

impl Gate {
    fn of_join(join: Join) -> Option<Self> {
        Some(match join {
            Join::Any => return None,
            Join::All => Self::Parallel,
            Join::Matching => Self::Matching,
            Join::First { count, cancels } => Self::First { count, cancels },
            Join::Tokens(count) => Self::Tokens(count),
        })
    }

    /// What stands in the sign.
    pub fn sign(self) -> String {
        match self {
            Self::Exclusive => "×".into(),
            Self::Parallel => "+".into(),
            Self::Matching => "○".into(),
            Self::First { count, .. } => count.to_string(),
            Self::Tokens(count) => format!("Σ{count}"),
        }
    }

    pub fn class(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Parallel => "parallel",
            Self::Matching => "matching",
            Self::First { cancels: true, .. } => "first cancels",
            Self::First { .. } => "first",
            Self::Tokens(_) => "tokens",
        }
    }
}

/// All ways from one activity to another are one edge.
#[derive(Debug, Clone)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    /// The outcomes and conditions, shortened.
    pub label: String,
    /// As they are written.
    pub whole: String,
    /// The group whose clock or handler it is: it begins at the frame.
    pub group: Option<usize>,
    /// Only clocks, events and actions take it.
    pub aside: bool,
}

/// One way from an activity to another, before those between the same two are one edge.
struct Drawn {
    to: usize,
    label: String,
    whole: String,
    aside: bool,
}

impl Drawn {
    fn new(to: usize, label: &str, aside: bool) -> Self {
        Self { to, label: label.to_owned(), whole: label.to_owned(), aside }
    }
}

/// The process as a graph. Customers see the public activities only: ways through the others are drawn through.
pub fn graph(model: &Model, process: &Process, language: &str, marks: &BTreeMap<String, Mark>, public_only: bool) -> Graph {
    let shown: Vec<&str> = process.activities.iter().filter(|(_, a)| !public_only || a.is_public()).map(|(n, _)| n.as_str()).collect();
    let index = |name: &str| shown.iter().position(|s| *s == name);
    let starts: Vec<&str> = process.starts.iter().map(|s| s.at_activity.as_str()).collect();
    let mut nodes = vec![];
    for name in &shown {
        let Some(a) = process.activities.get(name) else { continue };
        nodes.push(Node {
            name: (*name).to_owned(),
            title: model.title(a.title.as_ref(), name, language).to_owned(),
            starts: starts.contains(name),
            ends: a.end.is_some() || (a.ways().is_empty() && a.reopens().next().is_none()),
            manual: !a.is_automatic(),
            split: split(a),
            join: a.join.and_then(Gate::of_join),
            note: note(a, language),
            mark: marks.get(*name).copied(),
        });
    }
    let members = |g: &Group| -> Vec<usize> { g.activities.iter().filter_map(|a| index(a)).collect() };
    let mut groups: Vec<(&str, String, Vec<usize>)> = process
        .groups
        .iter()
        .map(|(name, g)| (name.as_str(), model.title(g.title.as_ref(), name, language).to_owned(), members(g)))
        .filter(|(_, _, members)| !members.is_empty())
        .collect();
    groups.sort_by_key(|(_, _, members)| std::cmp::Reverse(members.len()));
    let mut edges: Vec<Edge> = vec![];
    let mut draw = |from: usize, way: Drawn, group: Option<usize>| match edges
        .iter_mut()
        .find(|e| e.from == from && e.to == way.to && e.group == group)
    {
        Some(edge) => {
            edge.aside &= way.aside;
            add(&mut edge.label, &way.label);
            add(&mut edge.whole, &way.whole);
        }
        None => edges.push(Edge { from, to: way.to, label: way.label, whole: way.whole, group, aside: way.aside }),
    };
    let ways = Ways { model, process, language, index: &index, conditions: !public_only };
    for (from, name) in shown.iter().enumerate() {
        ways.drawn_from(name, &mut vec![]).into_iter().for_each(|way| draw(from, way, None));
    }
    for (place, (name, ..)) in groups.iter().enumerate() {
        let Some(group) = process.groups.get(name) else { continue };
        for (from, way) in ways.of_group(group) {
            draw(from, way, Some(place));
        }
    }
    let groups = groups.into_iter().map(|(_, title, members)| (title, members)).collect();
    Graph { title: model.title(process.title.as_ref(), &process.name, language).to_owned(), nodes, edges, groups }
}

/// One more label of the same edge.
fn add(label: &mut String, more: &str) {
    if label.is_empty() {
        more.clone_into(label);
    } else if !more.is_empty() && !label.split(" / ").any(|l| l == more) {
        *label = format!("{label} / {more}");
    }
}

/// The sign of what becomes of a token that leaves; none where there is one way only.
fn split(a: &Activity) -> Option<Gate> {
    let branches: Vec<_> = a.next.iter().flat_map(Next::branches).map(|(_, b)| b).collect();
    let targets: std::collections::BTreeSet<&str> =
        branches.iter().flat_map(|b| b.targets()).filter_map(|(_, t)| t.activity()).map(|t| t.as_str()).collect();
    let transitions: Vec<_> =
        branches.iter().filter_map(|b| if let Branch::Tried(list) = b { Some(list) } else { None }).flatten().collect();
    let forks = transitions.iter().any(|t| t.to.len() > 1 || t.times() > 1);
    match (a.split, branches.len(), transitions.len()) {
        (Some(Split::Matching), ..) => Some(Gate::Matching),
        (Some(Split::All), ..) => Some(Gate::Parallel),
        (_, 1, 1) if forks => Some(Gate::Parallel),
        _ if targets.len() > 1 => Some(Gate::Exclusive),
        _ => None,
    }
}

/// What the box says beside its name.
fn note(a: &Activity, language: &str) -> String {
    let de = language.starts_with("de");
    let mut parts: Vec<String> = vec![];
    if let Some(join) = a.join.filter(|j| j.waits() && *j != Join::All) {
        parts.push(match join {
            Join::Matching => if de { "die kommen können" } else { "those that can come" }.into(),
            Join::First { count, cancels } => {
                let first = if de { format!("die ersten {count}") } else { format!("first {count}") };
                if cancels { format!("{first} ✕") } else { first }
            }
            Join::Tokens(count) => format!("{count} →1"),
            Join::Any | Join::All => String::new(),
        });
    }
    match a.split {
        Some(Split::Matching) => parts.push(if de { "alle, die gelten →" } else { "all that hold →" }.into()),
        Some(Split::All) => parts.push(if de { "alle →" } else { "all →" }.into()),
        Some(Split::First) | None => {}
    }
    if let Some(f) = &a.for_each {
        parts.push(match (&f.name, &f.count) {
            (_, Some(ValueExpr::Literal(l))) => format!("× {}", l.text()),
            (Some(name), _) => format!("× {name}"),
            (None, _) => "× n".into(),
        });
    }
    parts.extend(a.process.as_ref().map(|p| format!("▸ {}", p.name)));
    parts.extend(a.repeat.as_ref().map(|_| "↻".into()));
    parts.extend(a.while_.as_ref().map(|_| if de { "solange".to_owned() } else { "while".to_owned() }));
    parts.extend(a.mutex.as_ref().map(|m| format!("⊘ {}", m.name)));
    parts.join(" · ")
}

/// As text for mermaid: a flowchart from left to right.
pub fn mermaid(graph: &Graph) -> String {
    let quoted = |t: &str| t.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    let mut out = String::from("flowchart LR\n");
    for (i, node) in graph.nodes.iter().enumerate() {
        let text = if node.note.is_empty() {
            quoted(&node.title)
        } else {
            format!("{}<br/><small>{}</small>", quoted(&node.title), quoted(&node.note))
        };
        let (open, close) = if node.ends { ("([", "])") } else { ("[", "]") };
        let _ = writeln!(out, "  a{i}{open}\"{text}\"{close}");
        if node.starts {
            let _ = writeln!(out, "  s{i}(( )) --> a{i}");
        }
    }
    for edge in &graph.edges {
        let label = if edge.label.is_empty() { String::new() } else { format!("|\"{}\"|", quoted(&edge.label)) };
        let _ = writeln!(out, "  a{} -->{label} a{}", edge.from, edge.to);
    }
    for (g, (title, members)) in graph.groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{g}[\"{}\"]", quoted(title));
        let inner = |m: &&usize| !graph.groups[g + 1..].iter().any(|(_, smaller)| smaller.contains(m));
        for member in members.iter().filter(inner) {
            let _ = writeln!(out, "    a{member}");
        }
        out.push_str("  end\n");
    }
    out
}

/// Where the ways of activities lead.
struct Ways<'a> {
    model: &'a Model,
    process: &'a Process,
    language: &'a str,
    index: &'a dyn Fn(&str) -> Option<usize>,
    /// Conditions are shown: to agents, not to customers.
    conditions: bool,
}

impl Ways<'_> {
    /// Of an activity; ways through one that is not shown are drawn through.
    fn drawn_from(&self, from: &str, seen: &mut Vec<String>) -> Vec<Drawn> {
        let Some(activity) = self.process.activities.get(from) else { return vec![] };
        let is_choice = split(activity) == Some(Gate::Exclusive);
        let mut all = vec![];
        for (way, branch) in activity.ways() {
            let (label, aside) = match way {
                Way::Outcome(outcome) => {
                    let title = |o| outcome_title(self.model, activity, o, self.language).unwrap_or_else(|| o.to_string());
                    (outcome.map_or(String::new(), |o| title(o)), false)
                }
                Way::Handler(i) => (on(&activity.handlers[i]), true),
                Way::Timer(i) => (after(&activity.timers[i].after.0, self.language), true),
            };
            for (transition, target) in branch.targets() {
                let Some(target) = target.activity() else { continue };
                match (self.index)(target) {
                    Some(to) => all.push(self.drawn(to, &label, aside, is_choice, transition)),
                    None if !seen.contains(&target.to_string()) => {
                        seen.push(target.to_string());
                        all.extend(self.drawn_from(target, seen).into_iter().map(|way| Drawn::new(way.to, "", aside)));
                    }
                    None => {}
                }
            }
        }
        all.extend(activity.reopens().filter_map(|name| (self.index)(name)).map(|to| Drawn::new(to, "", true)));
        let other = if self.is_german() { "sonst" } else { "else" };
        all.extend(activity.else_.iter().filter_map(|name| (self.index)(name)).map(|to| Drawn::new(to, other, true)));
        all
    }

    /// Where a group's clocks and handlers lead, from its last activity.
    fn of_group(&self, group: &Group) -> Vec<(usize, Drawn)> {
        let Some(from) = group.activities.iter().filter_map(|a| (self.index)(a)).next_back() else { return vec![] };
        let timers = group.timers.iter().filter_map(|t| Some((after(&t.after.0, self.language), t.next.as_ref()?)));
        let handlers = group.handlers.iter().filter_map(|h| Some((on(h), h.next.as_ref()?)));
        let mut all = vec![];
        for (label, branch) in timers.chain(handlers) {
            for (transition, target) in branch.targets() {
                let to = target.activity().and_then(|t| (self.index)(t));
                all.extend(to.map(|to| (from, self.drawn(to, &label, true, false, transition))));
            }
        }
        all
    }

    fn is_german(&self) -> bool {
        self.language.starts_with("de")
    }

    fn drawn(&self, to: usize, outcome: &str, aside: bool, is_choice: bool, transition: Option<&Transition>) -> Drawn {
        let mut drawn = Drawn::new(to, outcome, aside);
        // All ways of a fork are taken, where others beside it are alternatives.
        if is_choice && transition.is_some_and(|t| t.to.len() > 1) {
            let together = if self.is_german() { "zugleich" } else { "at the same time" };
            drawn.label = format!("+ {}", drawn.label).trim_end().to_owned();
            drawn.whole = if outcome.is_empty() { together.to_owned() } else { format!("{outcome}, {together}") };
        }
        let Some(t) = transition.filter(|_| self.conditions) else { return drawn };
        let (short, whole) = match &t.when {
            Some(when) => (short(when.text(), self.is_german()), when.text().split_whitespace().collect::<Vec<_>>().join(" ")),
            None if t.otherwise => {
                let word = if self.is_german() { "sonst" } else { "otherwise" };
                (word.to_owned(), word.to_owned())
            }
            None => return drawn,
        };
        let joined = |of: &str, text: String| {
            if of.is_empty() || of == "+" { format!("{of} {text}").trim_start().to_owned() } else { format!("{of}: {text}") }
        };
        drawn.label = joined(&drawn.label, short);
        drawn.whole = joined(&drawn.whole, whole);
        drawn
    }
}

/// A condition as it stands on an arrow: without the roots of its paths, with the signs of mathematics.
fn short(condition: &str, german: bool) -> String {
    let (and, or, not) = if german { ("und", "oder", "nicht") } else { ("and", "or", "not") };
    let mut text = condition.split_whitespace().collect::<Vec<_>>().join(" ");
    let roots = ["ticket.fields.", "process.data.", "ticket.", "steps."];
    roots.iter().for_each(|root| text = text.replace(root, ""));
    let signs = [("==", "="), ("<=", "≤"), (">=", "≥"), ("!=", "≠"), ("&&", and), ("||", or), (" in ", " ∈ "), ("\"", ""), ("'", "")];
    signs.iter().for_each(|(from, to)| text = text.replace(from, to));
    text.strip_prefix('!').map_or(text.clone(), |rest| format!("{not} {rest}"))
}

/// The events of a handler.
fn on(handler: &LocalHandler) -> String {
    handler.on.iter().map(|e| e.text.as_str()).collect::<Vec<_>>().join(", ")
}

/// `after 2 d 4 h`
fn after(duration: &Duration, language: &str) -> String {
    let de = language.starts_with("de");
    let (day, hour) = if de { ("T", "Std") } else { ("d", "h") };
    let parts = [(duration.days, day), (duration.seconds / 3600, hour), (duration.seconds % 3600 / 60, "min")];
    let text: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    format!("{} {}", if de { "nach" } else { "after" }, text.join(" "))
}

/// What people read of an outcome, where it has a name for them.
pub fn outcome_title(model: &Model, activity: &Activity, outcome: &str, language: &str) -> Option<String> {
    let titled = activity.dialogs.iter().find_map(|(_, d)| d.outcomes.get(outcome)).map(|o| &o.title);
    Some(match (titled, outcome, language.starts_with("de")) {
        (Some(title), ..) => title.get(language, model.names.site.main_language()).to_owned(),
        (None, "approve", true) => "freigegeben".into(),
        (None, "approve", false) => "approved".into(),
        (None, "reject", true) => "abgelehnt".into(),
        (None, "reject", false) => "rejected".into(),
        (None, "timeout", true) => "Zeit abgelaufen".into(),
        (None, "timeout", false) => "time is up".into(),
        (None, ..) => return None,
    })
}

/// The drawing. A standalone file carries its own colours; inside a page the page's style sheet has them.
pub fn svg(graph: &Graph, standalone: bool) -> String {
    svg::render(graph, &layout::layout(graph), standalone)
}

/// The activities in the order of the drawing: for the list that says the same.
pub fn order(graph: &Graph) -> Vec<usize> {
    let placed = layout::layout(graph);
    let mut all: Vec<usize> = (0..graph.nodes.len()).collect();
    all.sort_by(|a, b| placed.nodes[*a].partial_cmp(&placed.nodes[*b]).unwrap_or(std::cmp::Ordering::Equal));
    all
}
