// The page's one live object: the model, what is selected, and the way to ask a router for something. Messages go
// through the pure reducer at once; the panels see the newest model once per animation frame, and a hidden tab, which
// has no frames, draws nothing.

import { formatFragment, parseFragment, type Selection } from './fragment';
import { INITIAL_MODEL, type CommandEvent, type Model } from './model';
import { reduce, type Action } from './reduce';
import { RpcClient, type Socket } from './rpc';
import { fields, raw, text } from './shapes';
import { currentToken, rememberToken } from './token';

/** The echo test that the page asks for: long enough to show a bad line, over in a few seconds. */
const ECHO_TEST = { count: 10, size: 40 } as const;

/** What a command says beside its event and its mote. */
interface Arguments {
  readonly on?: boolean;
  readonly count?: number;
  readonly size?: number;
}

export class Session {
  /** What the panels read. */
  model: Model = $state.raw(INITIAL_MODEL);
  selection: Selection = $state.raw({ lbr: null, mote: null });

  #newest: Model = INITIAL_MODEL;
  #frame: number | null = null;
  #asked = 0;
  readonly #client: RpcClient;

  constructor() {
    this.#client = new RpcClient({
      connect: () => connect(new URL('ws', pageAddress())),
      token: currentToken,
      events: {
        server: (server) => this.#dispatch({ kind: 'server', server }),
        snapshot: (result) => this.#dispatch({ kind: 'snapshot', result, at: Date.now() }),
        notification: (topic, params) =>
          this.#dispatch({ kind: 'notification', topic, params, at: Date.now() }),
      },
    });
  }

  start(): void {
    window.addEventListener('hashchange', () => this.#readAddress());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#client.retryNow();
    });
    if (!this.#readAddress()) this.#client.start();
  }

  retryNow(): void {
    this.#client.retryNow();
  }

  setRoot(lbr: string, mote: string, on: boolean): void {
    void this.#ask(lbr, 'set-dagroot', mote, { on });
  }

  toggleRoot(lbr: string, mote: string): void {
    void this.#ask(lbr, 'toggle-dagroot', mote, {});
  }

  resetMote(lbr: string, mote: string): void {
    void this.#ask(lbr, 'reset-mote', mote, {});
  }

  testEcho(lbr: string, mote: string): void {
    void this.#ask(lbr, 'echo-mote', mote, ECHO_TEST);
  }

  async #ask(lbr: string, event: CommandEvent, mote: string, args: Arguments): Promise<void> {
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

  /** Takes a token out of the address, so that it is neither seen nor copied with it. True if there was one. */
  #readAddress(): boolean {
    const { token, lbr, mote } = parseFragment(location.hash);
    this.selection = { lbr, mote };
    if (token === null) return false;
    rememberToken(token);
    history.replaceState(null, '', formatFragment({ lbr, mote }));
    this.#client.start();
    return true;
  }

  #dispatch(action: Action): void {
    this.#newest = reduce(this.#newest, action);
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.model = this.#newest;
    });
  }
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

function connect(address: URL): Socket {
  const socket = new WebSocket(address);
  const end: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (data) => socket.send(data),
    close: () => socket.close(),
  };
  socket.onopen = () => end.onopen?.();
  socket.onmessage = (event) => end.onmessage?.(event);
  socket.onclose = (event) => end.onclose?.(event);
  return end;
}
