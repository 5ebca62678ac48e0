// What is worked out from what was heard: places in the drawing, cells, histories, rates, questions.

import { describe, expect, it } from 'vitest';
import { cellsOf, extentOf, overlaps, overlay } from '../src/lib/cells';
import { perMinute } from '../src/lib/counts';
import { asCsv, History, SPAN_S } from '../src/lib/history';
import { pressKey } from '../src/lib/keys';
import type { Count, Element, Lbr } from '../src/lib/model';
import { isFound, moteRows, network, type MoteRow } from '../src/lib/motes';
import { receptionRatio } from '../src/lib/ratio';
import { draw, graphOf, hopPath, LABEL_SIZE, otherPath, route, type Graph } from '../src/lib/tree';
import { questionOf } from '../src/lib/wish';
import { EUI, LBR, loaded, mote, NOW, notify, PORT } from './sample';

function lbrOf(model: ReturnType<typeof loaded>): Lbr {
  const found = model.lbrs.get(LBR);
  if (found === undefined) throw new Error('the sample router is missing');
  return found;
}

const eui = (n: number): string => `141592cc0000${n.toString(16).padStart(4, '0')}`;

/** A network in which each mote names its parent, 0 for none; the first is root. */
function grown(parents: readonly number[], more: object = {}): Lbr {
  const motes = parents.map((_, at) => mote({ mote: eui(at + 1), id16: eui(at + 1).slice(-4), port: `/dev/tty${at}`, dagroot: at === 0 }));
  const status = Object.fromEntries(
    parents.flatMap((parent, at) =>
      parent === 0 ? [] : [[eui(at + 1), { mote: eui(at + 1), port: `/dev/tty${at}`, elements: { Neighbors: { t: NOW, rows: { 0: neighbor(parent) } } } }]],
    ),
  );
  return lbrOf(loaded({ inventory: { t: NOW, motes }, status, ...more }));
}

function neighbor(n: number, more: object = {}): object {
  return { used: true, parentPreference: 1, addr: { type: '64b', value: eui(n) }, rssi: -60, numTx: 100, numTxACK: 95, t: NOW, ...more };
}

function rowOf(lbr: Lbr, n: number): MoteRow {
  const row = moteRows(lbr).find((each) => each.key === eui(n));
  if (row === undefined) throw new Error(`there is no mote ${n}`);
  return row;
}

function graph(lbr: Lbr): Graph {
  return graphOf(lbr, moteRows(lbr));
}

