// JSON-RPC 2.0 over one WebSocket to gui-host: authenticates, subscribes, reconnects with back-off and subscribes again.
// Every call ends: with its result, its error, its time-out, or the loss of the connection. It knows no topic.

import { backoff } from './backoff';
import type { Server } from './model';
import { fields, isFields, number, raw, text } from './shapes';

export const CALL_TIMEOUT_MS = 10_000;
/** How long the socket may take to open: gui-host is on this computer. */
const OPEN_TIMEOUT_MS = 5_000;
/** After such a silence the host is asked whether it is there, and has so long to say anything. */
export const QUIET_MS = 15_000;
export const SIGN_MS = 5_000;
/** A host that skips numbers again and again is asked for a new snapshot this often at most. */
const RESYNC_INTERVAL_MS = 5_000;

const WRONG_TOKEN = -32001;
const CLOSE_WRONG_TOKEN = 4401;

/** The part of a WebSocket the client uses, so that tests can play the other end. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(data: string): void;
  close(): void;
}

export interface RpcEvents {
  server(server: Server): void;
  snapshot(result: unknown): void;
  notification(topic: string, params: unknown): void;
}

export interface RpcOptions {
  readonly connect: () => Socket;
  readonly token: () => string | null;
  /** The parameters of the next `subscribe`. */
  readonly wanted: () => unknown;
  readonly events: RpcEvents;
  readonly random?: () => number;
}

export class RpcError extends Error {
  readonly code: number | null;

  constructor(code: number | null, message: string) {
    super(message);
    this.code = code;
  }
}

interface Call {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: RpcError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class RpcClient {
  readonly #options: RpcOptions;
  readonly #calls = new Map<number, Call>();
  #socket: Socket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;
  #attempt = 0;
  #seq: number | null = null;
  #resyncedAt = -Infinity;

  constructor(options: RpcOptions) {
    this.#options = options;
  }

  /** Connects, whatever was before: at the start, or with a new token. */
  start(): void {
    this.#attempt = 0;
    this.#try();
  }

  #try(): void {
    this.stop();
    if (this.#options.token() === null) {
      this.#options.events.server({ kind: 'no-token' });
      return;
    }
    // While attempts fail, the page goes on saying why; it would only flicker between two texts.
    if (this.#attempt === 0) this.#options.events.server({ kind: 'connecting' });
    this.#open();
  }

  /** Ends the connection and any waiting, and tells nobody but the callers in flight. */
  stop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#seq = null;
    if (socket !== null) detach(socket);
    this.#rejectAll('the connection to gui-host was closed');
  }

