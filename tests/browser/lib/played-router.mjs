// A border router that a test plays: invented motes (the page's own `dev/fake-router.mjs`) on a real link to a real host.
// For networks of a size that no emulated serial lines on one machine could carry.

import { WebSocket } from 'ws';
import { FakeRouter } from '../../../gui-host/page/dev/fake-router.mjs';

/** So that a page is well within what one message may have. */
const MOTES_A_PAGE = 50;

export class PlayedRouter {
  #socket;
  #seq = 0;
  #fake;
  sent = 0;
  /** A router that says nothing more, while its link still answers. */
  isSilent = false;
  /** The host's words if it has closed the link. */
  ended = null;

  /** `motes` on serial ports, each of which tells something `hz` times a second, to a host that asks for no proof. */
  static async connect(url, { motes, hz, number = 1 }) {
    const router = new PlayedRouter();
    router.#fake = new FakeRouter({ number, motes, wired: motes, hz, state: 'live', ports: 'short', skewMs: 0 });
    router.#socket = new WebSocket(url, 'openwsn-lbr.v1');
    await new Promise((resolve, reject) => router.#socket.once('open', resolve).once('error', reject));
    const { lbrs } = router.#fake.snapshot();
    const welcome = new Promise((resolve) => router.#socket.once('message', resolve));
    const [{ hello, ...state }] = Object.values(lbrs);
    router.#send({ type: 'hello', v: [1], ...hello });
    const first = JSON.parse(String(await welcome));
    if (first.type !== 'welcome') throw new Error(`the host does not welcome the router: ${JSON.stringify(first)}`);
    router.#socket.on('close', (code, reason) => (router.ended = `${code} ${reason}`));
    router.#tellAll(state);
    router.#fake.listen((topic, _, message) => topic === 'link' || router.isSilent || router.#send(message));
    return router;
  }

  close() {
    this.#socket.close();
  }

  #tellAll({ inventory, status, counts, logs, health, dag, uinject }) {
    this.#send(inventory);
    for (const { mote, port, elements } of Object.values(status)) this.#send({ type: 'mote-status', t: Date.now(), mote, port, elements });
    this.#send({ type: 'event-count', t: Date.now(), ...counts });
    for (const each of [...logs, health, dag, uinject]) this.#send(each);
  }

  #send(message) {
    if (Array.isArray(message.motes) && message.motes.length > MOTES_A_PAGE) return this.#sendPages(message);
    this.sent++;
    this.#socket.send(JSON.stringify({ t: Date.now(), ...message, seq: this.#seq++ }));
  }

  #sendPages({ motes, ...rest }) {
    const of = Math.ceil(motes.length / MOTES_A_PAGE);
    const snapshot = this.#seq;
    for (let n = 1; n <= of; n++) {
      this.#send({ ...rest, motes: motes.slice((n - 1) * MOTES_A_PAGE, n * MOTES_A_PAGE), part: { n, of, snapshot } });
    }
  }
}
