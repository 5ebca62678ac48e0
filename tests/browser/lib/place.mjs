// Where one stack lives: its instance name, its directory, its share of the queues that one user may have.

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program } from './program.mjs';
import { pause } from './waiting.mjs';

const TOP = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const BINARIES = process.env.LBR_BINARIES ?? join(process.env.CARGO_TARGET_DIR ?? join(TOP, 'target'), 'debug');

/** The same locks as the whole-stack tests of cargo hold, so that both keep within Linux's limit for one user. */
const SETS_AT_ONCE = 2;

/** The whole-stack tests of cargo may take so long, on a busy machine, and how often is looked. */
const SHARE_WITHIN_MS = 15 * 60_000;
const LOOK_EVERY_MS = 250;

let number = 0;

const taken = new Set();

// After a test that was interrupted; it runs when the processes of `program.mjs` have been ended.
process.on('exit', () => {
  for (const place of taken) place.clear();
});

/** The path of one of the project's programs. */
export function binary(name) {
  const path = join(BINARIES, name);
  if (!existsSync(path)) throw new Error(`${path} is not built: run \`cargo build --workspace --bins\` first`);
  return path;
}

export class Place {
  #directory;
  #share;
  #programs = [];
  instance;

  static async take(purpose) {
    const place = new Place();
    place.#share = await takeShare();
    place.instance = `${purpose}-${process.pid}-${number++}`;
    place.#directory = await mkdtemp(join(tmpdir(), `lbr-${purpose}-`));
    taken.add(place);
    return place;
  }

  path(name) {
    return join(this.#directory, name);
  }

  /** Starts one of the project's programs here. */
  start(name, args) {
    // Nothing of the person who runs the tests is read or written.
    const env = { ...process.env, HOME: this.#directory, XDG_DATA_HOME: this.path('data'), XDG_CONFIG_HOME: this.path('config') };
    const program = new Program(name, binary(name), args, { cwd: this.#directory, env });
    this.#programs.push(program);
    return program;
  }

  /** Removes its queues and its directory. */
  clear() {
    taken.delete(this);
    spawnSync(binary('mq-inspect'), ['unlink', '--instance', this.instance], { stdio: 'ignore' });
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Ends what was started here and still runs, as after a test that failed at its beginning. */
  async leave() {
    for (const program of this.#programs.toReversed()) if (program.runs) await program.stop();
    this.clear();
    await this.#share.stop();
  }
}

/** The first share that is free. Others may be at it for minutes. */
async function takeShare() {
  const end = performance.now() + SHARE_WITHIN_MS;
  for (let turn = 0; performance.now() < end; turn++) {
    const file = join(tmpdir(), `lbr-tests-${process.getuid()}-${turn % SETS_AT_ONCE}.lock`);
    // It holds the lock as long as its standard input is open, which no end of ours can leave so.
    const share = new Program('flock', 'flock', ['--nonblock', file, 'sh', '-c', 'umask 077; echo held; exec cat']);
    const held = await Promise.race([share.says('stdout', 'the lock', (line) => line === 'held').catch(() => false), share.ended().then(() => false)]);
    if (held) return share;
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`other tests hold all shares of the queues for ${SHARE_WITHIN_MS / 60_000} minutes`);
}
