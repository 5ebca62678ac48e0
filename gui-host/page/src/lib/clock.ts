// A router's clock need not agree with this computer's: small boards have no battery and start in 1970. The page learns
// the difference from the messages' own times, so that an age is an age and not a difference of two clocks.

/** Clocks this close are taken as equal: the rest is the way the message took. */
const AGREE_MS = 3_000;

/** A sample later than the known difference by more than this is a clock that was set, not a slow link. */
const SET_MS = 60_000;

/** Takes one message into account that bore the router's time `t` and arrived `at`. The quickest message tells best. */
export function observe(offset: number | null, at: number, t: number | null): number | null {
  if (t === null) return offset;
  const sample = at - t;
  if (offset === null || sample < offset || sample > offset + SET_MS) return sample;
  return offset;
}

/** A router's time in this computer's time. */
export function localTime(offset: number | null, t: number): number {
  return clocksDiffer(offset) ? t + (offset ?? 0) : t;
}

/** Whether a router's time lies further back than this. What bears no time does not. */
export function isOlder(offset: number | null, t: number | null, ms: number, now: number): boolean {
  return t !== null && now - localTime(offset, t) > ms;
}

export function clocksDiffer(offset: number | null): boolean {
  return offset !== null && Math.abs(offset) > AGREE_MS;
}
