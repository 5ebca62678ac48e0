// The page's one live object: the model, what is selected, and the way to ask a router for something. Messages go
// through the pure reducer at once; the panels see a snapshot at once and else the newest model with an animation frame,
// and no more often than a person can read where only figures changed. A hidden tab, which has no frames, draws nothing.

import { formatFragment, NOTHING_SELECTED, parseFragment, type Selection } from './fragment';
import { History } from './history';
import { readOffers, type Offer } from './offer';
import { readPast, type Past } from './past';
import { INITIAL_MODEL, type Model } from './model';
import { afterPaint } from './paint';
import { reduce, type Action } from './reduce';
import { RpcClient, type Socket } from './rpc';
import { fields, raw, text } from './shapes';
import { REACH, type Span } from './span';
import { currentToken, rememberToken, storeToken } from './token';
import type { Wish } from './wish';

/** The echo test that the page asks for: long enough to show a bad line, over in a few seconds. */
const ECHO_TEST = { count: 10, size: 40 } as const;

/** Figures that only moved are shown this often; with 200 motes at 4 Hz each frame has some. */
const FIGURES_MS = 250;

const RECORD_MS = 1_000;

export class Session {
  /** What the panels read. */
  model: Model = $state.raw(INITIAL_MODEL);
  selection: Selection = $state.raw(NOTHING_SELECTED);
  readonly history = new History();
  /** Counts up when the page may have missed something: with each snapshot, and when a hidden tab is seen again. */
  episode: number = $state(0);
  /** Comes about when the first question is on its way to gui-host, or cannot be asked. */
  readonly reached: Promise<void>;

  #newest: Model = INITIAL_MODEL;
  #frame: number | null = null;
  #later: ReturnType<typeof setTimeout> | undefined;
  #shownAt = 0;
  #asked = 0;
  readonly #client: RpcClient;

  constructor() {
    let resolved: (() => void) | undefined;
    this.reached = new Promise((resolve) => (resolved = resolve));
    const reached = (): void => resolved?.();
    this.#client = new RpcClient({
      connect: () => connect(new URL('ws', pageAddress()), reached),
      token: currentToken,
      // All topics: a newer host's topics that this page does not know cost nothing but their bytes. Rows of tables may
      // follow where there is nothing yet that they would be missed in.
      wanted: () => (this.#newest.lbrs.size === 0 ? { rows: 'later' } : {}),
      events: {
        server: (server) => {
          if (server.kind !== 'connecting') reached();
          this.#dispatch({ kind: 'server', server });
        },
        snapshot: (result) => {
          this.#dispatch({ kind: 'snapshot', result, at: Date.now() });
          this.episode++;
          if (fields(result)['rows'] === 'later') afterPaint(() => this.#askForRows());
        },
        notification: (topic, params) =>
          this.#dispatch({ kind: 'notification', topic, params, at: Date.now() }),
      },
    });
  }

