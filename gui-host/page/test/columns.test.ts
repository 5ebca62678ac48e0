// The columns of the table of motes, and the keys that walk along its rows.

import { describe, expect, it } from 'vitest';
import { isOlder } from '../src/lib/clock';
import { inOrder, linkWord, roleOf, sourceWord, stepped } from '../src/lib/columns';
import { moteRows, type MoteRow } from '../src/lib/motes';
import type { Model } from '../src/lib/model';
import { ELEMENTS, LBR, loaded, mote, NOW } from './sample';

const FAR = '141592cc00000007';

function rowsOf(model: Model): readonly MoteRow[] {
  const lbr = model.lbrs.get(LBR);
  if (lbr === undefined) throw new Error('the sample router is missing');
  return moteRows(lbr);
}

function dagOf(eui: string, lastPacket: number): object {
  return { t: NOW, motes: [{ mote: eui, root: null, parents: [], heard: lastPacket, hops: 1, address: null, last_packet: lastPacket, packets: 1 }] };
}

describe('the role', () => {
  const told = (more: object, dag: object | null = null): string => {
    const { IsSync, Joined } = ELEMENTS;
    const elements = { IsSync, Joined, ...more };
    const status = { '141592cc00000001': { mote: '141592cc00000001', elements } };
    const [row] = rowsOf(loaded({ inventory: { t: NOW, motes: [mote()] }, status, dag }));
    return row === undefined ? '' : roleOf(row);
  };
  const none = { t: NOW, joinedAsn: 0 };

  it('says how far a mote has come', () => {
    expect(told({})).toBe('joined');
    expect(told({ Joined: none })).toBe('joining');
    expect(told({ Joined: undefined })).toBe('in sync');
    expect(told({ Joined: undefined, IsSync: undefined })).toBe('–');
    expect(told({ IsSync: { t: NOW, isSync: false } })).toBe('not in sync');
    expect(told({ IdManager: { ...ELEMENTS.IdManager, isDAGroot: true } })).toBe('root');
  });

  it('is joined without the secure join too, as soon as DAOs arrive', () => {
    expect(told({ Joined: none }, dagOf('141592cc00000001', NOW))).toBe('joined');
  });
});

describe('the link', () => {
  it('of a mote that only packets tell of is not up, but by DAO', () => {
    const far = { source: 'dao', port: null, mote: FAR, id16: '0007' };
    const [near, by, silent] = rowsOf(loaded({ inventory: { t: NOW, motes: [mote(), mote(far), mote({ ...far, mote: '141592cc00000008', link: 'silent' })] } }));
    expect([near, by, silent].map((row) => row && linkWord(row))).toEqual(['up', 'by DAO', 'silent']);
    expect([near, by].map((row) => row && sourceWord(row))).toEqual(['serial', 'DAO']);
  });

  it('of a port is as old as what came over the port, though the mote’s packets still arrive', () => {
    const long = NOW - 1_200_000;
    const motes = [mote({ link: 'down', last_heard: long })];
    const [row] = rowsOf(loaded({ inventory: { t: NOW, motes }, status: {}, dag: dagOf('141592cc00000001', NOW - 1000) }));
    expect(row?.linkHeard).toBe(long);
    expect(row?.heard).toBe(NOW - 1000);
  });

  it('without a port is as old as the newest packet', () => {
    const far = mote({ source: 'dao', port: null, mote: FAR, id16: '0007', last_heard: NOW - 60_000 });
    const [row] = rowsOf(loaded({ inventory: { t: NOW, motes: [far] }, status: {}, dag: dagOf(FAR, NOW - 1000) }));
    expect(row?.linkHeard).toBe(NOW - 1000);
  });
});

describe('the order', () => {
  const motes = ['0001', '000a', '0002'].map((id16, at) => mote({ id16, mote: `141592cc0000${id16}`, port: `/dev/ttyUSB${at}`, link: ['up', 'down', 'silent'][at] }));
  const rows = rowsOf(loaded({ inventory: { t: NOW, motes }, status: {} }));
  const ids = (some: readonly MoteRow[]): unknown[] => some.map((row) => row.id16);

  it('is that of the addresses, or of what a column says', () => {
    expect(ids(inOrder(rows, { column: 'mote', direction: 'ascending' }))).toEqual(['0001', '0002', '000a']);
    expect(ids(inOrder(rows, { column: 'mote', direction: 'descending' }))).toEqual(['000a', '0002', '0001']);
    expect(ids(inOrder(rows, { column: 'link', direction: 'ascending' }))).toEqual(['000a', '0002', '0001']);
  });

  it('is the one in which steps are made', () => {
    const shown = inOrder(rows, { column: 'link', direction: 'ascending' });
    expect(stepped(shown, '141592cc0000000a', 1)).toBe('141592cc00000002');
    expect(stepped(shown, '141592cc0000000a', -1)).toBe('141592cc0000000a');
    expect(stepped(shown, '141592cc00000001', 1)).toBe('141592cc00000001');
    expect(stepped(shown, null, 1)).toBe('141592cc0000000a');
    expect(stepped([], null, 1)).toBeNull();
  });

  it('lets a step pass a mote that two ports claim', () => {
    const twice = rowsOf(loaded({ inventory: { t: NOW, motes: [mote(), mote({ port: '/dev/ttyUSB7' }), mote({ mote: FAR, port: '/dev/ttyUSB8' })] } }));
    expect(stepped(twice, '141592cc00000001', 1)).toBe(FAR);
  });
});

describe('an age', () => {
  it('is compared on the router’s clock, and what has none is never old', () => {
    expect(isOlder(null, NOW - 1001, 1000, NOW)).toBe(true);
    expect(isOlder(null, NOW - 1000, 1000, NOW)).toBe(false);
    expect(isOlder(NOW, -1001, 1000, NOW)).toBe(true);
    expect(isOlder(NOW, -1000, 1000, NOW)).toBe(false);
    expect(isOlder(null, null, 1000, NOW)).toBe(false);
  });
});
