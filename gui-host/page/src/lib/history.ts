// What the charts show: the last quarter of an hour, one value a second, of every mote and of the router itself. The
// page fills it from what it hears; `feed` lets a host that remembers longer fill it too. Kept outside the model,
// because it is written every second and read only by charts.

import { localTime } from './clock';
import type { Lbr } from './model';
import { moteRows, type Heard, type MoteRow } from './motes';

export const SPAN_S = 900;

/** Series of a mote, and of the router. */
export const MOTE_SERIES = ['prr', 'rssi', 'queue', 'rank', 'asn_rate', 'duty'] as const;
export const ROUTER_SERIES = ['status_rate', 'data_rate', 'error_rate'] as const;
export type MoteSeries = (typeof MOTE_SERIES)[number];
export type RouterSeries = (typeof ROUTER_SERIES)[number];
export type Series = MoteSeries | RouterSeries;

/** Elements come every few seconds. A row of the neighbour table comes in its turn only, which takes a minute or two. */
const FRESH_MS = 30_000;
const FRESH_ROW_MS = 150_000;
/** Counts come once a second, if any has changed: how fast they go is unknown while none comes. */
const FRESH_COUNT_MS = 3_000;

/** A track that nobody wrote to for a span holds nothing any more. */
const MAX_TRACKS = 4096;

export type Sample = Partial<Record<Series, number | null>>;

/** Times in Unix seconds with a column for each series that was asked for; null where nothing was heard. */
export interface View {
  readonly times: readonly number[];
  readonly columns: readonly (readonly (number | null)[])[];
}

/** The ring of one mote or router. A place belongs to a second only while `seconds` says so. */
interface Track {
  readonly seconds: Float64Array;
  readonly values: Map<Series, Float32Array>;
}

interface Before {
  readonly t: number;
  readonly value: number;
}

export class History {
  readonly #tracks = new Map<string, Track>();
  /** The last ASN and its time of each mote, and the last totals of each router, to take rates from. */
  readonly #before = new Map<string, Before>();

  /** Takes down what is known of a router now. */
  record(lbr: Lbr, now: number): void {
    for (const row of moteRows(lbr)) this.#write(trackName(lbr.id, row.key), now, this.#moteSample(lbr, row, now));
    this.#write(trackName(lbr.id, null), now, this.#routerSample(lbr, now));
  }

  /** Takes over points `[Unix ms, value]` that somebody else remembered. What is too old for the ring is left out. */
  feed(lbr: string, mote: string | null, series: Series, points: readonly (readonly [number, number | null])[], now: number): void {
    for (const [at, value] of points) {
      if (at <= now && now - at < SPAN_S * 1000) this.#write(trackName(lbr, mote), at, { [series]: value });
    }
  }

  view(lbr: string, mote: string | null, series: readonly Series[], now: number): View {
    const track = this.#tracks.get(trackName(lbr, mote));
    const last = Math.floor(now / 1000);
    const times = Array.from({ length: SPAN_S }, (_, place) => last - SPAN_S + 1 + place);
    const columns = series.map((name) => {
      const values = track?.values.get(name);
      return times.map((second) => (track?.seconds[second % SPAN_S] === second ? finite(values?.[second % SPAN_S]) : null));
    });
    return { times, columns };
  }

  #moteSample(lbr: Lbr, row: MoteRow, now: number): Sample {
    const fresh = <Value>(heard: Heard<Value> | null, within: number): Value | null =>
      heard === null || heard.earlier || heard.t === null || now - localTime(lbr.clockOffset, heard.t) > within ? null : heard.value;
    const parent = fresh(row.parent, FRESH_ROW_MS);
    const asn = fresh(row.asn, FRESH_MS);
    const duty = fresh(row.duty, FRESH_MS);
    return {
      prr: parent?.sent == null || parent.acked === null || parent.sent === 0 ? null : (parent.acked / parent.sent) * 100,
      rssi: parent?.rssi ?? null,
      queue: fresh(row.queue, FRESH_MS)?.used ?? null,
      rank: known(fresh(row.rank, FRESH_MS)),
      asn_rate: asn === null || row.asn?.t == null ? null : this.#rate(`${trackName(lbr.id, row.key)} asn`, row.asn.t, asn),
      duty: duty === null ? null : duty * 100,
    };
  }

  #routerSample(lbr: Lbr, now: number): Sample {
    const total = (signal: RegExp): number =>
      [...lbr.counts.byKey.values()].reduce((sum, count) => sum + (signal.test(count.signal) ? count.num : 0), 0);
    const counted = Math.max(...[...lbr.counts.byKey.values()].map((count) => count.changedAt ?? 0));
    if (now - counted > FRESH_COUNT_MS) return {};
    const rate = (name: string, signal: RegExp): number | null =>
      this.#rate(`${trackName(lbr.id, null)} ${lbr.counts.boot ?? ''} ${name}`, counted, total(signal));
    return {
      status_rate: rate('status', /^fromMote\.status$/),
      data_rate: rate('data', /^fromMote\.data$/),
      error_rate: rate('error', /^fromMote\.log\.(error|critical)$/),
    };
  }

  /**
   * How much a running number grows in a second. It is taken anew once the number is two seconds older, so that the
   * jitter of arrivals does not show; a number that went down began anew, and gives no rate.
   */
  #rate(name: string, t: number, value: number): number | null {
    const before = this.#before.get(name);
    const remembered = this.#before.get(`${name} rate`)?.value ?? null;
    if (before !== undefined && t - before.t < 2000 && value >= before.value) return remembered;
    this.#before.set(name, { t, value });
    const rate = before === undefined || value < before.value || t <= before.t ? null : ((value - before.value) * 1000) / (t - before.t);
    if (rate === null) this.#before.delete(`${name} rate`);
    else this.#before.set(`${name} rate`, { t, value: rate });
    return rate;
  }

  #write(name: string, at: number, sample: Sample): void {
    const second = Math.floor(at / 1000);
    const place = second % SPAN_S;
    const track = this.#track(name);
    if ((track.seconds[place] ?? 0) > second) return;
    if (track.seconds[place] !== second) {
      track.seconds[place] = second;
      for (const values of track.values.values()) values[place] = NaN;
    }
    for (const [series, value] of Object.entries(sample) as [Series, number | null][]) {
      if (value === null) continue;
      const values = track.values.get(series) ?? new Float32Array(SPAN_S).fill(NaN);
      track.values.set(series, values);
      values[place] = value;
    }
  }

  #track(name: string): Track {
    const known = this.#tracks.get(name);
    if (known !== undefined) return known;
    const oldest = this.#tracks.keys().next().value;
    if (this.#tracks.size >= MAX_TRACKS && oldest !== undefined) this.#tracks.delete(oldest);
    const track: Track = { seconds: new Float64Array(SPAN_S), values: new Map() };
    this.#tracks.set(name, track);
    return track;
  }
}

function trackName(lbr: string, mote: string | null): string {
  return `${lbr}\n${mote ?? ''}`;
}

function finite(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

/** 65535 stands for no rank, and would flatten the chart. */
function known(rank: number | null): number | null {
  return rank === 65_535 ? null : rank;
}

/** A view as a spreadsheet takes it: a line for each second in which something was heard. */
export function asCsv(names: readonly string[], { times, columns }: View): string {
  const lines = times.flatMap((time, place) => {
    const values = columns.map((column) => column[place] ?? null);
    if (values.every((value) => value === null)) return [];
    return [[new Date(time * 1000).toISOString(), ...values.map((value) => (value === null ? '' : String(value)))].join(',')];
  });
  return [['time', ...names].join(','), ...lines, ''].join('\n');
}
