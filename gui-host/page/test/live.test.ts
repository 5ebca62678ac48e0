// The parts that live with the browser: the clock, the address, the drawing once per frame.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Session } from '../src/lib/session.svelte';
import { ticker } from '../src/lib/ticker.svelte';
import { EUI, LBR, NOW, snapshot } from './sample';

function hide(hidden: boolean): void {
  Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
  document.dispatchEvent(new Event('visibilitychange'));
}

/** Takes the place of the browser's WebSocket and says what gui-host would. */
class FakeWebSocket {
  static readonly OPEN = 1;
  static readonly opened: FakeWebSocket[] = [];
  readonly readyState = FakeWebSocket.OPEN;
  readonly sent: string[] = [];
  readonly url: string;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(url: URL) {
    this.url = url.href;
    FakeWebSocket.opened.push(this);
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    // Nothing hangs on it here.
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', ...message }) });
  }
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  vi.stubGlobal('WebSocket', FakeWebSocket);
  FakeWebSocket.opened.length = 0;
  sessionStorage.clear();
});

afterEach(() => {
  hide(false);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the clock', () => {
  it('ticks once a second, and not while the tab is hidden', async () => {
    ticker.start();
    await vi.advanceTimersByTimeAsync(3000);
    expect(ticker.now).toBe(NOW + 3000);
    hide(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ticker.now).toBe(NOW + 3000);
    hide(false);
    expect(ticker.now).toBe(NOW + 63_000);
  });
});

