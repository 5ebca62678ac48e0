// What the keys do. A tab is chosen by two keys, `g` and its letter; everything else by one.

import type { Tab } from './fragment';

export type KeyAction =
  | { readonly kind: 'tab'; readonly tab: Tab }
  | { readonly kind: 'search' | 'next' | 'previous' | 'open' | 'clear' | 'help' };

export interface KeyState {
  /** The key that waits for a second one. */
  readonly pending: string | null;
  readonly action: KeyAction | null;
}

const TAB_KEYS: Readonly<Record<string, Tab>> = { o: 'overview', s: 'schedule', l: 'log', c: 'commands', n: 'counts', h: 'health' };

/** For the help: keys and what they do. */
export const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ['/', 'search a mote'],
  ['j  k', 'next and previous mote'],
  ['Enter', 'go to the chosen mote’s panel'],
  ['Esc', 'close; clear the search; then choose no mote'],
  ...Object.entries(TAB_KEYS).map(([key, tab]) => [`g ${key}`, tab] as const),
  ['?', 'this help'],
];

export function pressKey(pending: string | null, key: string): KeyState {
  if (pending === 'g') {
    const tab = Object.hasOwn(TAB_KEYS, key) ? TAB_KEYS[key] : undefined;
    return { pending: null, action: tab === undefined ? null : { kind: 'tab', tab } };
  }
  return key === 'g' ? { pending: 'g', action: null } : { pending: null, action: single(key) };
}

function single(key: string): KeyAction | null {
  switch (key) {
    case '/':
      return { kind: 'search' };
    case 'j':
      return { kind: 'next' };
    case 'k':
      return { kind: 'previous' };
    case 'Enter':
      return { kind: 'open' };
    case 'Escape':
      return { kind: 'clear' };
    case '?':
      return { kind: 'help' };
    default:
      return null;
  }
}
