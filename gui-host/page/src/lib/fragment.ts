// The part of the address after `#`. It brings the token once, which must not stay visible, and keeps what is selected,
// so that a reload or a bookmark shows the same.

import { SPANS, type Span } from './span';

export const TABS = ['overview', 'schedule', 'log', 'commands', 'counts', 'health'] as const;
export type Tab = (typeof TABS)[number];

/** The sides of a mote. */
export const VIEWS = ['status', 'neighbours', 'schedule', 'queue', 'history'] as const;
export type View = (typeof VIEWS)[number];

export interface Selection {
  readonly tab: Tab;
  readonly lbr: string | null;
  readonly mote: string | null;
  readonly view: View;
  /** How far back the charts go. */
  readonly span: Span;
  /** What the search names. */
  readonly find: string;
  /** Whether the schedule shows one mote or all of them. */
  readonly cells: 'one' | 'all';
  /** The log's filters: severities that are hidden, words, one mote. */
  readonly hide: readonly string[];
  readonly words: string;
  readonly from: string | null;
}

export const NOTHING_SELECTED: Selection = {
  tab: 'overview',
  lbr: null,
  mote: null,
  view: 'status',
  span: '15m',
  find: '',
  cells: 'one',
  hide: [],
  words: '',
  from: null,
};

export interface Fragment {
  readonly token: string | null;
  readonly selection: Selection;
}

export function parseFragment(hash: string): Fragment {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const get = (name: string): string | null => parts.get(name) || null;
  const selection: Selection = {
    tab: TABS.find((tab) => tab === get('tab')) ?? 'overview',
    lbr: get('lbr'),
    mote: get('mote'),
    view: VIEWS.find((view) => view === get('view')) ?? 'status',
    span: SPANS.find((span) => span === get('span')) ?? '15m',
    find: get('find') ?? '',
    cells: get('cells') === 'all' ? 'all' : 'one',
    hide: get('hide')?.split(' ') ?? [],
    words: get('words') ?? '',
    from: get('from'),
  };
  return { token: get('t'), selection };
}

/** With its `#`; only `#` when nothing is selected. What is as usual is left out, and a token never is in it. */
export function formatFragment(selection: Partial<Selection>): string {
  const parts = new URLSearchParams();
  for (const [name, usual] of Object.entries(NOTHING_SELECTED)) {
    const value = selection[name as keyof Selection];
    const word = Array.isArray(value) ? value.join(' ') : ((value ?? '') as string);
    if (word !== '' && word !== usual) parts.set(name, word);
  }
  return `#${parts.toString()}`;
}
