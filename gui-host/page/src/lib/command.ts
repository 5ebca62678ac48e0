// Commands and their outcomes: pending → accepted → sent → confirmed, or refused, failed, timed-out. gui-host gives the
// id in its answer, and an outcome may overtake that answer; both orders end in the same state.

import { MAX_COMMANDS } from './limits';
import { moteKey, type Command, type CommandState, type Echo } from './model';
import { fields, flag, isFields, number, raw, text, type Fields } from './shapes';

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
  return bounded([...commands, { key, id: null, lbr, event, mote, on, askedAt: at, state: 'pending', detail: '', echo: null, trail }]);
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
      return { ...known, state: early.state, detail: early.detail, echo: early.echo, trail: [...command.trail, ...early.trail] };
    });
}

/** gui-host did not take the command, or the connection broke before it answered. */
export function failed(commands: Commands, key: string, detail: string, at: number): Commands {
  return commands.map((command) => (command.key === key ? advance(command, { state: 'failed', detail, echo: null }, at) : command));
}

export function applyOutcome(commands: Commands, lbr: string, message: Fields, at: number): Commands {
  const id = text(message['id']);
  const state = readState(message['state']);
  if (id === null || state === null) return commands;
  const outcome = { state, detail: readDetail(message['detail']), echo: readEcho(message['echo']) };
  if (commands.some((command) => command.id === id)) {
    return commands.map((command) => (command.id === id ? advance(command, outcome, at) : command));
  }
  // Asked by an earlier visit of this page, or the answer with the id is still on its way.
  const trail = [{ state, at }];
  const event = text(message['event']) ?? '';
  const mote = moteKey(text(message['mote']), text(message['port']));
  const on = flag(message['on']);
  return bounded([...commands, { key: `id:${id}`, id, lbr, event, mote, on, askedAt: at, ...outcome, trail }]);
}

export function isOver(command: Command, now: number): boolean {
  return isFinal(command.state) || now - command.askedAt > GIVE_UP_MS;
}

/** The last command for a mote, and nothing of other routers. */
export function latestFor(commands: Commands, lbr: string, mote: string): Command | null {
  return commands.findLast((command) => command.lbr === lbr && command.mote === mote) ?? null;
}

type Outcome = Pick<Command, 'state' | 'detail' | 'echo'>;

/** Each step once: a snapshot tells them all again. */
function advance(command: Command, outcome: Outcome, at: number): Command {
  if (isFinal(command.state) || command.trail.some((step) => step.state === outcome.state)) return command;
  return { ...command, ...outcome, trail: [...command.trail, { state: outcome.state, at }] };
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

/** Null unless all four counts are there; the round trip may be missing. */
function readEcho(value: unknown): Echo | null {
  const told = fields(value);
  const sent = number(told['sent']);
  const ok = number(told['ok']);
  const corrupted = number(told['corrupted']);
  const timedOut = number(told['timed_out']);
  if (sent === null || ok === null || corrupted === null || timedOut === null) return null;
  const trip = fields(told['round_trip_ms']);
  const [least, mean, most] = [number(trip['least']), number(trip['mean']), number(trip['most'])];
  const roundTrip = least === null || mean === null || most === null ? null : { least, mean, most };
  return { sent, ok, corrupted, timedOut, roundTrip };
}

function readDetail(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (isFields(value) && typeof value['text'] === 'string') return text(value['text']) ?? '';
  return raw(value);
}

function bounded(commands: Commands): Commands {
  return commands.slice(-MAX_COMMANDS);
}
