// The DODAG as a drawing: who prefers whom as parent, who else hears whom, and where each mote stands. Pure, and the
// same network always stands in the same places.

import { hierarchy, tree, type HierarchyPointNode } from 'd3-hierarchy';
import type { Lbr } from './model';
import { neighborsHeard, shortName, type Heard, type MoteRow, type Parent } from './motes';

export interface Node {
  readonly key: string;
  readonly name: string;
  /** Null for a mote that is heard by others and known in no other way. */
  readonly row: MoteRow | null;
  /** Null at the top, and where following the parents would go round in a circle. */
  readonly parent: string | null;
  readonly by: Heard<Parent> | null;
}

export type Pair = readonly [string, string];

export interface Graph {
  readonly nodes: ReadonlyMap<string, Node>;
  /** Motes that hear each other without being parent and child, each pair once. */
  readonly others: readonly Pair[];
}

export function graphOf(lbr: Lbr, rows: readonly MoteRow[]): Graph {
  const nodes = new Map<string, Node>();
  for (const row of rows) {
    if (row.eui === null || nodes.has(row.key)) continue;
    const by = row.root === true ? null : row.parent;
    nodes.set(row.key, { key: row.key, name: shortName(row), row, parent: by?.value.key ?? null, by });
  }
  const heard = heardPairs(lbr, nodes);
  const pairs = [...heard, ...[...nodes.values()].flatMap(({ key, parent }): Pair[] => (parent === null ? [] : [[key, parent]]))];
  for (const key of pairs.flat()) {
    if (!nodes.has(key)) nodes.set(key, { key, name: key.slice(-4), row: null, parent: null, by: null });
  }
  for (const key of circles(nodes)) {
    const node = nodes.get(key);
    if (node !== undefined) nodes.set(key, { ...node, parent: null });
  }
  return { nodes, others: heard.filter(([a, b]) => nodes.get(a)?.parent !== b && nodes.get(b)?.parent !== a) };
}

function heardPairs(lbr: Lbr, nodes: ReadonlyMap<string, Node>): readonly Pair[] {
  const pairs = new Map<string, Pair>();
  for (const key of nodes.keys()) {
    const table = lbr.status.get(key)?.get('Neighbors');
    for (const other of table === undefined ? [] : neighborsHeard(table)) {
      if (other === key) continue;
      const pair: Pair = key < other ? [key, other] : [other, key];
      pairs.set(pair.join(' '), pair);
    }
  }
  return [...pairs.values()];
}

/** One mote of each circle of parents, the one with the least address: there the circle is cut. */
function circles(nodes: ReadonlyMap<string, Node>): readonly string[] {
  const done = new Set<string>();
  const cut: string[] = [];
  for (const start of nodes.keys()) {
    const path: string[] = [];
    let at: string | null = start;
    while (at !== null && !done.has(at) && !path.includes(at)) {
      path.push(at);
      at = nodes.get(at)?.parent ?? null;
    }
    if (at !== null && path.includes(at)) cut.push(...path.slice(path.indexOf(at)).toSorted().slice(0, 1));
    for (const key of path) done.add(key);
  }
  return cut;
}

/** The motes from this one up to the root, itself first. */
export function route(nodes: ReadonlyMap<string, Node>, key: string | null): readonly string[] {
  const path: string[] = [];
  let at = key;
  while (at !== null && nodes.has(at) && !path.includes(at)) {
    path.push(at);
    at = nodes.get(at)?.parent ?? null;
  }
  return path;
}

export type Direction = 'down' | 'right';

/** Room for one mote's label, and from one hop to the next. */
const LABEL = { width: 94, height: 26 } as const;
const STEP = { down: { across: 104, along: 66 }, right: { across: 30, along: 136 } } as const;

export interface Place {
  readonly node: Node;
  /** Of the label's left upper corner. */
  readonly x: number;
  readonly y: number;
}

export interface Drawing {
  readonly direction: Direction;
  readonly width: number;
  readonly height: number;
  readonly places: ReadonlyMap<string, Place>;
}

export const LABEL_SIZE = LABEL;

interface Branch {
  readonly node: Node | null;
  readonly children: readonly Branch[];
}

/** Down the page while that is narrow enough, else from left to right, where many motes are only tall. */
export function draw(graph: Graph, room: number): Drawing {
  const down = drawn(graph, 'down');
  return down.width <= room ? down : drawn(graph, 'right');
}

