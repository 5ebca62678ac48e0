// What the page knows: plain, immutable data. The reducer alone makes a new one, the panels only read it.
// Times are Unix milliseconds. Those called `t` were read from a router's clock and need `clock.ts` before they are
// compared with this computer's time; those called `at`, `since` or `…At` are this computer's own.

/** The page's own connection to gui-host. */
export type Server =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly host: string }
  | { readonly kind: 'waiting'; readonly retryAt: number; readonly reason: string }
  | { readonly kind: 'no-token' }
  | { readonly kind: 'refused'; readonly reason: string };

/** How often something happened, by reason. */
export type Tally = readonly [reason: string, count: number];

export type LinkPhase = 'none' | 'connecting' | 'live' | 'stale' | 'lost';

export interface LbrIdentity {
  readonly id: string;
  readonly name: string;
  readonly hostname: string;
  readonly version: string;
}

export type StageState = 'done' | 'active' | 'failed' | 'pending';

/** One step on the way to a router: ssh started, forward accepted, … */
export interface Stage {
  readonly name: string;
  readonly state: StageState;
  readonly at: number | null;
  readonly text: string;
}

/** gui-host's view of one router, or of a target that has no router yet. */
export interface Link {
  readonly lbr: LbrIdentity | null;
  readonly target: string | null;
  readonly phase: LinkPhase;
  readonly since: number | null;
  readonly lastMessage: number | null;
  readonly rtt: number | null;
  readonly detail: string;
  readonly stages: readonly Stage[];
  readonly stderr: readonly string[];
  readonly commands: readonly string[];
  /** Messages of this router that gui-host could not use. */
  readonly ignored: readonly Tally[];
}

/** One line of the inventory. `root` and the identities are null until the mote has told. */
export interface Mote {
  readonly eui: string | null;
  readonly id16: string | null;
  readonly source: string;
  readonly port: string | null;
  readonly link: string;
  /** Why the port is not up, where the router says. */
  readonly cause: string | null;
  readonly since: number | null;
  readonly baud: number | null;
  readonly root: boolean | null;
  readonly lastHeard: number | null;
  /** How often it was seen to boot; null when the router does not count. */
  readonly boots: number | null;
  /** When it booted last, on the router's clock. What was heard before is of an earlier life. */
  readonly booted: number | null;
}

/** What a mote's packets and DAOs tell of its place in the DODAG. */
export interface DagMote {
  readonly eui: string;
  readonly root: string | null;
  /** As of its newest DAO, the preferred one first. */
  readonly parents: readonly string[];
  /** When its newest DAO came. */
  readonly heard: number | null;
  readonly hops: number | null;
  readonly address: string | null;
  readonly lastPacket: number | null;
  readonly packets: number | null;
}

export interface Dag {
  readonly t: number | null;
  readonly motes: ReadonlyMap<string, DagMote>;
}

/** What the packets of the firmware's `uinject` tell of one mote. */
export interface Uinject {
  readonly heard: number | null;
  readonly counter: number | null;
  readonly received: number | null;
  readonly expected: number | null;
  /** Of 0 to 1. */
  readonly pdr: number | null;
  /** In slots. */
  readonly latencyLast: number | null;
  readonly latencyMean: number | null;
  readonly txCells: number | null;
  readonly rxCells: number | null;
  readonly dutyCycle: number | null;
}

export interface Sources {
  readonly boot: string | null;
  readonly byMote: ReadonlyMap<string, Uinject>;
}

export interface Row {
  readonly t: number | null;
  readonly values: ReadonlyMap<string, unknown>;
  /** One of the values. Who needs only a few of a row asks so, and the row is not taken apart for it. */
  field(name: string): unknown;
}

/** A status element as it was last heard. `rows` is there for tables only; unknown fields are kept like known ones. */
export interface Element {
  readonly t: number | null;
  readonly values: ReadonlyMap<string, unknown>;
  readonly rows: ReadonlyMap<string, Row> | null;
}

export type Elements = ReadonlyMap<string, Element>;

export interface Count {
  readonly sender: string;
  readonly signal: string;
  readonly num: number;
  /** This computer's time of the newest change, null while there was none. */
  readonly changedAt: number | null;
  /** Earlier values to take a rate from, oldest first. */
  readonly marks: readonly Mark[];
}

/** A count as it was at a time of this computer. */
export interface Mark {
  readonly at: number;
  readonly num: number;
}

