// Reads `mote-inventory`: the full set of motes. What is absent is gone, and so is its status.

import { MAX_MOTES } from './limits';
import { moteKey, type Elements, type Lbr, type Mote } from './model';
import { fields, flag, list, number, text, type Fields } from './shapes';
import { adopted } from './status';

export function applyInventory(lbr: Lbr, message: Fields): Lbr {
  const motes = list(message['motes'])
    .slice(0, MAX_MOTES)
    .map((mote) => readMote(fields(mote)));
  return { ...lbr, motes, status: keepPresent(lbr.status, motes) };
}

/** The status of the motes that are still there. */
function keepPresent(status: Lbr['status'], motes: readonly Mote[]): Lbr['status'] {
  const kept = new Map<string, Elements>();
  for (const mote of motes) {
    const key = moteKey(mote.eui, mote.port);
    if (key === null) continue;
    const elements = adopted(status, key, mote.port);
    if (elements !== undefined) kept.set(key, elements);
  }
  return kept;
}

function readMote(value: Fields): Mote {
  return {
    eui: text(value['mote']),
    id16: text(value['id16']),
    source: text(value['source']) ?? '',
    port: text(value['port']),
    link: text(value['link']) ?? '',
    cause: text(value['cause']),
    since: number(value['since']),
    baud: number(value['baud']),
    root: flag(value['dagroot']),
    lastHeard: number(value['last_heard']),
    boots: number(value['boots']),
    booted: number(value['booted']),
  };
}
