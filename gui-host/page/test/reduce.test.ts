import { describe, expect, it } from 'vitest';
import { MAX_COMMANDS, MAX_LBRS, MAX_LOG, MAX_ROWS } from '../src/lib/limits';
import { INITIAL_MODEL, type Lbr, type Model } from '../src/lib/model';
import { reduce } from '../src/lib/reduce';
import { ELEMENTS, EUI, LBR, link, loaded, log, mote, NOW, notify, PORT, snapshot } from './sample';

function lbr(model: Model): Lbr {
  const found = model.lbrs.get(LBR);
  if (found === undefined) throw new Error('the sample router is missing');
  return found;
}

function value(model: Model, element: string, field: string): unknown {
  return lbr(model).status.get(EUI)?.get(element)?.values.get(field);
}

describe('snapshot', () => {
  it('brings every element of a mote, known or not', () => {
    const elements = lbr(loaded()).status.get(EUI);
    expect([...(elements?.keys() ?? [])].sort()).toEqual(Object.keys(ELEMENTS).sort());
    expect(value(loaded(), 'Weather', 'celsius')).toBe(21.5);
  });

  it('replaces what an earlier one brought', () => {
    const twice = reduce(loaded(), { kind: 'snapshot', result: { seq: 9, links: [], lbrs: {} }, at: NOW });
    expect(twice.lbrs.size).toBe(0);
    expect(twice.links).toEqual([]);
  });

  it('that tells the log again keeps its lines and their numbers, and puts after them what is new', () => {
    const gap = { type: 'gap', t: NOW - 500, dropped: { 'mote-log': 3 } };
    const before = loaded();
    const entries = (model: Model): readonly object[] => lbr(model).log.entries;
    const again = reduce(before, { kind: 'snapshot', result: snapshot({ logs: [log(-2000), log(-1000), gap, log(0)] }), at: NOW });
    expect(entries(again).slice(0, 2)).toEqual(entries(before));
    expect(entries(again).slice(2)).toMatchObject([{ n: 2, kind: 'gap', dropped: '3 mote-log' }, { n: 3, text: 'line 0' }]);
    // A host that was started anew has forgotten them.
    const restarted = reduce(again, { kind: 'snapshot', result: snapshot({ logs: [log(7)] }), at: NOW });
    expect(entries(restarted).at(-1)).toMatchObject({ n: 4, text: 'line 7' });
    expect(lbr(restarted).log.nextN).toBe(5);
  });

  it('that tells the steps of a command again adds none', () => {
    const step = (state: string): object => ({ id: 'c1', state, t: NOW });
    let model = loaded({ outcomes: [step('accepted'), step('sent')] });
    model = reduce(model, { kind: 'snapshot', result: snapshot({ outcomes: [step('accepted'), step('sent')] }), at: NOW });
    model = notify(model, 'command-outcome', step('confirmed'));
    expect(model.commands.map((command) => command.trail.map((each) => each.state))).toEqual([['accepted', 'sent', 'confirmed']]);
  });

  it('keeps no more routers than its bound, and says so', () => {
    const lbrs = Object.fromEntries(Array.from({ length: MAX_LBRS + 5 }, (_, n) => [`r${n}`, {}]));
    const model = reduce(INITIAL_MODEL, { kind: 'snapshot', result: { lbrs }, at: NOW });
    expect(model.lbrs.size).toBe(MAX_LBRS);
    expect([...model.ignored.values()]).toEqual([1]);
  });
});