describe('a mote', () => {
  it('is the same object while nothing of it has changed', () => {
    const before = grown([0, 1, 1]);
    const after = lbrOf(notify({ ...loaded(), lbrs: new Map([[LBR, before]]) }, 'mote-status', { mote: eui(2), port: '/dev/tty1', elements: { Asn: { t: NOW, asn: 5 } } }));
    expect(rowOf(after, 3)).toBe(rowOf(before, 3));
    expect(rowOf(after, 2)).not.toBe(rowOf(before, 2));
    expect(rowOf(after, 2).asn).toEqual({ value: 5, t: NOW, earlier: false });
  });

  it('prefers the parent that it named last', () => {
    const rows = { 0: neighbor(1, { t: NOW - 9000 }), 1: neighbor(3), 2: neighbor(4, { used: false, t: NOW + 1 }) };
    const model = notify({ ...loaded(), lbrs: new Map([[LBR, grown([0, 1, 1])]]) }, 'mote-status', { mote: eui(2), port: '/dev/tty1', elements: { Neighbors: { t: NOW, rows } } });
    expect(rowOf(lbrOf(model), 2).parent).toMatchObject({ value: { key: eui(3), told: 'neighbors', sent: 100, acked: 95 }, t: NOW });
  });

  it('has the parent of its DAO where it has no table', () => {
    const dag = { t: NOW, motes: [{ mote: eui(2), parents: [eui(1)], heard: NOW - 5, hops: 1, last_packet: NOW + 7 }] };
    const row = rowOf(grown([0, 0], { dag }), 2);
    expect(row.parent).toMatchObject({ value: { key: eui(1), told: 'dao', sent: null }, t: NOW - 5 });
    expect([row.hops, row.heard]).toEqual([1, NOW + 7]);
  });

  it('has the parent of the router’s summary while its table is not heard', () => {
    const elements = { Summary: { t: NOW, preferredParent: { mote: eui(1), rssi: -63, prr: 0.95, numTx: 20 } } };
    expect(rowOf(grown([0, 0], { status: { [eui(2)]: { mote: eui(2), port: '/dev/tty1', elements } } }), 2).parent?.value).toEqual({ key: eui(1), told: 'neighbors', rssi: -63, sent: 20, acked: 19 });
  });

  it('has parent and queue of the router’s summary while the rows of its tables are on their way, and the parent has no age yet', () => {
    const Summary = { t: NOW, preferredParent: { mote: eui(1), rssi: -63, prr: 0.95, numTx: 20 }, queue: { used: 3, of: 20 } };
    const elements = { Summary, Neighbors: { t: NOW - 1 }, Queue: { t: NOW - 2, rows: { 4: { owner: { code: 0 } } } } };
    const row = rowOf(grown([0, 0], { status: { [eui(2)]: { mote: eui(2), port: '/dev/tty1', elements } } }), 2);
    expect(row.queue).toEqual({ value: { used: 3, of: 20 }, t: NOW - 2, earlier: false });
    expect(row.parent).toMatchObject({ value: { key: eui(1), acked: 19 }, t: null });
  });

  it('is there as soon as the DODAG names it', () => {
    const dag = { t: NOW, motes: [{ mote: eui(7), parents: [eui(1)] }] };
    expect(moteRows(grown([0], { dag })).map((row) => [row.key, row.port, row.source])).toEqual([[eui(1), '/dev/tty0', 'serial'], [eui(7), null, 'dao']]);
  });

  it('of an earlier life says so, and its role falls back on the inventory', () => {
    const inventory = { t: NOW, motes: [mote({ booted: NOW + 1, boots: 3, dagroot: true })] };
    const row = moteRows(lbrOf(loaded({ inventory })))[0];
    expect(row).toMatchObject({ boots: 3, root: true, rank: { value: 512, earlier: true }, parent: { earlier: true }, queue: { value: { used: 1, of: 2 }, earlier: true } });
  });

  it('is found by any of its names', () => {
    const row = rowOf(grown([0]), 1);
    expect(['0001', ' 92CC ', 'tty0', 'tty1', ''].map((words) => isFound(row, words))).toEqual([true, true, true, false, false]);
  });

  it('that is root tells the slot number of the network', () => {
    const inventory = { t: NOW, motes: [mote({ dagroot: true, booted: NOW + 1 })] };
    const lbr = lbrOf(loaded({ inventory }));
    expect(network(lbr, moteRows(lbr))).toMatchObject({ roots: ['0001'], asn: { value: 123_456_789, earlier: true } });
  });
});

