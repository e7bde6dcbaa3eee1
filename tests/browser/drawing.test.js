// Drawings of large nets: as readable as those of a layout library, on the same nets.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import dagre from '@dagrejs/dagre';

const VORGANG = process.env.VORGANG_BIN ?? path.resolve('../../target/debug/vorgang');
const ACTIVITIES = 60;
const NETS = 12;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Targets by activity: each is reached from one before it, some have several ways on, a few lead back. */
function net(seed) {
  const next = random(seed);
  const targets = Array.from({ length: ACTIVITIES }, () => new Set());
  for (let to = 1; to < ACTIVITIES; to++) {
    const from = Math.max(0, to - 1 - Math.floor(next() * next() * 6));
    targets[from].add(to);
  }
  for (let i = 0; i < ACTIVITIES / 4; i++) {
    const from = Math.floor(next() * (ACTIVITIES - 1));
    targets[from].add(Math.min(ACTIVITIES - 1, from + 1 + Math.floor(next() * 5)));
  }
  for (let i = 0; i < 4; i++) {
    const from = 10 + Math.floor(next() * (ACTIVITIES - 12));
    targets[from].add(Math.max(0, from - 2 - Math.floor(next() * 6)));
  }
  return targets.map((set, from) => [...set].filter((to) => to !== from));
}

function site(targets) {
  const activities = targets.map((to, i) => {
    const outcomes = to.map((t) => `o${t}: To ${t}`).join(', ');
    const next = to.map((t) => `o${t}: a${t}`).join(', ');
    return to.length
      ? `    a${i}: { dialogs: { form: { for: agent, outcomes: { ${outcomes} } } }, next: { ${next} } }`
      : `    a${i}: { dialogs: { form: { for: agent } }, end: e${i} }`;
  });
  return `
- { kind: Site, name: nets, language: 1, languages: en, zone: UTC, title: Nets }
- { kind: State, name: new, type: new }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: TicketType, name: case, states: [new] }
- kind: Process
  name: net
  starts: [ { by: agent, at: a0 } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
${activities.join('\n')}
`;
}

/** The points along a path of lines and cubic curves. */
function points(d) {
  const numbers = (text) => text.trim().split(/[\s,]+/).map(Number);
  const all = [];
  for (const [, command, text] of d.matchAll(/([MLC])([^MLC]*)/g)) {
    const n = numbers(text);
    if (command !== 'C') {
      all.push([n[0], n[1]]);
      continue;
    }
    const [x0, y0] = all.at(-1);
    for (let s = 1; s <= 12; s++) {
      const t = s / 12;
      const u = 1 - t;
      const at = (a, b, c, e) => u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * e;
      all.push([at(x0, n[0], n[2], n[4]), at(y0, n[1], n[3], n[5])]);
    }
  }
  return all;
}

/** Edges with their pieces, from the drawing. */
function drawn(svg) {
  return [...svg.matchAll(/<g class="way-of" data-from="(\d+)" data-to="(\d+)">(.*?)<\/g>/gs)].map(([, from, to, inner]) => ({
    from: +from,
    to: +to,
    pieces: [...inner.matchAll(/<path class="edge[^"]*" d="([^"]*)"/g)].map((m) => points(m[1])),
  }));
}

function laidOut(targets) {
  const graph = new dagre.graphlib.Graph().setGraph({ rankdir: 'LR', nodesep: 28, ranksep: 64 }).setDefaultEdgeLabel(() => ({}));
  targets.forEach((_, i) => graph.setNode(String(i), { width: 168, height: 56 }));
  targets.forEach((all, from) => all.forEach((to) => graph.setEdge(String(from), String(to))));
  dagre.layout(graph);
  return graph.edges().map((e) => ({ from: +e.v, to: +e.w, pieces: [graph.edge(e).points.map((p) => [p.x, p.y])] }));
}

/** Pairs of edges that cross somewhere; those that share an activity meet there anyway. */
function crossings(edges) {
  const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  const cross = (a, b, c, d) => side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
  const lines = (edge) => edge.pieces.flatMap((p) => p.slice(1).map((q, i) => [p[i], q]));
  let count = 0;
  edges.forEach((one, i) => {
    for (const other of edges.slice(i + 1)) {
      if ([one.from, one.to].some((n) => n === other.from || n === other.to)) continue;
      if (lines(one).some(([a, b]) => lines(other).some(([c, d]) => cross(a, b, c, d)))) count++;
    }
  });
  return count;
}

test(`crossings of ${NETS} nets with ${ACTIVITIES} activities are within twice those of dagre`, (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vorgang-drawing-'));
  const counts = [];
  for (let seed = 1; seed <= NETS; seed++) {
    const targets = net(seed);
    fs.writeFileSync(path.join(folder, 'site.yaml'), site(targets));
    let svg;
    try {
      svg = execFileSync(VORGANG, ['graph', folder, 'net'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch (error) {
      // A net that is not sound is drawn all the same.
      svg = error.stdout;
    }
    if (process.env.VORGANG_DRAWINGS) fs.writeFileSync(path.join(process.env.VORGANG_DRAWINGS, `net${seed}.svg`), svg);
    const own = drawn(svg);
    assert.equal(own.length, targets.flat().length, `net ${seed}: every edge is drawn`);
    assert.ok(own.every((e) => e.pieces.length > 0));
    counts.push([crossings(own), crossings(laidOut(targets))]);
  }
  fs.rmSync(folder, { recursive: true });
  t.diagnostic(`crossings, here and by dagre: ${counts.map((c) => c.join('/')).join(' ')}`);
  const sum = (place) => counts.reduce((all, c) => all + c[place], 0);
  assert.ok(sum(0) <= 2 * sum(1), `${sum(0)} crossings, dagre has ${sum(1)}`);
  counts.forEach(([own, other], i) => assert.ok(own <= 2 * other + 3, `net ${i + 1}: ${own} crossings, dagre has ${other}`));
});
