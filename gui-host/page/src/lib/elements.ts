// The 13 status elements of OpenWSN as the page shows them: labels, order, units. Names are the firmware's, as
// OpenVisualizer made them known. What is not listed here is shown raw beside it.

import type { Element, Row } from './model';
import {
  asAddress,
  asAsn,
  asCellType,
  asCode,
  asCorrection,
  asJoinedAsn,
  asJoinPriority,
  asNumber,
  asPrefix,
  asRank,
  asRatio,
  asRaw,
  asRssi,
  asUnit,
  asWarning,
  asYesNo,
  deliveryRatio,
  type Show,
  type Shown,
} from './show';
import { fields, flag, isFields, number } from './shapes';

export interface FieldSpec {
  /** The firmware's name. */
  readonly name: string;
  readonly label: string;
  readonly show: Show;
  /** What stands there for a DAG root that tells 0. */
  readonly ofRoot?: Shown;
}

export interface ElementSpec {
  readonly name: string;
  readonly about: string;
  readonly fields: readonly FieldSpec[];
}

export interface ColumnSpec extends FieldSpec {
  readonly about: string;
  readonly numeric: boolean;
}

/** A column computed from the others. It stands after the column `after`. */
export interface DerivedColumn {
  readonly after: string;
  readonly label: string;
  readonly about: string;
  readonly show: (values: ReadonlyMap<string, unknown>) => Shown;
}

export interface TableSpec {
  readonly name: string;
  readonly about: string;
  readonly columns: readonly ColumnSpec[];
  readonly derived: readonly DerivedColumn[];
  /** Whether rows come and go from second to second, so that room is kept for a few of them. */
  readonly fleeting: boolean;
  /** Rows the mote has room for but does not use. A row of unknown shape counts as used. */
  readonly unused: (row: Row) => boolean;
}

function field(name: string, label: string, show: Show): FieldSpec {
  return { name, label, show };
}

function column(name: string, label: string, about: string, show: Show, numeric: boolean): ColumnSpec {
  return { name, label, about, show, numeric };
}

function words(name: string, label: string, about: string, show: Show): ColumnSpec {
  return column(name, label, about, show, false);
}

function figures(name: string, label: string, about: string, show: Show): ColumnSpec {
  return column(name, label, about, show, true);
}

export const SCALARS: readonly ElementSpec[] = [
  {
    name: 'IsSync',
    about: 'Whether the mote follows the network’s time slots',
    fields: [field('isSync', 'synchronised', asYesNo)],
  },
  {
    name: 'IdManager',
    about: 'Who the mote is',
    fields: [
      field('isDAGroot', 'DAG root', asYesNo),
      field('my16bID', '16-bit id', asRaw),
      field('my64bID', 'EUI-64', asRaw),
      field('myPANID', 'PAN', asRaw),
      field('myPrefix', 'prefix', asPrefix),
    ],
  },
  {
    name: 'MyDagRank',
    about: 'Distance from the root in RPL’s measure; a root has 256',
    fields: [field('myDAGrank', 'rank', asRank)],
  },
  {
    name: 'Asn',
    about: 'Absolute slot number: slots since the network began',
    fields: [field('asn', 'ASN', asAsn)],
  },
  {
    name: 'Joined',
    about: 'When the secure join was completed',
    fields: [{ ...field('joinedAsn', 'at ASN', asJoinedAsn), ofRoot: { text: 'root', hint: 'a root does not join: the network begins with it', tone: 'muted' } }],
  },
  {
    name: 'kaPeriod',
    about: 'How long the mote lets a neighbour be silent before it sends a keep-alive',
    fields: [field('kaPeriod', 'keep-alive', asUnit('slots'))],
  },
  {
    name: 'MacStats',
    about: 'Synchronisation and radio use. All but the desynchronisations start anew at each synchronisation',
    fields: [
      field('numSyncPkt', 'sync by packet', asNumber),
      field('numSyncAck', 'sync by ACK', asNumber),
      field('numDeSync', 'desynchronised', asNumber),
      field('minCorrection', 'min correction', asCorrection),
      field('maxCorrection', 'max correction', asCorrection),
      field('dutyCycle', 'radio duty cycle', asRatio),
      field('numTicsOn', 'ticks on', asNumber),
      field('numTicsTotal', 'ticks in all', asNumber),
    ],
  },
  {
    name: 'MSF',
    about: 'Negotiated cells used in the last window of 32',
    fields: [field('numCellsUsed_tx', 'used to send', asNumber), field('numCellsUsed_rx', 'used to receive', asNumber)],
  },
  {
    name: 'Backoff',
    about: 'Waiting in shared cells',
    fields: [field('backoffExponent', 'exponent', asNumber), field('backoff', 'cells to skip', asNumber)],
  },
  {
    name: 'OutputBuffer',
    about: 'The mote’s serial output: free-running positions in its ring',
    fields: [field('index_write', 'written', asNumber), field('index_read', 'read', asNumber)],
  },
];

