// The page as a whole, mounted with a model: what a person sees and can press.

import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import App from '../src/App.svelte';
import { SCALARS, TABLES } from '../src/lib/elements';
import type { Model } from '../src/lib/model';
import { reduce } from '../src/lib/reduce';
import { Session } from '../src/lib/session.svelte';
import { ticker } from '../src/lib/ticker.svelte';
import { ELEMENTS, EUI, LBR, link, loaded, mote, NOW, notify, PORT } from './sample';

let session: Session;
let app: object;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  document.body.innerHTML = '';
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
    const names = [...SCALARS, ...TABLES].map((spec) => spec.name);
    expect(names).toHaveLength(13);
    for (const name of [...names, 'Weather']) expect(section(name).textContent).toContain(name);
    expect(section('Weather').textContent).toContain('{"celsius":21.5}');
  });

  it('shows no element of the sample without its value', () => {
    show(loaded());
    expect(section('Asn').textContent).toContain('123\u202f456\u202f789');
    expect(section('MacStats').textContent).toContain('1.00 %');
    expect(section('IdManager').textContent).toContain('bbbb::/64');
    expect(section('Neighbors').textContent).toMatch(/141592cc00000002.*-63 dBm.*95 %/s);
    expect(section('Queue').textContent).toContain('ICMPv6RPL');
  });

  it('hides unused rows until they are asked for', () => {
    show(loaded());
    const rows = (): number => section('Schedule').querySelectorAll('tbody tr').length;
    expect(rows()).toBe(1);
    section('Schedule').querySelector('button')?.click();
    flushSync();
    expect(rows()).toBe(2);
  });

  it('gives unknown fields of rows and elements a place', () => {
    const rows = { '0': { ...ELEMENTS.Neighbors.rows['0'], novel: 7, other: { a: 1 } } };
    const elements = { Neighbors: { t: NOW, rows, size: 30 }, MyDagRank: { t: NOW, myDAGrank: 512, dodag: 'x1' } };
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements }));
    expect(section('Neighbors').textContent).toMatch(/size: 30.*novel.*other.*\{"a":1\}/s);
    expect(section('MyDagRank').textContent).toMatch(/dodag\s*x1/);
  });

  it('shows elements of odd shape raw instead of failing', () => {
    const elements = { Asn: { asn: { high: 1 } }, Schedule: 7, Queue: { rows: [1, null, { owner: 'x' }] }, IsSync: null, MacStats: { rows: { a: {} } } };
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements }));
    expect(section('Asn').textContent).toContain('{"high":1}');
    expect(section('Queue').querySelectorAll('tbody tr')).toHaveLength(3);
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

