// The reducer: what happened in, the next model out. Pure, and it never throws, whatever the message looks like.
// One file per topic holds how that topic is read; this one only says which message goes where.

import { localTime, observe } from './clock';
import * as command from './command';
import { applyCounts } from './counts';
import { readDag } from './dag';
import { readHealth } from './health';
import { applyInventory } from './inventory';
import { MAX_LBRS, MAX_REASONS } from './limits';
import { applyLink, readLinks } from './link';
import { appendGap, appendLog, logFromSnapshot } from './log';
import { emptyLbr, EMPTY_LOG, type CommandEvent, type Lbr, type Link, type Log, type Model, type Server } from './model';
import { entries, fields, isFields, list, number, text, type Fields } from './shapes';
import { applyStatus } from './status';
import { applyUinject } from './uinject';

export type Action =
  | { readonly kind: 'server'; readonly server: Server }
  | { readonly kind: 'snapshot'; readonly result: unknown; readonly at: number }
  | { readonly kind: 'notification'; readonly topic: string; readonly params: unknown; readonly at: number }
  | {
      readonly kind: 'command-asked';
      readonly key: string;
      readonly lbr: string;
      readonly event: CommandEvent;
      readonly mote: string;
      readonly on: boolean | null;
      readonly at: number;
    }
  | { readonly kind: 'command-taken'; readonly key: string; readonly id: string; readonly at: number }
  | { readonly kind: 'command-failed'; readonly key: string; readonly detail: string; readonly at: number };

export function reduce(model: Model, action: Action): Model {
  switch (action.kind) {
    case 'server':
      return { ...model, server: action.server };
    case 'snapshot':
      return applySnapshot(model, action.result, action.at);
    case 'notification':
      return applyNotification(model, action.topic, action.params, action.at);
    case 'command-asked':
      return { ...model, commands: command.asked(model.commands, action) };
    case 'command-taken':
      return { ...model, commands: command.taken(model.commands, action.key, action.id) };
    case 'command-failed':
      return { ...model, commands: command.failed(model.commands, action.key, action.detail, action.at) };
  }
}

/** A snapshot replaces everything but what only this page knows whole: the commands it has asked for, and the log it has heard. */
function applySnapshot(model: Model, result: unknown, at: number): Model {
  if (!isFields(result)) return ignore(model, 'snapshot of unknown shape');
  const links = readLinks(result['links']);
  const lbrs = new Map<string, Lbr>();
  let commands = model.commands;
  let next = model;
  for (const [id, value] of entries(result['lbrs'])) {
    if (lbrs.size >= MAX_LBRS) {
      next = ignore(next, 'more routers than the page holds');
      break;
    }
    const link = links.find((candidate) => candidate.lbr?.id === id);
    const lbr = lbrFromSnapshot(id, fields(value), link, at, model.lbrs.get(id)?.log ?? EMPTY_LOG);
    lbrs.set(id, lbr);
    // They are as old as they say, and not of the moment in which this page was opened.
    for (const outcome of list(fields(value)['outcomes'])) {
      const t = number(fields(outcome)['t']);
      commands = command.applyOutcome(commands, id, fields(outcome), t === null ? at : localTime(lbr.clockOffset, t));
    }
  }
  return { ...next, links, lbrs, commands };
}

function lbrFromSnapshot(id: string, value: Fields, link: Link | undefined, at: number, log: Log): Lbr {
  let lbr = emptyLbr(id);
  if (isFields(value['inventory'])) lbr = applyInventory(lbr, value['inventory']);
  for (const [, status] of entries(value['status'])) lbr = applyStatus(lbr, fields(status)) ?? lbr;
  lbr = { ...lbr, counts: applyCounts(lbr.counts, fields(value['counts']), at), log: logFromSnapshot(log, value['logs']) };
  if (isFields(value['health'])) lbr = { ...lbr, health: readHealth(value['health']) };
  if (isFields(value['dag'])) lbr = { ...lbr, dag: readDag(value['dag']) };
  if (isFields(value['uinject'])) lbr = { ...lbr, uinject: applyUinject(lbr.uinject, value['uinject']) };
  // The newest time in the snapshot was on the router's clock when gui-host heard its last message.
  return { ...lbr, clockOffset: observe(null, link?.lastMessage ?? at, newestTime(lbr)) };
}

function newestTime(lbr: Lbr): number | null {
  let newest = lbr.health?.t ?? null;
  const consider = (t: number | null): void => {
    if (t !== null && (newest === null || t > newest)) newest = t;
  };
  for (const entry of lbr.log.entries) consider(entry.t);
  for (const elements of lbr.status.values()) for (const element of elements.values()) consider(element.t);
  return newest;
}

function applyNotification(model: Model, topic: string, params: unknown, at: number): Model {
  const message = fields(params)['message'];
  if (!isFields(message)) return ignore(model, `${topic}: no message`);
  if (topic === 'link') return { ...model, links: applyLink(model.links, message) };

  const id = text(fields(params)['lbr']);
  if (id === null) return ignore(model, `${topic}: no router named`);
  if (topic === 'command-outcome') {
    return { ...model, commands: command.applyOutcome(model.commands, id, message, at) };
  }
  const known = model.lbrs.get(id);
  if (known === undefined && model.lbrs.size >= MAX_LBRS) return ignore(model, 'more routers than the page holds');
  const lbr = applyToLbr(known ?? emptyLbr(id), topic, message, at);
  if (lbr === null) return ignore(model, `${topic}: of unknown shape`);
  const clockOffset = observe(lbr.clockOffset, at, number(message['t']));
  return { ...model, lbrs: new Map(model.lbrs).set(id, { ...lbr, clockOffset }) };
}

/** One message of a router. A topic this page does not know changes nothing; null means a known topic was unreadable. */
function applyToLbr(lbr: Lbr, topic: string, message: Fields, at: number): Lbr | null {
  switch (topic) {
    case 'mote-inventory':
      return Array.isArray(message['motes']) ? applyInventory(lbr, message) : null;
    case 'mote-status':
      return applyStatus(lbr, message);
    case 'event-count':
      return { ...lbr, counts: applyCounts(lbr.counts, message, at) };
    case 'mote-log':
      return { ...lbr, log: appendLog(lbr.log, message) };
    case 'gap':
      return { ...lbr, log: appendGap(lbr.log, message) };
    case 'lbr-health':
      return { ...lbr, health: readHealth(message) };
    case 'dag':
      return Array.isArray(message['motes']) ? { ...lbr, dag: readDag(message) } : null;
    case 'uinject':
      return { ...lbr, uinject: applyUinject(lbr.uinject, message) };
    default:
      return lbr;
  }
}

function ignore(model: Model, reason: string): Model {
  const key = model.ignored.has(reason) || model.ignored.size < MAX_REASONS ? reason : 'other';
  return { ...model, ignored: new Map(model.ignored).set(key, (model.ignored.get(key) ?? 0) + 1) };
}
