//! A process as a drawing: activities in layers from left to right, after K. Sugiyama, S. Tagawa, M. Toda (1981).
//! One renderer for command line, docs and portal; colours come from classes.

mod layout;
mod svg;

use crate::kinds::process::{Process, Way};
use crate::model::Model;
use std::collections::BTreeMap;

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
            joins: a.join == Some(crate::kinds::process::Join::All),
            mark: marks.get(*name).copied(),
        });
    }
    let mut edges: Vec<Edge> = vec![];
    for (from, name) in shown.iter().enumerate() {
        for (to, label) in ways(model, process, name, language, &index, &mut vec![]) {
            match edges.iter_mut().find(|e| e.from == from && e.to == to) {
                Some(e) if label.is_empty() || e.label.split(" / ").any(|l| l == label) => {}
                Some(e) if e.label.is_empty() => e.label = label,
                Some(e) => e.label = format!("{} / {label}", e.label),
                None => edges.push(Edge { from, to, label }),
            }
        }
    }
    Graph { title: model.title(process.title.as_ref(), &process.name, language).to_owned(), nodes, edges }
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
            Way::Outcome(outcome) => outcome.map_or(String::new(), |o| outcome_title(model, activity, o, language)),
            Way::Handler(i) => activity.handlers[i].on.iter().map(|e| e.text.as_str()).collect::<Vec<_>>().join(", "),
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
    all
}

/// `after 2 d 4 h`
fn after(duration: &crate::cel::value::Duration, language: &str) -> String {
    let de = language.starts_with("de");
    let (day, hour) = if de { ("T", "Std") } else { ("d", "h") };
    let parts = [(duration.days, day), (duration.seconds / 3600, hour), (duration.seconds % 3600 / 60, "min")];
    let text: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    format!("{} {}", if de { "nach" } else { "after" }, text.join(" "))
}

fn outcome_title(model: &Model, activity: &crate::kinds::process::Activity, outcome: &str, language: &str) -> String {
    let titled = activity.dialogs.iter().find_map(|(_, d)| d.outcomes.get(outcome)).map(|o| &o.title);
    match (titled, outcome, language.starts_with("de")) {
        (Some(title), ..) => title.get(language, model.names.site.main_language()).to_owned(),
        (None, "approve", true) => "freigegeben".into(),
        (None, "approve", false) => "approved".into(),
        (None, "reject", true) => "abgelehnt".into(),
        (None, "reject", false) => "rejected".into(),
        (None, "timeout", true) => "Zeit abgelaufen".into(),
        (None, "timeout", false) => "time is up".into(),
        _ => outcome.to_owned(),
    }
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
