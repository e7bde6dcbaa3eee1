//! Layers, order within a layer, coordinates, and rows where there are many layers.

use crate::diagram::{Graph, Node, svg};

pub const WIDTH: f32 = 168.0;

/// The height of a box with two lines at most.
const HEIGHT: f32 = 56.0;

/// Of one line of a title.
pub const LINE: f32 = 17.0;
const ROW_GAP: f32 = 28.0;
const GAP: f32 = 64.0;
const DUMMY_HEIGHT: f32 = 14.0;

/// Width of a letter of a label, on average.
const LETTER: f32 = 6.4;
const SWEEPS: usize = 24;

/// Longest label that is shown whole, in characters.
pub const LABEL_CHARS: usize = 26;

/// Half of a gate: the sign of a split or a join at the side of a box.
pub const GATE: f32 = 11.0;

/// Room between a frame and what is in it.
pub const FRAME: f32 = 10.0;

/// More layers than these are folded into rows.
const LAYERS_MAX: usize = 9;

/// Between two rows, and before and behind the signs at which edges go on in the next.
const ROW_SPACE: f32 = 72.0;
const LINK_SPACE: f32 = 44.0;

/// Between the signs of several edges at one cell.
const LINK_HEIGHT: f32 = 24.0;

pub type Point = (f32, f32);

/// Where an edge runs.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Its pieces, from source to target; several where it goes on in another row.
    pub pieces: Vec<Vec<Point>>,
    /// It leads back to an earlier layer.
    pub back: bool,
    /// The signs at the ends of its pieces, with their letters.
    pub links: Vec<(Point, String)>,
}

pub struct Layout {
    /// The upper left corner of each activity.
    pub nodes: Vec<Point>,
    pub heights: Vec<f32>,
    pub edges: Vec<Drawn>,
    /// For each group its frames: left, top, width, height.
    pub frames: Vec<Vec<(f32, f32, f32, f32)>>,
    pub width: f32,
    pub height: f32,
}

/// A node of the layered graph: an activity, or a bend of a long edge.
struct Cell {
    layer: usize,
    y: f32,
    height: f32,
    before: Vec<usize>,
    after: Vec<usize>,
}

impl Cell {
    fn middle(&self) -> f32 {
        self.y + self.height / 2.0
    }
}

/// The height of a box.
fn height(node: &Node) -> f32 {
    let lines = svg::wrap(&node.title).len() as f32;
    let note = if node.note.is_empty() { 0.0 } else { 14.0 };
    HEIGHT.max(lines * LINE + 16.0 + note)
}

pub fn layout(graph: &Graph) -> Layout {
    let n = graph.nodes.len();
    let heights: Vec<f32> = graph.nodes.iter().map(height).collect();
    let reversed = back_edges(graph);
    let ends = |i: usize| if reversed[i] { (graph.edges[i].to, graph.edges[i].from) } else { (graph.edges[i].from, graph.edges[i].to) };
    let forward: Vec<(usize, usize)> = (0..graph.edges.len()).map(ends).collect();
    let layers = tightened(longest_paths(n, &forward), &forward);
    let mut cells: Vec<Cell> =
        (0..n).map(|i| Cell { layer: layers[i], y: 0.0, height: heights[i], before: vec![], after: vec![] }).collect();
    let mut chains: Vec<Vec<usize>> = vec![];
    for &(from, to) in &forward {
        let mut chain = vec![from];
        for layer in layers[from] + 1..layers[to] {
            cells.push(Cell { layer, y: 0.0, height: DUMMY_HEIGHT, before: vec![], after: vec![] });
            chain.push(cells.len() - 1);
        }
        chain.push(to);
        if from != to {
            for pair in chain.windows(2) {
                cells[pair[0]].after.push(pair[1]);
                cells[pair[1]].before.push(pair[0]);
            }
        }
        chains.push(chain);
    }
    let depth = layers.iter().max().map_or(0, |l| l + 1);
    let mut order: Vec<Vec<usize>> = (0..depth).map(|l| (0..cells.len()).filter(|c| cells[*c].layer == l).collect()).collect();
    reduce_crossings(&cells, &mut order);
    place(&mut cells, &order);
    let rows = Rows::new(&cells, &chains, depth);
    let x = columns(graph, &layers, depth, &reversed, &rows);
    let bottom = rows.shift(&mut cells);
    let longest = graph.edges.iter().map(|e| label_width(&e.label)).fold(0.0, f32::max);
    let right = (0..depth).map(|l| x[l] + WIDTH + if rows.ends_with(l) { LINK_SPACE + longest + 16.0 } else { 0.0 }).fold(0.0, f32::max);
    let nodes: Vec<Point> = (0..n).map(|i| (x[layers[i]], cells[i].y)).collect();
    let frames = graph.groups.iter().map(|(_, members)| frames(members, &nodes, &heights, &layers, &rows)).collect::<Vec<_>>();
    let draw = Draw { graph, cells: &cells, chains: &chains, x: &x, rows: &rows, reversed: &reversed, frames: &frames };
    Layout { edges: draw.edges(), nodes, heights, frames, width: right, height: bottom }
}