describe('the root button', () => {
  it('asks for the opposite of what the mote last reported', () => {
    const setRoot = vi.spyOn(session, 'setRoot').mockReturnValue();
    show(loaded());
    button('Make root').click();
    expect(setRoot).toHaveBeenLastCalledWith(LBR, EUI, true);
    const elements = { IdManager: { ...ELEMENTS.IdManager, isDAGroot: true } };
    show(notify(loaded(), 'mote-status', { mote: EUI, port: PORT, elements }));
    button('Stop being root').click();
    expect(setRoot).toHaveBeenLastCalledWith(LBR, EUI, false);
  });

  it('waits while a command is on its way, and shows its steps', () => {
    const setRoot = vi.spyOn(session, 'setRoot').mockReturnValue();
    let model = reduce(loaded(), { kind: 'command-asked', key: 'k', lbr: LBR, event: 'set-dagroot', mote: EUI, on: true, at: NOW });
    show(model);
    expect(words()).toContain('pending');
    button('Make root').click();
    expect(setRoot).not.toHaveBeenCalled();
    model = reduce(model, { kind: 'command-taken', key: 'k', id: 'c1', at: NOW });
    show(notify(model, 'command-outcome', { id: 'c1', state: 'refused', detail: 'busy' }));
    expect(words()).toMatch(/refused.*busy/);
    button('Make root').click();
    expect(setRoot).toHaveBeenCalledOnce();
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
  const dialog = (): HTMLDialogElement => {
    const found = document.querySelector('dialog');
    if (found === null) throw new Error('there is no dialog');
    return found;
  };
  const choice = (label: string): HTMLButtonElement => {
    const found = [...dialog().querySelectorAll('button')].find((each) => each.textContent === label);
    if (found === undefined) throw new Error(`there is no choice "${label}"`);
    return found;
  };

  it('asks before it resets', () => {
    const resetMote = vi.spyOn(session, 'resetMote').mockReturnValue();
    show(loaded());
    button('Reset mote').click();
    flushSync();
    expect(dialog().open).toBe(true);
    expect(dialog().textContent).toContain('Reset mote 0001?');
    expect(resetMote).not.toHaveBeenCalled();
    choice('Reset').click();
    expect(resetMote).toHaveBeenCalledExactlyOnceWith(LBR, EUI);
    expect(dialog().open).toBe(false);
  });

  it('resets nothing when cancelled', () => {
    const resetMote = vi.spyOn(session, 'resetMote').mockReturnValue();
    show(loaded());
    button('Reset mote').click();
    choice('Cancel').click();
    expect(dialog().open).toBe(false);
    expect(resetMote).not.toHaveBeenCalled();
  });

  it('resets the mote it asked about, though the panel has come to show another', () => {
    const resetMote = vi.spyOn(session, 'resetMote').mockReturnValue();
    show(loaded());
    button('Reset mote').click();
    const first = mote({ mote: '0000000000000001', id16: '00aa', port: '/dev/ttyUSB7' });
    show(notify(loaded(), 'mote-inventory', { motes: [first, mote()] }));
    expect(section('Mote 00aa').textContent).toContain('Reset mote 0001?');
    choice('Reset').click();
    expect(resetMote).toHaveBeenCalledExactlyOnceWith(LBR, EUI);
  });

  it('cannot reset once the link is no longer live', () => {
    const resetMote = vi.spyOn(session, 'resetMote').mockReturnValue();
    show(loaded());
    button('Reset mote').click();
    show(notify(loaded(), 'link', link('stale')));
    expect(button('Reset mote').disabled).toBe(true);
    expect(choice('Reset').disabled).toBe(true);
    choice('Reset').click();
    expect(resetMote).not.toHaveBeenCalled();
  });

  it('is there for a mote whose other command has not ended', () => {
    show(reduce(loaded(), { kind: 'command-asked', key: 'k', lbr: LBR, event: 'echo-mote', mote: EUI, on: null, at: NOW }));
    button('Reset mote').click();
    expect(dialog().open).toBe(true);
  });
});

describe('the echo test', () => {
  it('is asked for once at a time, and its figures are shown', () => {
    const testEcho = vi.spyOn(session, 'testEcho').mockReturnValue();
    show(loaded());
    button('Echo test').click();
    expect(testEcho).toHaveBeenCalledExactlyOnceWith(LBR, EUI);
    let model = reduce(loaded(), { kind: 'command-asked', key: 'k', lbr: LBR, event: 'echo-mote', mote: EUI, on: null, at: NOW });
    show(model);
    button('Echo test').click();
    expect(testEcho).toHaveBeenCalledOnce();
    model = reduce(model, { kind: 'command-taken', key: 'k', id: 'c1', at: NOW });
    show(notify(model, 'command-outcome', { id: 'c1', state: 'confirmed', detail: '10 sent, 9 back' }));
    expect(document.querySelector('.trail')?.textContent).toMatch(/echo test.*confirmed.*10 sent, 9 back/s);
  });

  it('is disabled while the link is stale', () => {
    show(notify(loaded(), 'link', link('stale')));
    expect(button('Echo test').disabled).toBe(true);
  });
});

describe('a long port', () => {
  const long = '/dev/serial/by-id/usb-FTDI_Dual_RS232-HS-if00-port0';

  it('is whole in the text and the tooltip of every panel', () => {
    const counts = { boot: 'b1', counts: [{ sender: `mote_connector@${long}`, signal: 's', num: 3 }] };
    const said = { t: NOW, mote: null, port: long, severity: 'info', text: 'x' };
    show(loaded({ inventory: { t: NOW, motes: [mote({ port: long })] }, counts, logs: [said] }));
    for (const name of ['Motes', 'Mote 0001', 'Event counts', 'Log']) {
      expect(section(name).querySelector(`[title="${long}"]`)?.textContent, name).toBe(long);
    }
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

  it('that is being made shows its stages and ssh’s words', () => {
    const stages = [{ name: 'ssh started', state: 'done', t: NOW - 2000, text: '' }, { name: 'forward accepted', state: 'active', t: NOW - 1000, text: '' }];
    show(reduce(loaded(), { kind: 'snapshot', result: { links: [link('connecting', { lbr: null, stages, stderr: ['Permission denied'] })] }, at: NOW }));
    expect(words()).toMatch(/ssh started: done.*forward accepted: active\s*for 1 s.*Permission denied/);
  });
});

describe('the counts', () => {
  it('name sender and signal by their kind and their port', () => {
    const counts = [{ sender: `mote_connector@${PORT}`, signal: `fromMote.data@${PORT}`, num: 3 }];
    show(loaded({ counts: { boot: 'b1', counts } }));
    const texts = (part: string): string[] => [...section('Event counts').querySelectorAll(part)].map((each) => each.textContent);
    expect(texts('td .kind')).toEqual(['mote_connector', 'fromMote.data']);
    expect(texts('td .port .port')).toEqual([PORT, PORT]);
  });

  it('are sorted by the heading that was pressed', () => {
    const counts = [1, 30, 4].map((num) => ({ sender: 's', signal: `signal ${num}`, num }));
    show(notify(loaded({ counts: {} }), 'event-count', { boot: 'b1', counts }));
    const nums = (): string[] => [...section('Event counts').querySelectorAll('tbody .numeric')].map((each) => each.textContent);
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
    expect(section('Log').textContent).toContain('(2 older dropped)');
    expect(section('Log').querySelectorAll('li')).toHaveLength(500);
  });

  it('hides a severity that is switched off', () => {
    show(loaded());
    expect(section('Log').querySelectorAll('li')).toHaveLength(2);
    button('error').click();
    flushSync();
    expect(section('Log').querySelectorAll('li')).toHaveLength(0);
  });
});
