/** A capture point of `fullnat trace --live`, as the command line names it. */
import type { LivePlace } from '../diagnose/capture/live-trace.ts';
import type { Capturer } from '../diagnose/capture/sources.ts';
import { machineRunner } from '../diagnose/collect/machine-runner.ts';
import { parseWhere, type Runner, type Where } from '../diagnose/collect/runner.ts';
import { UsageError } from './command.ts';
import { wellRead } from './read.ts';

export interface LivePoint extends LivePlace {
  readonly where: Where;
  readonly runner: Runner;
  /** Of the daemon of ours that runs there. */
  readonly daemon: Daemon | undefined;
}

interface Daemon {
  readonly role: 'balancer' | 'agent';
  /** A path, there. */
  readonly socket: string;
}

const OWN_NAMESPACE = '/proc/self/ns/net';

/**
 * `NAME=eth0`, `NAME=netns:web/eth0`, `NAME=ssh:root@lb1/eth0,balancer:/run/fullnat/main/balancer.sock`;
 * without an interface the daemon captures at its own.
 */
export function readLivePoint(text: string): LivePoint {
  const [, name, rest = ''] = /^([A-Za-z][\w.-]*)=(.+)$/.exec(text) ?? [];
  const [, place = '', role, socket] =
    /^(.*?)(?:(?:^|,)(balancer|agent):(\/[^,]+))?$/.exec(rest) ?? [];
  const daemon =
    socket === undefined
      ? undefined
      : { role: role === 'agent' ? ('agent' as const) : ('balancer' as const), socket };
  const { before, device } =
    daemon && !/^[^:]*$|\//.test(place) ? { before: place, device: undefined } : split(place);
  if (name === undefined || (device === undefined && !daemon)) throw misread(text);
  const where = wellRead('--at', parseWhere(before ?? 'here'));
  const runner = machineRunner(where);
  const capturer = capturerAt(where, runner, device, daemon);
  if (!capturer) throw misread(text);
  return { name, file: device ?? rest, capturer, where, runner, daemon };
}

/** `netns:web/eth0` is a place and an interface, `eth0` an interface. */
function split(place: string): { before: string | undefined; device: string | undefined } {
  const [, before, device] = /^(?:(.*)\/)?([\w.@][\w.@-]{0,14})$/.exec(place) ?? [];
  return { before, device };
}

function capturerAt(
  where: Where,
  runner: Runner,
  device: string | undefined,
  daemon: Daemon | undefined,
): Capturer | undefined {
  if (device === undefined)
    return daemon && { kind: 'daemon', runner, socket: daemon.socket, device };
  switch (where.kind) {
    case 'here':
      return { kind: 'tap', namespace: OWN_NAMESPACE, runner, device };
    case 'netns':
      return { kind: 'tap', namespace: `/run/netns/${where.name}`, runner, device };
    case 'ssh':
      return { kind: 'tcpdump', runner, device };
  }
}

function misread(text: string): UsageError {
  return new UsageError(
    `bad --at \`${text}\`; write NAME=INTERFACE, NAME=netns:NAME/INTERFACE or ` +
      'NAME=ssh:USER@HOST/INTERFACE, and ,balancer:SOCKET or ,agent:SOCKET where one runs; ' +
      'NAME=balancer:SOCKET captures at the interfaces of that daemon',
  );
}
