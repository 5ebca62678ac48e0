// What the columns of the table of motes say in words, and what they sort by.

import type { MoteRow } from './motes';
import { receptionRatio } from './ratio';
import { sorted, type Order } from './sort';

export type Column = 'mote' | 'link' | 'rank' | 'parent' | 'prr' | 'rssi' | 'queue' | 'duty';

export const FIRST_ORDER: Order<Column> = { column: 'mote', direction: 'ascending' };

/** What a column sorts by; what is not known stands at one end. */
const VALUES: Readonly<Record<Column, (row: MoteRow) => string | number>> = {
  mote: (row) => row.key,
  link: linkWord,
  rank: (row) => row.rank?.value ?? -1,
  parent: (row) => row.parent?.value.key ?? '',
  prr: (row) => ratioOf(row)?.ratio ?? -1,
  rssi: (row) => row.parent?.value.rssi ?? -999,
  queue: (row) => row.queue?.value.used ?? -1,
  duty: (row) => row.duty?.value ?? -1,
};

/** Rows come in the order of their addresses. Those are hexadecimal: sorted as a person counts they would stand elsewhere. */
export function inOrder(rows: readonly MoteRow[], { column, direction }: Order<Column>): readonly MoteRow[] {
  if (column !== 'mote') return sorted(rows, VALUES[column], direction);
  return direction === 'ascending' ? rows : rows.toReversed();
}

/** The mote so many places further in these rows; one that two ports claim has two rows, and is one step. */
export function stepped(rows: readonly MoteRow[], from: string | null, by: number): string | null {
  const keys = [...new Set(rows.map((row) => row.key))];
  const at = from === null ? -1 : keys.indexOf(from);
  return keys[Math.min(keys.length - 1, Math.max(0, at + by))] ?? null;
}

export function ratioOf(row: MoteRow): ReturnType<typeof receptionRatio> {
  return receptionRatio(row.parent?.value.acked ?? null, row.parent?.value.sent ?? null);
}

/** Of a mote that only packets tell of, there is no link that could be up. */
export function linkWord(row: MoteRow): string {
  return row.port === null && row.link === 'up' ? 'by DAO' : row.link;
}

/** How the router knows of a mote: `serial`, `DAO`. */
export function sourceWord({ source }: MoteRow): string {
  return source === 'serial' ? source : source.toUpperCase();
}

export function roleOf(row: MoteRow): string {
  if (row.root === true) return 'root';
  if (row.sync?.value === false) return 'not in sync';
  // Without the secure join its ASN stays 0; a mote whose DAOs arrive is in the network all the same.
  if (row.dag !== null || (row.joined?.value ?? 0) > 0) return 'joined';
  if (row.joined?.value === 0) return 'joining';
  return row.sync?.value === true ? 'in sync' : '–';
}
