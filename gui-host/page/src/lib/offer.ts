// Reads the answer to `discover`: routers on the local network. Anybody on it may have written the names.

import { MAX_LINKS } from './limits';
import { fields, list, number, text, type Fields } from './shapes';

/** A router that announces itself. */
export interface Offer {
  readonly name: string;
  readonly id: string | null;
  readonly version: string | null;
  readonly host: string;
  readonly port: number | null;
  readonly addresses: readonly string[];
  /** What connects to it; null while it has not told an address. */
  readonly command: string | null;
}

export function readOffers(value: unknown): readonly Offer[] {
  return list(fields(value)['routers'])
    .slice(0, MAX_LINKS)
    .map((offer) => readOffer(fields(offer)));
}

function readOffer(value: Fields): Offer {
  return {
    name: text(value['name']) ?? '?',
    id: text(value['id']),
    version: text(value['version']),
    host: text(value['host']) ?? '',
    port: number(value['port']),
    addresses: list(value['addresses']).flatMap((address) => text(address) ?? []),
    command: text(value['command']),
  };
}
