// Reads gui-host's answer to `history`: series and marks of one mote or router. Times are this computer's.

import { MAX_MARKS, MAX_POINTS } from './limits';
import { MOTE_SERIES, ROUTER_SERIES, type Series, type View } from './history';
import { fields, isFields, list, number, text, type Fields } from './shapes';

export type Point = readonly [at: number, value: number | null];

/** Something that happened at one moment: a boot, another parent, another state of the link. */
export interface Mark {
  readonly at: number;
  readonly kind: string;
  readonly name: string;
  readonly value: number | null;
  readonly text: string;
}

export interface Past {
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
  readonly series: ReadonlyMap<Series, readonly Point[]>;
  /** Oldest first. */
  readonly marks: readonly Mark[];
  /** What the host says of its memory where that is not as it should be; empty where it is. */
  readonly trouble: string;
}

const ALL_SERIES: readonly Series[] = [...MOTE_SERIES, ...ROUTER_SERIES];

/** Null when it cannot be used. */
export function readPast(value: unknown): Past | null {
  const told = fields(value);
  const [from, to, stepMs] = [number(told['from']), number(told['to']), number(told['step_ms'])];
  if (from === null || to === null || stepMs === null || stepMs <= 0 || to < from || (to - from) / stepMs > MAX_POINTS) return null;
  const series = new Map<Series, readonly Point[]>();
  for (const name of ALL_SERIES) series.set(name, list(fields(told['series'])[name]).slice(0, MAX_POINTS).flatMap(readPoint));
  const marks = list(told['marks']).slice(-MAX_MARKS).flatMap((mark) => readMark(fields(mark)));
  return { from, to, stepMs, series, marks, trouble: readTrouble(fields(told['kept'])) };
}

function readPoint(value: unknown): readonly Point[] {
  const at = number(list(value)[0]);
  return at === null ? [] : [[at, number(list(value)[1])]];
}

function readMark(value: Fields): readonly Mark[] {
  const at = number(value['t']);
  const kind = text(value['kind']);
  if (at === null || kind === null) return [];
  return [{ at, kind, name: text(value['name']) ?? '', value: number(value['value']), text: text(value['text']) ?? '' }];
}

function readTrouble(kept: Fields): string {
  const trouble = text(kept['trouble']);
  if (trouble !== null) return `gui-host has the last 15 minutes only: ${trouble}`;
  if (isFields(kept) && kept['from'] === 'memory') return 'gui-host keeps no history on disk: it has the last 15 minutes since its start';
  const lost = number(kept['lost']) ?? 0;
  return lost > 0 ? `${lost} records could not be kept` : '';
}

/** The whole span in its steps; null where nothing stands. */
export function viewOf(past: Past, names: readonly Series[]): View {
  const steps = Math.ceil((past.to - past.from) / past.stepMs);
  const times = Array.from({ length: steps }, (_, place) => (past.from + place * past.stepMs) / 1000);
  const columns = names.map((name) => {
    const column = Array.from({ length: steps }, (): number | null => null);
    for (const [at, value] of past.series.get(name) ?? []) {
      const place = Math.floor((at - past.from) / past.stepMs);
      if (place >= 0 && place < steps) column[place] = value;
    }
    return column;
  });
  return { times, columns };
}

/** A mark in words; `nameOf` says what a mote is called. */
export function markWords({ kind, name, value, text }: Mark, nameOf: (key: string) => string): string {
  switch (kind) {
    case 'boot':
      return value === null ? 'booted' : `booted (${value} seen)`;
    case 'parent':
      return `${text === '' ? 'no parent' : `parent ${nameOf(text)}`}${name === '' ? '' : `, by ${name === 'dao' ? 'its DAO' : 'its neighbour table'}`}`;
    case 'link':
      return `link ${name}${text === '' ? '' : `: ${text}`}`;
    case 'count-restart':
      return 'the router counts from nothing';
    default:
      return [kind, name, value ?? '', text].filter((word) => word !== '').join(' ');
  }
}
