// Words and marks for what became of a command.

import { isOver } from '../lib/command';
import type { Command, CommandState } from '../lib/model';
import type { ShapeKind } from './shape';

export interface OutcomeWords {
  readonly word: string;
  readonly shape: ShapeKind;
  readonly tone: 'muted' | 'good' | 'fair' | 'bad';
}

const WORDS: Readonly<Record<CommandState, OutcomeWords>> = {
  pending: { word: 'pending', shape: 'dots', tone: 'muted' },
  accepted: { word: 'accepted', shape: 'dots', tone: 'muted' },
  sent: { word: 'sent', shape: 'dots', tone: 'muted' },
  confirmed: { word: 'confirmed', shape: 'tick', tone: 'good' },
  'timed-out': { word: 'timed out', shape: 'triangle', tone: 'fair' },
  refused: { word: 'refused', shape: 'cross', tone: 'bad' },
  failed: { word: 'failed', shape: 'cross', tone: 'bad' },
};

const NO_ANSWER: OutcomeWords = { word: 'no answer', shape: 'triangle', tone: 'fair' };

export function stateWords(state: CommandState): OutcomeWords {
  return WORDS[state];
}

export function outcomeWords(command: Command, now: number): OutcomeWords {
  const open = command.state === 'pending' || command.state === 'accepted' || command.state === 'sent';
  return open && isOver(command, now) ? NO_ANSWER : WORDS[command.state];
}

/** What was asked, for a reader and for the trail: `make root`. */
export function askedWords(command: Command): string {
  if (command.event === 'set-dagroot') return command.on === false ? 'stop being root' : 'make root';
  return Object.hasOwn(ASKED, command.event) ? (ASKED[command.event] ?? '') : command.event;
}

const ASKED: Readonly<Record<string, string>> = {
  'toggle-dagroot': 'toggle root',
  'reset-mote': 'reset',
  'echo-mote': 'echo test',
};
