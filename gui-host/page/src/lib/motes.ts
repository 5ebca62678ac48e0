// The motes of one router as tables and drawings show them: the inventory, completed by what each mote has reported and
// by what its packets tell of it. Every value bears the time it was heard, and whether that was before the last boot.

import { moteKey, type DagMote, type Element, type Elements, type Lbr, type Mote, type Row, type Uinject } from './model';
import { asPrefix } from './show';
import { fields, flag, number, text } from './shapes';

/** A value with the time it was heard, on the router's clock. */
export interface Heard<Value> {
  readonly value: Value;
  readonly t: number | null;
  /** Heard before the mote's last boot: of an earlier life. */
  readonly earlier: boolean;
}

/** The preferred parent, and how well the mote reaches it. The figures are null where only a DAO tells of it. */
export interface Parent {
  readonly key: string;
  readonly told: 'neighbors' | 'dao';
  readonly rssi: number | null;
  readonly sent: number | null;
  readonly acked: number | null;
}

export interface Fill {
  readonly used: number;
  readonly of: number;
}

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
  readonly rank: Heard<number> | null;
  readonly sync: Heard<boolean> | null;
  readonly joined: Heard<number> | null;
  readonly asn: Heard<number> | null;
  /** Share of the time that the radio was on, of 0 to 1. */
  readonly duty: Heard<number> | null;
  readonly queue: Heard<Fill> | null;
  readonly parent: Heard<Parent> | null;
  /** To the root over first parents, as DAOs tell. */
  readonly hops: number | null;
  readonly boots: number | null;
  readonly booted: number | null;
  /** The newest of all its times, on the router's clock. */
  readonly heard: number | null;
  /** The newest that came the way its link names: over its port, or as packets where it has none. */
  readonly linkHeard: number | null;
  readonly dag: DagMote | null;
  readonly uinject: Uinject | null;
}

const NO_ELEMENTS: Elements = new Map();

/** What a row was made from. While it is the same, the row is the same object, and nothing of it is drawn again. */
interface Made {
  readonly elements: Elements;
  readonly dag: DagMote | null;
  readonly uinject: Uinject | null;
  readonly row: MoteRow;
}

const made = new WeakMap<Mote | DagMote, Made>();

/** In the order of their addresses, motes that have not told theirs last. */
export function moteRows(lbr: Lbr): readonly MoteRow[] {
  // Two ports may claim one EUI-64, and both are shown; the same line twice is one line.
  const rows = new Map<string, MoteRow>();
  for (const mote of lbr.motes ?? []) {
    const key = moteKey(mote.eui, mote.port);
    if (key !== null) rows.set(`${key} ${mote.port}`, remembered(lbr, mote, key, () => mote));
  }
  const listed = new Set([...rows.values()].map((row) => row.key));
  for (const mote of lbr.dag?.motes.values() ?? []) {
    if (!listed.has(mote.eui)) rows.set(mote.eui, remembered(lbr, mote, mote.eui, () => unlisted(mote)));
  }
  return [...rows.values()].toSorted((a, b) => Number(a.eui === null) - Number(b.eui === null) || (a.key < b.key ? -1 : 1));
}

function remembered(lbr: Lbr, from: Mote | DagMote, key: string, mote: () => Mote): MoteRow {
  const elements = lbr.status.get(key) ?? NO_ELEMENTS;
  const dag = lbr.dag?.motes.get(key) ?? null;
  const uinject = lbr.uinject.byMote.get(key) ?? null;
  const known = made.get(from);
  if (known?.elements === elements && known.dag === dag && known.uinject === uinject) return known.row;
  const row = moteRow(mote(), key, elements, dag, uinject);
  made.set(from, { elements, dag, uinject, row });
  return row;
}

/** A mote that the DODAG names before the inventory does. */
function unlisted(mote: DagMote): Mote {
  return {
    eui: mote.eui,
    id16: mote.eui.slice(-4),
    source: 'dao',
    port: null,
    link: '',
    cause: null,
    since: null,
    baud: null,
    root: null,
    lastHeard: mote.lastPacket,
    boots: null,
    booted: null,
  };
}

function moteRow(mote: Mote, key: string, elements: Elements, dag: DagMote | null, uinject: Uinject | null): MoteRow {
  const { booted } = mote;
  const told = <Value>(element: string, field: string, read: (value: unknown) => Value | null): Heard<Value> | null => {
    const found = elements.get(element);
    const value = found === undefined ? null : read(found.values.get(field));
    return value === null ? null : heard(value, found?.t ?? null, booted);
  };
  const root = told('IdManager', 'isDAGroot', flag);
  return {
    key,
    eui: mote.eui,
    id16: mote.id16 ?? told('IdManager', 'my16bID', text)?.value ?? null,
    port: mote.port,
    source: mote.source,
    link: mote.link,
    cause: mote.cause,
    root: root === null || root.earlier ? (mote.root ?? root?.value ?? null) : root.value,
    rank: told('MyDagRank', 'myDAGrank', number),
    sync: told('IsSync', 'isSync', flag),
    joined: told('Joined', 'joinedAsn', number),
    asn: told('Asn', 'asn', number),
    duty: told('MacStats', 'dutyCycle', number) ?? ofSource(uinject?.dutyCycle, uinject),
    queue: queueOf(elements.get('Queue'), elements.get('Summary'), booted),
    parent: parentOf(elements.get('Neighbors'), booted) ?? parentBySummary(elements.get('Summary')) ?? parentByDao(dag),
    hops: dag?.hops ?? null,
    boots: mote.boots,
    booted,
    heard: lastHeard(mote, elements, dag),
    linkHeard: lastHeard(mote, elements, mote.source === 'serial' ? null : dag),
    dag,
    uinject,
  };
}

