// Sorting tables by a chosen column. Texts with numbers in them sort as a person counts: port 2 before port 10.

export type Direction = 'ascending' | 'descending';

export interface Order<Column extends string> {
  readonly column: Column;
  readonly direction: Direction;
}

const collator = new Intl.Collator('en', { numeric: true });

/** The order after a press on a column's heading: the same column turns round, another one starts as given. */
export function pressed<Column extends string>(order: Order<Column>, column: Column, first: Direction): Order<Column> {
  if (order.column !== column) return { column, direction: first };
  return { column, direction: order.direction === 'ascending' ? 'descending' : 'ascending' };
}

export function sorted<Item>(
  items: readonly Item[],
  value: (item: Item) => string | number,
  direction: Direction,
): readonly Item[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return items.toSorted((a, b) => sign * compare(value(a), value(b)));
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}