function drawn(graph: Graph, direction: Direction): Drawing {
  const { across, along } = STEP[direction];
  const points = tree<Branch>()
    .nodeSize([across, along])
    .separation(() => 1)(hierarchy(branches(graph)))
    .descendants()
    .filter((point) => point.data.node !== null);
  const least = Math.min(0, ...points.map((point) => point.x));
  const places = new Map(points.map((point) => placed(point, direction, least, along)));
  const all = [...places.values()];
  const far = (of: (place: Place) => number): number => Math.max(0, ...all.map(of));
  return { direction, places, width: far((place) => place.x) + LABEL.width, height: far((place) => place.y) + LABEL.height };
}

function placed({ x, y, data }: HierarchyPointNode<Branch>, direction: Direction, least: number, along: number): [string, Place] {
  // The branch above all tops is not drawn: the tops stand on the first line.
  const [over, down] = [x - least, y - along];
  const node = data.node as Node;
  return [node.key, direction === 'down' ? { node, x: over, y: down } : { node, x: down, y: over }];
}

/** One branch above all tops: roots first, then motes without a known parent, then those that are only heard. */
function branches({ nodes }: Graph): Branch {
  const below = new Map<string | null, Node[]>();
  for (const node of nodes.values()) {
    const above = node.parent;
    below.set(above, [...(below.get(above) ?? []), node]);
  }
  const order = (node: Node): string => `${node.row?.root === true ? 0 : node.row === null ? 2 : 1}${node.key}`;
  const grow = (node: Node | null): Branch => ({
    node,
    children: (below.get(node?.key ?? null) ?? []).toSorted((a, b) => (order(a) < order(b) ? -1 : 1)).map(grow),
  });
  return grow(null);
}

export interface Sight {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** How far beyond what is seen things are drawn, in pixels, and in which steps that moves. */
const AROUND = 200;

/** What is drawn while so much is seen. */
export function inSight({ left, top, width, height }: Sight): Sight {
  const [x, y] = [Math.floor(left / AROUND) * AROUND, Math.floor(top / AROUND) * AROUND];
  return { left: x - AROUND, top: y - AROUND, width: width + 3 * AROUND, height: height + 3 * AROUND };
}

/** Whether a mote's label, and the line to its parent, reach into what is drawn. */
export function reachOf(drawing: Drawing, { node, x, y }: Place, scale: number, sight: Sight): { readonly label: boolean; readonly hop: boolean } {
  const within = (x1: number, y1: number, x2: number, y2: number): boolean =>
    x2 * scale >= sight.left && x1 * scale <= sight.left + sight.width && y2 * scale >= sight.top && y1 * scale <= sight.top + sight.height;
  const above = node.parent === null ? undefined : drawing.places.get(node.parent);
  const hop = above !== undefined && within(Math.min(x, above.x), Math.min(y, above.y), Math.max(x, above.x) + LABEL.width, Math.max(y, above.y) + LABEL.height);
  return { label: within(x, y, x + LABEL.width, y + LABEL.height), hop };
}

export type Side = 'up' | 'down' | 'left' | 'right';

/** The mote that stands nearest on one side of another: the one straight ahead rather than a closer one askew. */
export function beside({ places }: Drawing, key: string, side: Side): string | null {
  const from = places.get(key);
  if (from === undefined) return null;
  const upright = side === 'up' || side === 'down';
  const sign = side === 'down' || side === 'right' ? 1 : -1;
  let best: { readonly key: string; readonly far: number } | null = null;
  for (const [other, to] of places) {
    const [ahead, askew] = upright ? [sign * (to.y - from.y), Math.abs(to.x - from.x)] : [sign * (to.x - from.x), Math.abs(to.y - from.y)];
    const far = ahead + 2 * askew;
    if (ahead > 0 && (best === null || far < best.far)) best = { key: other, far };
  }
  return best?.key ?? null;
}

/** The line of a hop: from the middle of the parent's far side to the middle of the child's near side. */
export function hopPath({ places, direction }: Drawing, child: string, parent: string): string {
  const [from, to] = [places.get(parent), places.get(child)];
  if (from === undefined || to === undefined) return '';
  if (direction === 'down') {
    const [x1, y1, x2, y2] = [from.x + LABEL.width / 2, from.y + LABEL.height, to.x + LABEL.width / 2, to.y];
    return `M${x1} ${y1}C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`;
  }
  const [x1, y1, x2, y2] = [from.x + LABEL.width, from.y + LABEL.height / 2, to.x, to.y + LABEL.height / 2];
  return `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`;
}

/** All other links in one path, from middle to middle. */
export function otherPath({ places }: Drawing, pairs: readonly Pair[]): string {
  return pairs
    .flatMap(([a, b]) => {
      const [from, to] = [places.get(a), places.get(b)];
      if (from === undefined || to === undefined) return [];
      const middle = (place: Place): string => `${place.x + LABEL.width / 2} ${place.y + LABEL.height / 2}`;
      return [`M${middle(from)}L${middle(to)}`];
    })
    .join('');
}
