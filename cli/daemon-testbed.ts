/** For the tests of both daemons: a client, a balancer and a server in network namespaces of their own. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type Row = Readonly<Record<string, unknown>>;
export type Role = 'balancer' | 'agent';
export type Space = 'client' | 'balancer' | 'server';
export type Daemon = { process: ChildProcess; log: () => string };
export type Testbed = ReturnType<typeof makeTestbed>;

const MAIN = resolve(import.meta.dirname, 'main.js');
const TOOLS = ['ip', 'tc', 'nsenter', 'curl', 'bpftool'];
const SPACES: readonly Space[] = ['client', 'balancer', 'server'];

/** Answers with the client it sees; /hold is answered bit by bit, without end. */
const SERVER = `
const { createServer } = require('node:http');
createServer(({ url, socket }, response) => {
  if (url !== '/hold')
    return response.end(process.argv[1] + ' ' + socket.remoteAddress + ':' + socket.remotePort);
  const timer = setInterval(() => response.write('.'), 50);
  socket.on('close', () => clearInterval(timer));
}).listen(8056, process.argv[1]);
`;

/** Node lets two connections to different targets have one port; curl does not. */
const CLIENT = `
const { get } = require('node:http');
const [url, localPort] = process.argv.slice(1);
const options = { agent: false, timeout: 3000, localPort: localPort ? Number(localPort) : undefined };
const request = get(url, options, (response) => response.pipe(process.stdout));
request.on('timeout', () => request.destroy(new Error('silent')));
request.on('error', () => process.exit(1));
`;

/** Why the tests cannot run here, false when they can. */
export function whatIsMissing(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = TOOLS.filter((tool) => spawnSync('which', [tool]).status !== 0);
  return missing.length > 0 ? `needs ${missing.join(', ')}` : false;
}

/**
 * Client 10.7.88.100, servers 10.7.98.79 and .80 on one machine, the balancer between
 * them with the interfaces `client` and `server`; the others have `eth0`.
 */
