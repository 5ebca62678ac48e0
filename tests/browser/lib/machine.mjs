// How busy the machine is with other things: then times say more of those than of the page.

import { availableParallelism, loadavg } from 'node:os';

/** Beyond so many processes that want to run, for each processor and with the few of a test among them, others delay it. */
const MOST = 1.5;

/** The load of the last minute for each processor, in words, and whether times can be judged. */
export function machine() {
  const load = loadavg()[0] / availableParallelism();
  const isQuiet = load < MOST;
  return { isQuiet, words: `load ${load.toFixed(1)} a core${isQuiet ? '' : ': too busy with other things to judge times strictly'}` };
}
