// The page as a whole, mounted with a model: what a person sees and can press.

import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../src/App.svelte';
import { SCALARS, TABLES } from '../src/lib/elements';
import type { Selection } from '../src/lib/fragment';
import { later } from '../src/lib/later.svelte';
import type { Model } from '../src/lib/model';
import type { Past } from '../src/lib/past';
import { reduce } from '../src/lib/reduce';
import { Session } from '../src/lib/session.svelte';
import { ticker } from '../src/lib/ticker.svelte';
import { ELEMENTS, EUI, LBR, link, loaded, log, mote, notify, NOW, PORT, snapshot } from './sample';

/** The test's browser has no canvas: what a chart would draw is kept instead. */
const plots = vi.hoisted((): { data: unknown[] }[] => []);
vi.mock('uplot', () => ({
  default: class {
    data: unknown[];
    constructor(_: unknown, data: unknown[]) {
      this.data = data;
      plots.push(this);
    }
    setData(data: unknown[]): void {
      this.data = data;
    }
    setSize(): void {
      // It has no size here.
    }
    redraw(): void {
      // Nor colours.
    }
    destroy(): void {
      plots.splice(plots.indexOf(this), 1);
    }
  },
}));

/** The test's browser lays nothing out. What waits for the first layout is told that there was one. */
vi.stubGlobal(
  'ResizeObserver',
  class {
    readonly #look: (entries: readonly object[]) => void;
    constructor(look: (entries: readonly object[]) => void) {
      this.#look = look;
    }
    observe(): void {
      this.#look([]);
    }
    unobserve(): void {
      // Nothing is watched.
    }
    disconnect(): void {
      // Nothing is watched.
    }
  },
);

let session: Session;
let app: object;

beforeAll(() => later.fetch());

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  document.body.innerHTML = '';
  window.history.replaceState(null, '', '#');
  ticker.now = NOW;
  session = new Session();
  app = mount(App, { target: document.body, props: { session } });
});

afterEach(() => {
  void unmount(app);
  vi.useRealTimers();
});

function show(model: Model): void {
  session.model = model;
  flushSync();
}

/** Two routers with the same motes, the first in this state. */
function both(state = 'live', name = 'cellar'): Model {
  const { lbrs } = snapshot() as { lbrs: Record<string, object> };
  const second = link('live', { lbr: { id: 'lbr-2', name, hostname: 'attic.local', version: '0.1.0' }, target: 'root@cellar' });
  const result = { seq: 1, links: [link(state), second], lbrs: { ...lbrs, 'lbr-2': lbrs[LBR] } };
  return reduce(loaded(), { kind: 'snapshot', result, at: NOW });
}

function select(change: Partial<Selection>): void {
  session.select(change);
  flushSync();
}

function press(key: string): void {
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  flushSync();
}

/** The question over the page. */
function dialog(): HTMLDialogElement {
  const found = document.querySelector('dialog');
  if (found === null) throw new Error('there is no dialog');
  return found;
}

function choose(label: string): void {
  const found = [...dialog().querySelectorAll('button')].find((each) => each.textContent === label);
  if (found === undefined) throw new Error(`there is no choice "${label}"`);
  found.click();
  flushSync();
}

function words(): string {
  return document.body.textContent.replace(/\s+/g, ' ');
}

function button(label: string): HTMLButtonElement {
  const found = [...document.querySelectorAll('button')].find((each) => each.textContent.trim().startsWith(label));
  if (found === undefined) throw new Error(`there is no button "${label}"`);
  return found;
}

function section(name: string): Element {
  const found = [...document.querySelectorAll('section')].findLast((each) => each.querySelector('h2, h3')?.textContent === name);
  if (found === undefined) throw new Error(`there is no section "${name}"`);
  return found;
}