  start(): void {
    window.addEventListener('hashchange', () => this.#readAddress());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      this.episode++;
      this.#client.retryNow();
    });
    setInterval(() => this.#record(), RECORD_MS);
    if (!this.#readAddress()) this.#client.start();
  }

  /** Selects without leaving a trace for the browser's way back: filters, and steps from mote to mote. */
  select(change: Partial<Selection>): void {
    this.selection = { ...this.selection, ...change };
    window.history.replaceState(null, '', formatFragment(this.selection));
  }

  retryNow(): void {
    this.#client.retryNow();
  }

  /** What gui-host remembers of a mote, or of the router itself. What is recent is taken into the page's own ring too. */
  async recall(lbr: string, mote: string | null, span: Span): Promise<Past> {
    const { ms, stepMs } = REACH[span];
    const to = Date.now();
    const past = readPast(await this.#client.call('history', { lbr, mote, from: to - ms, to, step_ms: stepMs }));
    if (past === null) throw new Error('gui-host tells history in a form that this page does not know');
    if (past.stepMs === 1_000) for (const [series, points] of past.series) this.history.feed(lbr, mote, series, points, Date.now());
    return past;
  }

  /** The routers that announce themselves on the local network; it takes a few seconds. */
  async discover(): Promise<readonly Offer[]> {
    return readOffers(await this.#client.call('discover', {}));
  }

  /** The path of a download with all that gui-host has kept of a mote, or of the whole network. */
  async exported(lbr: string, mote: string | null, span: Span, format: 'csv' | 'jsonl'): Promise<string> {
    const to = Date.now();
    const answer = await this.#client.call('history.export', { format, lbr, ...(mote === null ? {} : { mote }), from: to - REACH[span].ms, to });
    const path = text(fields(answer)['path']);
    // It becomes an address of this page's own host, whatever is answered.
    if (path === null || !/^\/history\/[0-9a-z]+$/i.test(path)) throw new Error('gui-host named no download');
    return path;
  }

  /** Asks a router for something, and follows what becomes of it. */
  ask(lbr: string, wish: Wish): void {
    void this.#ask(lbr, wish.event === 'echo-mote' ? { ...ECHO_TEST, ...wish } : wish);
  }

  async #ask(lbr: string, { event, mote, ...args }: Wish): Promise<void> {
    const key = `asked:${this.#asked++}`;
    this.#dispatch({ kind: 'command-asked', key, lbr, event, mote, on: args.on ?? null, at: Date.now() });
    try {
      const answer = await this.#client.call('ui-event', { lbr, event, ...target(mote), ...args });
      const id = text(fields(answer)['id']);
      if (id === null) throw new Error('gui-host gave the command no id');
      this.#dispatch({ kind: 'command-taken', key, id, at: Date.now() });
    } catch (error) {
      const detail = error instanceof Error ? error.message : raw(error);
      this.#dispatch({ kind: 'command-failed', key, detail, at: Date.now() });
    }
  }

  /** They come as other news does; if the host does not take the question, with a new snapshot. */
  #askForRows(): void {
    this.#client.call('rows', {}).catch(() => this.#client.resync());
  }

  /** Takes a token out of the address, so that it is neither seen nor copied with it. True if there was one. */
  #readAddress(): boolean {
    const { token, selection } = parseFragment(location.hash);
    this.selection = selection;
    if (token === null) return false;
    rememberToken(token);
    this.#client.start();
    storeToken();
    window.history.replaceState(null, '', formatFragment(selection));
    return true;
  }

  #dispatch(action: Action): void {
    this.#newest = reduce(this.#newest, action);
    // It has been waited for already.
    if (action.kind === 'snapshot' && !document.hidden) {
      this.#show();
      return;
    }
    const wait = movesFiguresOnly(action) ? this.#shownAt + FIGURES_MS - Date.now() : 0;
    if (wait <= 0) this.#showSoon();
    else this.#later ??= setTimeout(() => this.#showSoon(), wait);
  }

  #showSoon(): void {
    this.#frame ??= requestAnimationFrame(() => this.#show());
  }

  #show(): void {
    clearTimeout(this.#later);
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#later = undefined;
    this.#frame = null;
    this.#shownAt = Date.now();
    this.model = this.#newest;
  }

  #record(): void {
    for (const link of this.#newest.links) {
      const lbr = link.phase === 'live' && link.lbr !== null ? this.#newest.lbrs.get(link.lbr.id) : undefined;
      if (lbr !== undefined) this.history.record(lbr, Date.now());
    }
  }
}

/** What a person did, and what comes of it, is shown with the very next frame. */
function movesFiguresOnly(action: Action): boolean {
  return action.kind === 'notification' && (action.topic === 'mote-status' || action.topic === 'event-count');
}

/** The router names a mote by its EUI-64, or by its port until it has told. */
function target(mote: string): { mote: string } | { port: string } {
  return mote.startsWith('port:') ? { port: mote.slice('port:'.length) } : { mote };
}

function pageAddress(): URL {
  const address = new URL(location.href);
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
  address.hash = '';
  address.search = '';
  return address;
}

function connect(address: URL, opened: () => void): Socket {
  const socket = new WebSocket(address);
  const end: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    // While it is being closed the browser would only complain; that it is closed, everybody who waits is told soon.
    send: (data) => socket.readyState === WebSocket.OPEN && socket.send(data),
    close: () => socket.close(),
  };
  socket.onopen = () => {
    end.onopen?.();
    opened();
  };
  socket.onmessage = (event) => end.onmessage?.(event);
  socket.onclose = (event) => end.onclose?.(event);
  return end;
}
