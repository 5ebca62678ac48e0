// What gui-host remembers of one mote or router, for the charts that are being looked at: asked for when they are opened,
// again with each new snapshot, and from time to time. Nothing is asked for what nobody looks at.

import { untrack } from 'svelte';
import type { Past } from './past';
import type { Session } from './session.svelte';
import { REACH, type Span } from './span';

/** So long after a snapshot the page can tell rates by itself; the seconds before are had from gui-host then. */
const SETTLED_MS = 5_000;

export class Recall {
  /** The newest answer; null until there is one, and while another mote or span is being asked for. */
  past: Past | null = $state.raw(null);
  /** Why there is none. */
  trouble: string = $state('');

  /** Call while a component is made. `of` names what is looked at; null asks nothing. */
  constructor(session: Session, of: () => { readonly lbr: string; readonly mote: string | null; readonly span: Span } | null) {
    $effect(() => {
      const wanted = of();
      void session.episode;
      if (wanted === null) return;
      const { lbr, mote, span } = wanted;
      let over = false;
      const ask = async (): Promise<void> => {
        try {
          const past = await session.recall(lbr, mote, span);
          if (!over) [this.past, this.trouble] = [past, past.trouble];
        } catch (error) {
          if (!over) this.trouble = error instanceof Error ? error.message : String(error);
        }
      };
      void untrack(ask);
      const again = (): void => void (document.hidden || ask());
      const timer = setInterval(again, REACH[span].againMs);
      const soon = span === '15m' ? setTimeout(again, SETTLED_MS) : undefined;
      return () => {
        over = true;
        clearInterval(timer);
        clearTimeout(soon);
      };
    });
    // What is shown is never that of another mote or span.
    $effect.pre(() => {
      const wanted = of();
      void [wanted?.lbr, wanted?.mote, wanted?.span];
      untrack(() => ([this.past, this.trouble] = [null, '']));
    });
  }
}
