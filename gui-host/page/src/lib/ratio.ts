// Packet reception ratios: which band one is in, and whether enough was sent to say so.

export type Band = 'good' | 'fair' | 'bad' | 'unsure';

/** Fewer transmissions than this say nothing about a link. */
export const ENOUGH_TX = 10;

export interface Ratio {
  readonly ratio: number;
  readonly band: Band;
  readonly text: string;
  /** `95 of 100`, and that it is too few where it is. */
  readonly hint: string;
}

/** Null where nothing was sent. */
export function receptionRatio(acked: number | null, sent: number | null): Ratio | null {
  if (acked === null || sent === null || sent === 0) return null;
  const ratio = acked / sent;
  const few = sent < ENOUGH_TX;
  return {
    ratio,
    band: few ? 'unsure' : bandOf(ratio),
    text: `${Math.round(ratio * 100)} %`,
    hint: `${acked} of ${sent}${few ? ': too few to judge' : ''}`,
  };
}

export function bandOf(ratio: number): Band {
  return ratio >= 0.9 ? 'good' : ratio >= 0.7 ? 'fair' : 'bad';
}
