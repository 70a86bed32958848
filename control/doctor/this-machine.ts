/** The machine that this process runs on, as the doctor sees it. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { networkInterfaces, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseIpRange } from '../../packet/ip.ts';
import { BpfError } from '../../datapath/binding/errors.ts';
import {
  insideNamespace,
  livingNamespaces,
  namespaceId,
  OWN_NAMESPACE,
} from '../../datapath/binding/network-namespaces.ts';
import { loadPrivateObject } from '../../datapath/binding/object.ts';
import { isBpffs } from '../../datapath/binding/pins.ts';
import type { BaseInfoRow } from '../api/rows.ts';
import { socketPath } from '../api/socket.ts';
import { readListeningIp, thisMachine } from '../config/machine.ts';
import { connectOnce } from '../health/connect.ts';
import { seen, unseen, type Seen } from './finding.ts';
import type { KernelObject, Loaded, NamespaceView, Surroundings } from './surroundings.ts';

const OBJECTS: Readonly<Record<KernelObject, string>> = {
  balancer: 'balancer/balancer.bpf.o',
  agent: 'agent/agent.bpf.o',
  socket: 'agent/socket.bpf.o',
};
/** A look needs no memory for sessions. */
const FEW = { sessions: 2_048, session_slots: 1_024, free_slots: 1_024 } as const;
const PACKAGES: Readonly<Record<string, string>> = {
  ethtool: 'ethtool',
  ip: 'iproute2',
  ss: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
};
const RUN_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 1_000;
const RULES_BYTES_MOST = 64 * 1024 * 1024;
const AS_ROOT = 'sudo fullnat doctor';

export function surroundings(signal: AbortSignal): Surroundings {
  return {
    machine: thisMachine,
    kernelRelease: release(),
    read,
    run,
    load,
    isBpffsMounted: isBpffs,
    connect: (to) => connectOnce(to, CONNECT_TIMEOUT_MS, signal),
    ask: (instance, role) => ask(socketPath(instance, role)),
    isHere,
    namespaces,
  };
}

/** One that may not be looked at is taken to be. */
function isHere(pid: number): boolean {
  try {
    return namespaceId(`/proc/${pid}/ns/net`) === namespaceId(OWN_NAMESPACE);
  } catch {
    return true;
  }
}

function read(path: string): Seen<string> {
  try {
    return seen(readFileSync(path, 'latin1'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM'
      ? unseen(`${path} needs root`, AS_ROOT)
      : unseen(code === 'ENOENT' ? `there is no ${path}` : message);
  }
}

function run([program = '', ...words]: readonly string[]): Promise<Seen<string>> {
  return new Promise((resolve) => {
    const limits = { timeout: RUN_TIMEOUT_MS, maxBuffer: RULES_BYTES_MOST };
    execFile(program, words, limits, (error, stdout, stderr) => {
      if (error === null) return resolve(seen(stdout));
      if (error.code === 'ENOENT')
        return resolve(
          unseen(`${program} is not installed`, `apt-get install ${PACKAGES[program]}`),
        );
      const why = stderr.trim().split('\n')[0] || error.message;
      const isRights = /not permitted|permission denied|must be root/i.test(why);
      resolve(unseen(`${program}: ${why}`, isRights ? AS_ROOT : undefined));
    });
  });
}

async function load(object: KernelObject): Promise<Loaded> {
  const path = fileURLToPath(new URL(`../../datapath/${OBJECTS[object]}`, import.meta.url));
  const start = performance.now();
  try {
    const capacities = object === 'socket' ? {} : FEW;
    const loaded = await loadPrivateObject({ path, capacities });
    const programs = loaded.programs.length;
    loaded.close();
    return { kind: 'loaded', programs, milliseconds: performance.now() - start };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return error.code === 'BPF_NOT_PERMITTED'
      ? { kind: 'not-permitted' }
      : { kind: 'refused', message: error.message };
  }
}

function namespaces(): ReturnType<Surroundings['namespaces']> {
  const own = namespaceId(OWN_NAMESPACE);
  let isWhole = process.geteuid?.() === 0;
  const others = [...livingNamespaces()].filter(([id]) => id !== own);
  const views = others.flatMap(([, path]): NamespaceView[] => {
    if (!isWhole) return [];
    try {
      return [insideNamespace(path, () => viewOf(path))];
    } catch {
      isWhole = false; /* it ended meanwhile, or may not be entered */
      return [];
    }
  });
  return { views: [viewOf(undefined), ...views], isWhole };
}

function viewOf(path: string | undefined): NamespaceView {
  const addresses = Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .flatMap(({ address }) => {
      const parsed = parseIpRange(address.replace(/%.*$/, ''));
      return parsed.ok ? [parsed.value.first] : [];
    });
  const listening = ['/proc/self/net/tcp', '/proc/self/net/tcp6'].flatMap((table) => {
    const text = read(table);
    return text.seen ? readListeningIp(text.value) : [];
  });
  return { path, addresses, listening };
}

function ask(path: string): Promise<Seen<BaseInfoRow | undefined>> {
  return new Promise((resolve) => {
    const asked = request({ socketPath: path, path: '/v1/info' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(understood(path, Buffer.concat(chunks).toString())));
    });
    asked.setTimeout(ANSWER_TIMEOUT_MS, () => {
      resolve(unseen(`${path}: no answer within ${ANSWER_TIMEOUT_MS / 1_000} s`));
      asked.destroy();
    });
    asked.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'ENOENT' || code === 'ECONNREFUSED') resolve(seen(undefined));
      else if (code === 'EACCES') resolve(unseen(`${path} needs root`, AS_ROOT));
      else resolve(unseen(`${path}: ${message}`));
    });
    asked.end();
  });
}

function understood(path: string, body: string): Seen<BaseInfoRow | undefined> {
  try {
    const [info] = JSON.parse(body) as BaseInfoRow[];
    return seen(info);
  } catch {
    return unseen(`${path} answers something else than a daemon would`);
  }
}