describe('mote-inventory', () => {
  it('is the full set: an absent mote is gone, and its status with it', () => {
    const model = notify(loaded(), 'mote-inventory', { t: NOW, motes: [mote({ mote: '141592cc00000009', port: '/dev/ttyACM0' })] });
    expect(lbr(model).motes?.map((each) => each.eui)).toEqual(['141592cc00000009']);
    expect(lbr(model).status.has(EUI)).toBe(false);
  });

  it('gives a mote what was heard on its port before it told its EUI-64', () => {
    const unnamed = { inventory: { motes: [mote({ mote: null, id16: null })] }, status: { [`port:${PORT}`]: { mote: null, port: PORT, elements: { Asn: { t: NOW, asn: 5 } } } } };
    const before = loaded(unnamed);
    expect(lbr(before).status.has(`port:${PORT}`)).toBe(true);
    const after = notify(before, 'mote-inventory', { t: NOW, motes: [mote()] });
    expect(value(after, 'Asn', 'asn')).toBe(5);
    expect(lbr(after).status.has(`port:${PORT}`)).toBe(false);
  });
});

describe('mote-status', () => {
  const change = (elements: object): Model => notify(loaded(), 'mote-status', { t: NOW, mote: EUI, port: PORT, elements });

  it('changes the elements it names and no others', () => {
    const model = change({ MyDagRank: { t: NOW + 5, myDAGrank: 256 } });
    expect(value(model, 'MyDagRank', 'myDAGrank')).toBe(256);
    expect(value(model, 'IsSync', 'isSync')).toBe(true);
  });

  it('merges table rows by number', () => {
    const rows = lbr(change({ Schedule: { t: NOW + 9, rows: { '1': { slotOffset: 44 } } } })).status.get(EUI)?.get('Schedule')?.rows;
    expect(rows?.get('0')?.values.get('numTx')).toBe(50);
    expect(rows?.get('1')?.values.get('slotOffset')).toBe(44);
  });

  it('keeps a table when only its time is told', () => {
    expect(lbr(change({ Schedule: { t: NOW + 9 } })).status.get(EUI)?.get('Schedule')?.rows?.size).toBe(2);
  });

  it('takes rows in a list by the number they bear', () => {
    const table = lbr(change({ Neighbors: { t: NOW, rows: [{ row: 4, used: false }] } })).status.get(EUI)?.get('Neighbors')?.rows;
    expect([...(table?.keys() ?? [])]).toEqual(['0', '4']);
    expect([...(table?.get('4')?.values.keys() ?? [])]).toEqual(['used']);
  });

  it('adopts what was heard on its port before the mote had a name', () => {
    const nameless = { t: NOW, mote: null, port: '/dev/ttyACM0', elements: { Asn: { t: NOW, asn: 5 }, IsSync: { t: NOW, isSync: false } } };
    let model = notify(loaded(), 'mote-status', nameless);
    model = notify(model, 'mote-status', { t: NOW, mote: 'feed', port: '/dev/ttyACM0', elements: { Asn: { t: NOW, asn: 6 } } });
    const elements = lbr(model).status.get('feed');
    expect([elements?.get('Asn')?.values.get('asn'), elements?.get('IsSync')?.values.get('isSync')]).toEqual([6, false]);
    expect(lbr(model).status.has('port:/dev/ttyACM0')).toBe(false);
  });

  it('holds a table to its bound', () => {
    const rows = Object.fromEntries(Array.from({ length: MAX_ROWS * 2 }, (_, n) => [n, { used: true }]));
    expect(lbr(change({ Neighbors: { t: NOW, rows } })).status.get(EUI)?.get('Neighbors')?.rows?.size).toBe(MAX_ROWS);
  });

  it('keeps an element that is no object as what it is', () => {
    expect(value(change({ Odd: 17 }), 'Odd', 'value')).toBe(17);
  });

  it('does not change earlier models', () => {
    const before = loaded();
    notify(before, 'mote-status', { mote: EUI, port: PORT, elements: { MyDagRank: { t: 1, myDAGrank: 1 } } });
    expect(value(before, 'MyDagRank', 'myDAGrank')).toBe(512);
  });
});

