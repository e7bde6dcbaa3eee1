//! The drawing as SVG.

use super::layout::{HEIGHT, LABEL_CHARS, Layout, WIDTH};
use super::{Graph, Mark, Node};
use std::fmt::Write;

const MARGIN: f32 = 24.0;
/// Characters of one line in a box.
const LINE_CHARS: usize = 24;

/// The colours of a file that stands alone; the portal has the same in its style sheet.
const STYLE: &str = "\
.process{font:13px system-ui,sans-serif;--ink:#1c2733;--line:#7b8794;--paper:#fff;--box:#f4f6f8}\
.process .edge{fill:none;stroke:var(--line);stroke-width:1.5}.process .arrow{fill:var(--line)}\
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
    for (title, members) in &graph.groups {
        frame(&mut out, title, members, layout);
    }
    for (edge, points) in graph.edges.iter().zip(&layout.edges) {
        if edge.from == edge.to {
            continue;
        }
        path(&mut out, points);
    }
    for (node, (x, y)) in graph.nodes.iter().zip(&layout.nodes) {
        activity(&mut out, node, *x, *y);
    }
    for (edge, points) in graph.edges.iter().zip(&layout.edges) {
        if !edge.label.is_empty() && edge.from != edge.to {
            label(&mut out, &edge.label, points);
        }
    }
    out.push_str("</g></svg>");
    out
}

/// Room between a frame and what is in it.
const FRAME: f32 = 10.0;

/// Around all of a group where nothing else lies between, otherwise around each of its activities.
fn frame(out: &mut String, title: &str, members: &[usize], layout: &Layout) {
    let corner = |i: &usize| layout.nodes[*i];
    let (left, right) =
        (members.iter().map(|m| corner(m).0).fold(f32::MAX, f32::min), members.iter().map(|m| corner(m).0).fold(0.0, f32::max));
    let (top, bottom) =
        (members.iter().map(|m| corner(m).1).fold(f32::MAX, f32::min), members.iter().map(|m| corner(m).1).fold(0.0, f32::max));
    let within = |(x, y): (f32, f32)| x >= left - FRAME && x <= right + FRAME && y >= top - FRAME && y <= bottom + FRAME;
    let strangers = (0..layout.nodes.len()).any(|i| !members.contains(&i) && within(layout.nodes[i]));
    let mut draw = |x: f32, y: f32, w: f32, h: f32| {
        let (x, y, w, h) = (x - FRAME, y - FRAME, w + FRAME * 2.0, h + FRAME * 2.0);
        let _ = write!(out, "<rect class=\"frame\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"10\"/>");
        let _ = write!(out, "<text class=\"phase\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + 8.0, y - 2.5, escape(title));
    };
    if strangers {
        members.iter().map(corner).for_each(|(x, y)| draw(x, y, WIDTH, HEIGHT));
    } else {
        draw(left, top, right - left + WIDTH, bottom - top + HEIGHT);
    }
}

fn path(out: &mut String, points: &[(f32, f32)]) {
    let Some(((x0, y0), rest)) = points.split_first() else { return };
    let _ = write!(out, "<path class=\"edge\" d=\"M{x0:.1} {y0:.1}");
    let (mut px, mut py) = (*x0, *y0);
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
    // The head points the way the edge comes in: to the right, or to the left where it leads back.
    let before = points[points.len().saturating_sub(2)];
    let side = if before.0 <= px { -8.0 } else { 8.0 };
    let _ = write!(out, "<path class=\"arrow\" d=\"M{px:.1} {py:.1}l{side:.1} -4.5v9z\"/>");
}

fn activity(out: &mut String, node: &Node, x: f32, y: f32) {
    let mut classes = String::from("activity");
    for (class, on) in [("automatic", !node.manual), ("end", node.ends), ("join", node.joins)] {
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
        let middle = y + HEIGHT / 2.0;
        let _ = write!(out, "<circle class=\"begin\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"5\"/>", x - 22.0);
        let _ = write!(out, "<path class=\"edge\" d=\"M{:.1} {middle:.1}H{x:.1}\"/>", x - 17.0);
    }
    let radius = if node.ends { 26.0 } else { 8.0 };
    let _ = write!(out, "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{radius}\"/>");
    if node.joins {
        let _ = write!(out, "<path class=\"arrow\" d=\"M{x:.1} {:.1}h4v{:.1}h-4z\"/>", y + 6.0, HEIGHT - 12.0);
    }
    if node.mark == Some(Mark::Done) {
        let _ = write!(out, "<path class=\"edge tick\" d=\"M{:.1} {:.1}l4 4l7 -8\"/>", x + WIDTH - 20.0, y + 12.0);
    }
    let lines = wrap(&node.title);
    let noted = !node.note.is_empty();
    let top = y + HEIGHT / 2.0 - (lines.len() as f32 - 1.0) * 8.5 + if noted { -2.5 } else { 4.5 };
    if noted {
        let note: String = if node.note.chars().count() > LINE_CHARS + 4 {
            node.note.chars().take(LINE_CHARS + 3).chain(['…']).collect()
        } else {
            node.note.clone()
        };
        let _ = write!(out, "<text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + WIDTH / 2.0, y + HEIGHT - 7.0, escape(&note));
    }
    for (i, line) in lines.iter().enumerate() {
        let _ =
            write!(out, "<text class=\"title\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + WIDTH / 2.0, top + i as f32 * 17.0, escape(line));
    }
    out.push_str("</g>");
}

fn label(out: &mut String, text: &str, points: &[(f32, f32)]) {
    let text: String =
        if text.chars().count() > LABEL_CHARS { text.chars().take(LABEL_CHARS - 1).chain(['…']).collect() } else { text.to_owned() };
    let (a, b) = (points[0], points[1.min(points.len() - 1)]);
    let (x, y) = ((a.0 + b.0) / 2.0, (a.1 + b.1) / 2.0);
    let width = text.chars().count() as f32 * 6.2 + 8.0;
    let _ = write!(
        out,
        "<rect class=\"way-back\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"16\" rx=\"3\"/>",
        x - width / 2.0,
        y - 9.0
    );
    let _ = write!(out, "<text class=\"way\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>", y + 3.5, escape(&text));
}

/// Two lines at most; what is longer is cut.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.chars().count() > LINE_CHARS {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let cut = lines.len() > 2;
    lines.truncate(2);
    for (i, line) in lines.iter_mut().enumerate() {
        if line.chars().count() > LINE_CHARS || (cut && i == 1) {
            *line = line.chars().take(LINE_CHARS - 1).chain(['…']).collect();
        }
    }
    lines
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
