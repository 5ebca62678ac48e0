import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Server } from '../src/lib/model';
import { CALL_TIMEOUT_MS, QUIET_MS, RpcClient, SIGN_MS, type Socket } from '../src/lib/rpc';

/** The other end of a socket, played by the test. */
class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly sent: { id: number; method: string; params: unknown }[] = [];
  closed = false;

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(): void {
    this.closed = true;
  }

  async say(message: object): Promise<void> {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: '2.0', ...message }) });
    await settle();
  }

  async answer(method: string, result: unknown): Promise<void> {
    const request = this.sent.findLast((each) => each.method === method);
    await this.say({ id: request?.id, result });
  }

  async notify(seq: number, topic = 'mote-log'): Promise<void> {
    await this.say({ method: topic, params: { seq, lbr: 'a', message: {} } });
  }
}

/** Lets the promises that are ready run; no time passes. */
async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

let sockets: FakeSocket[];
let states: Server[];
let snapshots: unknown[];
let heard: string[];
let token: string | null;
let wanted: object;
let client: RpcClient;

function newest(): FakeSocket {
  const socket = sockets.at(-1);
  if (socket === undefined) throw new Error('nothing has been dialled');
  return socket;
}

async function opened(seq = 0): Promise<FakeSocket> {
  const socket = newest();
  socket.onopen?.();
  await settle();
  await socket.answer('authenticate', { host: { name: 'gui-host', version: '1' } });
  await socket.answer('subscribe', { seq, links: [], lbrs: {} });
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  states = [];
  snapshots = [];
  heard = [];
  token = 'secret';
  wanted = {};
  client = new RpcClient({
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    token: () => token,
    wanted: () => wanted,
    random: () => 1,
    events: {
      server: (server) => states.push(server),
      snapshot: (result) => snapshots.push(result),
      notification: (topic) => heard.push(topic),
    },
  });
});

afterEach(() => {
  client.stop();
  vi.useRealTimers();
});

