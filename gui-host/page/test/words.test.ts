import { describe, expect, it } from 'vitest';
import { backoff } from '../src/lib/backoff';
import { formatFragment, NOTHING_SELECTED, parseFragment, type Selection } from '../src/lib/fragment';
import { matches } from '../src/lib/log';
import type { LogEntry } from '../src/lib/model';
import { linkKey, linkName, readLinks } from '../src/lib/link';
import { pillState, pillText, shownLink } from '../src/lib/pill';
import { asAddress, asAsn, asPrefix, asRank, asRatio, deliveryRatio } from '../src/lib/show';
import { nameParts, portParts, TAIL_LENGTH } from '../src/lib/port';
import { pressed, sorted } from '../src/lib/sort';
import { age, grouped, percent } from '../src/lib/words';
import { loaded, link, NOW, notify } from './sample';

describe('the address', () => {
  it('gives up its token and keeps the selection', () => {
    const { token, selection } = parseFragment('#t=abc&mote=141592cc00000001');
    expect(token).toBe('abc');
    expect(selection).toEqual({ ...NOTHING_SELECTED, mote: '141592cc00000001' });
    expect(formatFragment(selection)).toBe('#mote=141592cc00000001');
  });

  it('keeps all that is selected, whatever it contains', () => {
    const selection: Selection = {
      tab: 'log',
      lbr: 'a b',
      mote: 'port:/dev/ttyUSB0',
      view: 'history',
      span: '24h',
      find: '0&0=#',
      cells: 'all',
      hide: ['info', 'verbose'],
      words: 'two words',
      from: '141592cc00000001',
    };
    expect(parseFragment(formatFragment(selection))).toEqual({ token: null, selection });
  });

  it('without anything, or with nonsense, selects nothing', () => {
    expect(parseFragment('')).toEqual({ token: null, selection: NOTHING_SELECTED });
    expect(parseFragment('#tab=attic&view=&cells=17&mote=').selection).toEqual(NOTHING_SELECTED);
    expect(formatFragment({ lbr: null, mote: null })).toBe('#');
  });
});

describe('words', () => {
  it('tell an age in one unit', () => {
    expect([0, 999, 59_999, 60_000, 3_600_000 + 5 * 60_000, 3 * 86_400_000, -5].map(age)).toEqual(['now', 'now', '59 s', '1 min', '1 h 05', '3 d', 'now']);
  });

  it('group thousands', () => {
    expect([7, 1234, -1_234_567].map(grouped)).toEqual(['7', '1\u202f234', '-1\u202f234\u202f567']);
  });

  it('give small ratios more digits', () => {
    expect([0.0314, 0.5].map(percent)).toEqual(['3.14 %', '50.0 %']);
  });
});

describe('values', () => {
  it('of the expected shape are put into words', () => {
    expect(asAsn(123_456_789)).toMatchObject({ hint: '0x00075bcd15' });
    expect(asRank(65_535).text).toBe('none');
    expect(asPrefix('bbbb000000000000').text).toBe('bbbb::/64');
    expect(asPrefix('fe80000000000001').text).toBe('fe80:0:0:1::/64');
    expect(asAddress({ type: '64b', value: '141592cc00000001' })).toMatchObject({ text: '141592cc00000001', hint: '64b' });
    expect(asAddress({ type: 'anycast', value: '' }).text).toBe('anycast');
  });

  it('of another shape are shown raw', () => {
    expect(asRank('high').text).toBe('high');
    expect(asAddress([1, 2]).text).toBe('[1,2]');
    expect(asPrefix({ a: 1 }).text).toBe('{"a":1}');
  });

  it('that are absent are a dash', () => {
    expect([asRank(undefined).text, asRatio(null).text, asAddress(null).text]).toEqual(['–', '–', '–']);
  });
});

describe('the delivery ratio', () => {
  const of = (values: object): object => deliveryRatio(new Map(Object.entries(values)));

  it('is coloured by its bands', () => {
    expect(of({ numTx: 100, numTxACK: 90 })).toMatchObject({ text: '90 %', tone: 'good' });
    expect(of({ numTx: 100, numTxACK: 70 })).toMatchObject({ tone: 'fair' });
    expect(of({ numTx: 100, numTxACK: 69 })).toMatchObject({ tone: 'bad' });
  });

  it('is not judged below ten frames, and absent where nothing is acknowledged', () => {
    expect(of({ numTx: 9, numTxACK: 1 })).toMatchObject({ tone: 'muted' });
    expect(of({ numTx: 0, numTxACK: 0 })).toMatchObject({ text: '–' });
    expect(of({ numTx: 50, numTxACK: 0, neighbor: { type: 'anycast' } })).toMatchObject({ text: '–' });
  });
});

describe('the pill', () => {
  it('puts the page’s own connection before the link', () => {
    const live = loaded().links[0] ?? null;
    expect(pillState({ kind: 'open', host: '' }, live)).toBe('live');
    expect(pillState({ kind: 'waiting', retryAt: 0, reason: '' }, live)).toBe('no-server');
    expect(pillState({ kind: 'open', host: '' }, null)).toBe('no-lbr');
  });

  it('says how long a link has been stale', () => {
    const stale = notify(loaded(), 'link', link('stale', { last_message: NOW - 23_000 })).links[0] ?? null;
    expect(pillText('stale', stale, NOW)).toBe('STALE 23 s');
  });
});

