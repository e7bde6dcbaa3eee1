//! Layers, order within a layer, coordinates.

use super::Graph;

pub const WIDTH: f32 = 168.0;
pub const HEIGHT: f32 = 56.0;
const ROW_GAP: f32 = 28.0;
const GAP: f32 = 56.0;
const DUMMY_HEIGHT: f32 = 14.0;
/// Width of a letter of a label, on average.
const LETTER: f32 = 6.4;
const SWEEPS: usize = 12;
/// Longest label that is shown whole, in characters.
pub const LABEL_CHARS: usize = 34;

pub struct Layout {
    /// The upper left corner of each activity.
    pub nodes: Vec<(f32, f32)>,
    /// For each edge the points it goes through, from source to target.
    pub edges: Vec<Vec<(f32, f32)>>,
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

pub fn layout(graph: &Graph) -> Layout {
    let n = graph.nodes.len();
    let reversed = back_edges(graph);
    let ends = |i: usize| if reversed[i] { (graph.edges[i].to, graph.edges[i].from) } else { (graph.edges[i].from, graph.edges[i].to) };
    let layers = longest_paths(n, &(0..graph.edges.len()).map(ends).collect::<Vec<_>>());
    let mut cells: Vec<Cell> = layers.iter().map(|l| Cell { layer: *l, y: 0.0, height: HEIGHT, before: vec![], after: vec![] }).collect();
    let mut chains: Vec<Vec<usize>> = vec![];
    for i in 0..graph.edges.len() {
        let (from, to) = ends(i);
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
    let x = columns(graph, &layers, depth, &reversed);
    let height = cells.iter().map(|c| c.y + c.height).fold(0.0, f32::max);
    let edges = chains.iter().enumerate().map(|(i, chain)| points(chain, &cells, &x, reversed[i])).collect();
    Layout { nodes: (0..n).map(|i| (x[layers[i]], cells[i].y)).collect(), edges, width: x.last().map_or(0.0, |l| l + WIDTH), height }
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

/// Barycentres, forth and back; the order with the fewest crossings is kept.
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
        let now = crossings(cells, order);
        if now < fewest {
            fewest = now;
            best.clone_from(order);
        }
    }
    *order = best;
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
    for sweep in 0..SWEEPS * 2 {
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
                    let middle = near.iter().map(|o| cells[*o].y + cells[*o].height / 2.0).sum::<f32>() / near.len() as f32;
                    middle - cells[*c].height / 2.0
                })
                .collect();
            settle(cells, &order[layer], &wanted);
        }
    }
    let top = cells.iter().map(|c| c.y).fold(f32::MAX, f32::min);
    for c in cells {
        c.y -= top;
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

/// The left edge of each layer: wide enough apart for the labels between.
fn columns(graph: &Graph, layers: &[usize], depth: usize, reversed: &[bool]) -> Vec<f32> {
    let mut gaps = vec![GAP; depth];
    for (e, reversed) in graph.edges.iter().zip(reversed) {
        let from = if *reversed { layers[e.to] } else { layers[e.from] };
        let wide = e.label.chars().count().min(LABEL_CHARS) as f32 * LETTER + 40.0;
        gaps[from] = gaps[from].max(wide);
    }
    let mut x = vec![0.0; depth];
    for layer in 1..depth {
        x[layer] = x[layer - 1] + WIDTH + gaps[layer - 1];
    }
    x
}

fn points(chain: &[usize], cells: &[Cell], x: &[f32], reversed: bool) -> Vec<(f32, f32)> {
    let last = chain.len() - 1;
    let mut points = vec![];
    for (i, c) in chain.iter().enumerate() {
        let cell = &cells[*c];
        let middle = cell.y + cell.height / 2.0;
        match i {
            0 => points.push((x[cell.layer] + WIDTH, middle)),
            i if i == last => points.push((x[cell.layer], middle)),
            _ => points.extend([(x[cell.layer], middle), (x[cell.layer] + WIDTH, middle)]),
        }
    }
    if reversed {
        points.reverse();
    }
    points
}
