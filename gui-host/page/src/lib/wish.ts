// What a person may ask a router to do to a mote, and the question that is put first where it has consequences.

import type { CommandEvent } from './model';
import { shortName, type MoteRow } from './motes';

export interface Wish {
  readonly event: CommandEvent;
  readonly mote: string;
  readonly on?: boolean;
  readonly count?: number;
  readonly size?: number;
}

export interface Question {
  readonly title: string;
  readonly lines: readonly string[];
  /** A danger that is not always there. */
  readonly warning: string | null;
  readonly action: string;
}

/** Null where nothing needs to be asked: an echo test harms nobody. */
export function questionOf(wish: Wish, row: MoteRow, rows: readonly MoteRow[]): Question | null {
  const name = shortName(row);
  switch (wish.event) {
    case 'echo-mote':
      return null;
    case 'reset-mote':
      return {
        title: `Reset mote ${name}?`,
        lines: ['Its firmware starts anew: the mote forgets its schedule and neighbours, and must join the network again.'],
        warning: row.root === true ? 'It is DAG root: the whole network hangs on it.' : null,
        action: 'Reset',
      };
    case 'set-dagroot':
      return wish.on === false ? stopping(name) : making(name, row, rows);
    case 'toggle-dagroot':
      return {
        title: `Toggle the root role of mote ${name}?`,
        lines: ['The router asks for the opposite of the role that was wanted last.'],
        warning: otherRoots(row, rows),
        action: 'Toggle',
      };
  }
}

function making(name: string, row: MoteRow, rows: readonly MoteRow[]): Question {
  return {
    title: `Make mote ${name} DAG root?`,
    lines: ['The mote begins a network of its own, and motes around it may join it. The router keeps this wish.'],
    warning: otherRoots(row, rows),
    action: 'Make root',
  };
}

function stopping(name: string): Question {
  return {
    title: `Stop mote ${name} from being DAG root?`,
    lines: ['Motes that reach the router through it lose their way there. The router keeps this wish.'],
    warning: null,
    action: 'Stop being root',
  };
}

function otherRoots(row: MoteRow, rows: readonly MoteRow[]): string | null {
  const others = rows.filter((each) => each.root === true && each.key !== row.key).map(shortName);
  if (others.length === 0) return null;
  return `Mote ${others.join(', ')} is root already. Two roots make two networks.`;
}
