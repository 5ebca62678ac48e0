// An invented border router and its motes, as gui-host would tell of them. Numbers move enough to see a page live; they
// mean nothing. One mote sends an element and a field that no page knows, and one sends hostile text.

const STATES = ['none', 'connecting', 'live', 'stale', 'lost'];
const COMMANDS = [
  'ssh -N -T -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -R 127.0.0.1:8000:localhost:8000',
  'ssh',
];
const COMPONENTS = ['IEEE802154E', 'SIXTOP', 'ICMPv6RPL', 'FORWARDING', 'CJOIN', 'MSF'];
const LOGS = [
  ['info', 'IEEE802154E', 'synchronized at slotOffset 0'],
  ['error', 'IEEE802154E', 'maxretries reached, counter: 4'],
  ['warning', 'SIXTOP', 'there is no available cell to remove'],
  ['success', 'CJOIN', 'join succeeded'],
  ['verbose', 'ICMPv6RPL', 'DIO sent, rank 512'],
  ['error', 'SIXTOP_TO_IEEE802154E_RESOURCE_MANAGER', 'wrong state 3 in a component with a long name'],
  ['critical', 'OPENQUEUE', 'freeing an unused packet at code location 3 <img src=x onerror=alert(1)>'],
];

export class FakeRouter {
  #listeners = new Set();
  #motes;
  #ports;
  #state;
  #since = Date.now();
  #skew;
  #counts = new Map();
  #logs = [];
  #outcomes = [];
  #started = Date.now();
  #commands = 0;
  #turn = 0;
  #hz;

