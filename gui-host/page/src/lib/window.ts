// Which rows of a long table are drawn: those in sight and a few around them. The rest is room of the right height, so
// that a network of hundreds costs what a dozen does.

/** Tables up to this length are drawn whole. */
export const SHORT = 60;

/** Rows beyond the edge of sight, for the next turn of the wheel and for the focus to walk on to. */
const AROUND = 8;

export interface Sight {
  /** How far the table is scrolled, and how much of it is seen, in pixels. */
  readonly top: number;
  readonly height: number;
  readonly rowHeight: number;
}

/** From the first row that is drawn to behind the last. `kept` is a row that stays wherever it is: it has the focus. */
export function rowsInSight(count: number, { top, height, rowHeight }: Sight, kept: number | null): readonly [from: number, to: number] {
  if (count <= SHORT || !(rowHeight > 0)) return [0, Math.min(count, SHORT)];
  // In steps, so that not each pixel that is scrolled changes something.
  const step = (row: number): number => Math.floor(row / AROUND) * AROUND;
  const from = Math.max(0, Math.min(step(top / rowHeight) - AROUND, count - SHORT / 2));
  const to = Math.min(count, step((top + height) / rowHeight) + 2 * AROUND);
  if (kept === null || kept >= count) return [from, to];
  return [Math.min(from, kept), Math.max(to, kept + 1)];
}