export function makeTestbed(instance: string) {
  const children = new Set<ChildProcess>();
  const stateRoot = mkdtempSync(join(tmpdir(), 'fullnat-state-'));
  const env = { ...process.env, STATE_DIRECTORY: stateRoot };
  const space = (name: Space) => `${instance}-${name}`;
  const enter = (name: Space, argv: readonly string[]) => [
    `--net=/run/netns/${space(name)}`,
    '--',
    ...argv,
  ];
  const run = (name: Space, argv: readonly string[]) =>
    spawnSync('nsenter', enter(name, argv), { encoding: 'utf8', timeout: 20_000, env });
  const start = (name: Space, argv: readonly string[]): ChildProcess => {
    const child = spawn('nsenter', enter(name, argv), { stdio: ['ignore', 'pipe', 'pipe'], env });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  const pins = `/sys/fs/bpf/fullnat/${instance}`;
  const socketOf = (role: Role) => `/run/fullnat/${instance}/${role}.sock`;

  makeNetwork(space);
  return {
    pins,
    socketOf,
    stateRoot,
    run,
    start,
    fullnat: (name: Space, ...words: string[]) => run(name, [process.execPath, MAIN, ...words]),

    startServer: (address: string): ChildProcess => {
      const child = start('server', [process.execPath, '-e', SERVER, address.split(':')[0] ?? '']);
      child.stderr?.resume();
      return child;
    },

    startDaemon: async (name: Space, ...words: string[]): Promise<Daemon> => {
      const child = start(name, [process.execPath, MAIN, ...words]);
      const lines: string[] = [];
      child.stderr?.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
      const log = () => lines.join('');
      await eventually(() => child.exitCode !== null || log().includes('"ready"'));
      assert.equal(child.exitCode, null, log());
      return { process: child, log };
    },

    /** As the daemon answers: `resource` may have a query. */
    get: (role: Role, resource: string): Row[] => {
      const url = `http://fullnat/v1/${resource}`;
      const argv = ['-sS', '--unix-socket', socketOf(role), url];
      return JSON.parse(execFileSync('curl', argv, { encoding: 'utf8' })) as Row[];
    },

    /** Which server answered, and whom it saw; undefined when nothing came. */
    ask: (target: string, port?: string): { server: string; saw: string } | undefined => {
      const url = `http://${target}/`;
      const argv =
        port === undefined
          ? ['curl', '-s', '-m', '2', url]
          : [process.execPath, '-e', CLIENT, url, port];
      const { status, stdout } = run('client', argv);
      const [server = '', saw = ''] = stdout.split(' ');
      return status === 0 ? { server, saw } : undefined;
    },

    /** A connection that goes on until it is stopped. */
    hold: (target: string, port = '') => {
      const argv = [process.execPath, '-e', CLIENT, `http://${target}/hold`, port];
      const child = start('client', argv);
      let received = 0;
      child.stdout?.on('data', (chunk: Buffer) => (received += chunk.length));
      return {
        stop: () => void child.kill(),
        goesOn: () => {
          const before = received;
          return eventually(() => received > before);
        },
      };
    },

    /** Of every pinned map, by name. */
    mapIds: (role: Role): Record<string, number> => {
      const names = readdirSync(`${pins}/${role}`).filter((name) => /_v\d+$/.test(name));
      return Object.fromEntries(names.map((name) => [name, mapId(`${pins}/${role}/${name}`)]));
    },

    assertNothingLeft: (name: Space): void => {
      assert.equal(existsSync(pins), false, pins);
      assert.equal(existsSync(`/run/fullnat/${instance}`), false);
      assert.doesNotMatch(run(name, ['tc', 'qdisc', 'show']).stdout, /clsact/);
    },

    remove: (): void => {
      for (const child of children) child.kill('SIGKILL');
      for (const name of SPACES) {
        run(name, [process.execPath, MAIN, 'detach', '--instance', instance]);
        spawnSync('ip', ['netns', 'delete', space(name)]);
      }
      rmSync(stateRoot, { recursive: true, force: true });
    },
  };
}

/** How long it may take on a busy machine says nothing about what is tested. */
const PATIENCE_MS = 20_000;

export async function eventually(condition: () => boolean, timeoutMs = PATIENCE_MS): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!condition()) {
    assert.ok(performance.now() < endMs, `not within ${timeoutMs} ms: ${condition.toString()}`);
    await sleep(20);
  }
}

function makeNetwork(space: (name: Space) => string): void {
  const balancer = space('balancer');
  const pair = (name: 'client' | 'server') =>
    `link add ${name} netns ${balancer} type veth peer name eth0 netns ${space(name)}`;
  ip([], [...SPACES.map((name) => `netns add ${space(name)}`), pair('client'), pair('server')]);
  ip(['-n', balancer], [...up('client', '10.7.88.1'), ...up('server', '10.7.98.1')]);
  const client = [...up('eth0', '10.7.88.100'), 'route add default via 10.7.88.1'];
  const server = [...up('eth0', '10.7.98.79', '10.7.98.80'), 'route add default via 10.7.98.1'];
  ip(['-n', space('client')], client);
  ip(['-n', space('server')], server);
  for (const name of ['client', 'server'])
    execFileSync('nsenter', [
      `--net=/run/netns/${balancer}`,
      ...['sysctl', '-qw', `net.ipv4.conf.${name}.forwarding=1`],
    ]);
}

function up(device: string, ...addresses: string[]): string[] {
  const lines = addresses.map((address) => `addr add ${address}/24 dev ${device}`);
  return [...lines, `link set ${device} up`];
}

function ip(options: readonly string[], lines: readonly string[]): void {
  execFileSync('ip', [...options, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

function mapId(path: string): number {
  const text = execFileSync('bpftool', ['-j', 'map', 'show', 'pinned', path], { encoding: 'utf8' });
  return (JSON.parse(text) as { id: number }).id;
}