describe('the drawing', () => {
  it('leads from each mote to the root', () => {
    const { nodes } = graph(grown([0, 1, 2, 2]));
    expect(route(nodes, eui(4))).toEqual([eui(4), eui(2), eui(1)]);
    expect(route(nodes, 'nobody')).toEqual([]);
  });

  it('cuts a circle of parents at one mote, always the same', () => {
    const { nodes } = graph(grown([0, 4, 2, 3, 4]));
    expect(nodes.get(eui(2))?.parent).toBeNull();
    expect([3, 4, 5].map((n) => nodes.get(eui(n))?.parent)).toEqual([eui(2), eui(3), eui(4)]);
    expect(draw(graph(grown([0, 4, 2, 3, 4])), 900).places.size).toBe(5);
  });

  it('holds a mote that names itself its parent', () => {
    expect(graph(grown([0, 2])).nodes.get(eui(2))?.parent).toBeNull();
  });

  it('has a place for a parent that nobody else knows', () => {
    const { nodes } = graph(grown([0, 9]));
    expect(nodes.get(eui(9))).toMatchObject({ row: null, parent: null });
    expect(route(nodes, eui(2))).toEqual([eui(2), eui(9)]);
  });

  it('tells other links once, and no hop among them', () => {
    const rows = { 0: neighbor(1), 1: neighbor(3, { parentPreference: 0 }) };
    const back = { 0: neighbor(1), 1: neighbor(2, { parentPreference: 0 }) };
    const status = Object.fromEntries([[2, rows], [3, back]].map(([n, table]) => [eui(n as number), { mote: eui(n as number), elements: { Neighbors: { t: NOW, rows: table } } }]));
    expect(graph(grown([0, 1, 1], { status })).others).toEqual([[eui(2), eui(3)]]);
  });

  it.each([[[0, 1, 1, 2, 2, 3]], [[0, ...Array.from({ length: 199 }, (_, n) => 1 + Math.floor(n / 3))]]])('never lays one label over another', (parents) => {
    for (const room of [300, 5000]) {
      const drawing = draw(graph(grown(parents)), room);
      const places = [...drawing.places.values()];
      expect(places).toHaveLength(parents.length);
      for (const [at, a] of places.entries()) {
        expect(a.x >= 0 && a.y >= 0 && a.x + LABEL_SIZE.width <= drawing.width && a.y + LABEL_SIZE.height <= drawing.height).toBe(true);
        const over = places.slice(at + 1).filter((b) => Math.abs(a.x - b.x) < LABEL_SIZE.width && Math.abs(a.y - b.y) < LABEL_SIZE.height);
        expect(over).toEqual([]);
      }
    }
  });

  it('goes down the page while there is room, and to the right where there is not', () => {
    const star = graph(grown([0, 1, 1, 1, 1]));
    expect([draw(star, 900).direction, draw(star, 300).direction]).toEqual(['down', 'right']);
  });

  it('stands still while only figures change', () => {
    expect([...draw(graph(grown([0, 1, 2])), 500).places].map(([key, { x, y }]) => [key, x, y])).toEqual([...draw(graph(grown([0, 1, 2])), 500).places].map(([key, { x, y }]) => [key, x, y]));
  });

  it('has lines only between motes that stand in it', () => {
    const drawing = draw(graph(grown([0, 1])), 900);
    expect(hopPath(drawing, eui(2), eui(1))).toMatch(/^M[\d.]+ 26C/);
    expect(hopPath(drawing, eui(2), 'nobody')).toBe('');
    expect(otherPath(drawing, [[eui(1), eui(2)], [eui(1), 'nobody']])).toMatch(/^M[\d. ]+L[\d. ]+$/);
  });
});

describe('the cells', () => {
  const row = (slotOffset: unknown, channelOffset: unknown, code: number, name: string, more: object = {}): [string, unknown][] =>
    Object.entries({ slotOffset, channelOffset, type: { code, name }, shared: false, neighbor: { type: 'anycast', value: '' }, numRx: 1, numTx: 20, numTxACK: 19, ...more });

  const schedule = (...rows: [string, unknown][][]): Element => ({
    t: NOW,
    values: new Map(),
    rows: new Map(rows.map((values, at) => [String(at), { t: NOW, values: new Map(values), field: (name: string): unknown => new Map(values).get(name) }])),
  });

  it('are those in use, by slot', () => {
    const cells = cellsOf(schedule(row(9, 3, 1, 'TX'), row(0, 0, 3, 'TXRX', { shared: true }), row(5, 5, 0, 'OFF'), row(4, 4, 4, 'SERIALRX')), null);
    expect(cells.map(({ slot, letter, shared }) => [slot, letter, shared])).toEqual([[0, 'B', true], [4, '?', false], [9, 'T', false]]);
  });

  it('outside of any schedule are passed over', () => {
    expect(cellsOf(schedule(row(-1, 0, 1, 'TX'), row(1e9, 0, 1, 'TX'), row(0, 64, 1, 'TX'), row(1.5, 0, 1, 'TX'), row('x', 0, 1, 'TX'), [['value', 7]]), null)).toEqual([]);
    expect(cellsOf(undefined, null)).toEqual([]);
  });

  it('make the matrix larger where they must', () => {
    expect(extentOf([])).toEqual({ slots: 101, channels: 16 });
    expect(extentOf([{ slot: 396, channel: 20 }])).toEqual({ slots: 397, channels: 21 });
  });

  it('heard before the last boot are of an earlier life, and in no overlay', () => {
    const cells = cellsOf(schedule(row(1, 1, 1, 'TX')), NOW + 1);
    expect(cells[0]?.earlier).toBe(true);
    expect(overlay([['a', cells]])).toEqual([]);
  });

  it('of all motes tell who would disturb whom', () => {
    const own = cellsOf(schedule(row(7, 2, 1, 'TX')), null);
    const hears = cellsOf(schedule(row(7, 2, 2, 'RX'), row(3, 0, 2, 'RX')), null);
    const shares = cellsOf(schedule(row(7, 2, 1, 'TX', { shared: true })), null);
    const stacks = overlay([['a', own], ['b', own], ['c', hears], ['d', shares]]);
    expect(stacks).toEqual([
      { slot: 7, channel: 2, senders: ['a', 'b'], receivers: ['c'], sharers: ['d'] },
      { slot: 3, channel: 0, senders: [], receivers: ['c'], sharers: [] },
    ]);
    expect(stacks.map(overlaps)).toEqual([2, 0]);
  });
});