describe('a mote', () => {
  it('shows all 13 elements and the one nobody knows', () => {
    show(loaded());
    const scalars = SCALARS.map((spec) => spec.name);
    expect([...scalars, ...TABLES]).toHaveLength(13);
    for (const name of [...scalars, 'Weather']) expect(section(name).textContent).toContain(name);
    expect(section('Weather').textContent).toContain('{"celsius":21.5}');
    for (const [view, name] of [['neighbours', 'Neighbors'], ['schedule', 'Schedule'], ['queue', 'Queue']] as const) {
      select({ view });
      expect(section('Mote 0001').querySelector('h3')?.textContent).toBe(name);
    }
  });

  it('shows no element of the sample without its value', () => {
    show(loaded());
    expect(section('Asn').textContent).toContain('123\u202f456\u202f789');
    expect(section('MacStats').textContent).toContain('1.00 %');
    expect(section('IdManager').textContent).toContain('bbbb::/64');
    select({ view: 'neighbours' });
    expect(section('Mote 0001').textContent).toMatch(/141592cc00000002.*-63 dBm.*95 %/s);
    select({ view: 'queue' });
    expect(section('Mote 0001').textContent).toContain('ICMPv6RPL');
  });

  it('shows nothing where the firmware has nothing to tell yet', () => {
    const elements = { MacStats: { t: NOW, minCorrection: 127, maxCorrection: -127 }, Joined: { t: NOW, joinedAsn: 0 } };
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements }));
    expect(section('MacStats').textContent).toMatch(/min correction\s*–.*max correction\s*–/s);
    expect(section('Joined').textContent).toContain('not joined');
    const root = { ...elements, IdManager: { ...ELEMENTS.IdManager, isDAGroot: true } };
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements: root }));
    expect(section('Joined').textContent).toMatch(/at ASN\s*root/);
  });

  it('that is known by its packets is old after minutes, one on a cable after half a minute', () => {
    const far = mote({ source: 'dao', port: null, mote: '141592cc00000007', id16: '0007', last_heard: NOW - 60_000 });
    show(loaded({ inventory: { t: NOW, motes: [mote({ last_heard: NOW - 60_000 }), far] }, status: {} }));
    const old = (): boolean[] => [...section('Motes').querySelectorAll('td:nth-child(2) .age')].map((age) => age.querySelector('.tone-fair') !== null);
    expect(old()).toEqual([true, false]);
    ticker.now = NOW + 300_000;
    flushSync();
    expect(old()).toEqual([true, true]);
  });

  it('has no figure in the table that looks fresh when it is old, or of an earlier life', () => {
    const looks = (): string[] => [...section('Motes').querySelectorAll('tbody .old')].map((each) => each.textContent.trim());
    show(loaded());
    expect(looks()).toEqual([]);
    ticker.now = NOW + 31_000;
    flushSync();
    expect(looks()).toEqual(['joined', '512', '1/2', '1.00 %']);
    ticker.now = NOW + 301_000;
    flushSync();
    expect(looks()).toEqual(['joined', '512', '0002', '95 %100', '-63', '1/2', '1.00 %']);
    ticker.now = NOW;
    show(loaded({ inventory: { t: NOW, motes: [mote({ boots: 1, booted: NOW + 1 })] } }));
    expect(looks()).toContain('95 %100');
    expect(section('Motes').querySelector('td.old')?.getAttribute('title')).toMatch(/^Heard before the mote’s last boot; 2025-/);
  });

  it('hides unused rows until they are asked for', () => {
    select({ view: 'schedule' });
    show(loaded());
    const rows = (): number => section('Mote 0001').querySelectorAll('tbody tr').length;
    expect(rows()).toBe(1);
    button('Show unused').click();
    flushSync();
    expect(rows()).toBe(2);
  });

  it('gives unknown fields of rows and elements a place', () => {
    const rows = { '0': { ...ELEMENTS.Neighbors.rows['0'], novel: 7, other: { a: 1 } } };
    const elements = { Neighbors: { t: NOW, rows, size: 30 }, MyDagRank: { t: NOW, myDAGrank: 512, dodag: 'x1' } };
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements }));
    expect(section('MyDagRank').textContent).toMatch(/dodag\s*x1/);
    select({ view: 'neighbours' });
    expect(section('Mote 0001').textContent).toMatch(/size: 30.*novel.*other.*\{"a":1\}/s);
  });

  it('says when it has not gone through all rows of a table yet', () => {
    const summary = (of: number | null): object => ({ Summary: { t: NOW, neighbors: { used: 1, heard: 1, of } } });
    select({ view: 'neighbours' });
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements: summary(null) }));
    expect(section('Mote 0001').textContent).toContain('not all rows heard yet');
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements: summary(30) }));
    expect(section('Mote 0001').textContent).not.toContain('not all rows heard yet');
    select({ view: 'status' });
    expect(words()).not.toContain('An element this page does not know');
  });

  it('shows elements of odd shape raw instead of failing', () => {
    const elements = { Asn: { asn: { high: 1 } }, Schedule: 7, Queue: { rows: [1, null, { owner: 'x' }] }, IsSync: null, MacStats: { rows: { a: {} } }, Neighbors: { rows: { a: 5 } } };
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements }));
    expect(section('Asn').textContent).toContain('{"high":1}');
    for (const view of ['neighbours', 'schedule', 'history'] as const) select({ view });
    select({ view: 'queue' });
    expect(section('Mote 0001').querySelectorAll('tbody tr')).toHaveLength(3);
    select({ tab: 'schedule' });
    select({ tab: 'schedule', cells: 'all' });
    expect(words()).toContain('cells in use by 1 motes');
  });

  it('marks what was heard before it booted last, and nothing else', () => {
    const inventory = { t: NOW, motes: [mote({ boots: 2, booted: NOW - 5000 })] };
    const elements = { Asn: { t: NOW - 9000, asn: 7 }, IsSync: { t: NOW - 1000, isSync: true } };
    show(notify(loaded({ inventory }), 'mote-status', { mote: EUI, port: PORT, elements }));
    expect(section('Asn').classList.contains('earlier')).toBe(true);
    expect(section('Asn').textContent).toContain('before the last boot');
    expect(section('IsSync').classList.contains('earlier')).toBe(false);
    expect(section('Mote 0001').textContent).toContain('2 seen');
  });

  it('without a cable tells what its packets tell', () => {
    const far = { source: 'dao', port: null, mote: '141592cc00000007', id16: '0007' };
    const dag = { t: NOW, motes: [{ mote: far.mote, root: EUI, parents: [EUI], heard: NOW - 42_000, hops: 1, address: 'bbbb::7', last_packet: NOW - 1500, packets: 118 }] };
    const source = { mote: far.mote, heard: NOW, received: 114, expected: 120, pdr: 0.95, latency: { last: 38, mean: 40.5 }, tx_cells: 12, rx_cells: 1, duty_cycle: 0.03 };
    show(loaded({ inventory: { t: NOW, motes: [mote(), mote(far)] }, dag, uinject: { boot: 'b', sources: [source] } }));
    select({ mote: far.mote });
    expect(section('Mote 0007').textContent?.replace(/\s+/g, ' ')).toMatch(/0007 → 0001 → 0002 2 hops, parent by DAO 42 s.*118.*bbbb::7.*PDR 95.0 %.*114 of 120.*38.0 slots.*mean 40.5 slots/);
    expect(document.querySelector('svg a[aria-label^="0007: 141592cc00000007"]')).not.toBeNull();
  });

  it('that two ports claim is shown twice', () => {
    show(notify(loaded(), 'mote-inventory', { motes: [mote(), mote({ port: '/dev/ttyUSB1' }), mote()] }));
    expect(section('Motes').querySelectorAll('tbody tr')).toHaveLength(2);
  });

  it('cannot write into the page', () => {
    const hostile = '<img src=x onerror=alert(1)>';
    show(notify(loaded(), 'mote-log', { t: NOW, severity: 'error', text: hostile, mote: EUI, component: { name: hostile } }));
    expect(document.querySelector('img')).toBeNull();
    expect(section('Log').textContent).toContain(hostile);
  });
});

