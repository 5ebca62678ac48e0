// Reads values of unknown shape. Everything that reaches the page was written by a mote, a router or an older program,
// so nothing here throws: what does not fit is `null` or empty, and the caller decides what that means.

/** A JSON object whose fields nobody has looked at yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** The longest text the model keeps from one field. A log line of a mote is far shorter. */
export const TEXT_LIMIT = 1000;

const NONE: Fields = Object.freeze({});

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object, or an empty one. */
export function fields(value: unknown): Fields {
  return isFields(value) ? value : NONE;
}

/** The entries of an object, or none. `Object.entries` also carries an own `__proto__` key safely. */
export function entries(value: unknown): [string, unknown][] {
  return isFields(value) ? Object.entries(value) : [];
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text, cut at `TEXT_LIMIT`; `null` when the value is not a text. */
export function text(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  return value.length > TEXT_LIMIT ? `${value.slice(0, TEXT_LIMIT)}…` : value;
}

export function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** A truth value; 0 and 1 count, since older firmware layouts pass the byte through. */
export function flag(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === 0 || value === 1) return value === 1;
  return null;
}

/** Any value as one line a person can read, cut at `TEXT_LIMIT`. */
export function raw(value: unknown): string {
  if (typeof value === 'string') return text(value) ?? '';
  return text(JSON.stringify(value) ?? String(value)) ?? '';
}