export interface Counts {
  readonly boot: string | null;
  readonly byKey: ReadonlyMap<string, Count>;
}

export type Severity = 'critical' | 'error' | 'warning' | 'success' | 'info' | 'verbose' | 'other';

export type LogEntry =
  | {
      readonly kind: 'said';
      readonly n: number;
      readonly t: number | null;
      readonly mote: string | null;
      readonly port: string | null;
      readonly severity: Severity;
      readonly severityWord: string;
      readonly component: string;
      readonly text: string;
    }
  | { readonly kind: 'gap'; readonly n: number; readonly t: number | null; readonly dropped: string };

/** The last lines, oldest first. `older` counts those that this page had and let go. */
export interface Log {
  readonly entries: readonly LogEntry[];
  readonly older: number;
  readonly nextN: number;
}

export interface Process {
  readonly name: string;
  readonly pid: number | null;
  readonly uptime: number | null;
  readonly rssKib: number | null;
  readonly cpuMs: number | null;
  readonly inboxDepth: number | null;
  readonly inboxMax: number | null;
  readonly dropped: readonly Tally[];
}

/** The figures of one serial port, totals since `serial-bridge` started. */
export interface PortFigures {
  readonly port: string;
  readonly link: string;
  readonly since: number | null;
  readonly baud: number | null;
  readonly rxBytes: number | null;
  readonly rxFrames: number | null;
  readonly txBytes: number | null;
  readonly txFrames: number | null;
  readonly noiseBytes: number | null;
  readonly stalls: number | null;
  readonly forcedResumes: number | null;
  readonly openings: number | null;
  readonly faults: readonly Tally[];
}

export interface Health {
  readonly t: number | null;
  readonly processes: readonly Process[];
  readonly ports: readonly PortFigures[];
}

/** Everything one border router has told. */
export interface Lbr {
  readonly id: string;
  /** This computer's clock minus the router's, in ms; null until something tells. */
  readonly clockOffset: number | null;
  readonly motes: readonly Mote[] | null;
  readonly status: ReadonlyMap<string, Elements>;
  readonly counts: Counts;
  readonly log: Log;
  readonly health: Health | null;
  readonly dag: Dag | null;
  readonly uinject: Sources;
}

export type CommandEvent = 'set-dagroot' | 'toggle-dagroot' | 'reset-mote' | 'echo-mote';

export type CommandState =
  | 'pending'
  | 'accepted'
  | 'sent'
  | 'confirmed'
  | 'timed-out'
  | 'refused'
  | 'failed';

/** The figures of an echo test over a mote's serial line. */
export interface Echo {
  readonly sent: number;
  readonly ok: number;
  readonly corrupted: number;
  readonly timedOut: number;
  /** In ms; null when no right answer came. */
  readonly roundTrip: { readonly least: number; readonly mean: number; readonly most: number } | null;
}

/** Something a person asked a router to do, and what became of it. */
export interface Command {
  /** The page's own name for it; gui-host's id is known only when it has answered. */
  readonly key: string;
  readonly id: string | null;
  readonly lbr: string | null;
  readonly event: string;
  readonly mote: string | null;
  readonly on: boolean | null;
  readonly askedAt: number;
  readonly state: CommandState;
  readonly detail: string;
  readonly echo: Echo | null;
  readonly trail: readonly { readonly state: CommandState; readonly at: number }[];
}

export interface Model {
  readonly server: Server;
  readonly links: readonly Link[];
  readonly lbrs: ReadonlyMap<string, Lbr>;
  readonly commands: readonly Command[];
  /** What could not be used, counted by reason, so that no loss is silent. */
  readonly ignored: ReadonlyMap<string, number>;
}

export const EMPTY_LOG: Log = { entries: [], older: 0, nextN: 0 };

export function emptyLbr(id: string): Lbr {
  return {
    id,
    clockOffset: null,
    motes: null,
    status: new Map(),
    counts: { boot: null, byKey: new Map() },
    log: EMPTY_LOG,
    health: null,
    dag: null,
    uinject: { boot: null, byMote: new Map() },
  };
}

export const INITIAL_MODEL: Model = {
  server: { kind: 'connecting' },
  links: [],
  lbrs: new Map(),
  commands: [],
  ignored: new Map(),
};

/** The name of a mote in the status: its EUI-64, or its port until it has told. */
export function moteKey(eui: string | null, port: string | null): string | null {
  if (eui !== null) return eui;
  return port === null ? null : `port:${port}`;
}
