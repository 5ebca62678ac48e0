// Reads `mote-log` and `gap`: events, of which the page keeps the last MAX_LOG and counts the rest.

import { MAX_LOG } from './limits';
import type { Log, LogEntry, Severity } from './model';
import { entries, fields, isFields, list, number, raw, text, type Fields } from './shapes';

/** An entry without its place in the log. `Omit` alone would merge the two kinds into one. */
type Unplaced = LogEntry extends infer Entry ? (Entry extends LogEntry ? Omit<Entry, 'n'> : never) : never;

/** Severities from worst to least, as the filter shows them. */
export const SEVERITIES: readonly Severity[] = ['critical', 'error', 'warning', 'success', 'info', 'verbose', 'other'];

/** The lines of a snapshot after those that the page has already: these keep their numbers, by which panels know them. */
export function logFromSnapshot(before: Log, value: unknown): Log {
  const had = new Set(before.entries.map(sameness));
  return append(before, list(value).map((message) => read(fields(message))).filter((entry) => !had.has(sameness(entry))));
}

export function appendLog(log: Log, message: Fields): Log {
  return append(log, [said(message)]);
}

export function appendGap(log: Log, message: Fields): Log {
  return append(log, [gap(message)]);
}

export interface LogFilter {
  /** Severities that are not shown. */
  readonly hidden: ReadonlySet<string>;
  readonly words: string;
  /** One mote's EUI-64; null for all. */
  readonly from: string | null;
}

/** Gaps are always shown: hiding a loss would defeat its purpose. */
export function matches(entry: LogEntry, filter: LogFilter): boolean {
  if (entry.kind === 'gap') return true;
  if (filter.hidden.has(entry.severity)) return false;
  if (filter.from !== null && entry.mote !== filter.from) return false;
  const words = filter.words.trim().toLowerCase();
  if (words === '') return true;
  const line = `${entry.mote ?? ''} ${entry.port ?? ''} ${entry.component} ${entry.text}`.toLowerCase();
  return words.split(/\s+/).every((word) => line.includes(word));
}

/** How many of the lines are younger than `since`, a time of the router, and as bad as this. */
export function countSince(log: Log, severities: ReadonlySet<Severity>, since: number): number {
  return log.entries.filter((entry) => entry.kind === 'said' && severities.has(entry.severity) && (entry.t ?? 0) >= since).length;
}

function append(log: Log, arrived: readonly Unplaced[]): Log {
  const placed = arrived.map((entry, index) => ({ ...entry, n: log.nextN + index }));
  const all = [...log.entries, ...placed];
  const surplus = Math.max(0, all.length - MAX_LOG);
  return { entries: all.slice(surplus), older: log.older + surplus, nextN: log.nextN + arrived.length };
}

function sameness(entry: Unplaced | LogEntry): string {
  return JSON.stringify({ ...entry, n: 0 });
}

function read(message: Fields): Unplaced {
  return message['type'] === 'gap' ? gap(message) : said(message);
}

/** The link could not keep up: what was dropped is told where it is missing. */
function gap(message: Fields): Unplaced {
  const dropped = entries(message['dropped'])
    .map(([type, count]) => `${raw(count)} ${type}`)
    .join(', ');
  return { kind: 'gap', t: number(message['t']), dropped };
}

function said(message: Fields): Unplaced {
  const word = text(message['severity']) ?? '?';
  return {
    kind: 'said',
    t: number(message['t']),
    mote: text(message['mote']),
    port: text(message['port']),
    severity: readSeverity(word),
    severityWord: word,
    component: nameOf(message['component']),
    text: text(message['text']) ?? fallbackText(message),
  };
}

/** Without a text there is still the error's name and its arguments. */
function fallbackText(message: Fields): string {
  const args = message['args'] === undefined ? '' : ` ${raw(message['args'])}`;
  return `${nameOf(message['error'])}${args}`.trim();
}

function nameOf(value: unknown): string {
  if (isFields(value)) return text(value['name']) ?? (value['code'] === undefined ? '' : `code ${raw(value['code'])}`);
  return value === undefined || value === null ? '' : raw(value);
}

function readSeverity(word: string): Severity {
  const known = SEVERITIES.find((severity) => severity === word.toLowerCase());
  return known ?? 'other';
}
