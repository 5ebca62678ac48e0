// A GUI host on free ports, with the key of its place.

import { existsSync } from 'node:fs';

export class GuiHost {
  /** The process. */
  program;
  /** Where routers dial, and where the page is. */
  linkPort;
  port;
  token;

  static async start(place, options = []) {
    const key = place.path('ui.key');
    if (!existsSync(key)) await place.start('gui-host', ['keygen', '--key-file', key]).ended();
    return GuiHost.#launch(place, ['--key-file', key, ...options]);
  }

  /** One that takes any router: for those that a test plays itself. */
  static startOpen(place) {
    return GuiHost.#launch(place, ['--auth', 'none']);
  }

  static async #launch(place, options) {
    const host = new GuiHost();
    const has = (name) => options.includes(name);
    const ports = [...(has('--port') ? [] : ['--port', '0']), ...(has('--link-port') ? [] : ['--link-port', '0'])];
    host.program = place.start('gui-host', [...ports, ...options]);
    host.linkPort = await host.program.says('stderr', 'its link', (line) => Number(/^link: \S*?:(\d+)/.exec(line)?.[1]));
    const page = await host.program.says('stderr', 'its page', (line) => /^page: \S*?:(\d+)\/#t=(\S+)/.exec(line));
    host.port = Number(page[1]);
    host.token = page[2];
    return host;
  }

  /** Where `ui-proxy` is to dial. */
  get link() {
    return `ws://localhost:${this.linkPort}/lbr`;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The page's address; `rest` is what is selected. */
  page(rest = '') {
    return `${this.origin}/#t=${this.token}${rest === '' ? '' : `&${rest}`}`;
  }

  stop() {
    return this.program.stop();
  }
}