describe('one of several routers', () => {
  it('stays in sight when it falls silent, until another one is chosen', () => {
    show(loaded());
    const title = (): string => document.querySelector('h1')?.textContent ?? '';
    show(both('stale'));
    expect([title().includes('attic'), words().includes('STALE')]).toEqual([true, true]);
    select({ lbr: 'lbr-2' });
    expect(title()).toContain('cellar');
    select({ lbr: null });
    expect(title()).toContain('cellar');
  });

  it('is named in the question before a command', () => {
    show(both('live', 'attic'));
    expect([...document.querySelectorAll('.router option')].map((each) => each.textContent)).toEqual([
      'attic (attic.local, lbr-1) – live',
      'attic (attic.local, lbr-2) – live',
    ]);
    button('Reset mote').click();
    flushSync();
    expect(dialog().textContent).toContain('Reset mote 0001 at attic (attic.local, lbr-1)?');
  });
});

describe('the root button', () => {
  it('asks the person, then for the opposite of what the mote last reported', () => {
    const ask = vi.spyOn(session, 'ask').mockReturnValue();
    show(loaded());
    button('Make root').click();
    flushSync();
    expect(dialog().textContent).toContain('Make mote 0001 DAG root?');
    expect(ask).not.toHaveBeenCalled();
    choose('Make root');
    expect(ask).toHaveBeenLastCalledWith(LBR, { event: 'set-dagroot', mote: EUI, on: true });
    const elements = { IdManager: { ...ELEMENTS.IdManager, isDAGroot: true } };
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements }));
    button('Stop being root').click();
    flushSync();
    choose('Stop being root');
    expect(ask).toHaveBeenLastCalledWith(LBR, { event: 'set-dagroot', mote: EUI, on: false });
  });

  it('warns where another mote is root already', () => {
    show(loaded({ inventory: { t: NOW, motes: [mote(), mote({ mote: '141592cc00000009', id16: '0009', port: '/dev/ttyUSB1', dagroot: true })] } }));
    button('Make root').click();
    flushSync();
    expect(dialog().textContent).toContain('Mote 0009 is root already');
  });

  it('waits while a command is on its way, and shows its steps', () => {
    let model = reduce(loaded(), { kind: 'command-asked', key: 'k', lbr: LBR, event: 'set-dagroot', mote: EUI, on: true, at: NOW });
    show(model);
    expect(words()).toContain('pending');
    button('Make root').click();
    flushSync();
    expect(document.querySelector('dialog')).toBeNull();
    model = reduce(model, { kind: 'command-taken', key: 'k', id: 'c1', at: NOW });
    show(notify(model, 'command-outcome', { id: 'c1', state: 'refused', detail: 'busy' }));
    expect(words()).toMatch(/refused.*busy/);
    button('Make root').click();
    flushSync();
    expect(dialog().open).toBe(true);
  });

  it.each(['stale', 'lost', 'connecting'])('is disabled while the link is %s', (state) => {
    show(notify(loaded(), 'link', link(state)));
    expect(button('Make root').disabled).toBe(true);
    expect(button('Toggle').disabled).toBe(true);
  });

  it('is disabled while the page has no connection', () => {
    show(reduce(loaded(), { kind: 'server', server: { kind: 'waiting', retryAt: NOW + 4000, reason: 'lost' } }));
    expect(button('Make root').disabled).toBe(true);
    expect(words()).toContain('again in 4 s');
  });
});

