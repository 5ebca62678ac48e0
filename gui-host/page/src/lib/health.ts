// Reads `lbr-health`: the router's own processes and serial ports.

import { MAX_PORTS, MAX_PROCESSES } from './limits';
import type { Health, PortFigures, Process } from './model';
import { fields, list, number, text, type Fields } from './shapes';
import { readTallies } from './tally';

export function readHealth(message: Fields): Health {
  return {
    t: number(message['t']),
    processes: list(message['processes'])
      .slice(0, MAX_PROCESSES)
      .map((process) => readProcess(fields(process))),
    ports: list(message['ports'])
      .slice(0, MAX_PORTS)
      .map((port) => readPort(fields(port))),
  };
}

function readPort(value: Fields): PortFigures {
  return {
    port: text(value['port']) ?? '?',
    link: text(value['link']) ?? '',
    since: number(value['since']),
    baud: number(value['baud']),
    rxBytes: number(value['rx_bytes']),
    rxFrames: number(value['rx_frames']),
    txBytes: number(value['tx_bytes']),
    txFrames: number(value['tx_frames']),
    noiseBytes: number(value['noise_bytes']),
    stalls: number(value['stalls']),
    forcedResumes: number(value['forced_resumes']),
    openings: number(value['openings']),
    faults: readTallies(value['faults']),
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