describe('event-count', () => {
  const sender = `mote_connector@${PORT}`;
  const nums = (model: Model): number[] => [...lbr(model).counts.byKey.values()].map((count) => count.num);

  it('updates the keys that changed and keeps the others', () => {
    const counts = [{ sender, signal: 'fromMote.error', num: 1 }];
    expect(nums(notify(loaded(), 'event-count', { t: NOW, boot: 'b1', counts }))).toEqual([3, 1]);
  });

  it('starts from nothing after a new boot', () => {
    const counts = [{ sender, signal: 'fromMote.data', num: 2 }];
    expect(nums(notify(loaded(), 'event-count', { t: NOW, boot: 'b2', counts }))).toEqual([2]);
  });
});

describe('dag', () => {
  const dag = (...motes: object[]): Model => notify(loaded(), 'dag', { t: NOW, motes });

  it('is the full set: what is not in it is in no DODAG', () => {
    const model = notify(dag({ mote: EUI, parents: [] }), 'dag', { t: NOW, motes: [{ mote: '141592cc00000002', parents: [EUI], hops: 1, packets: 118 }] });
    expect([...(lbr(model).dag?.motes.values() ?? [])]).toMatchObject([{ eui: '141592cc00000002', parents: [EUI], hops: 1, packets: 118, heard: null }]);
  });

  it('passes over what has no address, and bounds the parents', () => {
    const parents = Array.from({ length: 99 }, (_, n) => `p${n}`);
    expect([...(lbr(dag({ parents }, { mote: EUI, parents })).dag?.motes.values() ?? [])].map((each) => each.parents.length)).toEqual([16]);
  });
});

describe('uinject', () => {
  const source = { mote: EUI, heard: NOW, received: 1, expected: 2, pdr: 0.5, latency: null };

  it('keeps the sources that a message does not name', () => {
    let model = notify(loaded(), 'uinject', { boot: 'a', sources: [source] });
    model = notify(model, 'uinject', { boot: 'a', sources: [{ ...source, mote: 'feed', pdr: 1, latency: { last: 3, mean: 4.5 } }] });
    expect([...lbr(model).uinject.byMote].map(([mote, each]) => [mote, each.pdr, each.latencyMean])).toEqual([[EUI, 0.5, null], ['feed', 1, 4.5]]);
  });

  it('starts from nothing after another start of eventbus', () => {
    const model = notify(notify(loaded(), 'uinject', { boot: 'a', sources: [source] }), 'uinject', { boot: 'b', sources: [] });
    expect(lbr(model).uinject.byMote.size).toBe(0);
  });
});

describe('mote-log', () => {
  it('keeps the newest lines and counts those it let go', () => {
    let model = loaded({ logs: [] });
    for (let n = 0; n < MAX_LOG + 3; n++) model = notify(model, 'mote-log', log(n));
    expect(lbr(model).log.entries).toHaveLength(MAX_LOG);
    expect(lbr(model).log.older).toBe(3);
    expect(lbr(model).log.entries.at(-1)).toMatchObject({ text: `line ${MAX_LOG + 2}`, n: MAX_LOG + 2 });
  });

  it('shows a gap where lines are missing', () => {
    const model = notify(loaded(), 'gap', { t: NOW, dropped: { 'mote-log': 12 } });
    expect(lbr(model).log.entries.at(-1)).toMatchObject({ kind: 'gap', dropped: '12 mote-log' });
  });

  it('falls back on the name of the error when there is no text', () => {
    const model = notify(loaded(), 'mote-log', log(1, { text: undefined, severity: 'strange' }));
    expect(lbr(model).log.entries.at(-1)).toMatchObject({ text: 'maxretries [4,0]', severity: 'other', severityWord: 'strange' });
  });
});