describe('a ratio', () => {
  it('is not judged below ten frames, and is none without any', () => {
    expect(receptionRatio(5, 9)).toMatchObject({ band: 'unsure', text: '56 %', hint: '5 of 9: too few to judge' });
    expect(receptionRatio(9, 10)).toMatchObject({ band: 'good', hint: '9 of 10' });
    expect([receptionRatio(0, 0), receptionRatio(null, 4), receptionRatio(4, null)]).toEqual([null, null, null]);
  });
});

describe('the history', () => {
  const values = (history: History, series: 'prr' | 'rank' | 'asn_rate' | 'queue' | 'status_rate', now: number, of: string | null = EUI): (number | null)[] =>
    history.view(LBR, of, [series], now).columns[0]?.slice(-4) ?? [];

  it('has a value for each second in which one was heard, and gaps between', () => {
    const history = new History();
    history.record(lbrOf(loaded()), NOW);
    history.record(lbrOf(loaded()), NOW + 2000);
    expect(values(history, 'rank', NOW + 3000)).toEqual([512, null, 512, null]);
    expect(values(history, 'prr', NOW + 2000)).toEqual([null, 95, null, 95]);
  });

  it('does not go on with what is no longer heard, nor with an earlier life', () => {
    const history = new History();
    history.record(lbrOf(loaded()), NOW + 31_000);
    expect([values(history, 'queue', NOW + 31_000).at(-1), values(history, 'prr', NOW + 31_000).at(-1)]).toEqual([null, 95]);
    history.record(lbrOf(loaded({ inventory: { t: NOW, motes: [mote({ booted: NOW + 1 })] } })), NOW + 32_000);
    expect(values(history, 'prr', NOW + 32_000).at(-1)).toBeNull();
  });

  it('forgets what is older than its span', () => {
    const history = new History();
    history.record(lbrOf(loaded()), NOW);
    const { times, columns } = history.view(LBR, EUI, ['rank'], NOW + SPAN_S * 1000);
    expect(times).toHaveLength(SPAN_S);
    expect(columns[0]?.every((value) => value === null)).toBe(true);
  });

  it('tells how fast the slots go, and nothing over a restart', () => {
    const history = new History();
    const at = (t: number, asn: number): Lbr => lbrOf(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements: { Asn: { t, asn } } }));
    history.record(at(NOW, 1000), NOW);
    history.record(at(NOW + 2000, 1200), NOW + 2000);
    history.record(at(NOW + 3000, 1290), NOW + 3000);
    expect(values(history, 'asn_rate', NOW + 3000)).toEqual([null, null, 100, 100]);
    history.record(at(NOW + 5000, 7), NOW + 5000);
    expect(values(history, 'asn_rate', NOW + 5000)).toEqual([100, 100, null, null]);
  });

  /** A history with the counts that came at these seconds, recorded every second up to `until`. */
  const counting = (until: number, told: Record<number, readonly [boot: string, num: number]>): History => {
    const history = new History();
    let model = loaded({ counts: {} });
    for (let second = 0; second <= until; second++) {
      const [boot, num] = told[second] ?? [];
      const at = NOW + second * 1000;
      if (num !== undefined) model = notify(model, 'event-count', { boot, counts: [{ sender: 's', signal: 'fromMote.status', num }] }, at);
      history.record(lbrOf(model), at);
    }
    return history;
  };

  it('counts the router’s frames by the second, anew after a new start', () => {
    const history = counting(5, { 0: ['a', 90], 1: ['a', 100], 2: ['a', 120], 3: ['a', 140], 4: ['b', 5], 5: ['b', 9] });
    expect(values(history, 'status_rate', NOW + 5000, null)).toEqual([null, 20, null, null]);
  });

  it('has no rate while no counts come, and then that of the whole time, not a burst', () => {
    const told = { 0: ['a', 90], 1: ['a', 100], 2: ['a', 120], 3: ['a', 140], 13: ['a', 340], 14: ['a', 360] } as const;
    const view = counting(14, told).view(LBR, null, ['status_rate'], NOW + 14_000);
    expect(view.columns[0]?.slice(-12)).toEqual([20, 20, 20, 20, ...Array.from({ length: 6 }, () => null), 20, 20]);
  });

  it('takes what another remembers, but nothing from the future', () => {
    const history = new History();
    history.feed(LBR, EUI, 'rank', [[NOW - 1000, 300], [NOW, null], [NOW + 9000, 9], [NOW - SPAN_S * 1000, 1]], NOW);
    expect(values(history, 'rank', NOW)).toEqual([null, null, 300, null]);
    expect(values(history, 'rank', NOW + 9000).at(-1)).toBeNull();
  });

  it('is saved as a table without its gaps', () => {
    expect(asCsv(['prr', 'rssi'], { times: [NOW / 1000, NOW / 1000 + 1], columns: [[null, 95], [null, null]] })).toBe('time,prr,rssi\n2025-10-09T08:53:21.000Z,95,\n');
  });
});

