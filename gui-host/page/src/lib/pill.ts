// The one word for the state of things that the header shows: the page's connection first, then the router's link.

import { linkKey, targetKey } from './link';
import type { Link, LinkPhase, Model, Server } from './model';
import { duration } from './words';

export type PillState = 'no-server' | 'no-lbr' | 'connecting' | 'live' | 'stale' | 'lost';

export function pillState(server: Server, link: Link | null): PillState {
  if (server.kind === 'connecting') return 'connecting';
  if (server.kind !== 'open') return 'no-server';
  if (link === null) return 'no-lbr';
  return PHASES[link.phase];
}

const PHASES: Readonly<Record<LinkPhase, PillState>> = {
  none: 'no-lbr',
  connecting: 'connecting',
  live: 'live',
  stale: 'stale',
  lost: 'lost',
};

const WORDS: Readonly<Record<PillState, string>> = {
  'no-server': 'NO SERVER',
  'no-lbr': 'NO LBR',
  connecting: 'CONNECTING',
  live: 'LIVE',
  stale: 'STALE',
  lost: 'LOST',
};

/** The state without numbers that tick: what is read aloud when it changes. */
export function pillWord(state: PillState): string {
  return WORDS[state];
}

/** The state as written in the pill; a stale link says for how long. */
export function pillText(state: PillState, link: Link | null, now: number): string {
  if (state !== 'stale' || link?.lastMessage == null) return WORDS[state];
  return `${WORDS[state]} ${duration(Math.max(0, (now - link.lastMessage) / 1000))}`;
}

/** The link the page shows: the chosen one, else that of the router it showed last, else a live one, else the first. */
export function shownLink({ links }: Model, chosen: string | null, last: Link | null): Link | null {
  const named = (name: string): Link | undefined => links.find((link) => linkKey(link) === name) ?? links.find((link) => targetKey(link) === name);
  const names = [chosen, last && linkKey(last), last && targetKey(last)].filter((name) => name !== null);
  for (const name of names) {
    const link = named(name);
    if (link !== undefined) return link;
  }
  return links.find((link) => link.phase === 'live') ?? links[0] ?? null;
}