describe('link', () => {
  const phases = (model: Model): string[] => model.links.map((each) => `${each.lbr?.id ?? each.target ?? '-'} ${each.phase}`);

  it('replaces the placeholder and the target it was reached through', () => {
    let model = reduce(INITIAL_MODEL, { kind: 'snapshot', result: { links: [link('none', { lbr: null, target: null })] }, at: NOW });
    model = notify(model, 'link', link('connecting', { lbr: null }), NOW, null);
    expect(phases(model)).toEqual(['root@attic connecting']);
    model = notify(model, 'link', link('live'), NOW, LBR);
    expect(phases(model)).toEqual([`${LBR} live`]);
  });

  it('keeps other routers in their places', () => {
    const other = link('live', { lbr: { id: 'lbr-2', name: 'cellar' }, target: null });
    let model = notify(loaded(), 'link', other, NOW, 'lbr-2');
    model = notify(model, 'link', link('lost'), NOW, LBR);
    expect(phases(model)).toEqual([`${LBR} lost`, 'lbr-2 live']);
  });

  it('takes a state it does not know as lost, so that commands stay disabled', () => {
    expect(notify(loaded(), 'link', link('asleep')).links[0]?.phase).toBe('lost');
  });
});

describe('the clock of the router', () => {
  const YEARS = 20 * 365 * 86_400_000;

  it('is learnt from the snapshot when it is far off', () => {
    const early = { inventory: null, logs: [], health: { t: NOW - YEARS, processes: [] }, status: {} };
    expect(lbr(loaded(early)).clockOffset).toBe(YEARS);
  });

  it('is learnt best from the quickest message', () => {
    let model = notify(loaded(), 'lbr-health', { t: NOW - 900, processes: [] });
    model = notify(model, 'lbr-health', { t: NOW - 40, processes: [] }, NOW);
    expect(lbr(model).clockOffset).toBe(0);
  });

  it('is learnt anew when it was set', () => {
    const model = notify(loaded(), 'lbr-health', { t: NOW - YEARS, processes: [] });
    expect(lbr(model).clockOffset).toBe(YEARS);
  });
});

describe('commands', () => {
  const ask = (model: Model): Model =>
    reduce(model, { kind: 'command-asked', key: 'k', lbr: LBR, event: 'set-dagroot', mote: EUI, on: true, at: NOW });
  const take = (model: Model): Model => reduce(model, { kind: 'command-taken', key: 'k', id: 'c1', at: NOW });
  const outcome = (model: Model, state: string, detail = ''): Model => notify(model, 'command-outcome', { id: 'c1', state, detail });
  const states = (model: Model): string[] => model.commands.map((each) => each.trail.map((step) => step.state).join(' '));

  it('are followed from pending to confirmed', () => {
    const model = outcome(outcome(outcome(take(ask(loaded())), 'accepted'), 'sent'), 'confirmed', 'reported root');
    expect(states(model)).toEqual(['pending accepted sent confirmed']);
    expect(model.commands[0]).toMatchObject({ state: 'confirmed', detail: 'reported root', mote: EUI });
  });

  it('may hear of their outcome before they have an id', () => {
    const model = take(outcome(outcome(ask(loaded()), 'accepted'), 'sent'));
    expect(states(model)).toEqual(['pending accepted sent']);
  });

  it('stay ended once they have ended', () => {
    const model = outcome(outcome(take(ask(loaded())), 'timed-out', 'no report'), 'confirmed');
    expect(model.commands[0]).toMatchObject({ state: 'timed-out', detail: 'no report' });
  });

  it('fail with the reason when gui-host does not take them', () => {
    const model = reduce(ask(loaded()), { kind: 'command-failed', key: 'k', detail: 'unknown lbr', at: NOW });
    expect(model.commands[0]).toMatchObject({ state: 'failed', detail: 'unknown lbr' });
  });

  it('survive a new snapshot, which may bring their end', () => {
    const again = { kind: 'snapshot' as const, result: { links: [], lbrs: { [LBR]: { outcomes: [{ id: 'c1', state: 'confirmed', detail: 'x' }] } } }, at: NOW };
    expect(states(reduce(take(ask(loaded())), again))).toEqual(['pending confirmed']);
  });

  it('that come with a snapshot are as old as they say, by this computer’s clock', () => {
    // The router believes it is an hour earlier.
    const skew = 3_600_000;
    const outcomes = [{ id: 'c9', state: 'refused', event: 'reset-mote', mote: EUI, t: NOW - skew - 90_000 }];
    const health = { t: NOW - skew, processes: [] };
    const model = reduce(INITIAL_MODEL, { kind: 'snapshot', result: { links: [link()], lbrs: { [LBR]: { outcomes, health } } }, at: NOW });
    expect(model.commands).toMatchObject([{ event: 'reset-mote', mote: EUI, askedAt: NOW - 90_000, trail: [{ state: 'refused', at: NOW - 90_000 }] }]);
  });

  it('are bounded', () => {
    let model = loaded();
    for (let n = 0; n < MAX_COMMANDS + 9; n++) model = notify(model, 'command-outcome', { id: `c${n}`, state: 'accepted' });
    expect(model.commands).toHaveLength(MAX_COMMANDS);
  });
});

