// Reads `dag`: the full set of motes that send up through a root, with the parents that their DAOs name.

import { MAX_MOTES, MAX_PARENTS } from './limits';
import type { Dag, DagMote } from './model';
import { fields, list, number, text, type Fields } from './shapes';

export function readDag(message: Fields): Dag {
  const motes = new Map<string, DagMote>();
  for (const value of list(message['motes']).slice(0, MAX_MOTES)) {
    const mote = readMote(fields(value));
    if (mote !== null) motes.set(mote.eui, mote);
  }
  return { t: number(message['t']), motes };
}

function readMote(value: Fields): DagMote | null {
  const eui = text(value['mote']);
  if (eui === null) return null;
  return {
    eui,
    root: text(value['root']),
    parents: list(value['parents'])
      .slice(0, MAX_PARENTS)
      .flatMap((parent) => text(parent) ?? []),
    heard: number(value['heard']),
    hops: number(value['hops']),
    address: text(value['address']),
    lastPacket: number(value['last_packet']),
    packets: number(value['packets']),
  };
}
