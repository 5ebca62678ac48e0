// The motes of one router as the table shows them: the inventory, completed by what each mote has reported.

import { moteKey, type Elements, type Lbr, type Mote } from './model';
import { asPrefix } from './show';
import { flag, number, text } from './shapes';

export interface MoteRow {
  /** The EUI-64, or `port:…` until the mote has told it. */
  readonly key: string;
  readonly eui: string | null;
  readonly id16: string | null;
  readonly port: string | null;
  readonly source: string;
  readonly link: string;
  readonly cause: string | null;
  readonly root: boolean | null;
  readonly rank: number | null;
  readonly sync: boolean | null;
  /** On the router's clock. */
  readonly heard: number | null;
}

/** In the order of their addresses, motes that have not told theirs last. */
export function moteRows(lbr: Lbr): readonly MoteRow[] {
  // Two ports may claim one EUI-64, and both are shown; the same line twice is one line.
  const rows = new Map<string, MoteRow>();
  for (const row of (lbr.motes ?? []).flatMap((mote) => moteRow(lbr, mote))) rows.set(`${row.key} ${row.port}`, row);
  return [...rows.values()].toSorted((a, b) => Number(a.eui === null) - Number(b.eui === null) || (a.key < b.key ? -1 : 1));
}

function moteRow(lbr: Lbr, mote: Mote): MoteRow | [] {
  const key = moteKey(mote.eui, mote.port);
  if (key === null) return [];
  const elements = lbr.status.get(key);
  const value = (element: string, field: string): unknown => elements?.get(element)?.values.get(field);
  return {
    key,
    eui: mote.eui,
    id16: mote.id16 ?? text(value('IdManager', 'my16bID')),
    port: mote.port,
    source: mote.source,
    link: mote.link,
    cause: mote.cause,
    root: flag(value('IdManager', 'isDAGroot')) ?? mote.root,
    rank: number(value('MyDagRank', 'myDAGrank')),
    sync: flag(value('IsSync', 'isSync')),
    heard: lastHeard(mote, elements),
  };
}

/** The inventory is not sent again for a new `last_heard` alone, so the elements' own times count too. */
function lastHeard(mote: Mote, elements: Elements | undefined): number | null {
  let latest = mote.lastHeard;
  for (const element of elements?.values() ?? []) {
    if (element.t !== null && (latest === null || element.t > latest)) latest = element.t;
  }
  return latest;
}

export interface Network {
  readonly pan: string | null;
  readonly prefix: string | null;
  readonly roots: readonly string[];
}

/** What the DAG roots say of the network: one root is normal, none and several are worth telling. */
export function network(lbr: Lbr, rows: readonly MoteRow[]): Network {
  const roots = rows.filter((row) => row.root === true);
  const first = roots[0] === undefined ? undefined : lbr.status.get(roots[0].key)?.get('IdManager')?.values;
  const prefix = first?.get('myPrefix');
  return {
    pan: text(first?.get('myPANID')),
    prefix: prefix === undefined ? null : asPrefix(prefix).text,
    roots: roots.map(shortName),
  };
}

/** The 16-bit id, or what else there is to call a mote by. */
export function shortName(row: Pick<MoteRow, 'id16' | 'eui' | 'port' | 'key'>): string {
  return row.id16 ?? row.eui?.slice(-4) ?? row.port?.split('/').at(-1) ?? row.key;
}
