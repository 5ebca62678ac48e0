// One process that a test started: what it says is kept, and it is ended by its own id and no other way.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { until } from './waiting.mjs';

/** A process that takes longer to end than this is killed. */
const ENDS_WITHIN_MS = 10_000;

const running = new Set();

// A test that fails in the middle leaves nothing behind either.
process.on('exit', () => {
  for (const program of running) program.kill();
});
for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) process.on(signal, () => process.exit(code));

export class Program {
  #child;
  #name;
  #ended;
  /** Its lines so far, on standard output and on standard error. */
  stdout = [];
  stderr = [];

  constructor(name, command, args, options = {}) {
    this.#name = name;
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    running.add(this);
    this.#child.stdin.on('error', () => {});
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.stdout.push(line));
    createInterface({ input: this.#child.stderr }).on('line', (line) => this.stderr.push(line));
    this.#ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(`${error}`));
      this.#child.once('exit', (code, signal) => resolve(signal ?? code));
    }).then((how) => {
      running.delete(this);
      return how;
    });
  }

  get pid() {
    return this.#child.pid;
  }

  get runs() {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.pid !== undefined;
  }

  /** Waits until a line of one of its streams fits; gives what `find` makes of it. */
  async says(stream, what, find, from = 0) {
    try {
      return await until(what, () => {
        for (const line of this[stream].slice(from)) {
          const found = find(line);
          if (found) return found;
        }
        if (!this.runs) throw new Error('it has ended');
        return null;
      });
    } catch (error) {
      throw new Error(`${this.#name}: ${error.message}; its last words:\n${this.stderr.slice(-8).join('\n')}`);
    }
  }

  /** A line on its standard input. */
  say(line) {
    this.#child.stdin.write(`${line}\n`);
  }

  signal(name) {
    if (this.runs) this.#child.kill(name);
  }

  /** As a crash would end it. */
  kill() {
    this.signal('SIGKILL');
  }

  /** How it ended: an exit code, or a signal. */
  ended() {
    return this.#ended;
  }

  /** Asks it to end. */
  async stop() {
    // A stopped process hears nothing else.
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    const late = setTimeout(() => this.kill(), ENDS_WITHIN_MS);
    const how = await this.#ended;
    clearTimeout(late);
    return how;
  }
}
