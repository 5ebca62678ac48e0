// The three processes of a border router and emulated motes, each of which a test may kill and start again.

import { pause, until } from './waiting.mjs';

/** The EUI-64 and the short name of an emulated mote. */
export const euiOf = (number) => `141592cc0000${nameOf(number)}`;
export const nameOf = (number) => number.toString(16).padStart(4, '0');

const ROOM_WITHIN_MS = 3 * 60_000;

const isReady = (line) => line.endsWith('ready') || line.includes('waits to be woken');

export class Router {
  #place;
  #url;
  #ports;
  motes;
  eventbus;
  serialBridge;
  uiProxy;

  /** `url` is where `ui-proxy` dials when it is woken. */
  static async start(place, { motes = 3, mesh = 0, url }) {
    const router = new Router();
    router.#place = place;
    router.#url = url;
    router.motes = place.start('mote-emulator', ['emulate', '--motes', `${motes}`, '--mesh', `${mesh}`, '--dir', place.path('motes')]);
    await router.motes.says('stdout', '`ready`', (line) => line === 'ready');
    router.#ports = router.motes.stdout.flatMap((line) => /^port \S+ (.*)$/.exec(line)?.[1] ?? []);
    router.eventbus = await router.#start('eventbus', ['--state-dir', place.path('state'), '--run-dir', place.path('run')]);
    router.serialBridge = await router.#start('serial-bridge', router.#ports.flatMap((port) => ['--port', port]));
    await router.startUiProxy();
    return router;
  }

  /** It stays idle until it is woken. */
  async startUiProxy() {
    const where = ['--key-file', this.#place.path('ui.key'), '--state-dir', this.#place.path('state')];
    this.uiProxy = await this.#start('ui-proxy', ['--url', this.#url, '--name', 'roof', ...where]);
  }

  wake() {
    this.uiProxy.signal('SIGUSR1');
  }

  /** Something happens to a mote, as `mote-emulator emulate --help` has it. */
  async happens(words) {
    const from = this.motes.stdout.length + this.motes.stderr.length;
    this.motes.say(words);
    await until(`the emulator to obey \`${words}\``, () => this.motes.stdout.length + this.motes.stderr.length > from);
  }

  async stop() {
    for (const program of [this.uiProxy, this.serialBridge, this.eventbus, this.motes]) await program?.stop();
  }

  /** Others of this user may have queues for a while, without a share of them; then there is room later. */
  async #start(name, args) {
    const end = performance.now() + ROOM_WITHIN_MS;
    for (;;) {
      const program = this.#place.start(name, ['--instance', this.#place.instance, ...args]);
      try {
        await program.says('stderr', '`ready`', isReady);
        return program;
      } catch (error) {
        if (performance.now() > end || !program.stderr.some((line) => line.includes('RLIMIT_MSGQUEUE'))) throw error;
        await pause(1_000);
      }
    }
  }
}
