//! A process as a drawing: activities in layers from left to right, after K. Sugiyama, S. Tagawa, M. Toda (1981).
//! One renderer for command line, docs and portal; colours come from classes.

mod layout;
mod svg;

use crate::kinds::handler::LocalHandler;
use crate::kinds::process::{Activity, Join, Process, Split, Way};
use crate::model::Model;
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
    pub joins: bool,
    /// How it joins, is copied, repeated, or excludes others: a few words.
    pub note: String,
    pub mark: Option<Mark>,
}

/// All ways from one activity to another are one edge; its label names the outcomes.
#[derive(Debug, Clone)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
    pub label: String,
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
            joins: a.join.is_some_and(Join::waits),
            note: note(a, language),
            mark: marks.get(*name).copied(),
        });
    }
    let mut groups: Vec<(String, Vec<usize>)> = process
        .groups
        .iter()
        .map(|(name, g)| (model.title(g.title.as_ref(), name, language).to_owned(), g.activities.iter().filter_map(|a| index(a)).collect()))
        .collect();
    groups.retain(|(_, members): &(String, Vec<usize>)| !members.is_empty());
    groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    let mut edges: Vec<Edge> = vec![];
    let own = shown.iter().enumerate().flat_map(|(from, name)| {
        ways(model, process, name, language, &index, &mut vec![]).into_iter().map(move |(to, label)| (from, to, label))
    });
    let drawn: Vec<(usize, usize, String)> = own.chain(ways_of_groups(process, language, &index)).collect();
    for (from, to, label) in drawn {
        match edges.iter_mut().find(|e| e.from == from && e.to == to) {
            Some(e) if label.is_empty() || e.label.split(" / ").any(|l| l == label) => {}
            Some(e) if e.label.is_empty() => e.label = label,
            Some(e) => e.label = format!("{} / {label}", e.label),
            None => edges.push(Edge { from, to, label }),
        }
    }
    Graph { title: model.title(process.title.as_ref(), &process.name, language).to_owned(), nodes, edges, groups }
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
            (_, Some(crate::value_expr::ValueExpr::Literal(l))) => format!("× {}", l.node.to_json()),
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

fn ways(
    model: &Model,
    process: &Process,
    from: &str,
    language: &str,
    index: &dyn Fn(&str) -> Option<usize>,
    seen: &mut Vec<String>,
) -> Vec<(usize, String)> {
    let Some(activity) = process.activities.get(from) else { return vec![] };
    let mut all = vec![];
    for (way, branch) in activity.ways() {
        let label = match way {
            Way::Outcome(outcome) => {
                outcome.map_or(String::new(), |o| outcome_title(model, activity, o, language).unwrap_or_else(|| o.to_string()))
            }
            Way::Handler(i) => on(&activity.handlers[i]),
            Way::Timer(i) => after(&activity.timers[i].after.0, language),
        };
        for target in branch.targets().into_iter().filter_map(|(_, t)| t.activity()) {
            match index(target) {
                Some(to) => all.push((to, label.clone())),
                None if !seen.contains(&target.to_string()) => {
                    seen.push(target.to_string());
                    all.extend(ways(model, process, target, language, index, seen).into_iter().map(|(to, _)| (to, String::new())));
                }
                None => {}
            }
        }
    }
    all.extend(activity.reopens().filter_map(|name| index(name)).map(|to| (to, String::new())));
    let other = if language.starts_with("de") { "sonst" } else { "else" };
    all.extend(activity.else_.iter().filter_map(|name| index(name)).map(|to| (to, other.to_owned())));
    all
}

/// Where a group's clocks and handlers lead, drawn from its last activity.
fn ways_of_groups(process: &Process, language: &str, index: &dyn Fn(&str) -> Option<usize>) -> Vec<(usize, usize, String)> {
    let mut all = vec![];
    for (_, group) in process.groups.iter() {
        let Some(from) = group.activities.iter().filter_map(|a| index(a)).next_back() else { continue };
        let timers = group.timers.iter().filter_map(|t| Some((after(&t.after.0, language), t.next.as_ref()?)));
        let handlers = group.handlers.iter().filter_map(|h| Some((on(h), h.next.as_ref()?)));
        for (label, branch) in timers.chain(handlers) {
            let targets = branch.targets().into_iter().filter_map(|(_, t)| t.activity()).filter_map(|t| index(t));
            all.extend(targets.map(|to| (from, to, label.clone())));
        }
    }
    all
}

/// The events of a handler.
fn on(handler: &LocalHandler) -> String {
    handler.on.iter().map(|e| e.text.as_str()).collect::<Vec<_>>().join(", ")
}

/// `after 2 d 4 h`
fn after(duration: &crate::cel::value::Duration, language: &str) -> String {
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
