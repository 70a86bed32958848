/** Server programs as Debian has them, started in a lab, and how each says who its peer is. */

import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { EXCHANGE_SERVER_PORT } from '../config.ts';
import { runProgram } from '../process.ts';
import { SERVER_ADDRESSES } from '../topology.ts';
import { IO_URING_ACCEPT, lacksIoUring } from './io-uring.ts';

export type Program = {
  name: string;
  /** The Debian package, when its program is not here. */
  missing: string | false;
  /** Writes what it needs into the folder and returns how it is started. */
  prepare(folder: string): string[] | Promise<string[]>;
  /** What a client sends once two connections are open. */
  request: string | Uint8Array;
  /** What an answer has when it is complete. */
  until: RegExp;
  /** Every peer that the program names: in both answers, in what it logged, and in `folder`. */
  peers(said: {
    answers: readonly string[];
    log: string;
    folder: string;
  }): Promise<string[]> | string[];
};

const ADDRESS = SERVER_ADDRESSES.server1;
const PORT = EXCHANGE_SERVER_PORT;
const ENDPOINT = /\d+\.\d+\.\d+\.\d+:\d+/;
const HTTP = 'GET / HTTP/1.1\r\nHost: lab\r\n\r\n';

const NODE = `
const answer = (socket) => () => socket.write(socket.remoteAddress + ':' + socket.remotePort + '\\n');
require('net').createServer((socket) => socket.once('data', answer(socket)).on('error', () => {}))
  .listen(${PORT}, process.argv[1]);`;

/** What accept() gave, and what getpeername() says later. */
const PYTHON = `
import socket, sys, threading
family, address = (socket.AF_INET6, '::') if sys.argv[1] == '6' else (socket.AF_INET, '${ADDRESS}')
s = socket.socket(family)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((address, ${PORT}))
s.listen(16)
def serve(c, accepted):
    c.recv(100)
    c.send(f'{accepted[0]}:{accepted[1]} {c.getpeername()[0]}:{c.getpeername()[1]}\\n'.encode())
while True:
    threading.Thread(target=serve, args=s.accept(), daemon=True).start()`;