describe('the reset button', () => {
  it('asks before it resets', () => {
    const ask = vi.spyOn(session, 'ask').mockReturnValue();
    show(loaded());
    button('Reset mote').click();
    flushSync();
    expect(dialog().open).toBe(true);
    expect(dialog().textContent).toContain('Reset mote 0001?');
    expect(ask).not.toHaveBeenCalled();
    choose('Reset');
    expect(ask).toHaveBeenCalledExactlyOnceWith(LBR, { event: 'reset-mote', mote: EUI });
    expect(document.querySelector('dialog')).toBeNull();
  });

  it('resets nothing when cancelled', () => {
    const ask = vi.spyOn(session, 'ask').mockReturnValue();
    show(loaded());
    button('Reset mote').click();
    flushSync();
    choose('Cancel');
    expect(document.querySelector('dialog')).toBeNull();
    expect(ask).not.toHaveBeenCalled();
  });

  it('resets the mote it asked about, though the panel has come to show another', () => {
    const ask = vi.spyOn(session, 'ask').mockReturnValue();
    show(loaded());
    button('Reset mote').click();
    const first = mote({ mote: '0000000000000001', id16: '00aa', port: '/dev/ttyUSB7' });
    show(notify(loaded(), 'mote-inventory', { motes: [first, mote()] }));
    expect(section('Mote 00aa')).toBeDefined();
    expect(dialog().textContent).toContain('Reset mote 0001?');
    choose('Reset');
    expect(ask).toHaveBeenCalledExactlyOnceWith(LBR, { event: 'reset-mote', mote: EUI });
  });

  it('cannot reset once the link is no longer live', () => {
    const ask = vi.spyOn(session, 'ask').mockReturnValue();
    show(loaded());
    button('Reset mote').click();
    show(notify(loaded(), 'link', link('stale')));
    expect(button('Reset mote').disabled).toBe(true);
    choose('Reset');
    expect(ask).not.toHaveBeenCalled();
  });

  it('is there for a mote whose other command has not ended', () => {
    show(reduce(loaded(), { kind: 'command-asked', key: 'k', lbr: LBR, event: 'echo-mote', mote: EUI, on: null, at: NOW }));
    button('Reset mote').click();
    flushSync();
    expect(dialog().open).toBe(true);
  });
});

describe('the echo test', () => {
  it('is asked for once at a time, and its figures are shown', () => {
    const ask = vi.spyOn(session, 'ask').mockReturnValue();
    show(loaded());
    button('Echo test').click();
    expect(ask).toHaveBeenCalledExactlyOnceWith(LBR, { event: 'echo-mote', mote: EUI });
    let model = reduce(loaded(), { kind: 'command-asked', key: 'k', lbr: LBR, event: 'echo-mote', mote: EUI, on: null, at: NOW });
    show(model);
    button('Echo test').click();
    expect(ask).toHaveBeenCalledOnce();
    model = reduce(model, { kind: 'command-taken', key: 'k', id: 'c1', at: NOW });
    const echo = { sent: 10, ok: 9, corrupted: 0, timed_out: 1, round_trip_ms: { least: 4.1, mean: 5.035, most: 9.3 } };
    show(notify(model, 'command-outcome', { id: 'c1', state: 'confirmed', detail: '10 sent, 9 back', echo }));
    expect(document.querySelector('.trail')?.textContent).toMatch(/echo test.*confirmed.*sent ?10.*right ?9/s);
    select({ tab: 'commands' });
    expect(words()).toMatch(/timed out ?1.*4\.1 \/ 5\.0 \/ 9\.3 ms/);
  });

  it('is disabled while the link is stale', () => {
    show(notify(loaded(), 'link', link('stale')));
    expect(button('Echo test').disabled).toBe(true);
  });
});

