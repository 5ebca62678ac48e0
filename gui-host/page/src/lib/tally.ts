// Reads counts by reason: what a process dropped, what could not be used.

import { MAX_REASONS } from './limits';
import type { Tally } from './model';
import { entries, number } from './shapes';
import { grouped } from './words';

/** Only what happened at least once. */
export function readTallies(value: unknown): readonly Tally[] {
  return entries(value)
    .slice(0, MAX_REASONS)
    .flatMap(([reason, count]) => {
      const counted = number(count);
      return counted === null || counted === 0 ? [] : [[reason, counted] as const];
    });
}

/** `log-oldest 12, foreign 1`. */
export function tallyWords(tallies: Iterable<Tally>): string {
  return [...tallies].map(([reason, count]) => `${reason} ${grouped(count)}`).join(', ');
}
