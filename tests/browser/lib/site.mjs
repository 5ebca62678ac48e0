// A small web site of somebody else, on a port of its own.

import { createServer } from 'node:http';

export class Site {
  #server;
  port;

  /** `files` are bodies by path; what is not named is an empty page. */
  static async open(files = {}) {
    const site = new Site();
    site.#server = createServer((request, response) => {
      const type = request.url.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8';
      response.writeHead(200, { 'content-type': type }).end(files[request.url] ?? '<!doctype html><link rel="icon" href="data:,"><title>a site</title>');
    });
    await new Promise((resolve) => site.#server.listen(0, '127.0.0.1', resolve));
    site.port = site.#server.address().port;
    return site;
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