describe('the charts', () => {
  it('draw a second more with each tick, and nothing once they are gone', () => {
    select({ view: 'history' });
    show(loaded());
    expect(plots).toHaveLength(7);
    const lbr = session.model.lbrs.get(LBR);
    if (lbr === undefined) throw new Error('the sample router is missing');
    session.history.record(lbr, NOW + 1000);
    ticker.now = NOW + 1000;
    flushSync();
    expect(plots.at(-6)?.data.map((column) => (column as unknown[]).at(-1))).toEqual([Math.floor(NOW / 1000) + 1, 95]);
    expect(section('Mote 0001').textContent).toMatch(/PRR to the parent\s*95.0 %/);
    // What was so a while ago is in the drawing, and not said to be so.
    ticker.now = NOW + 12_000;
    flushSync();
    expect(section('Mote 0001').textContent).toMatch(/PRR to the parent\s*–/);
    select({ tab: 'log' });
    expect(plots).toHaveLength(0);
  });
});

describe('the history', () => {
  const past = (span: number, more: object = {}): Past => ({ from: NOW - span, to: NOW, stepMs: span / 100, series: new Map([['rank', [[NOW - span, 512], [NOW - 1, 768]]]]), marks: [], trouble: '', ...more });

  it('further back is what gui-host tells, of the mote that is shown, and no sooner than it is looked at', async () => {
    const recall = vi.spyOn(session, 'recall').mockImplementation((_, __, span) => Promise.resolve(past(span === '7d' ? 604_800_000 : 900_000)));
    show(loaded());
    await vi.advanceTimersByTimeAsync(0);
    expect(recall.mock.calls.map(([, mote]) => mote)).toEqual([null]);
    select({ view: 'history', span: '7d' });
    await vi.advanceTimersByTimeAsync(0);
    flushSync();
    expect(recall).toHaveBeenLastCalledWith(LBR, EUI, '7d');
    const rank = plots.find((plot) => (plot.data[1] as unknown[] | undefined)?.[0] === 512);
    expect(rank?.data.map((column) => (column as unknown[]).length)).toEqual([100, 100]);
    expect(document.querySelector('[aria-label="Rank, the last 7 d"]')).not.toBeNull();
  });

  it('names what happened, and says what the host lacks', async () => {
    const marks = [{ at: NOW - 60_000, kind: 'boot', name: '', value: 2, text: '' }];
    vi.spyOn(session, 'recall').mockResolvedValue(past(900_000, { marks, trouble: 'the disk is full' }));
    select({ view: 'history' });
    show(loaded());
    await vi.advanceTimersByTimeAsync(0);
    flushSync();
    expect(section('Mote 0001').textContent).toMatch(/the disk is full.*What happened in the last 15 min.*booted \(2 seen\)/s);
  });

  it('is asked for again after each snapshot', async () => {
    const recall = vi.spyOn(session, 'recall').mockResolvedValue(past(900_000));
    show(loaded());
    await vi.advanceTimersByTimeAsync(0);
    const before = recall.mock.calls.length;
    session.episode++;
    flushSync();
    expect(recall.mock.calls.length).toBe(before + 1);
    // What the page could not tell itself in its first seconds.
    await vi.advanceTimersByTimeAsync(5_000);
    expect(recall.mock.calls.length).toBe(before + 2);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(recall.mock.calls.length).toBe(before + 2);
  });
});

