// How tests wait: for a condition, never for a time.

import { setTimeout as pause } from 'node:timers/promises';

/** Nothing takes longer, even on a busy machine. */
export const WITHIN_MS = 60_000;

const LOOK_EVERY_MS = 50;

/** Asks again and again until the answer is truthy, and gives it. An error ends the wait at once. */
export async function until(what, ask, within = WITHIN_MS) {
  const end = performance.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited ${within / 1000} s in vain for ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}

/** Lets so much time pass: for what has to be watched over time, or has to stay as it is. */
export { pause };