export const PROGRAMS: readonly Program[] = [
  {
    name: 'nginx ($remote_addr:$remote_port)',
    missing: lacks('/usr/sbin/nginx', 'nginx-light'),
    prepare: (folder) => {
      const config = `daemon off; pid ${folder}/nginx.pid; error_log stderr;
        events {}
        http { access_log off;
          client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
          fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi;
          scgi_temp_path ${folder}/scgi;
          server { listen ${ADDRESS}:${PORT}; return 200 "$remote_addr:$remote_port\\n"; } }`;
      writeFileSync(`${folder}/nginx.conf`, config);
      return ['nginx', '-p', folder, '-c', `${folder}/nginx.conf`, '-e', 'stderr'];
    },
    request: HTTP,
    until: ENDPOINT,
    peers: ({ answers }) => answers.map(endpointIn),
  },
  {
    name: 'HAProxy (%ci:%cp, and its stick table)',
    missing: lacks('/usr/sbin/haproxy', 'haproxy'),
    prepare: (folder) => {
      const config = `global
  stats socket ${folder}/stats
defaults
  mode http
  timeout client 10s
frontend web
  bind ${ADDRESS}:${PORT}
  stick-table type ip size 1k expire 1m store conn_cnt
  tcp-request connection track-sc0 src
  http-request return status 200 content-type text/plain lf-string "%ci:%cp\\n"
`;
      writeFileSync(`${folder}/haproxy.cfg`, config);
      return ['haproxy', '-db', '-f', `${folder}/haproxy.cfg`];
    },
    request: HTTP,
    until: ENDPOINT,
    peers: async ({ answers, folder }) => {
      const peers = answers.map(endpointIn);
      const [port] = peers.map((peer) => peer.split(':')[1]);
      const table = connect({ path: `${folder}/stats` });
      table.end('show table web\n');
      const [, key = 'nobody', connections] =
        /key=(\S+).*conn_cnt=(\d+)/.exec(await text(table)) ?? [];
      return [...peers, `${key}:${connections === '2' ? port : 'counted otherwise'}`];
    },
  },
  {
    name: 'Redis (CLIENT LIST)',
    missing: lacks('/usr/bin/redis-server', 'redis-server'),
    prepare: (folder) => [
      ...['redis-server', '--bind', ADDRESS, '--port', String(PORT), '--dir', folder],
      ...['--protected-mode', 'no', '--save', ''],
    ],
    request: 'CLIENT LIST\r\n',
    until: /cmd=client/,
    peers: ({ answers }) =>
      answers.flatMap((list) => [...list.matchAll(/ addr=(\S+)/g)].map(([, peer = '']) => peer)),
  },
  {
    name: 'sshd (its log)',
    missing: lacks('/usr/sbin/sshd', 'openssh-server'),
    prepare: async (folder) => {
      const key = `${folder}/host-key`;
      await runProgram(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
      // Where it gives its rights up; the service's unit makes it otherwise.
      mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
      const config = `ListenAddress ${ADDRESS}:${PORT}\nHostKey ${key}\nPidFile none\nUsePAM no\nLogLevel VERBOSE\n`;
      writeFileSync(`${folder}/sshd_config`, config);
      return ['/usr/sbin/sshd', '-D', '-e', '-f', `${folder}/sshd_config`];
    },
    request: 'SSH-2.0-lab\r\n',
    until: /SSH-2\.0-OpenSSH/,
    peers: ({ log }) =>
      [...log.matchAll(/Connection from (\S+) port (\d+)/g)].map(
        ([, address, port]) => `${address}:${port}`,
      ),
  },
  {
    name: 'PostgreSQL (pg_stat_activity)',
    missing: postgresFolder() === undefined ? 'needs postgresql' : false,
    prepare: async (folder) => {
      const programs = postgresFolder() ?? '';
      const data = `${folder}/data`;
      const { uid, gid } = userNamed('postgres');
      mkdirSync(data);
      chownSync(data, uid, gid);
      const asPostgres = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
      await runProgram(
        [...asPostgres, `${programs}/initdb`, '-D', data, '-A', 'trust', '--no-sync'],
        { cwd: '/' },
      );
      writeFileSync(`${data}/pg_hba.conf`, 'host all all 0.0.0.0/0 trust\n');
      const settings = { listen_addresses: ADDRESS, unix_socket_directories: '', fsync: 'off' };
      return [
        ...[...asPostgres, `${programs}/postgres`, '-D', data, '-p', String(PORT)],
        ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ];
    },
    request: postgresQuery(
      "select host(client_addr) || ':' || client_port from pg_stat_activity where pid = pg_backend_pid()",
    ),
    until: ENDPOINT,
    peers: ({ answers }) => answers.map(endpointIn),
  },
  {
    name: 'Node (remoteAddress, remotePort)',
    missing: false,
    prepare: () => [process.execPath, '-e', NODE, ADDRESS],
    request: 'who?',
    until: ENDPOINT,
    peers: ({ answers }) => answers.map(endpointIn),
  },
  {
    name: 'Node on a dual-stack listener',
    missing: false,
    prepare: () => [process.execPath, '-e', NODE, '::'],
    request: 'who?',
    until: /::ffff:\d+\.\d+\.\d+\.\d+:\d+/,
    peers: ({ answers }) => answers.map(endpointIn),
  },
  {
    name: 'accept through io_uring',
    missing: lacksIoUring || lacks('/usr/bin/python3', 'python3'),
    prepare: () => ['python3', '-c', IO_URING_ACCEPT, ADDRESS, String(PORT)],
    request: 'who?',
    until: ENDPOINT,
    peers: ({ answers }) => answers.map(endpointIn),
  },
  ...(['4', '6'] as const).map((family): Program => ({
    name: `Python, an IPv${family} socket (accept and getpeername)`,
    missing: lacks('/usr/bin/python3', 'python3'),
    prepare: () => ['python3', '-c', PYTHON, family],
    request: 'who?',
    until: /\n/,
    peers: ({ answers }) => answers.flatMap((answer) => answer.trim().split(' ').map(endpointIn)),
  })),
];

function endpointIn(answer: string): string {
  return ENDPOINT.exec(answer)?.[0] ?? `nothing in ${answer}`;
}

function lacks(file: string, debianPackage: string): string | false {
  return existsSync(file) ? false : `needs ${debianPackage}`;
}

/** Debian has it by version, and not in PATH. */
function postgresFolder(): string | undefined {
  const root = '/usr/lib/postgresql';
  const version = existsSync(root) ? readdirSync(root).at(-1) : undefined;
  return version === undefined ? undefined : `${root}/${version}/bin`;
}

function userNamed(name: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = (line ?? '').split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** A start-up message and a simple query (PostgreSQL's protocol 3.0), sent in one go. */
function postgresQuery(query: string): Uint8Array {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const start = Buffer.alloc(8);
  start.writeUInt32BE(8 + parameters.length, 0);
  start.writeUInt32BE(0x0003_0000, 4);
  const body = Buffer.from(`${query}\0`);
  const head = Buffer.from('Q\0\0\0\0');
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([start, parameters, head, body]);
}
