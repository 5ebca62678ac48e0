// The part of the address after `#`. It brings the token once, which must not stay visible, and keeps what is selected,
// so that a reload or a bookmark shows the same mote.

export interface Fragment {
  readonly token: string | null;
  readonly lbr: string | null;
  readonly mote: string | null;
}

export type Selection = Pick<Fragment, 'lbr' | 'mote'>;

export function parseFragment(hash: string): Fragment {
  const parts = new URLSearchParams(hash.replace(/^#/, ''));
  const get = (name: string): string | null => parts.get(name) || null;
  return { token: get('t'), lbr: get('lbr'), mote: get('mote') };
}

/** With its `#`; only `#` when nothing is selected. Never bears a token. */
export function formatFragment({ lbr, mote }: Selection): string {
  const parts = new URLSearchParams();
  if (lbr !== null) parts.set('lbr', lbr);
  if (mote !== null) parts.set('mote', mote);
  return `#${parts.toString()}`;
}