describe('of several links', () => {
  const of = (id: string | null, state: string, name = id): object => ({ lbr: id === null ? null : { id, name, hostname: 'openwrt' }, target: `root@${id ?? 'c'}`, state });
  const shown = (links: readonly object[], chosen: string | null, last: object | null = null): string | null => {
    const link = shownLink({ ...loaded(), links: readLinks(links) }, chosen, readLinks(last === null ? [] : [last])[0] ?? null);
    return link && linkKey(link);
  };

  it('the first live one is shown as long as none was, and then the same', () => {
    expect(shown([of('a', 'stale'), of('b', 'live')], null)).toBe('b');
    expect(shown([of('a', 'lost'), of(null, 'connecting')], null)).toBe('a');
    expect(shown([of('a', 'stale'), of('b', 'live')], null, of('a', 'live'))).toBe('a');
  });

  it('the chosen one is shown, by the name of its target too', () => {
    expect(shown([of('a', 'stale'), of('b', 'live')], 'a', of('b', 'live'))).toBe('a');
    expect(shown([of('a', 'live'), of('b', 'live')], 'target:root@b')).toBe('b');
    expect(shown([of('a', 'live'), of(null, 'connecting')], 'target:root@c')).toBe('target:root@c');
  });

  it('a router that gui-host has to find again is shown by its target', () => {
    const searching = { ...of(null, 'connecting'), target: 'root@b' };
    expect(shown([of('a', 'live'), searching], null, of('b', 'live'))).toBe('target:root@b');
  });

  it('those of one name are told apart', () => {
    const names = (...links: object[]): string[] => readLinks(links).map((link, _, all) => linkName(link, all));
    expect(names(of('a', 'live', 'roof'), of(null, 'connecting'))).toEqual(['roof', 'root@c']);
    expect(names(of('0123456789', 'live', 'roof'), of('b', 'live', 'roof'))).toEqual(['roof (openwrt, 01234567)', 'roof (openwrt, b)']);
  });
});

describe('the name of a port', () => {
  it.each([
    ['/dev/serial/by-id/usb-FTDI_Dual_RS232-HS-if00-port0', '-if00-port0'],
    ['/tmp/lbr-demo-j4cd1b/motes/mote1', '/motes/mote1'],
    ['/tmp/lbr-demo-j4cd1b/motes/mote12', '/mote12'],
    ['/dev/ttyUSB0', '/dev/ttyUSB0'],
    ['COM3', 'COM3'],
    ['', ''],
  ])('%s keeps its end', (name, tail) => {
    expect(portParts(name)).toEqual({ lead: name.slice(0, name.length - tail.length), tail });
  });

  it('without a separator in reach is cut where the tail must begin', () => {
    expect(portParts('a'.repeat(30)).tail).toHaveLength(TAIL_LENGTH);
    expect(portParts(`${'a'.repeat(30)}/`).tail).toBe(`${'a'.repeat(TAIL_LENGTH - 1)}/`);
  });

  it('is never cut within a letter', () => {
    const { lead, tail } = portParts('😀'.repeat(20));
    expect([Array.from(lead).length, Array.from(tail).length]).toEqual([20 - TAIL_LENGTH, TAIL_LENGTH]);
  });
});

describe('a sender or a signal', () => {
  it('is a kind and a port', () => {
    expect(nameParts('mote_connector@/dev/ttyUSB0')).toEqual({ kind: 'mote_connector', port: '/dev/ttyUSB0' });
    expect(nameParts('mote_connector@/tmp/a@b')).toEqual({ kind: 'mote_connector', port: '/tmp/a@b' });
  });

  it('may have no port', () => {
    expect(nameParts('eventbus')).toEqual({ kind: 'eventbus', port: null });
    expect(nameParts('odd@')).toEqual({ kind: 'odd@', port: null });
    expect(nameParts('@odd')).toEqual({ kind: '@odd', port: null });
  });
});

describe('sorting', () => {
  it('counts numbers in names as a person does', () => {
    expect(sorted(['tty10', 'tty2'], (name) => name, 'ascending')).toEqual(['tty2', 'tty10']);
    expect(sorted([1, 3, 2], (number) => number, 'descending')).toEqual([3, 2, 1]);
  });

  it('turns round on a second press', () => {
    const once = pressed({ column: 'a', direction: 'ascending' }, 'b', 'descending');
    expect(once).toEqual({ column: 'b', direction: 'descending' });
    expect(pressed(once, 'b', 'descending').direction).toBe('ascending');
  });
});

describe('the log filter', () => {
  const entry: LogEntry = { kind: 'said', n: 1, t: NOW, mote: '141592cc00000001', port: null, severity: 'error', severityWord: 'error', component: 'SIXTOP', text: 'Retries reached' };

  it('wants every word, in any of the columns', () => {
    expect(matches(entry, { hidden: new Set(), words: ' sixtop 0001 ', from: null })).toBe(true);
    expect(matches(entry, { hidden: new Set(), words: 'sixtop other', from: null })).toBe(false);
  });

  it('may want one mote', () => {
    const only = (from: string): boolean => matches(entry, { hidden: new Set(), words: '', from });
    expect([only('141592cc00000001'), only('141592cc00000002')]).toEqual([true, false]);
  });

  it('hides severities but never a gap', () => {
    const hidden = new Set(['error'] as const);
    expect(matches(entry, { hidden, words: '', from: null })).toBe(false);
    expect(matches({ kind: 'gap', n: 2, t: null, dropped: '' }, { hidden, words: 'x', from: null })).toBe(true);
  });
});

describe('back-off', () => {
  it('stays between half and the whole of its delay', () => {
    expect([backoff(0, () => 0), backoff(0, () => 0.999), backoff(50, () => 0.999)]).toEqual([125, 250, 7996]);
  });
});
