// Commands and their outcomes: pending → accepted → sent → confirmed, or refused, failed, timed-out. gui-host gives the
// id in its answer, and an outcome may overtake that answer; both orders end in the same state.

import { MAX_COMMANDS } from './limits';
import type { Command, CommandState } from './model';
import { flag, isFields, raw, text, type Fields } from './shapes';

/** A command without an end after this long has none coming: the router's own deadline is 30 s. */
export const GIVE_UP_MS = 40_000;

export type Commands = readonly Command[];

export interface Asked {
  readonly key: string;
  readonly lbr: string;
  readonly event: string;
  readonly mote: string;
  readonly on: boolean | null;
  readonly at: number;
}

export function asked(commands: Commands, { key, lbr, event, mote, on, at }: Asked): Commands {
  const trail = [{ state: 'pending' as const, at }];
  return bounded([...commands, { key, id: null, lbr, event, mote, on, askedAt: at, state: 'pending', detail: '', trail }]);
}

/** gui-host has given the command its id. Outcomes that came first are waiting under that id. */
export function taken(commands: Commands, key: string, id: string): Commands {
  const early = commands.find((command) => command.id === id && command.key !== key);
  return commands
    .filter((command) => command !== early)
    .map((command) => {
      if (command.key !== key) return command;
      const known = { ...command, id };
      if (early === undefined) return known;
      return { ...known, state: early.state, detail: early.detail, trail: [...command.trail, ...early.trail] };
    });
}

/** gui-host did not take the command, or the connection broke before it answered. */
export function failed(commands: Commands, key: string, detail: string, at: number): Commands {
  return commands.map((command) => (command.key === key ? advance(command, 'failed', detail, at) : command));
}

export function applyOutcome(commands: Commands, lbr: string, message: Fields, at: number): Commands {
  const id = text(message['id']);
  const state = readState(message['state']);
  if (id === null || state === null) return commands;
  const detail = readDetail(message['detail']);
  if (commands.some((command) => command.id === id)) {
    return commands.map((command) => (command.id === id ? advance(command, state, detail, at) : command));
  }
  // Asked by an earlier visit of this page, or the answer with the id is still on its way.
  const trail = [{ state, at }];
  const event = text(message['event']) ?? '';
  const mote = text(message['mote']);
  const on = flag(message['on']);
  return bounded([...commands, { key: `id:${id}`, id, lbr, event, mote, on, askedAt: at, state, detail, trail }]);
}

export function isOver(command: Command, now: number): boolean {
  return isFinal(command.state) || now - command.askedAt > GIVE_UP_MS;
}

/** The last command for a mote, and nothing of other routers. */
export function latestFor(commands: Commands, lbr: string, mote: string): Command | null {
  return commands.findLast((command) => command.lbr === lbr && command.mote === mote) ?? null;
}

function advance(command: Command, state: CommandState, detail: string, at: number): Command {
  if (isFinal(command.state) || command.state === state) return command;
  return { ...command, state, detail, trail: [...command.trail, { state, at }] };
}

export function isFinal(state: CommandState): boolean {
  return state !== 'pending' && state !== 'accepted' && state !== 'sent';
}

function readState(value: unknown): CommandState | null {
  switch (value) {
    case 'accepted':
    case 'sent':
    case 'confirmed':
    case 'timed-out':
    case 'refused':
    case 'failed':
      return value;
    default:
      return null;
  }
}

function readDetail(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (isFields(value) && typeof value['text'] === 'string') return text(value['text']) ?? '';
  return raw(value);
}

function bounded(commands: Commands): Commands {
  return commands.slice(-MAX_COMMANDS);
}
