// Names of serial ports. They are often long, and it is their end that tells one from another: where room is short, the
// lead gives way and the tail stays.

/** The most characters that always stay: enough for `-if00-port0` or `/motes/mote12`. */
export const TAIL_LENGTH = 12;

export interface PortParts {
  readonly lead: string;
  readonly tail: string;
}

/** The two parts of a name; together they are the whole. The tail begins at a separator where there is one in reach. */
export function portParts(name: string): PortParts {
  const letters = Array.from(name);
  const start = Math.max(0, letters.length - TAIL_LENGTH);
  const separator = start === 0 ? 0 : letters.findIndex((letter, place) => place >= start && '/-_.:'.includes(letter));
  // A separator at the very end would leave nothing to go by.
  const from = separator < 0 || separator === letters.length - 1 ? start : separator;
  return { lead: letters.slice(0, from).join(''), tail: letters.slice(from).join('') };
}

export interface NameParts {
  /** What it is: `mote_connector`, `fromMote.status`. */
  readonly kind: string;
  /** The port it is of; null where none is named. */
  readonly port: string | null;
}

/** A sender or a signal as the event counts name it, `kind` or `kind@port`; a port may itself contain an `@`. */
export function nameParts(name: string): NameParts {
  const at = name.indexOf('@');
  if (at <= 0 || at === name.length - 1) return { kind: name, port: null };
  return { kind: name.slice(0, at), port: name.slice(at + 1) };
}
