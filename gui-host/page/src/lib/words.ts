// Numbers and times as words. Units always stand beside the number, and a short age never changes its width by much.

const DAY_MS = 86_400_000;

/** An age in ms: `now`, `12 s`, `3 min`, `2 h 05`, `4 d`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 1) return 'now';
  return duration(seconds);
}

/** Whole seconds as a person says them. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) {
    const minutes = Math.floor((seconds % 3600) / 60);
    return `${Math.floor(seconds / 3600)} h ${String(minutes).padStart(2, '0')}`;
  }
  return `${Math.floor(seconds / 86_400)} d`;
}

/** The time of day on this computer's clock, `14:02:11`. */
export function timeOfDay(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The day, where that is not plain from the span, and the time: `21 Nov 14:02`. */
export function moment(ms: number, span: number): string {
  return span < DAY_MS ? timeOfDay(ms) : `${day(ms)} ${timeOfDay(ms).slice(0, 5)}`;
}

/** `21 Nov`. */
export function day(ms: number): string {
  return new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
}

/** Date and time in full, for a tooltip: `2026-11-21 14:02:11`. Many are made, and the browser's own words take long to make. */
export function fullTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '';
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(ms)}`;
}

/** Thousands apart by a narrow space: `1 234 567`. */
export function grouped(value: number): string {
  if (!Number.isInteger(value)) return String(value);
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(ratio < 0.1 ? 2 : 1)} %`;
}

export function kibibytes(kib: number): string {
  return kib < 1024 ? `${kib} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
