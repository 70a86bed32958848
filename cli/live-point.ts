/** A capture point of `fullnat trace --live`, as the command line names it. */
import type { LivePlace } from '../diagnose/capture/live-trace.ts';
import { machineRunner } from '../diagnose/collect/machine-runner.ts';
import { parseWhere, type Where } from '../diagnose/collect/runner.ts';
import { UsageError } from './command.ts';
import { wellRead } from './read.ts';

export interface LivePoint extends LivePlace {
  readonly where: Where;
  /** The unix socket of the daemon that runs there. */
  readonly socket: string | undefined;
}

/** `NAME=eth0`, `NAME=netns:web/eth0`, `NAME=ssh:root@lb1/eth0,balancer:/run/fullnat/main/balancer.sock` */
export function readLivePoint(text: string): LivePoint {
  const [, name, place, socket] =
    /^([A-Za-z][\w.-]*)=([^,]+)(?:,(?:balancer|agent):(\/[^,]+))?$/.exec(text) ?? [];
  const [, before, device] = /^(?:(.*)\/)?([\w.@-]{1,15})$/.exec(place ?? '') ?? [];
  if (name === undefined || device === undefined || device.startsWith('-'))
    throw new UsageError(
      `bad --at \`${text}\`; write NAME=INTERFACE, NAME=netns:NAME/INTERFACE or ` +
        'NAME=ssh:USER@HOST/INTERFACE, and ,balancer:SOCKET or ,agent:SOCKET where one runs',
    );
  const where = wellRead('--at', parseWhere(before ?? 'here'));
  return { name, device, where, socket, runner: machineRunner(where) };
}