describe('connecting', () => {
  it('sends the token first, subscribes without waiting for its answer, and is open with the snapshot', async () => {
    client.start();
    wanted = { rows: 'later' };
    newest().onopen?.();
    expect(newest().sent.map((each) => each.method)).toEqual(['authenticate', 'subscribe']);
    expect(newest().sent[1]?.params).toEqual({ rows: 'later' });
    await newest().answer('authenticate', { host: { name: 'gui-host', version: '1' } });
    expect(states.at(-1)).toEqual({ kind: 'connecting' });
    await newest().answer('subscribe', { seq: 0, links: [], lbrs: {} });
    expect(states.at(-1)).toEqual({ kind: 'open', host: 'gui-host 1' });
    expect(snapshots).toHaveLength(1);
  });

  it('sends the token', async () => {
    client.start();
    const socket = await opened();
    expect(socket.sent[0]?.params).toEqual({ token: 'secret' });
  });

  it('does not dial without a token', () => {
    token = null;
    client.start();
    expect(sockets).toHaveLength(0);
    expect(states).toEqual([{ kind: 'no-token' }]);
  });

  it('does not try a refused token again', async () => {
    client.start();
    newest().onopen?.();
    await settle();
    await newest().say({ id: 1, error: { code: -32001, message: 'wrong token' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(states.at(-1)).toEqual({ kind: 'refused', reason: 'wrong token' });
  });

  it('takes the close code 4401 for a refusal too', () => {
    client.start();
    newest().onclose?.({ code: 4401, reason: '' });
    expect(states.at(-1)).toEqual({ kind: 'refused', reason: 'wrong token' });
  });

  it('tries again where the host was not ready for it', async () => {
    client.start();
    newest().onclose?.({ code: 1013, reason: 'no token within 2 s' });
    await vi.advanceTimersByTimeAsync(250);
    expect(sockets).toHaveLength(2);
  });

  it('gives up on a socket that never opens, and tries another', async () => {
    client.start();
    await vi.advanceTimersByTimeAsync(5_000 + 250);
    expect(sockets).toHaveLength(2);
    expect(sockets[0]?.closed).toBe(true);
  });
});

describe('a lost connection', () => {
  it('is tried again after 0.25 s doubling to 8 s', async () => {
    client.start();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      newest().onclose?.({ code: 1006, reason: '' });
      const state = states.at(-1);
      const wait = state?.kind === 'waiting' ? state.retryAt - Date.now() : -1;
      waits.push(wait);
      await vi.advanceTimersByTimeAsync(wait);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 8000, 8000]);
    expect(sockets).toHaveLength(9);
  });

  it('starts from the shortest wait once it has been open', async () => {
    client.start();
    newest().onclose?.({ code: 1006, reason: '' });
    await vi.advanceTimersByTimeAsync(250);
    (await opened()).onclose?.({ code: 1006, reason: '' });
    expect(states.at(-1)).toMatchObject({ kind: 'waiting', retryAt: Date.now() + 250 });
  });

  it('is subscribed again', async () => {
    client.start();
    (await opened()).onclose?.({ code: 1006, reason: '' });
    await vi.advanceTimersByTimeAsync(250);
    await opened();
    expect(snapshots).toHaveLength(2);
  });

  it('ends the calls in flight', async () => {
    client.start();
    const socket = await opened();
    const call = client.call('ui-event', {});
    const failure = expect(call).rejects.toThrow('closed');
    socket.onclose?.({ code: 1006, reason: '' });
    await failure;
  });
});

describe('a host that says nothing', () => {
  const pings = (socket: FakeSocket): number => socket.sent.filter((each) => each.method === 'ping').length;

  it('is asked for a sign, and taken for lost without one', async () => {
    client.start();
    const socket = await opened();
    await vi.advanceTimersByTimeAsync(QUIET_MS);
    expect([pings(socket), states.at(-1)?.kind]).toEqual([1, 'open']);
    await vi.advanceTimersByTimeAsync(SIGN_MS);
    expect([socket.closed, states.at(-1)]).toEqual([true, { kind: 'waiting', retryAt: Date.now() + 250, reason: 'gui-host does not answer' }]);
    await vi.advanceTimersByTimeAsync(250);
    expect(sockets).toHaveLength(2);
  });

  it('is kept with any sign, be it another message or an error of a host that knows no ping', async () => {
    client.start();
    const socket = await opened();
    await vi.advanceTimersByTimeAsync(QUIET_MS + SIGN_MS - 1);
    await socket.notify(1);
    await vi.advanceTimersByTimeAsync(QUIET_MS);
    await socket.say({ id: socket.sent.at(-1)?.id, error: { code: -32601, message: 'unknown method' } });
    await vi.advanceTimersByTimeAsync(QUIET_MS + SIGN_MS - 1);
    expect([pings(socket), states.at(-1)?.kind]).toEqual([3, 'open']);
  });

  it('is not asked while it talks', async () => {
    client.start();
    const socket = await opened();
    for (let seq = 1; seq <= 4; seq++) {
      await vi.advanceTimersByTimeAsync(QUIET_MS - 1);
      await socket.notify(seq);
    }
    expect(pings(socket)).toBe(0);
  });
});

describe('a call', () => {
  it('is refused at once without a connection', async () => {
    await expect(client.call('ui-event', {})).rejects.toThrow('no connection');
  });

  it('ends with the result of its own id, whatever the order', async () => {
    client.start();
    const socket = await opened();
    const [first, second] = [client.call('ui-event', 1), client.call('ui-event', 2)];
    const [a, b] = socket.sent.slice(-2);
    await socket.say({ id: b?.id, result: 'b' });
    await socket.say({ id: a?.id, result: 'a' });
    expect([await first, await second]).toEqual(['a', 'b']);
  });

  it('ends with the error it was answered', async () => {
    client.start();
    const socket = await opened();
    const call = client.call('ui-event', {});
    const failure = expect(call).rejects.toMatchObject({ code: -32002, message: 'no such router' });
    await socket.say({ id: socket.sent.at(-1)?.id, error: { code: -32002, message: 'no such router' } });
    await failure;
  });

  it('ends by its time-out', async () => {
    client.start();
    await opened();
    const failure = expect(client.call('ui-event', {})).rejects.toThrow('within 10 s');
    await vi.advanceTimersByTimeAsync(CALL_TIMEOUT_MS);
    await failure;
  });
});

describe('notifications', () => {
  it('are passed on in their order, old ones left out', async () => {
    client.start();
    const socket = await opened(3);
    await socket.notify(3, 'old');
    await socket.notify(4, 'mote-log');
    await socket.notify(5, 'link');
    expect(heard).toEqual(['mote-log', 'link']);
  });

  it('that skip a number bring a new snapshot, but not one for each', async () => {
    client.start();
    const socket = await opened();
    await socket.notify(1);
    await socket.notify(5);
    await socket.notify(9);
    expect(socket.sent.filter((each) => each.method === 'subscribe')).toHaveLength(2);
    await socket.answer('subscribe', { seq: 9, links: [], lbrs: {} });
    expect(snapshots).toHaveLength(2);
  });

  it('of no shape at all are passed over', async () => {
    client.start();
    const socket = await opened();
    for (const data of ['', '{', '[]', 'null', '7', new ArrayBuffer(2)]) socket.onmessage?.({ data });
    await socket.notify(1);
    expect(heard).toEqual(['mote-log']);
  });
});
