// Sample messages in the shape of the browser protocol, for the tests.

import { INITIAL_MODEL, type Model } from '../src/lib/model';
import { reduce } from '../src/lib/reduce';

export const NOW = 1_760_000_000_000;
export const LBR = 'lbr-1';
export const EUI = '141592cc00000001';
export const PORT = '/dev/ttyUSB0';

export function link(state = 'live', more: object = {}): object {
  return {
    lbr: { id: LBR, name: 'attic', hostname: 'attic.local', version: '0.1.0', boot: 'b1' },
    target: 'root@attic',
    state,
    since: NOW - 5000,
    last_message: NOW,
    rtt_ms: 12.5,
    detail: '',
    stages: [],
    stderr: [],
    commands: ['ssh -N USER@LBR'],
    ...more,
  };
}

export function mote(more: object = {}): object {
  return {
    source: 'serial',
    port: PORT,
    link: 'up',
    since: NOW,
    baud: 115200,
    mote: EUI,
    id16: '0001',
    dagroot: false,
    last_heard: NOW - 1000,
    ...more,
  };
}

export function log(n: number, more: object = {}): object {
  return {
    type: 'mote-log',
    t: NOW + n,
    mote: EUI,
    port: PORT,
    severity: 'error',
    component: { code: 13, name: 'IEEE802154E' },
    error: { code: 40, name: 'maxretries' },
    args: [4, 0],
    text: `line ${n}`,
    ...more,
  };
}

/** One of each of the 13 elements, and one that the page does not know. */
export const ELEMENTS = {
  IsSync: { t: NOW, isSync: true },
  IdManager: { t: NOW, isDAGroot: false, myPANID: 'cafe', my16bID: '0001', my64bID: EUI, myPrefix: 'bbbb000000000000' },
  MyDagRank: { t: NOW, myDAGrank: 512 },
  OutputBuffer: { t: NOW, index_write: 70, index_read: 70 },
  Asn: { t: NOW, asn: 123_456_789 },
  MacStats: { t: NOW, numSyncPkt: 1, numSyncAck: 2, minCorrection: -4, maxCorrection: 5, numDeSync: 0, numTicsOn: 1, numTicsTotal: 100, dutyCycle: 0.01 },
  Schedule: {
    t: NOW,
    rows: {
      '0': { slotOffset: 0, type: { code: 3, name: 'TXRX' }, shared: true, channelOffset: 0, neighbor: { type: 'anycast', value: '' }, numRx: 9, numTx: 50, numTxACK: 0, lastUsedAsn: 7, t: NOW },
      '1': { slotOffset: 0, type: { code: 0, name: 'OFF' }, shared: false, channelOffset: 0, neighbor: { type: 'none', value: '' }, numRx: 0, numTx: 0, numTxACK: 0, lastUsedAsn: 0, t: NOW },
    },
  },
  Backoff: { t: NOW, backoffExponent: 1, backoff: 0 },
  Queue: { t: NOW, rows: { '0': { creator: { code: 20, name: 'ICMPv6RPL' }, owner: { code: 10, name: 'SIXTOP_TO_IEEE802154E' } }, '1': { creator: { code: 0, name: 'NULL' }, owner: { code: 0, name: 'NULL' } } } },
  Neighbors: {
    t: NOW,
    rows: {
      '0': { used: true, insecure: false, parentPreference: 1, stableNeighbor: true, switchStabilityCounter: 0, addr: { type: '64b', value: '141592cc00000002' }, DAGrank: 256, rssi: -63, numRx: 5, numTx: 100, numTxACK: 95, numWraps: 0, asn: 99, joinPrio: 1, f6PNORES: false, sixtopSeqNum: 2, backoffExponent: 1, backoff: 0, t: NOW },
    },
  },
  kaPeriod: { t: NOW, kaPeriod: 1000 },
  Joined: { t: NOW, joinedAsn: 4242 },
  MSF: { t: NOW, numCellsUsed_tx: 3, numCellsUsed_rx: 4 },
  Weather: { t: NOW, celsius: 21.5 },
};

export function snapshot(more: object = {}): object {
  return {
    seq: 7,
    links: [link()],
    lbrs: {
      [LBR]: {
        hello: {},
        inventory: { t: NOW, motes: [mote()] },
        status: { [EUI]: { mote: EUI, port: PORT, elements: ELEMENTS } },
        counts: { boot: 'b1', counts: [{ sender: `mote_connector@${PORT}`, signal: 'fromMote.status', num: 3 }] },
        logs: [log(-2000), log(-1000)],
        health: { t: NOW, processes: [{ name: 'eventbus', pid: 7, uptime: 60, rss_kib: 900, cpu_ms: 120, inbox: { depth: 0, max: 10 }, dropped: {} }] },
        outcomes: [],
        ...more,
      },
    },
  };
}

/** The model after the snapshot, with the page connected. */
export function loaded(more: object = {}): Model {
  const open = reduce(INITIAL_MODEL, { kind: 'server', server: { kind: 'open', host: 'gui-host' } });
  return reduce(open, { kind: 'snapshot', result: snapshot(more), at: NOW });
}

export function notify(model: Model, topic: string, message: unknown, at = NOW, lbr: string | null = LBR): Model {
  return reduce(model, { kind: 'notification', topic, params: { seq: 1, lbr, message }, at });
}
