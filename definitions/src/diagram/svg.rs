//! The drawing as SVG.

use crate::diagram::layout::{Drawn, GATE, LABEL_CHARS, LINE, Layout, Point, WIDTH};
use crate::diagram::{Edge, Gate, Graph, Mark, Node};
use std::fmt::Write;

const MARGIN: f32 = 24.0;

/// Characters of one line in a box.
const LINE_CHARS: usize = 19;

/// The colours of a file that stands alone; the portal has the same in its style sheet.
const STYLE: &str = "\
.process{font:13px system-ui,sans-serif;--ink:#1c2733;--line:#7b8794;--paper:#fff;--box:#f4f6f8}\
.process .edge{fill:none;stroke:var(--line);stroke-width:1.5}.process .arrow{fill:var(--line)}\
.process .back{stroke-dasharray:7 3}.process .gate{fill:var(--paper);stroke:var(--ink);stroke-width:1.25}.process .sign{fill:var(--ink);font-size:13px;font-weight:600;text-anchor:middle}\
.process .cancels .gate{stroke-dasharray:2 2}.process .link{fill:var(--ink)}.process .letter{fill:var(--paper);font-size:10.5px;text-anchor:middle}\
.process .box{fill:var(--box);stroke:var(--line);stroke-width:1.25}.process .title{fill:var(--ink);text-anchor:middle}\
.process .way{fill:var(--ink);font-size:11.5px;text-anchor:middle}.process .way-back{fill:var(--paper);opacity:.92}\
.process .note{fill:var(--ink);font-size:10.5px;text-anchor:middle;opacity:.75}\
.process .frame{fill:none;stroke:var(--line);stroke-dasharray:2 3}.process .phase{fill:var(--ink);font-size:10.5px;opacity:.75}\
.process .automatic .box{stroke-dasharray:5 3}.process .end .box{stroke-width:3}.process .begin{fill:var(--ink)}\
.process .done .box{fill:#dcefe2;stroke:#2c7a4b}.process .current .box{fill:#dbe9fb;stroke:#1d5fb4;stroke-width:2.5}\
.process .next .box{stroke:#1d5fb4}.process .failed .box{fill:#fbe3e1;stroke:#b3261e;stroke-width:2.5}\
@media (prefers-color-scheme:dark){.process{--ink:#e8edf2;--line:#94a1ae;--paper:#12181f;--box:#1d262f}\
.process .done .box{fill:#153a25}.process .current .box{fill:#15345d}.process .failed .box{fill:#4d1a17}}";

pub fn render(graph: &Graph, layout: &Layout, standalone: bool) -> String {
    let (width, height) = (layout.width + MARGIN * 2.0 + 16.0, layout.height + MARGIN * 2.0);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg class=\"process\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">"
    );
    let _ = write!(out, "<title>{}</title>", escape(&graph.title));
    if standalone {
        let _ = write!(out, "<style>{STYLE}</style>");
    }
    let _ = write!(out, "<g transform=\"translate({:.0} {MARGIN:.0})\">", MARGIN + 16.0);
    for ((title, _), frames) in graph.groups.iter().zip(&layout.frames) {
        frames.iter().for_each(|f| frame(&mut out, title, *f));
    }
    let drawn = || graph.edges.iter().zip(&layout.edges).filter(|(e, _)| e.from != e.to);
    for (edge, drawn) in drawn() {
        path(&mut out, edge, drawn);
    }
    for (i, node) in graph.nodes.iter().enumerate() {
        activity(&mut out, node, layout.nodes[i], layout.heights[i]);
    }
    for (edge, drawn) in drawn().filter(|(e, _)| !e.label.is_empty()) {
        label(&mut out, edge, drawn);
    }
    out.push_str("</g></svg>");
    out
}

