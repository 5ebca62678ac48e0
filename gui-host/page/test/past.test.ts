// What gui-host remembers, and what of a large network is drawn.

import { describe, expect, it } from 'vitest';
import { History } from '../src/lib/history';
import { markWords, readPast, viewOf, type Mark } from '../src/lib/past';
import { readOffers } from '../src/lib/offer';
import { beside, draw, inSight, reachOf, type Graph, type Node } from '../src/lib/tree';
import { rowsInSight, SHORT } from '../src/lib/window';
import { LBR, NOW } from './sample';

const FROM = Math.floor(NOW / 1000) * 1000 - 10_000;

function answer(more: object = {}): object {
  return {
    lbr: LBR,
    mote: null,
    from: FROM,
    to: FROM + 10_000,
    step_ms: 1000,
    kept: { from: 'database', lost: 0 },
    series: { queue: [[FROM, 3], [FROM + 2000, 5], [FROM + 3000, null]] },
    marks: [{ t: FROM + 500, kind: 'boot', value: 2 }],
    ...more,
  };
}

describe('an answer about history', () => {
  it('becomes a view with a place for each step', () => {
    const past = readPast(answer());
    if (past === null) throw new Error('it was not read');
    const { times, columns } = viewOf(past, ['queue', 'rank']);
    expect(times).toHaveLength(10);
    expect(times[0]).toBe(FROM / 1000);
    expect(columns[0]).toEqual([3, null, 5, null, null, null, null, null, null, null]);
    expect(columns[1]?.every((value) => value === null)).toBe(true);
    expect(past.marks).toHaveLength(1);
    expect(past.trouble).toBe('');
  });

  it('of odd shape is not used, and never throws', () => {
    for (const odd of [null, 7, [], {}, answer({ step_ms: 0 }), answer({ to: FROM - 1 }), answer({ to: FROM + 1e12 }), answer({ from: 'x' })]) {
      expect(readPast(odd)).toBeNull();
    }
    const past = readPast(answer({ series: { queue: [1, [], ['x', 2], [FROM + 99_000, 1]], rank: 7 }, marks: [null, {}, { t: 1 }], kept: [] }));
    expect(past).not.toBeNull();
    if (past !== null) expect(viewOf(past, ['queue', 'rank']).columns.flat().every((value) => value === null)).toBe(true);
    expect(past?.marks).toEqual([]);
  });

  it('says what the host lacks', () => {
    const trouble = (kept: object): string | undefined => readPast(answer({ kept }))?.trouble;
    expect(trouble({ from: 'memory', lost: 0 })).toContain('no history on disk');
    expect(trouble({ from: 'memory', trouble: 'the disk is full', lost: 0 })).toContain('the disk is full');
    expect(trouble({ from: 'database', lost: 3 })).toContain('3 records');
  });

  it('fills the ring of the page, and only as far as the ring goes back', () => {
    const history = new History();
    const past = readPast(answer());
    const now = FROM + 10_000;
    for (const [series, points] of past?.series ?? []) history.feed(LBR, null, series, points, now);
    history.feed(LBR, null, 'queue', [[now - 1_000_000, 9], [now + 5000, 9]], now);
    const [queue] = history.view(LBR, null, ['queue'], now).columns;
    expect(queue?.filter((value) => value !== null)).toEqual([3, 5]);
  });

  it('names what happened', () => {
    const words = (mark: Partial<Mark>): string => markWords({ at: 0, kind: '', name: '', value: null, text: '', ...mark }, (key) => key.slice(-4));
    expect(words({ kind: 'boot', value: 2 })).toBe('booted (2 seen)');
    expect(words({ kind: 'parent', name: 'dao', text: '141592cc00000003' })).toBe('parent 0003, by its DAO');
    expect(words({ kind: 'link', name: 'silent' })).toBe('link silent');
    expect(words({ kind: 'novel', name: 'x', value: 1 })).toBe('novel x 1');
  });
});

describe('routers on the local network', () => {
  it('are read from whatever announces itself', () => {
    const offer = { name: 'roof', id: 'a1', version: '0.1.0', host: 'roof.local', port: 22, addresses: ['192.0.2.7', 7], command: 'gui-host --lbr USER@192.0.2.7' };
    expect(readOffers({ routers: [offer, 7] })).toEqual([
      { ...offer, addresses: ['192.0.2.7'] },
      { name: '?', id: null, version: null, host: '', port: null, addresses: [], command: null },
    ]);
    expect(readOffers(null)).toEqual([]);
    expect(readOffers({ routers: Array.from({ length: 500 }, () => offer) })).toHaveLength(64);
  });
});

describe('a long table', () => {
  const seen = (top: number): { top: number; height: number; rowHeight: number } => ({ top, height: 400, rowHeight: 40 });

  it('draws what is in sight and a few rows around it', () => {
    const [from, to] = rowsInSight(1000, seen(20_000), null);
    expect(from).toBeLessThanOrEqual(500 - 8);
    expect(to).toBeGreaterThanOrEqual(510 + 8);
    expect(to - from).toBeLessThan(50);
  });

  it('draws the beginning and the end, wherever it is scrolled to', () => {
    expect(rowsInSight(1000, seen(0), null)[0]).toBe(0);
    expect(rowsInSight(1000, seen(40_000 - 400), null)[1]).toBe(1000);
    // After rows have gone, it may be scrolled beyond the end for a moment.
    const [from, to] = rowsInSight(100, seen(90_000), null);
    expect(to - from).toBeGreaterThan(0);
    expect(to).toBe(100);
  });

  it('keeps the row that has the focus, and draws a short table whole', () => {
    const [from, to] = rowsInSight(1000, seen(20_000), 3);
    expect(from).toBe(3);
    expect(to).toBeGreaterThan(510);
    expect(rowsInSight(SHORT, seen(20_000), null)).toEqual([0, SHORT]);
  });
});

describe('a large drawing', () => {
  const node = (key: string, parent: string | null): Node => ({ key, name: key, row: null, parent, by: null });
  const nodes = new Map([node('a', null), node('b', 'a'), node('c', 'a'), node('d', 'a'), node('e', 'c')].map((each) => [each.key, each]));
  const graph: Graph = { nodes, others: [] };

  it('is walked through by its sides, in both directions', () => {
    const down = draw(graph, 5000);
    expect([beside(down, 'a', 'down'), beside(down, 'b', 'right'), beside(down, 'c', 'down'), beside(down, 'e', 'up')]).toEqual(['c', 'c', 'e', 'c']);
    expect([beside(down, 'a', 'up'), beside(down, 'nobody', 'up')]).toEqual([null, null]);
    const right = draw(graph, 0);
    expect([beside(right, 'a', 'right'), beside(right, 'b', 'down'), beside(right, 'e', 'left')]).toEqual(['c', 'c', 'c']);
  });

  it('leaves out what is far from what is seen', () => {
    const many: Graph = { nodes: new Map(Array.from({ length: 300 }, (_, n) => [`m${n}`, node(`m${n}`, n === 0 ? null : 'm0')])), others: [] };
    const drawing = draw(many, 0);
    const sight = inSight({ left: 0, top: 4000, width: 600, height: 600 });
    const drawn = [...drawing.places.values()].filter((place) => reachOf(drawing, place, 1, sight).label);
    expect(drawn.length).toBeGreaterThan(20);
    expect(drawn.length).toBeLessThan(60);
  });
});
