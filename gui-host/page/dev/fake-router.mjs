// An invented border router and its motes, as gui-host would tell of them. Numbers move enough to see a page live; they
// mean nothing. One mote sends an element and a field that no page knows, and one sends hostile text.

const LBR = 'lbr-01';
const TARGET = 'root@lbr-01.local';
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

  constructor({ motes, state, ports, skewMs }) {
    this.#state = STATES.includes(state) ? state : 'live';
    this.#skew = skewMs;
    this.#ports = ports;
    this.#motes = Array.from({ length: motes }, (_, index) => makeMote(index, portName(ports, index)));
    for (let n = 0; n < 24; n++) this.#log(this.#now() - (24 - n) * 4000);
    for (const mote of this.#motes) for (let turn = 0; turn < 80; turn++) this.#report(mote, turn);
    setInterval(() => this.#step(), 500).unref();
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
      this.#motes.map((mote) => [mote.eui, { mote: mote.eui, port: mote.port, elements: mote.elements }]),
    );
    const lbr = {
      hello: { lbr: this.#identity() },
      inventory: this.#inventory(),
      status,
      counts: { boot: 'a1b2', counts: [...this.#counts.values()] },
      logs: this.#logs,
      health: this.#health(),
      outcomes: this.#outcomes,
    };
    return { links: [this.#link()], lbrs: { [LBR]: lbr } };
  }

  /** Follows a role command to its end; every fifth is refused, so that a page has that to show. */
  command({ event, mote: eui, on }) {
    const id = `c${++this.#commands}`;
    const mote = this.#motes.find((each) => each.eui === eui);
    const outcome = (state, detail = '') => {
      this.#outcomes = [...this.#outcomes.filter((each) => each.id !== id), { id, state, detail }].slice(-50);
      this.#emit('command-outcome', LBR, { type: 'command-outcome', t: this.#now(), id, state, detail });
    };
    if (mote === undefined || this.#commands % 5 === 0) {
      setTimeout(() => outcome('refused', mote === undefined ? 'no such mote' : 'busy: 16 commands are in flight'), 50);
      return id;
    }
    setTimeout(() => outcome('accepted'), 60);
    setTimeout(() => outcome('sent', `written to ${mote.port}`), 250);
    if (event === 'echo-mote' || event === 'reset-mote') {
      const figures = '10 sent, 9 came back whole, 1 corrupted, 0 timed out; round trip 12 / 14 / 19 ms';
      setTimeout(() => outcome('confirmed', event === 'echo-mote' ? figures : 'the mote reports an ASN of 0'), 1400);
      return id;
    }
    setTimeout(() => {
      mote.root = event === 'toggle-dagroot' ? !mote.root : on === true;
      this.#report(mote, 1);
      this.#report(mote, 2);
      this.#emit('mote-status', LBR, this.#status(mote, ['IdManager', 'MyDagRank']));
      this.#emit('mote-inventory', LBR, this.#inventory());
      outcome('confirmed', `IdManager of ${mote.id16} reports ${mote.root ? 'root' : 'not root'}`);
    }, 1400);
    return id;
  }

  #step() {
    if (this.#state !== 'live') return;
    this.#turn++;
    for (const mote of this.#motes) {
      if (mote.link !== 'up') continue;
      const changed = new Set();
      for (let n = 0; n < 5; n++) changed.add(this.#report(mote, this.#turn * 5 + n));
      this.#emit('mote-status', LBR, this.#status(mote, changed));
      this.#count(`mote_connector@${mote.port}`, 'fromMote.status', 5);
      this.#count(`mote_connector@${mote.port}`, `fromMoteConnector@${mote.port}`, 1);
    }
    this.#emit('event-count', LBR, { type: 'event-count', t: this.#now(), boot: 'a1b2', counts: [...this.#counts.values()] });
    if (this.#turn % 5 === 0) this.#emit('mote-log', LBR, this.#log(this.#now()));
    if (this.#turn % 20 === 0) this.#emit('lbr-health', LBR, this.#health());
    if (this.#turn % 30 === 0) this.#emit('link', null, this.#link());
    if (this.#turn === 40) this.#emit('gap', LBR, { type: 'gap', t: this.#now(), dropped: { 'mote-log': 12 } });
  }

  #report(mote, turn) {
    const name = ELEMENTS[turn % ELEMENTS.length];
    const table = { Schedule: scheduleRow, Neighbors: neighborRow, Queue: queueRow }[name];
    const t = this.#now();
    if (table === undefined) {
      mote.elements[name] = { t, ...scalar(name, mote, turn, Date.now() - this.#started) };
      return name;
    }
    const rows = (mote.elements[name] ??= { t, rows: {} }).rows;
    mote.elements[name].t = t;
    const size = { Schedule: 20, Neighbors: 30, Queue: 20 }[name];
    const numbers = name === 'Queue' ? Array.from({ length: size }, (_, row) => row) : [Math.floor(turn / ELEMENTS.length) % size];
    for (const row of numbers) rows[row] = { ...table(mote, row, turn), ...(name === 'Queue' ? {} : { t }) };
    return name;
  }

  #status(mote, names) {
    const elements = Object.fromEntries([...names].map((name) => [name, mote.elements[name]]));
    return { type: 'mote-status', t: this.#now(), mote: mote.eui, port: mote.port, elements };
  }

  #inventory() {
    const told = this.#motes.map((mote) => ({
      source: 'serial',
      port: mote.port,
      link: mote.link,
      since: this.#now() - 60_000,
      baud: 115200,
      mote: mote.eui,
      id16: mote.id16,
      dagroot: mote.root,
      last_heard: mote.link === 'up' ? this.#now() : this.#now() - 38_000,
    }));
    const more = [
      { source: 'serial', port: portName(this.#ports, 9), link: 'probing', since: this.#now(), baud: null, mote: null, id16: null, dagroot: null, last_heard: null },
      { source: 'dao', port: null, link: 'up', since: this.#now(), baud: null, mote: '141592cc000000f7', id16: '00f7', dagroot: false, last_heard: this.#now() - 21_000 },
    ];
    return { type: 'mote-inventory', t: this.#now(), motes: [...told, ...more] };
  }

  #log(t) {
    const [severity, component, text] = LOGS[Math.floor(Math.random() * LOGS.length)];
    const mote = this.#motes[Math.floor(Math.random() * this.#motes.length)];
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
    return { type: 'lbr-health', t: this.#now(), processes };
  }

  #link() {
    const now = Date.now();
    const reached = this.#state !== 'none' && this.#state !== 'connecting';
    const who = this.#state === 'none' ? 'USER@LBR' : TARGET;
    return {
      lbr: reached ? this.#identity() : null,
      target: this.#state === 'none' ? null : TARGET,
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
    return { id: LBR, name: 'lbr-01', hostname: 'lbr-01.local', version: '0.1.0', boot: 'a1b2' };
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

function makeMote(index, port) {
  const id16 = (index + 1).toString(16).padStart(4, '0');
  return {
    id16,
    eui: `141592cc0000${id16}`,
    port,
    link: index === 2 ? 'silent' : 'up',
    root: index === 0,
    elements: {},
  };
}

function scalar(name, mote, turn, ms) {
  const asn = 123_456_789 + Math.floor(ms / 10);
  switch (name) {
    case 'IsSync':
      return { isSync: mote.link === 'up' };
    case 'IdManager':
      return { isDAGroot: mote.root, myPANID: 'cafe', my16bID: mote.id16, my64bID: mote.eui, myPrefix: 'bbbb000000000000' };
    case 'MyDagRank':
      return { myDAGrank: mote.root ? 256 : mote.link === 'up' ? 512 : 65535 };
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

function scheduleRow(mote, row, turn) {
  const none = { type: 'none', value: '0000000000000000' };
  if (row > 5) {
    return { slotOffset: 0, type: { code: 0, name: 'OFF' }, shared: false, channelOffset: 0, neighbor: none, numRx: 0, numTx: 0, numTxACK: 0, lastUsedAsn: 0 };
  }
  const [code, name] = row === 0 ? [3, 'TXRX'] : row % 2 === 1 ? [1, 'TX'] : [2, 'RX'];
  const neighbor = row === 0 ? { type: 'anycast', value: '' } : { type: '64b', value: '141592cc00000002' };
  const numTx = name === 'RX' ? 0 : 8 + ((turn * row) % 200);
  return { slotOffset: row * 17, type: { code, name }, shared: row === 0, channelOffset: (row * 5) % 16, neighbor, numRx: turn % 256, numTx, numTxACK: row === 0 ? 0 : Math.floor(numTx * (1 - row / 12)), lastUsedAsn: 123_450_000 + turn };
}

function neighborRow(mote, row, turn) {
  if (row > 2) {
    return { used: false, insecure: false, parentPreference: 0, stableNeighbor: false, switchStabilityCounter: 0, addr: { type: 'none', value: '' }, DAGrank: 65535, rssi: 0, numRx: 0, numTx: 0, numTxACK: 0, numWraps: 0, asn: 0, joinPrio: 255, f6PNORES: false, sixtopSeqNum: 0, backoffExponent: 0, backoff: 0 };
  }
  const numTx = [4, 120, 80][row] + (turn % 20);
  return { used: true, insecure: row === 2, parentPreference: row === 0 ? 1 : 0, stableNeighbor: row < 2, switchStabilityCounter: row, addr: { type: '64b', value: `141592cc0000000${row + 1}` }, DAGrank: row === 0 ? 256 : 512, rssi: -61 - row * 9 - (turn % 3), numRx: turn % 256, numTx, numTxACK: Math.floor(numTx * [1, 0.96, 0.62][row]), numWraps: row, asn: 123_456_000 + turn, joinPrio: row, f6PNORES: false, sixtopSeqNum: 3 + row, backoffExponent: 1, backoff: 0 };
}

function queueRow(mote, row, turn) {
  const busy = row < turn % 3;
  if (!busy) return { creator: { code: 0, name: 'NULL' }, owner: { code: 0, name: 'NULL' } };
  return { creator: { code: 0x14, name: COMPONENTS[row % COMPONENTS.length] }, owner: { code: 0x0a, name: 'SIXTOP_TO_IEEE802154E' } };
}
