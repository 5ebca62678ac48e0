// A private OpenSSH server on loopback, with keys and a port of its own.

import { mkdirSync } from 'node:fs';
import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { Program } from './program.mjs';
import { until } from './waiting.mjs';

/** Where distributions put it. It must be called by its full path, since it executes itself again. */
const SSHD = '/usr/sbin/sshd';

export class Sshd {
  #program;
  port;
  /** `--lbr` and `--ssh-config` for it. */
  target;
  config;

  static async start(place) {
    // The server insists on its separation directory, which its package makes at boot only.
    if (process.getuid() === 0) mkdirSync('/run/sshd', { recursive: true });
    const sshd = new Sshd();
    sshd.port = await freePort();
    const user = userInfo().username;
    for (const key of ['host_key', 'client_key']) await makeKey(place.path(key));
    await copyFile(place.path('client_key.pub'), place.path('authorized_keys'));
    await chmod(place.path('authorized_keys'), 0o600);
    await writeFile(place.path('sshd_config'), serverConfig(place, sshd.port));
    sshd.config = place.path('ssh_config');
    await writeFile(sshd.config, clientConfig(place, sshd.port, user));
    sshd.target = `${user}@router`;
    sshd.#program = new Program('sshd', SSHD, ['-D', '-e', '-f', place.path('sshd_config')]);
    await until('sshd to listen', () => answers(sshd.port));
    return sshd;
  }

  /** Ends every session: the tunnel is cut. Sessions are children of the server, and outlive it. */
  async cut() {
    const how = await new Program('pkill', 'pkill', ['-KILL', '-P', `${this.#program.pid}`]).ended();
    if (how !== 0) throw new Error('there was no session to cut');
  }

  async stop() {
    await this.cut().catch(() => {});
    await this.#program.stop();
  }
}

/** A loopback port that nobody uses now. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function makeKey(path) {
  const how = await new Program('ssh-keygen', 'ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]).ended();
  if (how !== 0) throw new Error('ssh-keygen failed');
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => tell(true));
    socket.once('error', () => tell(false));
  });
}

function serverConfig(place, port) {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${place.path('host_key')}`,
    `AuthorizedKeysFile ${place.path('authorized_keys')}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    '',
  ].join('\n');
}

function clientConfig(place, port, user) {
  return [
    'Host router',
    'HostName 127.0.0.1',
    `Port ${port}`,
    `User ${user}`,
    `IdentityFile ${place.path('client_key')}`,
    'IdentitiesOnly yes',
    'StrictHostKeyChecking no',
    'UserKnownHostsFile /dev/null',
    'LogLevel ERROR',
    '',
  ].join('\n');
}
