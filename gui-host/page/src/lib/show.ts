// How one value of a status element is put into words. A value of the expected shape becomes short text with a
// tooltip; any other shape is shown raw, so that nothing a mote says is hidden.

import { receptionRatio, type Ratio } from './ratio';
import { flag, fields, isFields, number, raw, text } from './shapes';
import { grouped, percent } from './words';

export type Tone = 'plain' | 'muted' | 'good' | 'fair' | 'bad' | 'tx' | 'rx' | 'txrx';

export interface Shown {
  readonly text: string;
  readonly hint?: string;
  readonly tone?: Tone;
}

export type Show = (value: unknown) => Shown;

/** Stands where a value has not been heard. */
export const UNHEARD: Shown = { text: '–', tone: 'muted' };

/** From these on a rank or priority means "not known" (RPL's INFINITE_RANK, IEEE 802.15.4e's join metric). */
const NO_RANK = 65_535;
const NO_JOIN_PRIORITY = 255;

/** Where the firmware starts to look for the least (127) and the greatest (-127) correction. */
const NO_CORRECTION = 127;

function known(reader: (value: unknown) => Shown | null): Show {
  return (value) => {
    if (value === undefined || value === null) return UNHEARD;
    return reader(value) ?? { text: raw(value) };
  };
}

export const asRaw: Show = known(() => null);

export const asNumber: Show = known((value) => {
  const read = number(value);
  return read === null ? null : { text: grouped(read) };
});

export function asUnit(unit: string): Show {
  return known((value) => {
    const read = number(value);
    return read === null ? null : { text: `${grouped(read)} ${unit}` };
  });
}

export const asYesNo: Show = known((value) => {
  const read = flag(value);
  return read === null ? null : { text: read ? 'yes' : 'no', tone: read ? 'plain' : 'muted' };
});

/** Yes is the exception a person looks for. */
export const asWarning: Show = known((value) => {
  const read = flag(value);
  return read === null ? null : { text: read ? 'yes' : 'no', tone: read ? 'fair' : 'muted' };
});

export const asRank: Show = known((value) => {
  const read = number(value);
  if (read === null) return null;
  return read === NO_RANK ? { text: 'none', hint: String(NO_RANK), tone: 'muted' } : { text: String(read) };
});

export const asJoinPriority: Show = known((value) => {
  const read = number(value);
  if (read === null) return null;
  return read === NO_JOIN_PRIORITY ? { text: 'none', hint: String(NO_JOIN_PRIORITY), tone: 'muted' } : { text: String(read) };
});

/** An absolute slot number, with the hexadecimal form that OpenWSN's tools print as its tooltip. */
export const asAsn: Show = known((value) => {
  const read = number(value);
  if (read === null || !Number.isInteger(read) || read < 0) return null;
  return { text: grouped(read), hint: `0x${read.toString(16).padStart(10, '0')}` };
});

/** 0 stands for "has not joined"; without the secure join it stays so. */
export const asJoinedAsn: Show = known((value) =>
  value === 0 ? { text: 'not joined', hint: 'stays 0 without the secure join', tone: 'muted' } : asAsn(value),
);

/** The least and the greatest correction of the clock. From where the firmware starts (±127) means that there was none yet. */
export const asCorrection: Show = known((value) => {
  const read = number(value);
  if (read === null) return null;
  return Math.abs(read) === NO_CORRECTION ? { text: '–', hint: 'none yet', tone: 'muted' } : { text: `${read} ticks` };
});

/** A ratio of 0 to 1. Null, unlike an absent field, says that there is nothing to divide by yet. */
export const asRatio: Show = (value) => {
  if (value === null) return { text: '–', hint: 'no ticks counted yet', tone: 'muted' };
  return known((present) => {
    const read = number(present);
    return read === null ? null : { text: percent(read) };
  })(value);
};

/** `{code, name}`, as components are sent. */
export const asCode: Show = known((value) => {
  if (!isFields(value)) return null;
  const name = text(value['name']);
  const code = value['code'];
  if (name === null) return code === undefined ? null : { text: `code ${raw(code)}` };
  return code === undefined ? { text: name } : { text: name, hint: `code ${raw(code)}` };
});

export const asCellType: Show = known((value) => {
  const shown = asCode(value);
  const tone = CELL_TONES.get(shown.text);
  return tone === undefined ? shown : { ...shown, tone };
});

const CELL_TONES: ReadonlyMap<string, Tone> = new Map([
  ['OFF', 'muted'],
  ['TX', 'tx'],
  ['RX', 'rx'],
  ['TXRX', 'txrx'],
]);

/** `{type, value}`. Types without a value of their own are shown by their name. */
export const asAddress: Show = known((value) => {
  if (!isFields(value)) return null;
  const type = text(value['type']);
  const hex = text(value['value']);
  if (type === null && hex === null) return null;
  if (type === 'none') return { text: 'none', tone: 'muted', ...hint(hex) };
  if (type === 'anycast' || hex === null || hex === '') return { text: type ?? raw(value), ...hint(hex) };
  return { text: hex, ...hint(type) };
});

function hint(of: string | null): { hint?: string } {
  return of === null || of === '' ? {} : { hint: of };
}

/** The network prefix as IPv6 writes it: `bbbb::/64`. */
export const asPrefix: Show = known((value) => {
  const hex = text(value);
  if (hex === null || !/^[0-9a-f]{16}$/i.test(hex)) return null;
  const groups = hex.match(/.{4}/g) ?? [];
  while (groups.length > 0 && groups.at(-1) === '0000') groups.pop();
  return { text: `${groups.map((group) => group.replace(/^0{1,3}/, '')).join(':')}::/64`, hint: hex };
});

export const asRssi: Show = known((value) => {
  const read = number(value);
  return read === null ? null : { text: `${read} dBm` };
});

/**
 * The share of frames that were acknowledged. The mote halves both counters together before they overflow, so their
 * ratio stays right where their differences would not.
 */
export function deliveryRatio(values: ReadonlyMap<string, unknown>): Shown {
  const sent = number(values.get('numTx'));
  const acknowledged = number(values.get('numTxACK'));
  if (sent === null || acknowledged === null || sent === 0) return UNHEARD;
  // Frames to everybody are not acknowledged.
  if (text(fields(values.get('neighbor'))['type']) === 'anycast') return UNHEARD;
  return shownRatio(receptionRatio(acknowledged, sent));
}

export function shownRatio(ratio: Ratio | null): Shown {
  if (ratio === null) return UNHEARD;
  return { text: ratio.text, hint: ratio.hint, tone: ratio.band === 'unsure' ? 'muted' : ratio.band };
}
