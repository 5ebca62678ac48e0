// Reads `event-count`: only the keys that changed are sent, and a new boot of the router starts from nothing. A rate is
// taken over the last half minute or so, from marks of earlier values; a count that went down starts anew.

import { MAX_COUNTS } from './limits';
import type { Count, Counts, Mark } from './model';
import { fields, list, number, raw, text, type Fields } from './shapes';

/** Marks are at least this far apart, and the rate reaches back over all of them. */
const MARK_MS = 10_000;
const MARKS = 4;

export function applyCounts(before: Counts, message: Fields, at: number): Counts {
  const boot = message['boot'] === undefined || message['boot'] === null ? before.boot : raw(message['boot']);
  const byKey = new Map(boot === before.boot ? before.byKey : []);
  for (const value of list(message['counts'])) {
    const sender = text(fields(value)['sender']);
    const signal = text(fields(value)['signal']);
    const num = number(fields(value)['num']);
    if (sender === null || signal === null || num === null) continue;
    const key = `${sender}\n${signal}`;
    const known = byKey.get(key);
    if (known !== undefined || byKey.size < MAX_COUNTS) byKey.set(key, counted(known, sender, signal, num, at));
  }
  return { boot, byKey };
}

function counted(known: Count | undefined, sender: string, signal: string, num: number, at: number): Count {
  if (known === undefined || num < known.num) return { sender, signal, num, changedAt: null, marks: [{ at, num }] };
  const changedAt = num === known.num ? known.changedAt : at;
  return { sender, signal, num, changedAt, marks: marked(known, at) };
}

/**
 * The value that stood until now becomes a mark once the last mark is old enough. It has stood since its own change, so
 * the mark may lie back a little: one event after a long silence is not many a minute.
 */
function marked(known: Count, at: number): readonly Mark[] {
  const last = known.marks.at(-1);
  if (last !== undefined && at - last.at < MARK_MS) return known.marks;
  const stood = Math.max(known.changedAt ?? last?.at ?? at, at - MARK_MS);
  return [...known.marks, { at: stood, num: known.num }].slice(-MARKS);
}

/** Events a minute since the oldest mark; null until there is half a mark's time to take it from. */
export function perMinute(count: Count, now: number): number | null {
  const since = count.marks.find((mark) => now - mark.at <= MARK_MS * MARKS) ?? null;
  if (since === null) return 0;
  const ms = now - since.at;
  return ms < MARK_MS / 2 ? null : ((count.num - since.num) * 60_000) / ms;
}