/// Edges that close a cycle, found depth first from the starts.
fn back_edges(graph: &Graph) -> Vec<bool> {
    let n = graph.nodes.len();
    let mut reversed = vec![false; graph.edges.len()];
    // 0 new, 1 on the path, 2 done
    let mut state = vec![0_u8; n];
    let mut roots: Vec<usize> = (0..n).filter(|i| graph.nodes[*i].starts).collect();
    roots.extend(0..n);
    for root in roots {
        if state[root] != 0 {
            continue;
        }
        let mut stack = vec![(root, 0)];
        state[root] = 1;
        while let Some((node, next)) = stack.pop() {
            match graph.edges.iter().enumerate().skip(next).find(|(_, e)| e.from == node) {
                None => state[node] = 2,
                Some((i, e)) => {
                    stack.push((node, i + 1));
                    match state[e.to] {
                        1 => reversed[i] = true,
                        0 => {
                            state[e.to] = 1;
                            stack.push((e.to, 0));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    reversed
}

fn longest_paths(n: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut layers = vec![0; n];
    // Without cycles n rounds are enough.
    for _ in 0..n {
        let mut changed = false;
        for (from, to) in edges.iter().filter(|(f, t)| f != t) {
            if layers[*to] < layers[*from] + 1 {
                layers[*to] = layers[*from] + 1;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    layers
}

/// Activities that more edges leave than enter come closer to what follows: long edges cross more.
fn tightened(mut layers: Vec<usize>, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut nodes: Vec<usize> = (0..layers.len()).collect();
    nodes.sort_by_key(|i| std::cmp::Reverse(layers[*i]));
    for node in nodes {
        let after = edges.iter().filter(|(f, t)| *f == node && f != t).map(|(_, t)| layers[*t]);
        let entering = edges.iter().filter(|(f, t)| *t == node && f != t).count();
        if entering > 0
            && after.clone().count() > entering
            && let Some(next) = after.min()
        {
            layers[node] = layers[node].max(next - 1);
        }
    }
    layers
}

/// Barycentres, forth and back, then exchanges of neighbours; the order with the fewest crossings is kept.
fn reduce_crossings(cells: &[Cell], order: &mut Vec<Vec<usize>>) {
    let mut best = order.clone();
    let mut fewest = crossings(cells, order);
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        let layers: Vec<usize> = if forth { (1..order.len()).collect() } else { (0..order.len().saturating_sub(1)).rev().collect() };
        for layer in layers {
            let position = positions(cells.len(), order);
            let weight = |c: usize| {
                let near = if forth { &cells[c].before } else { &cells[c].after };
                if near.is_empty() { position[c] as f32 } else { near.iter().map(|o| position[*o] as f32).sum::<f32>() / near.len() as f32 }
            };
            order[layer].sort_by(|a, b| weight(*a).total_cmp(&weight(*b)));
        }
        exchange(cells, order);
        let now = crossings(cells, order);
        if now < fewest {
            fewest = now;
            best.clone_from(order);
        }
        if fewest == 0 {
            break;
        }
    }
    *order = best;
}

/// Exchanges neighbours as long as that takes crossings away (E. Gansner and others, "A Technique for Drawing Directed
/// Graphs", 1993: transpose).
fn exchange(cells: &[Cell], order: &mut [Vec<usize>]) {
    for _ in 0..4 {
        let mut changed = false;
        for layer in 0..order.len() {
            for i in 1..order[layer].len() {
                let position = |l: Option<&Vec<usize>>, c: usize| l.and_then(|l| l.iter().position(|o| *o == c)).unwrap_or(0);
                let (a, b) = (order[layer][i - 1], order[layer][i]);
                let (above, below) = (layer.checked_sub(1).and_then(|l| order.get(l)), order.get(layer + 1));
                let count = |x: usize, y: usize| {
                    let pairs = |xs: &[usize], ys: &[usize], l: Option<&Vec<usize>>| {
                        let ys: Vec<usize> = ys.iter().map(|y| position(l, *y)).collect();
                        xs.iter().map(|x| position(l, *x)).map(|x| ys.iter().filter(|y| x > **y).count()).sum::<usize>()
                    };
                    pairs(&cells[x].before, &cells[y].before, above) + pairs(&cells[x].after, &cells[y].after, below)
                };
                if count(b, a) < count(a, b) {
                    order[layer].swap(i - 1, i);
                    changed = true;
                }
            }
        }
        if !changed {
            return;
        }
    }
}

fn positions(count: usize, order: &[Vec<usize>]) -> Vec<usize> {
    let mut position = vec![0; count];
    for layer in order {
        for (i, c) in layer.iter().enumerate() {
            position[*c] = i;
        }
    }
    position
}

fn crossings(cells: &[Cell], order: &[Vec<usize>]) -> usize {
    let position = positions(cells.len(), order);
    let mut total = 0;
    for layer in order {
        let edges: Vec<(usize, usize)> = layer.iter().flat_map(|c| cells[*c].after.iter().map(|t| (position[*c], position[*t]))).collect();
        for (i, a) in edges.iter().enumerate() {
            total += edges[i + 1..].iter().filter(|b| (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1)).count();
        }
    }
    total
}

/// Each cell near the middle of its neighbours, without overlap.
fn place(cells: &mut [Cell], order: &[Vec<usize>]) {
    for layer in order {
        let mut y = 0.0;
        for c in layer {
            cells[*c].y = y;
            y += cells[*c].height + ROW_GAP;
        }
    }
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        let layers: Vec<usize> = if forth { (0..order.len()).collect() } else { (0..order.len()).rev().collect() };
        for layer in layers {
            let wanted: Vec<f32> = order[layer]
                .iter()
                .map(|c| {
                    let near = if forth { &cells[*c].before } else { &cells[*c].after };
                    if near.is_empty() {
                        return cells[*c].y;
                    }
                    let middle = near.iter().map(|o| cells[*o].middle()).sum::<f32>() / near.len() as f32;
                    middle - cells[*c].height / 2.0
                })
                .collect();
            settle(cells, &order[layer], &wanted);
        }
    }
}

/// Moves to the wanted places; where they collide, the group shares the middle.
fn settle(cells: &mut [Cell], layer: &[usize], wanted: &[f32]) {
    let mut groups: Vec<(f32, f32, Vec<usize>)> = vec![]; // (top, height with gaps, members)
    for (i, c) in layer.iter().enumerate() {
        let mut group = (wanted[i], cells[*c].height + ROW_GAP, vec![*c]);
        while let Some(last) = groups.last() {
            if last.0 + last.1 <= group.0 {
                break;
            }
            let Some(last) = groups.pop() else { break };
            let members = last.2.len() as f32;
            let mine = group.2.len() as f32;
            let top = (last.0 * members + (group.0 - last.1) * mine) / (members + mine);
            let mut all = last.2;
            all.extend(group.2);
            group = (top, last.1 + group.1, all);
        }
        groups.push(group);
    }
    for (top, _, members) in groups {
        let mut y = top;
        for c in members {
            cells[c].y = y;
            y += cells[c].height + ROW_GAP;
        }
    }
}

/// The rows into which a wide drawing is folded: for each the first layer.
struct Rows(Vec<usize>);

impl Rows {
    /// Folds where few edges have to go on in the next row, so that rows have about the same length.
    fn new(cells: &[Cell], chains: &[Vec<usize>], depth: usize) -> Self {
        let mut firsts = vec![0];
        let count = depth.div_ceil(LAYERS_MAX);
        for row in 1..count {
            let wanted = depth * row / count;
            let past =
                |at: usize| chains.iter().flat_map(|c| c.windows(2)).filter(|p| cells[p[1]].layer == at && cells[p[0]].layer < at).count();
            let near = (wanted.saturating_sub(1)..=wanted + 1).filter(|at| *at > firsts[row - 1] + 1 && *at < depth);
            let Some(at) = near.min_by_key(|at| (past(*at), at.abs_diff(wanted))) else { continue };
            firsts.push(at);
        }
        Self(firsts)
    }

    fn count_in(&self, layer: usize) -> usize {
        self.0.iter().rposition(|first| *first <= layer).unwrap_or(0)
    }

    /// Edges go on in the next row behind this layer.
    fn ends_with(&self, layer: usize) -> bool {
        self.0[1..].contains(&(layer + 1))
    }

    fn begins_with(&self, layer: usize) -> bool {
        self.0[1..].contains(&layer)
    }

    /// One row below the other; gives the lower end of all.
    fn shift(&self, cells: &mut [Cell]) -> f32 {
        let mut top = 0.0;
        for row in 0..self.0.len() {
            let own: Vec<usize> = (0..cells.len()).filter(|c| self.count_in(cells[*c].layer) == row).collect();
            let first = own.iter().map(|c| cells[*c].y).fold(f32::MAX, f32::min);
            let last = own.iter().map(|c| cells[*c].y + cells[*c].height).fold(f32::MIN, f32::max);
            own.iter().for_each(|c| cells[*c].y += top - first);
            top += last - first + ROW_SPACE;
        }
        (top - ROW_SPACE).max(0.0)
    }
}

/// How wide a label is, where it is not longer than is shown.
fn label_width(label: &str) -> f32 {
    label.chars().count().min(LABEL_CHARS) as f32 * LETTER
}

/// The left edge of each layer: wide enough apart for the labels between.
fn columns(graph: &Graph, layers: &[usize], depth: usize, reversed: &[bool], rows: &Rows) -> Vec<f32> {
    let mut gaps = vec![GAP; depth];
    for (e, reversed) in graph.edges.iter().zip(reversed) {
        let from = if *reversed { layers[e.to] } else { layers[e.from] };
        let wide = label_width(&e.label) + 44.0;
        gaps[from] = gaps[from].max(if e.label.is_empty() { GAP } else { wide });
    }
    let mut x = vec![0.0; depth];
    for layer in 1..depth {
        x[layer] = if rows.begins_with(layer) { LINK_SPACE } else { x[layer - 1] + WIDTH + gaps[layer - 1] };
    }
    x
}

/// Around all of a group where nothing else lies between, otherwise around each of its activities; in each row by itself.
fn frames(members: &[usize], nodes: &[Point], heights: &[f32], layers: &[usize], rows: &Rows) -> Vec<(f32, f32, f32, f32)> {
    let around = |of: &[usize]| {
        let left = of.iter().map(|m| nodes[*m].0).fold(f32::MAX, f32::min) - FRAME;
        let right = of.iter().map(|m| nodes[*m].0 + WIDTH).fold(0.0, f32::max) + FRAME;
        let top = of.iter().map(|m| nodes[*m].1).fold(f32::MAX, f32::min) - FRAME;
        let bottom = of.iter().map(|m| nodes[*m].1 + heights[*m]).fold(0.0, f32::max) + FRAME;
        (left, top, right - left, bottom - top)
    };
    let mut all = vec![];
    for row in 0..rows.0.len() {
        let own: Vec<usize> = members.iter().copied().filter(|m| rows.count_in(layers[*m]) == row).collect();
        if own.is_empty() {
            continue;
        }
        let (x, y, w, h) = around(&own);
        let touches = |i: usize| nodes[i].0 < x + w && nodes[i].0 + WIDTH > x && nodes[i].1 < y + h && nodes[i].1 + heights[i] > y;
        if (0..nodes.len()).any(|i| !members.contains(&i) && touches(i)) {
            all.extend(own.iter().map(|m| around(&[*m])));
        } else {
            all.push((x, y, w, h));
        }
    }
    all
}

struct Draw<'a> {
    graph: &'a Graph,
    cells: &'a [Cell],
    chains: &'a [Vec<usize>],
    x: &'a [f32],
    rows: &'a Rows,
    reversed: &'a [bool],
    frames: &'a [Vec<(f32, f32, f32, f32)>],
}

impl Draw<'_> {
    fn edges(&self) -> Vec<Drawn> {
        let mut letters = (b'A'..=b'Z').map(char::from).flat_map(|c| std::iter::once(c.to_string())).chain((1..).map(|n| n.to_string()));
        (0..self.graph.edges.len()).map(|i| self.edge(i, &mut letters)).collect()
    }

    fn edge(&self, i: usize, letters: &mut impl Iterator<Item = String>) -> Drawn {
        let (chain, back) = (&self.chains[i], self.reversed[i]);
        let last = chain.len() - 1;
        let mut drawn = Drawn { back, ..Drawn::default() };
        let mut piece: Vec<Point> = vec![];
        for (at, c) in chain.iter().enumerate() {
            let cell = &self.cells[*c];
            let (left, right) = (self.x[cell.layer], self.x[cell.layer] + WIDTH);
            // Where the edge comes from another row it begins anew.
            if at > 0 && self.rows.begins_with(cell.layer) {
                let from = &self.cells[chain[at - 1]];
                let letter = letters.next().unwrap_or_default();
                let end = (self.x[from.layer] + WIDTH + self.link_space(i), self.link(i, chain[at - 1], true));
                let begin = (left - LINK_SPACE, self.link(i, *c, false));
                piece.push(end);
                drawn.links.extend([(end, letter.clone()), (begin, letter)]);
                drawn.pieces.push(std::mem::take(&mut piece));
                piece.push(begin);
            }
            if at > 0 {
                piece.push((left - self.gate(i, *c, false), self.port(i, *c, false)));
            }
            if at < last {
                piece.push((right + self.gate(i, *c, true), self.port(i, *c, true)));
            }
        }
        drawn.pieces.push(piece);
        if let Some(start) = self.frame_border(i) {
            let first = if back { drawn.pieces.last_mut().and_then(|p| p.last_mut()) } else { drawn.pieces[0].first_mut() };
            first.into_iter().for_each(|p| *p = (if back { p.0 - FRAME } else { start.max(p.0) }, p.1));
        }
        if back {
            drawn.pieces.reverse();
            drawn.pieces.iter_mut().for_each(|p| p.reverse());
        }
        drawn
    }

    /// How far behind its row an edge ends: its label stands before the sign.
    fn link_space(&self, i: usize) -> f32 {
        LINK_SPACE + label_width(&self.graph.edges[i].label)
    }

    /// Where the sign of an edge stands at the end or the beginning of a row: one below the other at the same cell.
    fn link(&self, i: usize, cell: usize, right: bool) -> f32 {
        let meets = |chain: &&Vec<usize>| {
            let pairs = chain.windows(2).filter(|p| self.rows.begins_with(self.cells[p[1]].layer));
            pairs.into_iter().any(|p| p[usize::from(!right)] == cell)
        };
        let far = |other: usize| {
            let chain = &self.chains[other];
            let at = chain.iter().position(|c| *c == cell).unwrap_or(0);
            self.cells[chain[if right { at + 1 } else { at - 1 }]].middle()
        };
        let mut all: Vec<usize> = (0..self.chains.len()).filter(|o| meets(&&self.chains[*o])).collect();
        all.sort_by(|a, b| far(*a).total_cmp(&far(*b)).then(a.cmp(b)));
        let place = all.iter().position(|o| *o == i).unwrap_or(0) as f32;
        self.cells[cell].middle() + (place - (all.len() as f32 - 1.0) / 2.0) * LINK_HEIGHT
    }

    /// A way of a group begins at the border of its frame.
    fn frame_border(&self, i: usize) -> Option<f32> {
        let edge = &self.graph.edges[i];
        let middle = self.cells[edge.from].middle();
        let left = self.x[self.cells[edge.from].layer];
        let around = |f: &&(f32, f32, f32, f32)| f.0 <= left && left <= f.0 + f.2 && f.1 <= middle && middle <= f.1 + f.3;
        self.frames[edge.group?].iter().find(around).map(|f| f.0 + f.2)
    }

    /// How far a gate stands out of the box where the edge meets it.
    fn gate(&self, i: usize, cell: usize, right: bool) -> f32 {
        let Some(node) = self.graph.nodes.get(cell) else { return 0.0 };
        let is_gate = if right { node.split.is_some() } else { node.join.is_some() };
        if is_gate && self.uses_gate(i) { GATE } else { 0.0 }
    }

    /// Edges that lead back and those of groups, clocks and events meet the box itself.
    fn uses_gate(&self, i: usize) -> bool {
        !self.reversed[i] && self.graph.edges[i].group.is_none() && !self.graph.edges[i].aside
    }

    /// Where an edge meets a side of a cell: at its gate, or spread over the side by where the edges go.
    fn port(&self, i: usize, cell: usize, right: bool) -> f32 {
        let Some(node) = self.graph.nodes.get(cell) else { return self.cells[cell].middle() };
        let is_gate = if right { node.split.is_some() } else { node.join.is_some() };
        if is_gate && self.uses_gate(i) {
            return self.cells[cell].middle();
        }
        let meets = |other: &usize| {
            let chain = &self.chains[*other];
            let end = if right { chain[0] } else { chain[chain.len() - 1] };
            end == cell && chain.len() > 1 && chain[0] != chain[chain.len() - 1]
        };
        let far = |other: usize| {
            let chain = &self.chains[other];
            let next = if right { chain[1] } else { chain[chain.len() - 2] };
            // What meets the gate meets it in the middle.
            if is_gate && self.uses_gate(other) { self.cells[cell].middle() } else { self.cells[next].middle() }
        };
        let mut all: Vec<usize> = (0..self.chains.len()).filter(meets).collect();
        all.sort_by(|a, b| far(*a).total_cmp(&far(*b)).then(a.cmp(b)));
        if is_gate {
            // One port for all that meet the gate.
            let gate = all.iter().position(|o| self.uses_gate(*o));
            let mut seen = false;
            all.retain(|o| !self.uses_gate(*o) || (!std::mem::replace(&mut seen, true) && gate.is_some()));
        }
        let count = all.len() as f32;
        let place = all.iter().position(|o| *o == i).unwrap_or(0) as f32;
        self.cells[cell].y + self.cells[cell].height * (place + 1.0) / (count + 1.0)
    }
}
