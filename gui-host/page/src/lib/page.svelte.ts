// What the panels share: the router and mote that are shown, what is lit up, and how to ask for something. It is made
// once by the page and reaches the panels as a Svelte context.

import { getContext, setContext, untrack } from 'svelte';
import { isOlder, localTime } from './clock';
import { FIRST_ORDER, inOrder, stepped, type Column } from './columns';
import { latestFor } from './command';
import { formatFragment, type Selection } from './fragment';
import { emptyLbr, type Command, type Lbr, type Link } from './model';
import { isFound, moteRows, network, type Heard, type MoteRow, type Network } from './motes';
import { pillState, shownLink, type PillState } from './pill';
import type { Session } from './session.svelte';
import type { Order } from './sort';
import { ticker } from './ticker.svelte';
import { graphOf, route, type Graph } from './tree';
import { questionOf, type Question, type Wish } from './wish';
import { fullTime } from './words';

const NO_GRAPH: Graph = { nodes: new Map(), others: [] };
const NONE: ReadonlySet<string> = new Set();

/** A question that stands open, and what it is about. */
export interface Asked {
  readonly question: Question;
  readonly lbr: string;
  readonly wish: Wish;
}

export class Page {
  readonly session: Session;
  /** The mote under the pointer or the focus. */
  pointed: string | null = $state(null);
  asked: Asked | null = $state.raw(null);
  /** By what the table of motes is sorted. */
  order: Order<Column> = $state.raw(FIRST_ORDER);

  /** The router that was shown last: the page goes to no other by itself. */
  #last: Link | null = null;
  readonly link: Link | null = $derived.by(() => {
    const link = shownLink(this.session.model, this.session.selection.lbr, this.#last);
    if (link?.lbr != null) this.#last = link;
    return link;
  });
  readonly lbr: Lbr | null = $derived.by(() => {
    const id = this.link?.lbr?.id;
    return id === undefined ? null : (this.session.model.lbrs.get(id) ?? emptyLbr(id));
  });
  /** The router's name in addresses; null while there is no choice. */
  readonly address: string | null = $derived.by(() => this.session.model.links.length > 1 ? (this.lbr?.id ?? null) : null);
  readonly offset: number | null = $derived(this.lbr?.clockOffset ?? null);
  readonly rows: readonly MoteRow[] = $derived(this.lbr === null ? [] : moteRows(this.lbr));
  /** In the order in which the table has them. */
  readonly shownRows: readonly MoteRow[] = $derived(inOrder(this.rows, this.order));
  // With each message there is another model. What follows stays the same object, or is a text, while its part of the
  // model does, so that the hundreds of places that read it are not asked again.
  readonly lbrId: string | null = $derived(this.lbr?.id ?? null);
  readonly commands: readonly Command[] = $derived.by(() => this.session.model.commands);
  readonly motes: Lbr['motes'] = $derived(this.lbr?.motes ?? null);
  readonly names: ReadonlyMap<string, string> = $derived(
    new Map((this.motes ?? []).flatMap((mote) => (mote.eui === null || mote.id16 === null ? [] : [[mote.eui, mote.id16] as const]))),
  );
  readonly network: Network | null = $derived(this.lbr === null ? null : network(this.lbr, this.rows));
  readonly pill: PillState = $derived.by(() => pillState(this.session.model.server, this.link));
  readonly live: boolean = $derived(this.pill === 'live');
  readonly selection: Selection = $derived.by(() => this.session.selection);
  readonly chosen: MoteRow | null = $derived(
    this.selection.mote === null ? (this.rows[0] ?? null) : (this.rows.find((row) => row.key === this.selection.mote) ?? null),
  );
  /** The network as it is drawn: anew once a second, since people follow changes and not figures in it. */
  readonly graph: Graph = $derived.by(() => {
    void ticker.now;
    void this.lbr?.motes;
    void this.lbr?.dag;
    return untrack(() => (this.lbr === null ? NO_GRAPH : graphOf(this.lbr, this.rows)));
  });
  readonly chosenKey: string | null = $derived(this.chosen?.key ?? null);
  readonly found: ReadonlySet<string> = $derived(
    this.selection.find === '' ? NONE : new Set(this.rows.filter((row) => isFound(row, this.selection.find)).map((row) => row.key)),
  );
  /** What is lit up: the motes that a search found, else the one pointed at, else the chosen one; and the way to the root. */
  readonly lit: ReadonlySet<string> = $derived.by(() => {
    const chosen = this.selection.mote === null ? [] : [this.selection.mote];
    return this.found.size > 0 ? this.found : new Set(this.pointed === null ? chosen : [this.pointed]);
  });
  /** What a person is after: what was found, else what was chosen. */
  readonly after: string | null = $derived([...this.found][0] ?? this.selection.mote);
  readonly #wayKeys: string = $derived([...this.lit].flatMap((key) => route(this.graph.nodes, key)).join('\n'));
  readonly way: ReadonlySet<string> = $derived(new Set(this.#wayKeys.split('\n')));

  constructor(session: Session) {
    this.session = session;
  }

  /** The address of another selection. */
  href(change: Partial<Selection>): string {
    return formatFragment({ ...this.selection, lbr: this.address, ...change });
  }

  /** Asks the router, after asking the person where it has consequences. */
  wish(row: MoteRow, wish: Omit<Wish, 'mote'>): void {
    if (this.lbr === null || !this.live) return;
    const whole = { ...wish, mote: row.key };
    const question = questionOf(whole, row, this.rows);
    if (question === null) this.session.ask(this.lbr.id, whole);
    else this.asked = { question, lbr: this.lbr.id, wish: whole };
  }

  confirm(): void {
    if (this.asked !== null && this.live) this.session.ask(this.asked.lbr, this.asked.wish);
    this.asked = null;
  }

  /** The last command for a mote. */
  latest(row: MoteRow): Command | null {
    return this.lbrId === null ? null : latestFor(this.commands, this.lbrId, row.key);
  }

  /** What to call the mote of a key, which may have no row of its own. */
  nameOf(key: string): string {
    return this.names.get(key) ?? key.slice(-4);
  }

  /** What there is to say of a value that no longer passes for what is: heard longer ago than this, or before the last boot. */
  past(heard: Heard<unknown> | null, ms: number): string | undefined {
    if (heard === null || !(heard.earlier || isOlder(this.offset, heard.t, ms, ticker.now))) return undefined;
    return `${heard.earlier ? 'Heard before the mote’s last boot' : 'Not heard for long'}; ${heard.t === null ? '' : fullTime(localTime(this.offset, heard.t))}`;
  }

  /** Chooses the mote that stands so many places further in the table. */
  step(by: number): void {
    const mote = stepped(this.shownRows, this.chosenKey, by);
    if (mote !== null) this.session.select({ mote });
  }
}

const KEY = Symbol('page');

export function providePage(session: Session): Page {
  return setContext(KEY, new Page(session));
}

export function usePage(): Page {
  return getContext<Page>(KEY);
}
