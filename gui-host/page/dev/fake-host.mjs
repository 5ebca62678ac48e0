#!/usr/bin/env node
// Stands in for gui-host while the page is worked on: serves the built page under the same content security policy and
// speaks the browser protocol with invented motes that move. No router, no Rust, no hardware.
//
//   npm run build && npm run fake -- [--port 8080] [--motes 24] [--wired N] [--hz 2] [--routers 1] [--state live] [--skew 0] [--ports short]
//
// Then open the printed address; with `npm run dev` as well, the same `#t=fake` works at Vite's address.
// A word on standard input changes the state of the link: none, connecting, live, stale, lost.
// `--wired` motes are on a serial port (by default three of four), the others are known by their DAOs only; each wired
// one tells something `--hz` times a second. `--ports long` names the ports as udev and the demonstration do. `--skew` sets the router's clock back by so many seconds. Not for use by a real network: the token is fixed.

import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { FakeRouter } from './fake-router.mjs';

const TOKEN = 'fake';
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    motes: { type: 'string', default: '24' },
    wired: { type: 'string' },
    hz: { type: 'string', default: '2' },
    routers: { type: 'string', default: '1' },
    state: { type: 'string', default: 'live' },
    ports: { type: 'string', default: 'short' },
    skew: { type: 'string', default: '0' },
  },
});

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const routers = Array.from({ length: Number(options.routers) }, (_, index) => {
  const motes = index === 0 ? Number(options.motes) : 5;
  const wired = Math.min(motes, Number(options.wired ?? Math.ceil(motes * 0.75)));
  return new FakeRouter({ number: index + 1, motes, wired, hz: Number(options.hz), state: options.state, ports: options.ports, skewMs: Number(options.skew) * 1000 });
});

function snapshot() {
  const all = routers.map((router) => router.snapshot());
  return { links: all.flatMap((each) => each.links), lbrs: Object.assign({}, ...all.map((each) => each.lbrs)) };
}

const server = createServer((request, response) => {
  const path = normalize(new URL(request.url, 'http://fake').pathname);
  if (path === '/history/0fake') return void response.writeHead(200, { 'content-type': 'text/csv' }).end('t,time,lbr,mote,kind,name,detail,value,of,text\r\n');
  const file = join(dist, path === '/' ? 'index.html' : path);
  if (!file.startsWith(dist) || !existsSync(file)) {
    response.writeHead(404).end('no such file: has the page been built?\n');
    return;
  }
  response.writeHead(200, {
    'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
    'content-security-policy': CSP,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  createReadStream(file).pipe(response);
});

const sockets = new WebSocketServer({ server, path: '/ws' });
sockets.on('connection', (socket) => new Viewer(socket));

/** One page that is connected. */
class Viewer {
  #socket;
  #seq = 0;
  #subscribed = false;
  #known = false;

  constructor(socket) {
    this.#socket = socket;
    const stops = routers.map((router) => router.listen((topic, lbr, message) => this.#notify(topic, lbr, message)));
    const stop = () => stops.forEach((each) => each());
    socket.on('close', stop);
    socket.on('error', stop);
    socket.on('message', (data) => this.#handle(JSON.parse(String(data))));
  }

  #handle({ id, method, params }) {
    const answer = (result) => this.#send({ jsonrpc: '2.0', id, result });
    const refuse = (code, message) => this.#send({ jsonrpc: '2.0', id, error: { code, message } });
    if (!this.#known && (method !== 'authenticate' || params?.token !== TOKEN)) {
      refuse(-32001, 'wrong token');
      this.#socket.close(4401, 'wrong token');
    } else if (method === 'authenticate') {
      this.#known = true;
      answer({ host: { name: 'fake-host', version: '0.1.0' } });
    } else if (method === 'subscribe') {
      this.#subscribed = true;
      answer({ seq: this.#seq, ...snapshot() });
    } else if (method === 'ui-event') {
      const router = routers.find((each) => each.id === params.lbr);
      if (router === undefined) refuse(-32002, 'unknown lbr');
      else answer({ id: router.command(params) });
    } else if (method === 'discover') {
      const offer = { name: 'the roof', id: '141592cc00000001', version: '0.1.0', host: 'roof.local', port: 22, addresses: ['192.0.2.7', 'fd00::7'], command: 'gui-host --lbr USER@192.0.2.7' };
      setTimeout(() => answer({ routers: [offer, { ...offer, name: 'attic', id: null, version: null, host: 'attic.local', port: 2222, addresses: [], command: null }] }), 1500);
    } else if (method === 'history') {
      answer(routers.find((each) => each.id === params.lbr)?.history({ mote: null, ...params }) ?? {});
    } else if (method === 'history.export') {
      answer({ path: '/history/0fake', expires_ms: 60_000 });
    } else if (method === 'refresh') {
      answer({});
    } else {
      refuse(-32601, `no method ${method}`);
    }
  }

  #notify(topic, lbr, message) {
    if (this.#subscribed) this.#send({ jsonrpc: '2.0', method: topic, params: { seq: ++this.#seq, lbr, message } });
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }
}

server.listen(Number(options.port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/#t=${TOKEN}`);
});
createInterface({ input: process.stdin }).on('line', (line) => {
  if (!routers[0].setState(line.trim())) console.log('states: none, connecting, live, stale, lost');
});
