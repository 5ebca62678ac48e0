// Reads `mote-status`: the elements that changed, whole, except tables, whose changed rows alone are sent. Elements,
// fields and rows that nobody has heard of are kept as they came.

import { MAX_ELEMENTS, MAX_FIELDS, MAX_MOTES, MAX_ROWS } from './limits';
import { moteKey, type Element, type Elements, type Lbr, type Row } from './model';
import { entries, fields, isFields, number, text, type Fields } from './shapes';

/** Null when the message names neither a mote nor a port, or when there is no room for another mote. */
export function applyStatus(lbr: Lbr, message: Fields): Lbr | null {
  const eui = text(message['mote']);
  const port = text(message['port']);
  const key = moteKey(eui, port);
  if (key === null) return null;
  const before = adopted(lbr.status, key, port);
  if (before === undefined && lbr.status.size >= MAX_MOTES) return null;
  const status = new Map(lbr.status).set(key, mergeElements(before ?? new Map(), message['elements']));
  if (eui !== null && port !== null) status.delete(`port:${port}`);
  return { ...lbr, status };
}

/**
 * What is known of a mote, completed by what was heard on its port before it had told its EUI-64. Undefined if nothing
 * is known.
 */
export function adopted(status: Lbr['status'], key: string, port: string | null): Elements | undefined {
  const own = status.get(key);
  const nameless = port === null ? undefined : status.get(`port:${port}`);
  if (nameless === undefined || nameless === own) return own;
  return own === undefined ? nameless : new Map([...nameless, ...own]);
}

function mergeElements(before: Elements, changes: unknown): Elements {
  const elements = new Map(before);
  for (const [name, value] of entries(changes)) {
    if (elements.has(name) || elements.size < MAX_ELEMENTS) {
      elements.set(name, mergeElement(elements.get(name), value));
    }
  }
  return elements;
}

function mergeElement(before: Element | undefined, value: unknown): Element {
  const { t, values } = readRow(value);
  const changed = isFields(value) ? value['rows'] : undefined;
  if (!isTable(changed)) return { t, values, rows: before?.rows ?? null };
  const others = new Map(values);
  others.delete('rows');
  return { t, values: others, rows: mergeRows(before?.rows ?? new Map(), changed) };
}

/** `rows` is an object by row number, or a list whose rows bear theirs. Anything else is an ordinary field. */
function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function mergeRows(before: ReadonlyMap<string, Row>, changes: object): ReadonlyMap<string, Row> {
  const rows = new Map(before);
  for (const [place, value] of Object.entries(changes)) {
    const told = number(fields(value)['row']);
    const name = told === null ? place : String(told);
    if (rows.has(name) || rows.size < MAX_ROWS) rows.set(name, new TableRow(value));
  }
  return rows;
}

/** A row is taken apart when somebody looks at it: a large network has tens of thousands, and few are ever shown. */
class TableRow implements Row {
  readonly t: number | null;
  readonly #told: unknown;
  #values: ReadonlyMap<string, unknown> | null = null;

  constructor(told: unknown) {
    this.#told = told;
    this.t = number(fields(told)['t']);
  }

  field(name: string): unknown {
    return isFields(this.#told) && Object.hasOwn(this.#told, name) ? this.#told[name] : undefined;
  }

  get values(): ReadonlyMap<string, unknown> {
    if (this.#values !== null) return this.#values;
    const values = new Map(readRow(this.#told).values);
    if (number(values.get('row')) !== null) values.delete('row');
    this.#values = values;
    return values;
  }
}

/** The time apart, and every other field as it came. What is not an object is kept under the name `value`. */
function readRow(value: unknown): Pick<Row, 't' | 'values'> {
  if (!isFields(value)) return { t: null, values: new Map([['value', value]]) };
  const values = new Map(entries(value).slice(0, MAX_FIELDS));
  const t = number(values.get('t'));
  if (t !== null) values.delete('t');
  return { t, values };
}