function ofSource(value: number | null | undefined, source: Uinject | null): Heard<number> | null {
  return value == null ? null : { value, t: source?.heard ?? null, earlier: false };
}

function heard<Value>(value: Value, t: number | null, booted: number | null): Heard<Value> {
  return { value, t, earlier: isEarlier(t, booted) };
}

/** Whether something was heard before the mote booted last. */
export function isEarlier(t: number | null, booted: number | null): boolean {
  return t !== null && booted !== null && t < booted;
}

/** What is worked out from an element stays the same as long as the element does. */
function perElement<Value>(workOut: (element: Element) => Value): (element: Element) => Value {
  const known = new WeakMap<Element, { readonly value: Value }>();
  return (element) => {
    const found = known.get(element) ?? { value: workOut(element) };
    known.set(element, found);
    return found.value;
  };
}

const usedOf = perElement(
  ({ rows }) => [...(rows?.values() ?? [])].filter((row) => number(fields(row.field('owner'))['code']) !== 0).length,
);

/** As the router sums it up, since not all rows need be here; it sums up nothing of an earlier life. */
function queueOf(queue: Element | undefined, summary: Element | undefined, booted: number | null): Heard<Fill> | null {
  const told = fields(summary?.values.get('queue'));
  const [used, of] = [number(told['used']), number(told['of'])];
  if (used !== null && of !== null) return { value: { used, of }, t: queue?.t ?? summary?.t ?? null, earlier: false };
  if (queue?.rows == null) return null;
  return heard({ used: usedOf(queue), of: queue.rows.size }, queue.t, booted);
}

interface Preferred {
  readonly parent: Parent;
  readonly t: number | null;
}

/** The row of the neighbour table that says so. After a change of parent two may say so for a while: the newer one counts. */
const preferredOf = perElement(({ rows }) => {
  let best: Preferred | null = null;
  for (const row of rows?.values() ?? []) {
    const parent = preferred(row);
    if (parent !== null && (best === null || (row.t ?? 0) > (best.t ?? 0))) best = { parent, t: row.t };
  }
  return best;
});

function parentOf(neighbors: Element | undefined, booted: number | null): Heard<Parent> | null {
  const best = neighbors === undefined ? null : preferredOf(neighbors);
  return best === null ? null : heard(best.parent, best.t, booted);
}

/** Whom a mote hears, by its neighbour table: their EUI-64s. */
export const neighborsHeard = perElement(({ rows }): readonly string[] =>
  [...(rows?.values() ?? [])].flatMap((row) => (flag(row.field('used')) === false ? [] : (neighborKey(row) ?? []))),
);

function preferred(row: Row): Parent | null {
  const key = neighborKey(row);
  if (key === null || flag(row.field('used')) === false || flag(row.field('parentPreference')) !== true) return null;
  return {
    key,
    told: 'neighbors',
    rssi: number(row.field('rssi')),
    sent: number(row.field('numTx')),
    acked: number(row.field('numTxACK')),
  };
}

/** The EUI-64 of a neighbour. */
function neighborKey(row: Row): string | null {
  const address = fields(row.field('addr'));
  return address['type'] === '64b' ? text(address['value']) || null : null;
}

/** As the router sums it up, while the table's rows are not here. When the row was heard it does not tell. */
function parentBySummary(summary: Element | undefined): Heard<Parent> | null {
  const told = fields(summary?.values.get('preferredParent'));
  const key = text(told['mote']);
  if (key === null) return null;
  const sent = number(told['numTx']);
  const prr = number(told['prr']);
  const acked = sent === null || prr === null ? null : Math.round(sent * prr);
  return { value: { key, told: 'neighbors', rssi: number(told['rssi']), sent, acked }, t: null, earlier: false };
}

function parentByDao(dag: DagMote | null): Heard<Parent> | null {
  const key = dag?.parents[0];
  if (key === undefined) return null;
  return { value: { key, told: 'dao', rssi: null, sent: null, acked: null }, t: dag?.heard ?? null, earlier: false };
}

/** The inventory is not sent again for a new `last_heard` alone, so the elements' own times count too. */
function lastHeard(mote: Mote, elements: Elements, dag: DagMote | null): number | null {
  let latest = mote.lastHeard;
  const consider = (t: number | null): void => {
    if (t !== null && (latest === null || t > latest)) latest = t;
  };
  for (const element of elements.values()) consider(element.t);
  consider(dag?.lastPacket ?? null);
  return latest;
}

export interface Network {
  readonly pan: string | null;
  readonly prefix: string | null;
  readonly roots: readonly string[];
  /** The root's slot number. */
  readonly asn: Heard<number> | null;
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
    asn: roots[0]?.asn ?? null,
  };
}

/** The 16-bit id, or what else there is to call a mote by. */
export function shortName(row: Pick<MoteRow, 'id16' | 'eui' | 'port' | 'key'>): string {
  return row.id16 ?? row.eui?.slice(-4) ?? row.port?.split('/').at(-1) ?? row.key;
}

/** Whether a search means this mote: by its addresses or its port. */
export function isFound(row: MoteRow, words: string): boolean {
  const sought = words.trim().toLowerCase();
  return sought !== '' && `${row.id16 ?? ''} ${row.eui ?? ''} ${row.port ?? ''}`.toLowerCase().includes(sought);
}