  /** Connects at once if it is only waiting to try again. */
  retryNow(): void {
    if (this.#socket === null && this.#options.token() !== null) this.#try();
  }

  call(method: string, params: unknown, timeoutMs = CALL_TIMEOUT_MS): Promise<unknown> {
    const socket = this.#socket;
    if (socket === null || this.#seq === null) {
      return Promise.reject(new RpcError(null, 'there is no connection to gui-host'));
    }
    return this.#request(socket, method, params, timeoutMs);
  }

  /** Asks for a new snapshot, because the model is not whole. */
  resync(): void {
    const socket = this.#socket;
    const now = Date.now();
    if (socket === null || this.#seq === null || now - this.#resyncedAt < RESYNC_INTERVAL_MS) return;
    this.#resyncedAt = now;
    this.#request(socket, 'subscribe', this.#options.wanted()).then(
      (snapshot) => this.#take(snapshot),
      (error: unknown) => {
        if (this.#socket === socket) this.#lost(error instanceof Error ? error.message : raw(error));
      },
    );
  }

  #open(): void {
    const socket = this.#options.connect();
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost('gui-host does not answer'), OPEN_TIMEOUT_MS);
    socket.onopen = () => void this.#greet(socket);
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event);
  }

  async #greet(socket: Socket): Promise<void> {
    clearTimeout(this.#timer);
    try {
      // The second question follows at once: who is not let in gets no answer to it.
      const [welcome, snapshot] = await Promise.all([
        this.#request(socket, 'authenticate', { token: this.#options.token() }),
        this.#request(socket, 'subscribe', this.#options.wanted()),
      ]);
      this.#attempt = 0;
      this.#options.events.server({ kind: 'open', host: hostName(welcome) });
      this.#take(snapshot);
    } catch (error) {
      if (this.#socket !== socket) return;
      const reason = error instanceof Error ? error.message : raw(error);
      if (error instanceof RpcError && error.code === WRONG_TOKEN) this.#refused(reason);
      else this.#lost(reason);
    }
  }

  #take(snapshot: unknown): void {
    this.#seq = number(fields(snapshot)['seq']) ?? 0;
    this.#options.events.snapshot(snapshot);
  }

  #request(socket: Socket, method: string, params: unknown, timeoutMs = CALL_TIMEOUT_MS): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#calls.delete(id);
        reject(new RpcError(null, `gui-host did not answer ${method} within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      this.#calls.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** A host that hangs, or a connection that died without a word, shows by its silence alone. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => this.#lost('gui-host does not answer'), SIGN_MS);
      // Whatever is answered is a sign.
      this.call('ping', {}).catch(() => undefined);
    }, QUIET_MS);
  }

  #receive(data: unknown): void {
    this.#watch();
    const message = parse(data);
    if (message === null) return;
    const method = text(message['method']);
    if (method !== null) {
      this.#notified(method, message['params']);
      return;
    }
    const id = number(message['id']);
    const call = id === null ? undefined : this.#calls.get(id);
    if (id === null || call === undefined) return;
    this.#calls.delete(id);
    clearTimeout(call.timer);
    if (isFields(message['error'])) call.reject(readError(message['error']));
    else call.resolve(message['result']);
  }

  /** The host numbers what it sends. A number twice is old news; a number left out means the model is no longer whole. */
  #notified(topic: string, params: unknown): void {
    if (this.#seq === null) return;
    const seq = number(fields(params)['seq']);
    if (seq !== null) {
      if (seq <= this.#seq) return;
      if (seq > this.#seq + 1) this.resync();
      this.#seq = seq;
    }
    this.#options.events.notification(topic, params);
  }

  #closed(event: { code: number; reason: string }): void {
    if (event.code === CLOSE_WRONG_TOKEN) this.#refused(event.reason || 'wrong token');
    else this.#lost(event.reason || 'The connection to gui-host was lost');
  }

  #lost(reason: string): void {
    this.stop();
    const delay = backoff(this.#attempt++, this.#options.random ?? Math.random);
    this.#options.events.server({ kind: 'waiting', retryAt: Date.now() + delay, reason });
    this.#timer = setTimeout(() => this.#try(), delay);
  }

  /** Trying again with the same token cannot help: a person has to open the new address. */
  #refused(reason: string): void {
    this.stop();
    this.#options.events.server({ kind: 'refused', reason });
  }

  #rejectAll(reason: string): void {
    for (const call of this.#calls.values()) {
      clearTimeout(call.timer);
      call.reject(new RpcError(null, reason));
    }
    this.#calls.clear();
  }
}

function detach(socket: Socket): void {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  socket.close();
}

function parse(data: unknown): Record<string, unknown> | null {
  if (typeof data !== 'string') return null;
  try {
    const message: unknown = JSON.parse(data);
    return isFields(message) ? message : null;
  } catch {
    return null;
  }
}

function readError(error: Record<string, unknown>): RpcError {
  return new RpcError(number(error['code']), text(error['message']) ?? 'gui-host answered with an error');
}

function hostName(welcome: unknown): string {
  const host = fields(fields(welcome)['host']);
  return `${text(host['name']) ?? 'gui-host'} ${text(host['version']) ?? ''}`.trim();
}
