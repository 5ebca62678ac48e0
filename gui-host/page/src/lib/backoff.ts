// How long to wait before the next attempt: 0.25 s doubling to 8 s. The jitter keeps many pages from coming back at once.

const FIRST_MS = 250;
const LONGEST_MS = 8_000;

/** Between half and the whole of the nominal delay. `random` gives 0 ≤ r < 1. */
export function backoff(attempt: number, random: () => number): number {
  const nominal = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(nominal * (0.5 + random() / 2));
}
