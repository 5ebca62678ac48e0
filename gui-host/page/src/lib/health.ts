// Reads `lbr-health`: the router's own processes.

import { MAX_PROCESSES } from './limits';
import type { Health, Process } from './model';
import { fields, list, number, text, type Fields } from './shapes';
import { readTallies } from './tally';

export function readHealth(message: Fields): Health {
  return {
    t: number(message['t']),
    processes: list(message['processes'])
      .slice(0, MAX_PROCESSES)
      .map((process) => readProcess(fields(process))),
  };
}

function readProcess(value: Fields): Process {
  const inbox = fields(value['inbox']);
  return {
    name: text(value['name']) ?? '?',
    pid: number(value['pid']),
    uptime: number(value['uptime']),
    rssKib: number(value['rss_kib']),
    cpuMs: number(value['cpu_ms']),
    inboxDepth: number(inbox['depth']),
    inboxMax: number(inbox['max']),
    dropped: readTallies(value['dropped']),
  };
}