describe('bad input', () => {
  /** A small generator with a seed: the same messages on every run. */
  function generator(seed: number): () => number {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  }

  const NAMES = ['t', 'mote', 'port', 'elements', 'rows', 'motes', 'counts', 'boot', 'logs', 'lbr', 'id', 'state', 'detail', 'links', 'lbrs', 'stages', 'stderr', 'commands', 'inventory', 'status', 'health', 'processes', 'ports', 'faults', 'echo', 'dag', 'uinject', 'sources', 'parents', 'latency', 'inbox', 'dropped', 'outcomes', 'severity', 'component', 'text', 'Schedule', 'Neighbors', '0', '__proto__', 'constructor'];

  function anything(random: () => number, depth: number): unknown {
    const pick = Math.floor(random() * (depth === 0 ? 6 : 9));
    if (pick === 0) return null;
    if (pick === 1) return random() < 0.5;
    if (pick === 2) return Math.floor(random() * 1e6) - 10;
    if (pick === 3) return random() < 0.5 ? EUI : 'live';
    if (pick === 4) return '';
    if (pick === 5) return -1.5e300;
    const size = Math.floor(random() * 5);
    if (pick === 6) return Array.from({ length: size }, () => anything(random, depth - 1));
    const pairs = Array.from({ length: size }, () => [NAMES[Math.floor(random() * NAMES.length)] ?? '', anything(random, depth - 1)]);
    // By way of JSON, as the messages come: there `__proto__` is an ordinary key.
    return JSON.parse(`{${pairs.map(([name, each]) => `${JSON.stringify(name)}:${JSON.stringify(each)}`).join(',')}}`);
  }

  const TOPICS = ['link', 'mote-inventory', 'mote-status', 'event-count', 'mote-log', 'gap', 'lbr-health', 'command-outcome', 'dag', 'uinject', 'news'];

  it('never throws and never loses what was known of other routers', () => {
    const random = generator(2024);
    let model = loaded();
    for (let n = 0; n < 5000; n++) {
      const topic = TOPICS[n % TOPICS.length] ?? '';
      model = notify(model, topic, anything(random, 4), NOW, random() < 0.5 ? 'other' : null);
      model = reduce(model, { kind: 'notification', topic, params: anything(random, 3), at: NOW });
      reduce(model, { kind: 'snapshot', result: anything(random, 5), at: NOW });
    }
    expect(value(model, 'MyDagRank', 'myDAGrank')).toBe(512);
    expect(model.ignored.size).toBeGreaterThan(0);
  });

  it('counts what it could not use', () => {
    const model = notify(notify(loaded(), 'mote-status', { elements: {} }), 'mote-log', 'text');
    expect(Object.fromEntries(model.ignored)).toEqual({ 'mote-status: of unknown shape': 1, 'mote-log: no message': 1 });
  });

  it('takes a topic of a newer host as nothing', () => {
    const before = loaded();
    expect(lbr(notify(before, 'weather', { t: NOW, motes: [] })).motes).toEqual(lbr(before).motes);
  });
});