  constructor({ number, motes, wired, hz, state, ports, skewMs }) {
    this.id = `lbr-0${number}`;
    this.#hz = hz;
    this.#state = STATES.includes(state) ? state : 'live';
    this.#skew = skewMs;
    this.#ports = ports;
    this.#motes = makeMotes(motes, wired, (index) => portName(ports, index), number);
    for (let n = 0; n < 24; n++) this.#log(this.#now() - (24 - n) * 4000);
    for (const mote of this.#wired()) {
      for (let turn = 0; turn < 700; turn++) this.#report(mote, turn);
      mote.elements.Summary = summaryOf(mote, this.#now());
    }
    // The second mote has booted since: part of what it told is of its earlier life.
    if (this.#motes[1] !== undefined) boot(this.#motes[1], this.#now() + 1);
    setInterval(() => this.#step(), 1000 / hz).unref();
    setInterval(() => this.#seldom(), 2000).unref();
  }

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setState(state) {
    if (!STATES.includes(state)) return false;
    this.#state = state;
    this.#since = Date.now();
    this.#emit('link', null, this.#link());
    return true;
  }

  snapshot() {
    const unknown = this.#state === 'none' || this.#state === 'connecting';
    if (unknown) return { links: [this.#link()], lbrs: {} };
    const status = Object.fromEntries(
      this.#wired().map((mote) => [mote.eui, { mote: mote.eui, port: mote.port, elements: mote.elements }]),
    );
    const lbr = {
      hello: { lbr: this.#identity() },
      inventory: this.#inventory(),
      status,
      counts: { boot: 'a1b2', counts: [...this.#counts.values()] },
      logs: this.#logs,
      health: this.#health(),
      outcomes: this.#outcomes,
      dag: this.#dag(),
      uinject: this.#uinject(),
    };
    return { links: [this.#link()], lbrs: { [this.id]: lbr } };
  }

  /** Follows a role command to its end; every fifth is refused, so that a page has that to show. */
  command({ event, mote: eui, on }) {
    const id = `c${++this.#commands}`;
    const mote = this.#motes.find((each) => each.eui === eui);
    const outcome = (state, detail = '', more = {}) => {
      const message = { type: 'command-outcome', t: this.#now(), id, state, detail, ...more };
      this.#outcomes = [...this.#outcomes.filter((each) => each.id !== id), { ...message, event, mote: eui, on }].slice(-50);
      this.#emit('command-outcome', this.id, message);
    };
    if (mote === undefined || this.#commands % 5 === 0) {
      setTimeout(() => outcome('refused', mote === undefined ? 'no such mote' : 'busy: 16 commands are in flight'), 50);
      return id;
    }
    setTimeout(() => outcome('accepted'), 60);
    setTimeout(() => outcome('sent', `written to ${mote.port}`), 250);
    if (event === 'echo-mote' || event === 'reset-mote') {
      const echo = { sent: 10, ok: 9, corrupted: 1, timed_out: 0, round_trip_ms: { least: 12.1, mean: 14.04, most: 19.3 } };
      setTimeout(() => {
        if (event === 'echo-mote') return outcome('confirmed', 'sent 10, ok 9, corrupted 1, timed out 0, round trip 12.1/14.0/19.3 ms (least/mean/most)', { echo });
        boot(mote, this.#now());
        this.#emit('mote-inventory', this.id, this.#inventory());
        outcome('confirmed', 'the mote says that it has booted');
      }, 1400);
      return id;
    }
    setTimeout(() => {
      mote.root = event === 'toggle-dagroot' ? !mote.root : on === true;
      this.#report(mote, 1);
      this.#report(mote, 2);
      this.#emit('mote-status', this.id, this.#status(mote, new Map([['IdManager', null], ['MyDagRank', null]])));
      this.#emit('mote-inventory', this.id, this.#inventory());
      outcome('confirmed', `IdManager of ${mote.id16} reports ${mote.root ? 'root' : 'not root'}`);
    }, 1400);
    return id;
  }

  /** Invented figures of the past: the last three days, with a gap in the last hour. */
  history({ mote: eui, from, to, step_ms: step }) {
    const begins = this.#started - 3 * 86_400_000;
    const wave = (at, period, low, high) => low + ((high - low) * (1 + Math.sin((at / period) * 2 * Math.PI))) / 2;
    const told = (low, high, period) => {
      const points = [];
      for (let at = from - (from % step); at < to; at += step) {
        const gap = at < begins || (at > this.#started - 600_000 && at < this.#started - 480_000);
        if (!gap) points.push([at, wave(at, period, low, high)]);
      }
      return points;
    };
    const series = eui === null
      ? { status_rate: told(20, 60, 400_000), data_rate: told(1, 9, 900_000), error_rate: told(0, 0.4, 300_000) }
      : { prr: told(80, 100, 700_000), rssi: told(-80, -60, 500_000), queue: told(0, 6, 200_000), rank: told(500, 900, 3_000_000), asn_rate: told(66, 67, 90_000), duty: told(1, 4, 800_000) };
    const marks = eui === null ? [] : [
      { t: this.#started - 7_200_000, kind: 'boot', value: 1 },
      { t: this.#started - 7_100_000, kind: 'parent', name: 'neighbors', text: this.#motes[0].eui },
      { t: this.#started - 300_000, kind: 'link', name: 'silent' },
      { t: this.#started - 240_000, kind: 'link', name: 'up' },
      { t: this.#started - 200_000, kind: 'boot', value: 2 },
    ].filter(({ t }) => t >= from && t <= to);
    return { lbr: this.id, mote: eui, from, to, step_ms: step, kept: { from: 'database', lost: 0 }, series, marks };
  }

  #wired() {
    return this.#motes.filter((mote) => mote.port !== null);
  }

  #step() {
    if (this.#state !== 'live') return;
    this.#turn++;
    for (const mote of this.#wired()) {
      if (mote.link !== 'up') continue;
      const changed = new Map();
      for (let n = 0; n < 5; n++) {
        const [name, rows] = this.#report(mote, this.#turn * 5 + n);
        changed.set(name, rows);
      }
      this.#emit('mote-status', this.id, this.#status(mote, changed));
      this.#count(`mote_connector@${mote.port}`, 'fromMote.status', 5);
      if (Math.random() < 0.3) this.#count(`mote_connector@${mote.port}`, 'fromMote.data', 1);
      this.#count(`mote_connector@${mote.port}`, `fromMoteConnector@${mote.port}`, 1);
    }
    this.#emit('event-count', this.id, { type: 'event-count', t: this.#now(), boot: 'a1b2', counts: [...this.#counts.values()] });
  }

  #seldom() {
    if (this.#state !== 'live') return;
    this.#emit('mote-log', this.id, this.#log(this.#now()));
    this.#emit('dag', this.id, this.#dag());
    this.#emit('uinject', this.id, this.#uinject());
    if (this.#turn % 10 < 2 * this.#hz) this.#emit('lbr-health', this.id, this.#health());
    if (this.#turn % 15 < 2) this.#emit('link', null, this.#link());
    if (this.#turn % 80 < 2) this.#emit('gap', this.id, { type: 'gap', t: this.#now(), dropped: { 'mote-log': 12 } });
  }

  /** All motes but the root, as their DAOs tell; what comes later has had a little more through. */
  #dag() {
    const motes = this.#motes.filter((mote) => !mote.root).map((mote, index) => ({
      mote: mote.eui,
      root: this.#motes[0].eui,
      parents: mote.parent === null ? [] : [mote.parent.eui],
      heard: this.#now() - ((index * 7919) % 50_000),
      hops: mote.hops,
      address: `bbbb::1415:92cc:0:${Number.parseInt(mote.id16, 16).toString(16)}`,
      last_packet: this.#now() - ((index * 4421) % 20_000),
      packets: 40 + this.#turn + index,
    }));
    return { type: 'dag', t: this.#now(), motes };
  }

  #uinject() {
    const sources = this.#motes.filter((mote) => !mote.root).map((mote, index) => {
      const expected = 60 + Math.floor(this.#turn / 4);
      const received = Math.floor(expected * (1 - mote.hops * 0.03));
      const latency = { last: 40 * mote.hops + (this.#turn % 30), mean: 42.5 * mote.hops };
      return { mote: mote.eui, heard: this.#now() - index * 100, layout: 'name-first', counter: expected, received, expected, pdr: received / expected, latency, tx_cells: 3, rx_cells: 1, duty_cycle: 0.021 };
    });
    return { type: 'uinject', t: this.#now(), boot: 'a1b2', sources };
  }

  #report(mote, turn) {
    const name = ELEMENTS[turn % ELEMENTS.length];
    const table = { Schedule: scheduleRow, Neighbors: neighborRow, Queue: queueRow }[name];
    const t = this.#now();
    if (table === undefined) {
      mote.elements[name] = { t, ...scalar(name, mote, turn, Date.now() - this.#started) };
      return [name, null];
    }
    const rows = (mote.elements[name] ??= { t, rows: {} }).rows;
    mote.elements[name].t = t;
    const size = { Schedule: 40, Neighbors: 30, Queue: 20 }[name];
    const numbers = name === 'Queue' ? Array.from({ length: size }, (_, row) => row) : [Math.floor(turn / ELEMENTS.length) % size];
    for (const row of numbers) rows[row] = { ...table(mote, row, turn), ...(name === 'Queue' ? {} : { t }) };
    return [name, numbers];
  }

  /** Tables with the rows that were just reported, as a router tells them, and what it reads off them. */
  #status(mote, changed) {
    mote.elements.Summary = summaryOf(mote, this.#now());
    const elements = Object.fromEntries(
      [...changed].map(([name, numbers]) => {
        const element = mote.elements[name];
        if (numbers === null) return [name, element];
        return [name, { t: element.t, rows: Object.fromEntries(numbers.map((number) => [number, element.rows[number]])) }];
      }),
    );
    return { type: 'mote-status', t: this.#now(), mote: mote.eui, port: mote.port, elements: { ...elements, Summary: mote.elements.Summary } };
  }

  #inventory() {
    const told = this.#motes.map((mote) => ({
      source: mote.port === null ? 'dao' : 'serial',
      port: mote.port,
      link: mote.link,
      since: this.#now() - 60_000,
      baud: mote.port === null ? null : 115200,
      mote: mote.eui,
      id16: mote.id16,
      dagroot: mote.root,
      last_heard: mote.link === 'up' ? this.#now() : this.#now() - 38_000,
      boots: mote.boots,
      booted: mote.booted,
    }));
    const more = [
      { source: 'serial', port: portName(this.#ports, 99), link: 'probing', since: this.#now(), baud: null, mote: null, id16: null, dagroot: null, last_heard: null },
    ];
    return { type: 'mote-inventory', t: this.#now(), motes: [...told, ...more] };
  }

  #log(t) {
    const [severity, component, text] = LOGS[Math.floor(Math.random() * LOGS.length)];
    const wired = this.#wired();
    const mote = wired[Math.floor(Math.random() * wired.length)];
    const error = { code: 0x28, name: 'maxretries' };
    // Now and then one speaks that has not told its address.
    const eui = Math.random() < 0.15 ? null : mote.eui;
    const message = { type: 'mote-log', t, mote: eui, port: mote.port, severity, component: { code: 0x0d, name: component }, error, args: [4, 0], text };
    this.#logs = [...this.#logs, message].slice(-500);
    this.#count(`mote_connector@${mote.port}`, 'fromMote.error', 1);
    this.#count(`mote_connector@${mote.port}`, `fromMote.log.${severity}`, 1);
    return message;
  }

  #count(sender, signal, more) {
    const key = `${sender} ${signal}`;
    const num = (this.#counts.get(key)?.num ?? 0) + more;
    this.#counts.set(key, { sender, signal, num });
  }

  #health() {
    const uptime = Math.floor((Date.now() - this.#started) / 1000);
    const process = (name, pid, rss_kib, depth, dropped) => ({ name, pid, uptime, rss_kib, cpu_ms: uptime * 3, inbox: { depth, max: 10 }, dropped });
    const processes = [
      process('serial-bridge', 812, 640, 0, {}),
      process('eventbus', 815, 912, 1, { 'log-oldest': 12 }),
      process('ui-proxy', 819, 1180, 0, {}),
    ];
    const ports = this.#wired().map((mote, index) => ({
      port: mote.port, link: 'up', since: this.#now() - uptime * 1000, baud: 115200, rx_bytes: 4000 * (uptime + index), rx_frames: 20 * uptime,
      tx_bytes: 180, tx_frames: 12, noise_bytes: index === 3 ? 31 : 0, stalls: index % 4, forced_resumes: index === 3 ? 1 : 0, openings: 1,
      faults: index % 5 === 1 ? { 'bad-crc': 3 } : {},
    }));
    return { type: 'lbr-health', t: this.#now(), processes, ports };
  }

  #link() {
    const now = Date.now();
    const reached = this.#state !== 'none' && this.#state !== 'connecting';
    const who = this.#state === 'none' ? 'USER@LBR' : this.#target();
    return {
      lbr: reached ? this.#identity() : null,
      target: this.#state === 'none' ? null : this.#target(),
      state: this.#state,
      since: this.#since,
      last_message: reached ? now - (this.#state === 'live' ? 200 : 23_000) : null,
      rtt_ms: reached ? 18 + Math.random() * 5 : null,
      detail: DETAILS[this.#state],
      stages: this.#state === 'connecting' ? stages(now) : [],
      stderr: this.#state === 'connecting' ? ["Warning: Permanently added 'lbr-01.local' (ED25519) to the list of known hosts."] : [],
      commands: [`${COMMANDS[0]} ${who}`, `${COMMANDS[1]} ${who} pkill -USR1 -x ui-proxy`],
    };
  }

  #identity() {
    return { id: this.id, name: this.id, hostname: `${this.id}.local`, version: '0.1.0', boot: 'a1b2' };
  }

  #target() {
    return `root@${this.id}.local`;
  }

  #now() {
    return Date.now() - this.#skew;
  }

  #emit(topic, lbr, message) {
    for (const listener of this.#listeners) listener(topic, lbr, message);
  }
}

const DETAILS = {
  none: 'No router has called yet.',
  connecting: 'The tunnel is up; waiting for ui-proxy to call.',
  live: '',
  stale: 'The router did not answer the last ping.',
  lost: 'The router closed the link: connection reset by peer.',
};

function stages(now) {
  return [
    { name: 'ssh started', state: 'done', t: now - 4200, text: '' },
    { name: 'forward accepted', state: 'done', t: now - 3100, text: '' },
    { name: 'signal sent', state: 'failed', t: now - 2600, text: 'pkill: operation not permitted; asked through the queue instead' },
    { name: 'link open', state: 'active', t: now - 2500, text: '' },
    { name: 'first inventory', state: 'pending', t: null, text: '' },
  ];
}

const ELEMENTS = [
  'IsSync', 'IdManager', 'MyDagRank', 'OutputBuffer', 'Asn', 'MacStats', 'Schedule', 'Backoff', 'Queue', 'Neighbors',
  'kaPeriod', 'Joined', 'MSF', 'Neighbors', 'Schedule', 'Weather',
];

function portName(ports, index) {
  if (ports !== 'long') return `/dev/ttyUSB${index}`;
  const board = Math.floor(index / 2);
  const names = [
    `/dev/serial/by-id/usb-FTDI_Dual_RS232-HS-if0${index % 2}-port0`,
    `/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A5028${board}BI-if00-port0`,
    `/tmp/lbr-demo-j4cd1b/motes/mote${index + 1}`,
  ];
  return names[index % names.length];
}

/** A network that looks grown: each mote's parent is one of those a little before it. The same on every run. */
function makeMotes(count, wired, port, number) {
  const motes = [];
  for (let index = 0; index < count; index++) {
    const id16 = (index + 1 + (number - 1) * 256).toString(16).padStart(4, '0');
    const above = index === 0 ? null : motes[Math.max(0, Math.floor((index - 1) / 2.6) - (index % 3 === 0 ? 1 : 0))];
    motes.push({
      index,
      id16,
      eui: `141592cc0000${id16}`,
      port: index < wired ? port(index) : null,
      link: index === 2 ? 'silent' : 'up',
      root: index === 0,
      parent: above,
      hops: above === null ? 0 : above.hops + 1,
      loss: [0.02, 0.05, 0.2, 0.01, 0.4][index % 5],
      elements: {},
      boots: 0,
      booted: null,
    });
  }
  for (const mote of motes) {
    mote.children = motes.filter((each) => each.parent === mote);
    const near = motes.filter((each) => each !== mote && each !== mote.parent && Math.abs(each.index - mote.index) < 4);
    mote.hears = [...(mote.parent === null ? [] : [mote.parent]), ...mote.children, ...near.filter((each) => each.parent !== mote)];
  }
  return motes;
}

/** The mote starts anew. What it told before stays, as it does on a router. */
function boot(mote, t) {
  mote.boots++;
  mote.booted = t;
}

function scalar(name, mote, turn, ms) {
  const asn = 123_456_789 + Math.floor(ms / 10);
  switch (name) {
    case 'IsSync':
      return { isSync: mote.link === 'up' };
    case 'IdManager':
      return { isDAGroot: mote.root, myPANID: 'cafe', my16bID: mote.id16, my64bID: mote.eui, myPrefix: 'bbbb000000000000' };
    case 'MyDagRank':
      return { myDAGrank: mote.root ? 256 : mote.link === 'up' ? 256 * (mote.hops + 1) + 37 * mote.hops : 65535 };
    case 'OutputBuffer':
      return { index_write: (turn * 37) % 65536, index_read: (turn * 37) % 65536 };
    case 'Asn':
      return { asn };
    case 'MacStats':
      return { numSyncPkt: turn % 256, numSyncAck: (turn * 3) % 256, minCorrection: -4, maxCorrection: 5, numDeSync: 0, numTicsOn: 91_000 + turn, numTicsTotal: 2_900_000, dutyCycle: mote.link === 'up' ? 0.0314 : null };
    case 'Backoff':
      return { backoffExponent: 1 + (turn % 5), backoff: turn % 8 };
    case 'kaPeriod':
      return { kaPeriod: 1000, firmwareNote: 'a field nobody knows' };
    case 'Joined':
      return { joinedAsn: mote.root ? 0 : 123_400_000 };
    case 'MSF':
      return { numCellsUsed_tx: turn % 32, numCellsUsed_rx: (turn * 2) % 32 };
    default:
      return { celsius: 21.5, wind: { from: 'NW', kmh: 12 } };
  }
}

const UNUSED_CELL = { slotOffset: 0, type: { code: 0, name: 'OFF' }, shared: false, channelOffset: 0, neighbor: { type: 'none', value: '' }, numRx: 0, numTx: 0, numTxACK: 0, lastUsedAsn: 0 };

/** The minimal cell, autonomous ones, three negotiated ones to the parent, two from each child. */
function cellsOf(mote) {
  const to = (each) => ({ type: '64b', value: each.eui });
  const at = (a, b) => [1 + ((a * 37 + b * 29 + a * b * 11) % 100), (a * 7 + b * 5 + a * b) % 4];
  const cells = [{ place: [0, 0], type: [3, 'TXRX'], shared: true, neighbor: { type: 'anycast', value: '' } }];
  cells.push({ place: at(mote.index, 99), type: [2, 'RX'], shared: false, neighbor: { type: 'anycast', value: '' } });
  if (mote.parent !== null) {
    cells.push({ place: at(mote.parent.index, 99), type: [1, 'TX'], shared: true, neighbor: to(mote.parent) });
    for (let n = 0; n < 3; n++) cells.push({ place: at(mote.index, n), type: [1, 'TX'], shared: false, neighbor: to(mote.parent) });
  }
  for (const child of mote.children) for (let n = 0; n < 3; n++) cells.push({ place: at(child.index, n), type: [2, 'RX'], shared: false, neighbor: to(child) });
  return cells;
}

function scheduleRow(mote, row, turn) {
  const cell = (mote.cells ??= cellsOf(mote))[row];
  if (cell === undefined) return UNUSED_CELL;
  const [code, name] = cell.type;
  const sends = name !== 'RX';
  const numTx = sends ? 4 + ((turn * (row + 1)) % 200) : 0;
  const acked = cell.neighbor.type === 'anycast' ? 0 : Math.floor(numTx * (1 - mote.loss));
  return { slotOffset: cell.place[0], type: { code, name }, shared: cell.shared, channelOffset: cell.place[1], neighbor: cell.neighbor, numRx: sends ? 0 : turn % 256, numTx, numTxACK: acked, prr: numTx === 0 ? null : acked / numTx, lastUsedAsn: 123_450_000 + turn };
}

const NO_NEIGHBOR = { used: false, insecure: false, parentPreference: 0, stableNeighbor: false, switchStabilityCounter: 0, addr: { type: 'none', value: '' }, DAGrank: 65535, rssi: 0, numRx: 0, numTx: 0, numTxACK: 0, numWraps: 0, asn: 0, joinPrio: 255, f6PNORES: false, sixtopSeqNum: 0, backoffExponent: 0, backoff: 0, prr: null };

function neighborRow(mote, row, turn) {
  const other = mote.hears[row];
  if (other === undefined) return NO_NEIGHBOR;
  const parent = other === mote.parent;
  const numTx = parent ? (mote.index % 7 === 6 ? 6 : 120 + (turn % 20)) : row % 3 === 0 ? 4 : 0;
  const numTxACK = Math.floor(numTx * (1 - mote.loss));
  return { used: true, insecure: row === 4, parentPreference: parent ? 1 : 0, stableNeighbor: row < 3, switchStabilityCounter: row % 3, addr: { type: '64b', value: other.eui }, DAGrank: 256 * (other.hops + 1), rssi: -55 - Math.floor(mote.loss * 70) - row * 3 - (turn % 4), numRx: turn % 256, numTx, numTxACK, prr: numTx === 0 ? null : numTxACK / numTx, numWraps: row, asn: 123_456_000 + turn, joinPrio: other.hops, f6PNORES: false, sixtopSeqNum: 3 + row, backoffExponent: 1, backoff: 0 };
}

/** What a router reads off a mote's tables. */
function summaryOf({ elements }, t) {
  const rowsOf = (name) => Object.values(elements[name]?.rows ?? {});
  const fill = (rows, used) => ({ used: rows.filter(used).length, heard: rows.length, of: rows.length });
  const [neighbors, schedule, queue] = ['Neighbors', 'Schedule', 'Queue'].map(rowsOf);
  const parent = neighbors.find(({ parentPreference }) => parentPreference > 0);
  return {
    t,
    preferredParent: parent === undefined ? null : { mote: parent.addr.value, rssi: parent.rssi, prr: parent.prr, numTx: parent.numTx },
    neighbors: fill(neighbors, ({ used }) => used),
    schedule: fill(schedule, ({ type }) => type.code !== 0),
    queue: { used: queue.filter(({ owner }) => owner.code !== 0).length, of: queue.length },
  };
}

function queueRow(mote, row, turn) {
  const busy = row < turn % 3;
  if (!busy) return { creator: { code: 0, name: 'NULL' }, owner: { code: 0, name: 'NULL' } };
  return { creator: { code: 0x14, name: COMPONENTS[row % COMPONENTS.length] }, owner: { code: 0x0a, name: 'SIXTOP_TO_IEEE802154E' } };
}
