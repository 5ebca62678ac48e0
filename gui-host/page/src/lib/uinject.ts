// Reads `uinject`: figures of the firmware's test traffic by source. A source replaces the one before of the same mote, and
// another start of `eventbus` begins from nothing.

import { MAX_MOTES } from './limits';
import type { Sources, Uinject } from './model';
import { fields, list, number, raw, text, type Fields } from './shapes';

export function applyUinject(before: Sources, message: Fields): Sources {
  const boot = message['boot'] === undefined || message['boot'] === null ? before.boot : raw(message['boot']);
  const byMote = new Map(boot === before.boot ? before.byMote : []);
  for (const value of list(message['sources'])) {
    const mote = text(fields(value)['mote']);
    if (mote !== null && (byMote.has(mote) || byMote.size < MAX_MOTES)) byMote.set(mote, readSource(fields(value)));
  }
  return { boot, byMote };
}

function readSource(value: Fields): Uinject {
  const latency = fields(value['latency']);
  return {
    heard: number(value['heard']),
    counter: number(value['counter']),
    received: number(value['received']),
    expected: number(value['expected']),
    pdr: number(value['pdr']),
    latencyLast: number(latency['last']),
    latencyMean: number(latency['mean']),
    txCells: number(value['tx_cells']),
    rxCells: number(value['rx_cells']),
    dutyCycle: number(value['duty_cycle']),
  };
}