describe('the session', () => {
  async function started(hash: string): Promise<Session> {
    location.hash = hash;
    const session = new Session();
    session.start();
    await vi.advanceTimersByTimeAsync(0);
    return session;
  }

  async function subscribed(): Promise<Session> {
    const session = await started(`#t=secret&mote=${EUI}`);
    const socket = FakeWebSocket.opened[0];
    socket?.onopen?.();
    await vi.advanceTimersByTimeAsync(0);
    socket?.say({ id: 1, result: {} });
    await vi.advanceTimersByTimeAsync(0);
    socket?.say({ id: 2, result: snapshot() });
    await vi.advanceTimersByTimeAsync(0);
    return session;
  }

  it('takes the token out of the address and keeps the selection', async () => {
    const session = await started(`#t=secret&mote=${EUI}`);
    expect(location.hash).toBe(`#mote=${EUI}`);
    expect(session.selection).toMatchObject({ lbr: null, mote: EUI });
    FakeWebSocket.opened[0]?.onopen?.();
    expect(FakeWebSocket.opened[0]?.sent[0]).toContain('"token":"secret"');
    expect(FakeWebSocket.opened[0]?.url).toMatch(/^wss?:.*\/ws$/);
  });

  it('tells when its first question is on its way, or that it cannot ask', async () => {
    const told: string[] = [];
    const asking = await started('#t=secret');
    void asking.reached.then(() => told.push('asked'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(told).toEqual([]);
    FakeWebSocket.opened[0]?.onopen?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual(['asked']);
    const failing = await started('#t=secret');
    FakeWebSocket.opened.at(-1)?.onclose?.({ code: 1006, reason: '' });
    await expect(failing.reached).resolves.toBeUndefined();
  });

  it('shows the snapshot at once', async () => {
    const session = await subscribed();
    expect(session.model.lbrs.get(LBR)?.motes).toHaveLength(1);
    expect(session.model.server.kind).toBe('open');
  });

  it('has the rows of tables follow when the first snapshot has been seen, and takes them at once with a later one', async () => {
    const session = await started('#t=secret');
    const asked = (socket: FakeWebSocket | undefined): unknown[] => (socket?.sent ?? []).map((each) => JSON.parse(each)).map(({ method, params }) => [method, params]);
    const first = FakeWebSocket.opened[0];
    first?.onopen?.();
    expect(asked(first)[1]).toEqual(['subscribe', { rows: 'later' }]);
    first?.say({ id: 1, result: {} });
    first?.say({ id: 2, result: { ...snapshot(), rows: 'later' } });
    await vi.advanceTimersByTimeAsync(0);
    expect(asked(first)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(40);
    expect(session.model.lbrs.get(LBR)?.motes).toHaveLength(1);
    expect(asked(first)[2]).toEqual(['rows', {}]);
    first?.onclose?.({ code: 1006, reason: '' });
    await vi.advanceTimersByTimeAsync(300);
    FakeWebSocket.opened[1]?.onopen?.();
    expect(asked(FakeWebSocket.opened[1])[1]).toEqual(['subscribe', {}]);
  });

  it('shows what only moves figures four times a second, and the rest with the next frame', async () => {
    const session = await subscribed();
    const socket = FakeWebSocket.opened[0];
    const say = (seq: number, method: string, message: object): void => socket?.say({ method, params: { seq, lbr: LBR, message } });
    const rank = (): unknown => session.model.lbrs.get(LBR)?.status.get(EUI)?.get('MyDagRank')?.values.get('myDAGrank');
    say(8, 'mote-status', { mote: EUI, elements: { MyDagRank: { t: NOW, myDAGrank: 700 } } });
    await vi.advanceTimersByTimeAsync(100);
    expect(rank()).toBe(512);
    await vi.advanceTimersByTimeAsync(180);
    expect(rank()).toBe(700);
    say(9, 'mote-status', { mote: EUI, elements: { MyDagRank: { t: NOW, myDAGrank: 800 } } });
    say(10, 'mote-log', { t: NOW, severity: 'info', text: 'x' });
    await vi.advanceTimersByTimeAsync(20);
    expect(rank()).toBe(800);
  });

  it('takes down what the charts show, once a second', async () => {
    const session = await subscribed();
    await vi.advanceTimersByTimeAsync(3000);
    const { columns } = session.history.view(LBR, EUI, ['prr', 'rank'], Date.now());
    expect(columns.map((column) => column.filter((value) => value !== null))).toEqual([[95, 95, 95], [512, 512, 512]]);
  });

  it('keeps a filter in the address, and the token out of it', async () => {
    const session = await subscribed();
    session.select({ words: 'retries', tab: 'log' });
    expect(location.hash).toBe(`#tab=log&mote=${EUI}&words=retries`);
  });

  it('asks for a role with an explicit wish, and follows the command', async () => {
    const session = await subscribed();
    const socket = FakeWebSocket.opened[0];
    session.ask(LBR, { event: 'set-dagroot', mote: EUI, on: false });
    const request = JSON.parse(socket?.sent.at(-1) ?? '{}');
    expect(request).toMatchObject({ method: 'ui-event', params: { lbr: LBR, event: 'set-dagroot', mote: EUI, on: false } });
    socket?.say({ id: request.id, result: { id: 'c9' } });
    socket?.say({ method: 'command-outcome', params: { seq: 8, lbr: LBR, message: { id: 'c9', state: 'confirmed', detail: '' } } });
    await vi.advanceTimersByTimeAsync(20);
    expect(session.model.commands).toMatchObject([{ id: 'c9', state: 'confirmed', mote: EUI }]);
  });

  it('names a mote that has not told its EUI-64 by its port, and leaves a toggle to the router', async () => {
    const session = await subscribed();
    session.ask(LBR, { event: 'toggle-dagroot', mote: 'port:/dev/ttyUSB4' });
    const { params } = JSON.parse(FakeWebSocket.opened[0]?.sent.at(-1) ?? '{}');
    expect(params).toEqual({ lbr: LBR, event: 'toggle-dagroot', port: '/dev/ttyUSB4' });
  });

  it('asks for a reset, and for an echo test of ten messages of forty bytes', async () => {
    const session = await subscribed();
    const last = (): unknown => JSON.parse(FakeWebSocket.opened[0]?.sent.at(-1) ?? '{}').params;
    session.ask(LBR, { event: 'reset-mote', mote: EUI });
    expect(last()).toEqual({ lbr: LBR, event: 'reset-mote', mote: EUI });
    session.ask(LBR, { event: 'echo-mote', mote: EUI });
    expect(last()).toEqual({ lbr: LBR, event: 'echo-mote', mote: EUI, count: 10, size: 40 });
  });

  it('shows why a command was not taken', async () => {
    const session = await subscribed();
    const socket = FakeWebSocket.opened[0];
    session.ask(LBR, { event: 'set-dagroot', mote: EUI, on: true });
    const { id } = JSON.parse(socket?.sent.at(-1) ?? '{}');
    socket?.say({ id, error: { code: -32003, message: 'too many commands' } });
    await vi.advanceTimersByTimeAsync(20);
    expect(session.model.commands).toMatchObject([{ state: 'failed', detail: 'too many commands' }]);
  });
});
