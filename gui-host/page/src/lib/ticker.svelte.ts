// The one clock that ages are read from: it ticks once a second, and not at all while the tab is hidden.

class Ticker {
  /** Unix milliseconds of the last tick. */
  now: number = $state(Date.now());
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): void {
    document.addEventListener('visibilitychange', () => this.#adjust());
    this.#adjust();
  }

  #adjust(): void {
    clearInterval(this.#timer);
    if (document.hidden) return;
    this.now = Date.now();
    this.#timer = setInterval(() => (this.now = Date.now()), 1000);
  }
}

export const ticker = new Ticker();