fn frame(out: &mut String, title: &str, (x, y, w, h): (f32, f32, f32, f32)) {
    let _ = write!(out, "<rect class=\"frame\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"10\"/>");
    let _ = write!(out, "<text class=\"phase\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + 8.0, y - 2.5, escape(title));
}

/// One edge: its pieces, its head, and the signs at which it goes on in another row.
fn path(out: &mut String, edge: &Edge, drawn: &Drawn) {
    let class = if drawn.back { "edge back" } else { "edge" };
    let _ = write!(out, "<g class=\"way-of\" data-from=\"{}\" data-to=\"{}\">", edge.from, edge.to);
    for points in &drawn.pieces {
        let Some((first, rest)) = points.split_first() else { continue };
        let _ = write!(out, "<path class=\"{class}\" d=\"M{:.1} {:.1}", first.0, first.1);
        let (mut px, mut py) = *first;
        for (x, y) in rest {
            if (y - py).abs() < 0.5 {
                let _ = write!(out, "L{x:.1} {y:.1}");
            } else {
                let bend = (x - px) * 0.5;
                let _ = write!(out, "C{:.1} {py:.1} {:.1} {y:.1} {x:.1} {y:.1}", px + bend, x - bend);
            }
            (px, py) = (*x, *y);
        }
        out.push_str("\"/>");
    }
    // The head points the way the edge comes in: to the right, or to the left where it leads back.
    if let Some((px, py)) = drawn.pieces.last().and_then(|p| p.last()) {
        let side = if drawn.back { 8.0 } else { -8.0 };
        let _ = write!(out, "<path class=\"arrow\" d=\"M{px:.1} {py:.1}l{side:.1} -4.5v9z\"/>");
    }
    for ((x, y), letter) in &drawn.links {
        let _ = write!(out, "<circle class=\"link\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"9\"/>");
        let _ = write!(out, "<text class=\"letter\" x=\"{x:.1}\" y=\"{:.1}\">{letter}</text>", y + 3.8);
    }
    out.push_str("</g>");
}

/// The sign of a split or a join, half over the side of its box.
fn gate(out: &mut String, gate: Gate, (x, y): Point) {
    let _ = write!(
        out,
        "<g class=\"{}\"><path class=\"gate\" d=\"M{:.1} {y:.1}l{GATE} -{GATE}l{GATE} {GATE}l-{GATE} {GATE}z\"/>",
        gate.class(),
        x - GATE
    );
    let _ = write!(out, "<text class=\"sign\" x=\"{x:.1}\" y=\"{:.1}\">{}</text></g>", y + 4.5, gate.sign());
}

fn activity(out: &mut String, node: &Node, (x, y): Point, height: f32) {
    let mut classes = String::from("activity");
    for (class, on) in [("automatic", !node.manual), ("end", node.ends)] {
        if on {
            classes.push(' ');
            classes.push_str(class);
        }
    }
    if let Some(mark) = node.mark {
        classes.push(' ');
        classes.push_str(mark.class());
    }
    let current = if node.mark == Some(Mark::Current) { " aria-current=\"step\"" } else { "" };
    let _ = write!(out, "<g class=\"{classes}\"{current}><title>{}</title>", escape(&node.title));
    if node.starts {
        let middle = y + height / 2.0;
        let _ = write!(out, "<circle class=\"begin\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"5\"/>", x - 22.0);
        let _ = write!(out, "<path class=\"edge\" d=\"M{:.1} {middle:.1}H{x:.1}\"/>", x - 17.0);
    }
    let radius = if node.ends { 26.0 } else { 8.0 };
    let _ = write!(out, "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{height:.1}\" rx=\"{radius}\"/>");
    if node.mark == Some(Mark::Done) {
        let _ = write!(out, "<path class=\"edge tick\" d=\"M{:.1} {:.1}l4 4l7 -8\"/>", x + WIDTH - 20.0, y + 12.0);
    }
    let lines = wrap(&node.title);
    let noted = !node.note.is_empty();
    let top = y + height / 2.0 - (lines.len() as f32 - 1.0) * LINE / 2.0 + if noted { -2.5 } else { 4.5 };
    if noted {
        let note: String = if node.note.chars().count() > LINE_CHARS + 4 {
            node.note.chars().take(LINE_CHARS + 3).chain(['…']).collect()
        } else {
            node.note.clone()
        };
        let _ = write!(out, "<text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + WIDTH / 2.0, y + height - 7.0, escape(&note));
    }
    for (i, line) in lines.iter().enumerate() {
        let _ =
            write!(out, "<text class=\"title\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + WIDTH / 2.0, top + i as f32 * LINE, escape(line));
    }
    for (sign, side) in [(node.join, x), (node.split, x + WIDTH)] {
        sign.into_iter().for_each(|g| gate(out, g, (side, y + height / 2.0)));
    }
    out.push_str("</g>");
}

/// Near the beginning of the edge, where its source is; whole where the pointer rests.
fn label(out: &mut String, edge: &Edge, drawn: &Drawn) {
    let text: String = if edge.label.chars().count() > LABEL_CHARS {
        edge.label.chars().take(LABEL_CHARS - 1).chain(['…']).collect()
    } else {
        edge.label.clone()
    };
    let Some(points) = drawn.pieces.first().filter(|p| p.len() > 1) else { return };
    let (a, b) = (points[0], points[1]);
    let (x, y) = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let width = text.chars().count() as f32 * 6.2 + 8.0;
    let _ = write!(out, "<g><title>{}</title>", escape(&edge.whole));
    let _ = write!(
        out,
        "<rect class=\"way-back\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"16\" rx=\"3\"/>",
        x - width / 2.0,
        y - 9.0
    );
    let _ = write!(out, "<text class=\"way\" x=\"{x:.1}\" y=\"{:.1}\">{}</text></g>", y + 3.5, escape(&text));
}

/// Lines of a title.
const LINES_MAX: usize = 4;

/// Four lines at most; what is longer is cut, and a word that is longer than a line is broken.
pub fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        let line = lines.last().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.len() > LINE_CHARS {
            lines.push(String::new());
        }
        while word.len() > LINE_CHARS {
            let rest = word.split_off(LINE_CHARS - 1);
            word.push('-');
            lines.last_mut().into_iter().for_each(|l| l.extend(&word));
            lines.push(String::new());
            word = rest;
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.extend(word);
        }
    }
    if lines.len() > LINES_MAX {
        lines.truncate(LINES_MAX);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(LINE_CHARS - 1).chain(['…']).collect();
        }
    }
    lines
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
