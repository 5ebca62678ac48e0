// Reads `event-count`: only the keys that changed are sent, and a new boot of the router starts from nothing.

import { MAX_COUNTS } from './limits';
import type { Count, Counts } from './model';
import { fields, list, number, raw, text, type Fields } from './shapes';

export function applyCounts(before: Counts, message: Fields): Counts {
  const boot = message['boot'] === undefined || message['boot'] === null ? before.boot : raw(message['boot']);
  const byKey = new Map(boot === before.boot ? before.byKey : []);
  for (const value of list(message['counts'])) {
    const count = readCount(fields(value));
    if (count === null) continue;
    const key = `${count.sender}\n${count.signal}`;
    if (byKey.has(key) || byKey.size < MAX_COUNTS) byKey.set(key, count);
  }
  return { boot, byKey };
}

function readCount(value: Fields): Count | null {
  const sender = text(value['sender']);
  const signal = text(value['signal']);
  const num = number(value['num']);
  return sender === null || signal === null || num === null ? null : { sender, signal, num };
}
