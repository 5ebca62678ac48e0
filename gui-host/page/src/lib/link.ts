// Reads the `link` topic: gui-host's view of each router and of each target that has no router yet.

import { MAX_LINES, MAX_LINKS } from './limits';
import type { LbrIdentity, Link, LinkPhase, Stage, StageState } from './model';
import { fields, isFields, list, number, text, type Fields } from './shapes';
import { readTallies } from './tally';

export function readLinks(value: unknown): readonly Link[] {
  return list(value).reduce((links: readonly Link[], link) => applyLink(links, fields(link)), []);
}

/**
 * Puts one link in its place. A router's link replaces its own earlier state and that of the target it was reached
 * through; any real entry replaces the placeholder that stands there while nobody is known.
 */
export function applyLink(links: readonly Link[], message: Fields): readonly Link[] {
  const link = readLink(message);
  const place = links.findIndex((other) => linkKey(other) === linkKey(link));
  const next = place < 0 ? [...links, link] : links.with(place, link);
  return next.filter((other) => other === link || !supersedes(link, other)).slice(-MAX_LINKS);
}

/** What the page calls a link in its address and lists. */
export function linkKey(link: Link): string {
  return link.lbr?.id ?? targetKey(link) ?? '';
}

/** What it is called until its router is there. */
export function targetKey(link: Link): string | null {
  return link.target === null ? null : `target:${link.target}`;
}

/** What people call it; with what tells it from others of the same name. */
export function linkName(link: Link, links: readonly Link[]): string {
  const name = ({ lbr, target }: Link): string => lbr?.name ?? target ?? 'no router';
  if (link.lbr === null || links.filter((each) => name(each) === name(link)).length < 2) return name(link);
  return `${name(link)} (${[link.lbr.hostname, link.lbr.id.slice(0, 8)].filter(Boolean).join(', ')})`;
}

function supersedes(link: Link, other: Link): boolean {
  if (other.lbr !== null) return false;
  return other.target === null || (link.lbr !== null && other.target === link.target);
}

function readLink(value: Fields): Link {
  return {
    lbr: readIdentity(value['lbr']),
    target: text(value['target']),
    phase: readPhase(value['state']),
    since: number(value['since']),
    lastMessage: number(value['last_message']),
    rtt: number(value['rtt_ms']),
    detail: text(value['detail']) ?? '',
    stages: list(value['stages']).slice(0, MAX_LINES).map((stage) => readStage(fields(stage))),
    stderr: texts(value['stderr']),
    commands: texts(value['commands']),
    ignored: readTallies(value['ignored']),
  };
}

function readIdentity(value: unknown): LbrIdentity | null {
  if (!isFields(value)) return null;
  const id = text(value['id']);
  if (id === null) return null;
  return {
    id,
    name: text(value['name']) ?? id,
    hostname: text(value['hostname']) ?? '',
    version: text(value['version']) ?? '',
  };
}

/** A state this page does not know is shown as lost: commands stay disabled, and the detail tells the rest. */
function readPhase(value: unknown): LinkPhase {
  switch (value) {
    case 'none':
    case 'connecting':
    case 'live':
    case 'stale':
    case 'lost':
      return value;
    default:
      return 'lost';
  }
}

function readStage(value: Fields): Stage {
  return {
    name: text(value['name']) ?? '?',
    state: readStageState(value['state']),
    at: number(value['t']),
    text: text(value['text']) ?? '',
  };
}

function readStageState(value: unknown): StageState {
  switch (value) {
    case 'done':
    case 'active':
    case 'failed':
      return value;
    default:
      return 'pending';
  }
}

function texts(value: unknown): readonly string[] {
  return list(value)
    .slice(-MAX_LINES)
    .flatMap((line) => text(line) ?? []);
}