describe('the tabs', () => {
  it('are chosen by two keys, and kept in the address', () => {
    show(loaded());
    for (const [key, heading] of [['s', 'Schedule of mote 0001'], ['l', 'Log'], ['c', 'Commands'], ['n', 'Event counts'], ['h', 'Router health'], ['o', 'DODAG']] as const) {
      press('g');
      press(key);
      expect(section(heading)).toBeDefined();
    }
    press('g');
    press('h');
    expect(location.hash).toBe('#tab=health');
  });

  it('tell the figures of the ports', () => {
    const port = { port: PORT, link: 'up', since: NOW - 60_000, baud: 115_200, rx_bytes: 451_207, rx_frames: 11_840, tx_bytes: 180, tx_frames: 12, noise_bytes: 31, stalls: 4, forced_resumes: 1, openings: 2, faults: { 'bad-crc': 3 } };
    select({ tab: 'health' });
    show(notify(loaded(), 'lbr-health', { t: NOW, processes: [], ports: [port] }));
    expect(section('Serial ports').textContent).toMatch(/ttyUSB0.*1 min.*115\u202f200.*11\u202f840.*451\u202f207.*31.*4.*1 forced.*bad-crc 3/s);
  });

  it('show a schedule as buttons that say what they are', () => {
    select({ tab: 'schedule' });
    show(loaded());
    const cells = [...section('Schedule of mote 0001').querySelectorAll('.grid button')];
    expect(cells.map((cell) => cell.getAttribute('aria-label'))).toEqual(['slot 0, channel 0: TXRX, with anycast, shared']);
    expect(cells[0]?.textContent?.trim()).toBe('B');
  });
});

describe('the keys', () => {
  const three = { t: NOW, motes: ['0001', '0002', '0003'].map((id16, at) => mote({ id16, mote: `141592cc0000${id16}`, port: `/dev/ttyUSB${at}` })) };

  it('step from mote to mote and stop at the ends', () => {
    show(loaded({ inventory: three }));
    press('j');
    press('j');
    press('j');
    expect(session.selection.mote).toBe('141592cc00000003');
    press('k');
    expect(session.selection.mote).toBe('141592cc00000002');
  });

  it('step in the order that is shown', () => {
    show(loaded({ inventory: three }));
    button('Mote').click();
    flushSync();
    select({ mote: '141592cc00000003' });
    press('j');
    expect(session.selection.mote).toBe('141592cc00000002');
    select({ tab: 'log' });
    press('j');
    expect(session.selection.mote).toBe('141592cc00000001');
  });

  it('leave the search first, and then the chosen mote', () => {
    show(loaded({ inventory: three }));
    select({ find: '0002', mote: '141592cc00000002' });
    press('Escape');
    expect(session.selection).toMatchObject({ find: '', mote: '141592cc00000002' });
    document.querySelector<HTMLInputElement>('.search input')?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    expect(session.selection.mote).toBe('141592cc00000002');
    press('Escape');
    expect(session.selection.mote).toBeNull();
  });

  it('are letters in a field', () => {
    show(loaded({ inventory: three }));
    press('/');
    const field = document.querySelector<HTMLInputElement>('.search input');
    expect(document.activeElement).toBe(field);
    field?.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
    expect(session.selection.mote).toBeNull();
    field?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    expect(document.activeElement).not.toBe(field);
  });

  it('tell themselves', () => {
    show(loaded());
    press('?');
    expect(dialog().textContent).toContain('search a mote');
  });
});

describe('the search', () => {
  it('marks what it found in the table and in the drawing', () => {
    show(loaded());
    select({ find: '00000001' });
    expect(document.querySelectorAll('tr.found')).toHaveLength(1);
    expect(document.querySelectorAll('svg a.chosen')).toHaveLength(1);
    expect(words()).toContain('1 found');
    select({ find: 'ffff' });
    expect(document.querySelectorAll('tr.lit')).toHaveLength(1);
    expect(document.querySelectorAll('tr.found')).toHaveLength(0);
  });
});

describe('the search among several motes', () => {
  it('lights up what it found, and not the chosen one', () => {
    const two = ['0001', '0002'].map((id16, at) => mote({ id16, mote: `141592cc0000${id16}`, port: `/dev/ttyUSB${at}` }));
    show(loaded({ inventory: { t: NOW, motes: two } }));
    const lit = (): string[] => [...document.querySelectorAll('tr.lit a')].map((each) => each.textContent.trim());
    expect(lit()).toEqual(['0001']);
    select({ find: '0002' });
    expect(lit()).toEqual(['0002']);
    expect(document.querySelector('tr.chosen a')?.textContent.trim()).toBe('0001');
  });
});

