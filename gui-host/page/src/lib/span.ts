// How far back the charts go. The shortest span is the page's own ring, a value a second; the longer ones are told by
// gui-host, in steps that a chart's width can show.

export const SPANS = ['15m', '1h', '24h', '7d'] as const;
export type Span = (typeof SPANS)[number];

interface Reach {
  readonly words: string;
  readonly ms: number;
  readonly stepMs: number;
  /** How often gui-host is asked anew while the charts are looked at. */
  readonly againMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Steps give at most 1,000 points or so, and keep an answer of six series within what the host tells at once. */
export const REACH: Readonly<Record<Span, Reach>> = {
  '15m': { words: '15 min', ms: 15 * MINUTE, stepMs: 1_000, againMs: MINUTE },
  '1h': { words: '1 h', ms: HOUR, stepMs: 5_000, againMs: 15_000 },
  '24h': { words: '24 h', ms: 24 * HOUR, stepMs: 2 * MINUTE, againMs: MINUTE },
  '7d': { words: '7 d', ms: 7 * 24 * HOUR, stepMs: 15 * MINUTE, againMs: 5 * MINUTE },
};