describe('the rate of a count', () => {
  const after = (...steps: [number, number][]): Count => {
    let model = loaded({ counts: {} });
    for (const [at, num] of steps) model = notify(model, 'event-count', { boot: 'b', counts: [{ sender: 's', signal: 'x', num }] }, NOW + at);
    const count = lbrOf(model).counts.byKey.get('s\nx');
    if (count === undefined) throw new Error('nothing was counted');
    return count;
  };

  it('is told once there is time enough to tell it', () => {
    expect(perMinute(after([0, 5]), NOW + 4000)).toBeNull();
    expect(perMinute(after([0, 5], [6000, 15]), NOW + 6000)).toBe(100);
  });

  it('follows the last half minute', () => {
    const steps = Array.from({ length: 121 }, (_, n): [number, number] => [n * 1000, n < 60 ? n * 50 : 3000 + n]);
    expect(perMinute(after(...steps), NOW + 120_000)).toBeCloseTo(60, 0);
  });

  it('of what no longer happens sinks to nothing', () => {
    expect(perMinute(after([0, 1], [1000, 2]), NOW + 60_000)).toBe(0);
  });

  it('of one event after a long silence is small', () => {
    expect(perMinute(after([0, 1], [600_000, 2]), NOW + 600_000)).toBeLessThanOrEqual(6);
  });

  it('begins anew when the count went down', () => {
    expect(after([0, 900], [9000, 3])).toMatchObject({ num: 3, changedAt: null, marks: [{ at: NOW + 9000, num: 3 }] });
  });
});

describe('a key', () => {
  it('after g names a tab, and is nothing otherwise', () => {
    expect(pressKey(null, 'g')).toEqual({ pending: 'g', action: null });
    expect(pressKey('g', 'l')).toEqual({ pending: null, action: { kind: 'tab', tab: 'log' } });
    expect(pressKey('g', 'constructor')).toEqual({ pending: null, action: null });
    expect(pressKey(null, 'l').action).toBeNull();
  });
});

describe('a question', () => {
  const rows = moteRows(grown([0, 1, 1]));
  const ask = (event: Parameters<typeof questionOf>[0]['event'], n: number, on = true): ReturnType<typeof questionOf> => {
    const row = rows.find((each) => each.key === eui(n));
    if (row === undefined) throw new Error(`there is no mote ${n}`);
    return questionOf({ event, mote: row.key, on }, row, rows);
  };

  it('is put before all that changes a mote, and warns of a second root', () => {
    expect(ask('echo-mote', 2)).toBeNull();
    expect(ask('set-dagroot', 2)).toMatchObject({ action: 'Make root', warning: 'Mote 0001 is root already. Two roots make two networks.' });
    expect(ask('toggle-dagroot', 2)?.warning).toContain('0001');
    expect(ask('set-dagroot', 1, false)).toMatchObject({ action: 'Stop being root', warning: null });
    expect(ask('reset-mote', 1)?.warning).toContain('whole network');
    expect(ask('reset-mote', 2)?.warning).toBeNull();
  });
});