describe('the drawing', () => {
  it('shows no hop as fresh whose parent was heard long ago', () => {
    const look = (): string[] => [...(document.querySelector('path.hop')?.classList ?? [])].filter((name) => ['good', 'old'].includes(name));
    show(loaded());
    expect(look()).toEqual(['good']);
    ticker.now = NOW + 301_000;
    flushSync();
    expect(look()).toEqual(['old']);
    expect(document.querySelector('svg a[aria-label^="0001 95 %"]')?.getAttribute('aria-label')).toContain(', which is long ago');
  });

  it('is saved whole, with what lies out of sight', async () => {
    const { charts } = later;
    if (charts === null) throw new Error('the later parts are missing');
    const drawn: number[] = [];
    later.charts = { ...charts, savePicture: (_, drawing) => Promise.resolve(void drawn.push(drawing.querySelectorAll('rect').length)) };
    show(loaded());
    button('PNG').click();
    await vi.advanceTimersByTimeAsync(0);
    later.charts = charts;
    expect(drawn).toEqual([2]);
  });

  it('names the root’s neighbour that nobody else knows as heard only', () => {
    show(loaded());
    expect(document.querySelector('svg a.ghost')?.getAttribute('aria-label')).toBe('0002: 141592cc00000002, heard by others only');
    expect(section('DODAG').textContent).toContain('1 motes, 1 heard only');
  });
});

describe('a long port', () => {
  const long = '/dev/serial/by-id/usb-FTDI_Dual_RS232-HS-if00-port0';

  it('is whole in the text and the tooltip of every panel', () => {
    const counts = { boot: 'b1', counts: [{ sender: `mote_connector@${long}`, signal: 's', num: 3 }] };
    const said = { t: NOW, mote: null, port: long, severity: 'info', text: 'x' };
    show(loaded({ inventory: { t: NOW, motes: [mote({ port: long })] }, counts, logs: [said] }));
    const whole = (name: string): void => expect(section(name).querySelector(`[title="${long}"]`)?.textContent, name).toBe(long);
    for (const name of ['Motes', 'Mote 0001', 'Log']) whole(name);
    select({ tab: 'counts' });
    whole('Event counts');
  });

  it('stands in for the address of a mote that has not told it', () => {
    show(loaded({ inventory: { t: NOW, motes: [mote({ port: long, mote: null, id16: null })] } }));
    expect(section('Motes').querySelector('tbody th')?.textContent).toContain('-if00-port0');
    expect(section('Motes').textContent).toContain(long);
  });
});

describe('the link', () => {
  it('is told to readers without the seconds that tick', () => {
    show(notify(loaded(), 'link', link('stale', { last_message: NOW - 23_000 })));
    expect(document.querySelector('header [role=status]')?.textContent).toBe('STALE, attic');
    expect(document.querySelector('.pill')?.textContent).toBe('STALE 23 s');
  });

  it('that is missing brings the commands to copy', () => {
    const none = { links: [link('none', { lbr: null, target: null, commands: ['first command', 'second command'] })], lbrs: {} };
    show(reduce(loaded(), { kind: 'snapshot', result: none, at: NOW }));
    expect([...document.querySelectorAll('code')].map((each) => each.textContent)).toEqual(['first command', 'second command']);
  });

  it('that is missing brings the routers that announce themselves, and the search can be made again', async () => {
    const offer = { name: '<b>roof</b>', id: 'a1', version: '0.1.0', host: 'roof.local', port: 2222, addresses: ['192.0.2.7'], command: 'gui-host --lbr ssh://USER@192.0.2.7:2222' };
    const discover = vi.spyOn(session, 'discover').mockResolvedValue([offer, { ...offer, name: 'attic', command: null }]);
    const none = { links: [link('none', { lbr: null, target: null, commands: [] })], lbrs: {} };
    show(reduce(loaded(), { kind: 'snapshot', result: none, at: NOW }));
    await vi.advanceTimersByTimeAsync(0);
    flushSync();
    expect(words()).toMatch(/<b>roof<\/b> id a1 · version 0\.1\.0 · roof\.local, 192\.0\.2\.7 · port 2222.*attic.*has not told its address/);
    expect([...document.querySelectorAll('code')].map((each) => each.textContent)).toEqual([offer.command]);
    discover.mockRejectedValue(new Error('the port is taken'));
    button('Look again').click();
    await vi.advanceTimersByTimeAsync(0);
    flushSync();
    expect(words()).toContain('They could not be looked for: the port is taken.');
    show(loaded());
    expect(words()).not.toContain('Routers on the local network');
  });

  it('that is being made shows its stages and ssh’s words', () => {
    const stages = [{ name: 'ssh started', state: 'done', t: NOW - 2000, text: '' }, { name: 'forward accepted', state: 'active', t: NOW - 1000, text: '' }];
    show(reduce(loaded(), { kind: 'snapshot', result: { links: [link('connecting', { lbr: null, stages, stderr: ['Permission denied'] })] }, at: NOW }));
    expect(words()).toMatch(/ssh started: done.*forward accepted: active\s*for 1 s.*Permission denied/);
  });
});