const DELIVERY = {
  after: 'numTxACK',
  label: 'PRR',
  about: 'Share of sent frames that were acknowledged; grey below 10 frames',
  show: deliveryRatio,
};

export const TABLES: readonly TableSpec[] = [
  {
    name: 'Neighbors',
    about: 'Motes this mote hears',
    columns: [
      words('addr', 'Address', 'address of the neighbour', asAddress),
      words('parentPreference', 'Parent', 'preferred parent', asYesNo),
      figures('DAGrank', 'Rank', 'the neighbour’s rank', asRank),
      figures('rssi', 'RSSI', 'strength of the last frame', asRssi),
      figures('numRx', 'RX', 'frames received; wraps at 255', asNumber),
      figures('numTx', 'TX', 'frames sent; halved together with ACK before it overflows', asNumber),
      figures('numTxACK', 'ACK', 'frames acknowledged', asNumber),
      figures('numWraps', 'Halved', 'how often TX and ACK were halved', asNumber),
      figures('asn', 'Last ASN', 'last heard or last acknowledged', asAsn),
      words('stableNeighbor', 'Stable', 'strong enough for long enough', asYesNo),
      figures('switchStabilityCounter', 'Switch', 'steps towards changing Stable; changes at 3', asNumber),
      words('insecure', 'Insecure', 'its last frame was not secured', asWarning),
      words('f6PNORES', 'No res.', 'refused cells for lack of room: never a parent', asWarning),
      figures('joinPrio', 'Join prio.', 'join priority', asJoinPriority),
      figures('sixtopSeqNum', '6P seq.', '6top sequence number; 0 after a reset', asNumber),
      figures('backoffExponent', 'BE', 'back-off exponent', asNumber),
      figures('backoff', 'Back-off', 'shared cells left to skip', asNumber),
      words('used', 'Used', 'the row holds a neighbour', asYesNo),
    ],
    derived: [DELIVERY],
    fleeting: false,
    unused: (row) => flag(row.values.get('used')) === false,
  },
  {
    name: 'Schedule',
    about: 'Cells of the TSCH slotframe',
    columns: [
      figures('slotOffset', 'Slot', 'slot offset in the slotframe', asNumber),
      figures('channelOffset', 'Channel', 'channel offset', asNumber),
      words('type', 'Type', 'what the mote does in the cell', asCellType),
      words('shared', 'Shared', 'several motes may send in it', asYesNo),
      words('neighbor', 'Neighbour', 'with whom; anycast = anybody', asAddress),
      figures('numRx', 'RX', 'frames received; wraps at 255', asNumber),
      figures('numTx', 'TX', 'frames sent; halved together with ACK at 255', asNumber),
      figures('numTxACK', 'ACK', 'frames acknowledged', asNumber),
      figures('lastUsedAsn', 'Last ASN', 'last used', asAsn),
    ],
    derived: [DELIVERY],
    fleeting: false,
    unused: (row) => number(fields(row.values.get('type'))['code']) === 0,
  },
  {
    name: 'Queue',
    about: 'Packets in the mote’s buffers',
    columns: [
      words('creator', 'Creator', 'component that made the packet', asCode),
      words('owner', 'Owner', 'component that has it now', asCode),
    ],
    derived: [],
    fleeting: true,
    unused: (row) => number(fields(row.values.get('owner'))['code']) === 0,
  },
];

const SPECIFIED = new Set([...SCALARS, ...TABLES].map((spec) => spec.name));

/** What the router reads off the other elements, by which the page completes them. */
export const SUMMARY = 'Summary';

/** Whether the page has its own way to show this element. */
export function isSpecified(name: string): boolean {
  return SPECIFIED.has(name) || name === SUMMARY;
}

/** Whether the mote has gone through all rows of a table; null when the router does not say. */
export function isWhole(summary: Element | undefined, table: string): boolean | null {
  const told = summary?.values.get(table.toLowerCase());
  return isFields(told) && 'of' in told ? told['of'] !== null : null;
}

/** Rows in the order of their numbers; rows whose name is no number stand last. */
export function rowsInOrder(rows: ReadonlyMap<string, Row>): readonly (readonly [string, Row])[] {
  const place = (name: string): number => (/^\d+$/.test(name) ? Number(name) : Infinity);
  return [...rows].sort(([a], [b]) => place(a) - place(b) || a.localeCompare(b));
}

/** Names of fields that the specification does not list, in the order they came. */
export function otherNames(values: Iterable<ReadonlyMap<string, unknown>>, listed: readonly FieldSpec[]): readonly string[] {
  const names = new Set(listed.map((spec) => spec.name));
  const others = new Set<string>();
  for (const each of values) for (const name of each.keys()) if (!names.has(name)) others.add(name);
  return [...others];
}
