// The cells of a schedule, slot by channel offset: of one mote, and of all motes laid over each other.

import type { Element, Row } from './model';
import { isEarlier } from './motes';
import { asAddress } from './show';
import { fields, flag, number, text } from './shapes';

/** What a mote does in a cell: transmit, receive, both. */
export type Letter = 'T' | 'R' | 'B' | '?';

export interface Cell {
  readonly row: string;
  readonly slot: number;
  readonly channel: number;
  readonly letter: Letter;
  readonly shared: boolean;
  readonly neighbor: string;
  readonly received: number | null;
  readonly sent: number | null;
  readonly acked: number | null;
  readonly lastUsed: number | null;
  readonly t: number | null;
  readonly earlier: boolean;
}

const LETTERS: ReadonlyMap<string, Letter> = new Map([
  ['TX', 'T'],
  ['RX', 'R'],
  ['TXRX', 'B'],
]);

/** 6TiSCH's minimal values; a schedule that needs more gets more. */
const MIN_SLOTS = 101;
const MIN_CHANNELS = 16;
/** What a person can still look at, and no router can make the page draw beyond. */
const MAX_SLOTS = 1024;
const MAX_CHANNELS = 64;

/** The cells in use, by slot and channel. */
export function cellsOf(schedule: Element | undefined, booted: number | null): readonly Cell[] {
  const cells = [...(schedule?.rows ?? [])].flatMap(([name, row]) => cellOf(name, row, booted));
  return cells.toSorted((a, b) => a.slot - b.slot || a.channel - b.channel || Number(a.row) - Number(b.row));
}

function cellOf(row: string, { t, values }: Row, booted: number | null): Cell | [] {
  const type = fields(values.get('type'));
  const slot = number(values.get('slotOffset'));
  const channel = number(values.get('channelOffset'));
  if (slot === null || channel === null || number(type['code']) === 0) return [];
  if (!isWithin(slot, MAX_SLOTS) || !isWithin(channel, MAX_CHANNELS)) return [];
  return {
    row,
    slot,
    channel,
    letter: LETTERS.get(text(type['name']) ?? '') ?? '?',
    shared: flag(values.get('shared')) === true,
    neighbor: asAddress(values.get('neighbor')).text,
    received: number(values.get('numRx')),
    sent: number(values.get('numTx')),
    acked: number(values.get('numTxACK')),
    lastUsed: number(values.get('lastUsedAsn')),
    t,
    earlier: isEarlier(t, booted),
  };
}

function isWithin(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < most;
}

export interface Extent {
  readonly slots: number;
  readonly channels: number;
}

/** How large the matrix must be for all these cells. */
export function extentOf(cells: Iterable<Pick<Cell, 'slot' | 'channel'>>): Extent {
  let [slots, channels] = [MIN_SLOTS, MIN_CHANNELS];
  for (const { slot, channel } of cells) {
    slots = Math.max(slots, slot + 1);
    channels = Math.max(channels, channel + 1);
  }
  return { slots, channels };
}

/** One place of the matrix with everybody who uses it. */
export interface Stack {
  readonly slot: number;
  readonly channel: number;
  readonly senders: readonly string[];
  readonly receivers: readonly string[];
  /** Motes for which the cell is shared: there, several senders are meant to be. */
  readonly sharers: readonly string[];
}

/** Two motes that both own a cell to send in disturb each other if they are near. */
export function overlaps(stack: Stack): number {
  return stack.senders.length;
}

/** All motes' cells by place: the most crowded first, then in order. What is of an earlier life is left out. */
export function overlay(motes: Iterable<readonly [name: string, cells: readonly Cell[]]>): readonly Stack[] {
  const stacks = new Map<string, { slot: number; channel: number; senders: string[]; receivers: string[]; sharers: string[] }>();
  for (const [name, cells] of motes) {
    for (const { slot, channel, letter, shared, earlier } of cells) {
      if (earlier) continue;
      const key = `${slot} ${channel}`;
      const stack = stacks.get(key) ?? { slot, channel, senders: [], receivers: [], sharers: [] };
      stacks.set(key, stack);
      const into = shared ? stack.sharers : letter === 'R' ? stack.receivers : stack.senders;
      if (!into.includes(name)) into.push(name);
    }
  }
  return [...stacks.values()].toSorted(
    (a, b) => Math.max(1, overlaps(b)) - Math.max(1, overlaps(a)) || a.slot - b.slot || a.channel - b.channel,
  );
}