describe('the counts', () => {
  it('name sender and signal by their kind and their port', () => {
    const counts = [{ sender: `mote_connector@${PORT}`, signal: `fromMote.data@${PORT}`, num: 3 }];
    select({ tab: 'counts' });
    show(loaded({ counts: { boot: 'b1', counts } }));
    const texts = (part: string): string[] => [...section('Event counts').querySelectorAll(part)].map((each) => each.textContent);
    expect(texts('td .kind')).toEqual(['mote_connector', 'fromMote.data']);
    expect(texts('td .port .port')).toEqual([PORT, PORT]);
  });

  it('are sorted by the heading that was pressed', () => {
    const counts = [1, 30, 4].map((num) => ({ sender: 's', signal: `signal ${num}`, num }));
    select({ tab: 'counts' });
    show(notify(loaded({ counts: {} }), 'event-count', { boot: 'b1', counts }));
    const nums = (): string[] => [...section('Event counts').querySelectorAll('tbody td:nth-child(3)')].map((each) => each.textContent);
    expect(nums()).toEqual(['1', '4', '30']);
    button('Count').click();
    flushSync();
    expect(nums()).toEqual(['30', '4', '1']);
  });
});

describe('the log', () => {
  it('tells how many lines it let go', () => {
    let model = loaded({ logs: [] });
    for (let n = 0; n < 502; n++) model = notify(model, 'mote-log', { t: NOW, severity: 'info', text: `line ${n}` });
    show(model);
    const [lines, box] = [(): number => section('Log').querySelectorAll('li').length, document.querySelector('.lines')];
    expect(lines()).toBe(80);
    expect(section('Log').textContent).toContain('420 lines before: scroll up');
    // Each time a person comes near to the first line, more are put before it.
    Object.defineProperties(box, { scrollHeight: { value: 5000 }, clientHeight: { value: 300 } });
    for (let turn = 0; turn < 6; turn++) {
      if (box !== null) box.scrollTop = 0;
      box?.dispatchEvent(new Event('scroll'));
      flushSync();
    }
    expect(lines()).toBe(500);
    expect(section('Log').textContent).toContain('(2 older dropped)');
  });

  it('hides a severity that is switched off', () => {
    show(loaded());
    expect(section('Log').querySelectorAll('li')).toHaveLength(2);
    button('error').click();
    flushSync();
    expect(section('Log').querySelectorAll('li')).toHaveLength(0);
  });

  it('stands still while it is paused, and tells how many wait', () => {
    const model = loaded();
    show(model);
    button('Pause').click();
    show(notify(model, 'mote-log', { t: NOW, severity: 'info', text: 'meanwhile' }));
    expect(section('Log').textContent).not.toContain('meanwhile');
    button('Go on (1)').click();
    flushSync();
    expect(section('Log').textContent).toContain('meanwhile');
  });

  it('shows only what comes after it was cleared', () => {
    const model = loaded();
    show(model);
    button('Clear').click();
    flushSync();
    expect(section('Log').textContent).toContain('Cleared');
    show(notify(model, 'mote-log', { t: NOW, severity: 'info', text: 'afterwards' }));
    expect(section('Log').querySelectorAll('li')).toHaveLength(1);
  });

  it('that was cleared or paused shows what is said after the page has connected again', () => {
    const again = (...logs: object[]): Model => reduce(loaded(), { kind: 'snapshot', result: snapshot({ logs: [log(-2000), log(-1000), ...logs] }), at: NOW });
    const lines = (): number => section('Log').querySelectorAll('li').length;
    show(loaded());
    button('Clear').click();
    flushSync();
    show(again());
    expect(lines()).toBe(0);
    show(again(log(0)));
    expect([lines(), section('Log').textContent.includes('line 0')]).toEqual([1, true]);
    button('Pause').click();
    show(again(log(0), log(1)));
    expect(lines()).toBe(1);
    button('Go on (1)').click();
    flushSync();
    expect(lines()).toBe(2);
  });

  it('of another router is not held back by what was done to this one’s', () => {
    show(both());
    button('Clear').click();
    button('Pause').click();
    flushSync();
    select({ lbr: 'lbr-2' });
    expect(section('Log').querySelectorAll('li')).toHaveLength(2);
    expect(button('Pause').getAttribute('aria-pressed')).toBe('false');
  });

  it('may be of one mote', () => {
    show(notify(loaded(), 'mote-log', { t: NOW, mote: '141592cc00000009', severity: 'info', text: 'another' }));
    select({ from: '141592cc00000009' });
    expect(section('Log').querySelectorAll('li')).toHaveLength(1);
  });
});
