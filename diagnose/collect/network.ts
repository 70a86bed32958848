/** Addresses, routes and neighbours of a place, as `ip -j` tells them. */
import { z } from 'zod';
import { missing, readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

export interface RouteAnswer {
  readonly to: string;
  /** Undefined where it goes nowhere: blackhole, unreachable, or none. */
  readonly device: string | undefined;
  readonly gateway: string | undefined;
  /** `blackhole`, `unreachable`, `RTNETLINK answers: Network is unreachable`. */
  readonly refusal: string | undefined;
}

export interface Neighbour {
  readonly address: string;
  readonly device: string;
  readonly mac: string | undefined;
  /** `REACHABLE`, `STALE`, `FAILED`, `INCOMPLETE`, `PERMANENT`. */
  readonly states: readonly string[];
}

const ADDRESSES = z.array(
  z.object({ addr_info: z.array(z.object({ local: z.string().optional() })).default([]) }),
);
const ROUTES = z.array(
  z.object({
    dev: z.string().optional(),
    gateway: z.string().optional(),
    type: z.string().optional(),
  }),
);
const NEIGHBOURS = z.array(
  z.object({
    dst: z.string(),
    dev: z.string(),
    lladdr: z.string().optional(),
    state: z.array(z.string()).default([]),
  }),
);
/** What carries no device's packets, and yet has an address. */
const DEAD_ENDS = ['blackhole', 'unreachable', 'prohibit', 'throw'];

export function collectAddresses(runner: Runner): Promise<Collected<readonly string[]>> {
  return readFrom(runner, ['ip', '-j', 'address'], (text) =>
    ADDRESSES.parse(JSON.parse(text)).flatMap((device) =>
      device.addr_info.flatMap(({ local }) => local ?? []),
    ),
  );
}

/** Where the kernel there would send a packet; that it would not is an answer, too. */
export async function collectRoute(runner: Runner, to: string): Promise<Collected<RouteAnswer>> {
  const ran = await runner.run(['ip', '-j', 'route', 'get', to]);
  if (!ran.ok) return missing(ran.why);
  return { ok: true, value: parseRoute(to, ran) };
}

export function parseRoute(
  to: string,
  { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
): RouteAnswer {
  const none = { to, device: undefined, gateway: undefined };
  if (code !== 0) return { ...none, refusal: stderr.trim().split('\n')[0] ?? `code ${code}` };
  const [route] = ROUTES.parse(JSON.parse(stdout));
  if (route?.type !== undefined && DEAD_ENDS.includes(route.type))
    return { ...none, refusal: route.type };
  return { to, device: route?.dev, gateway: route?.gateway, refusal: undefined };
}

export function collectNeighbours(runner: Runner): Promise<Collected<readonly Neighbour[]>> {
  return readFrom(runner, ['ip', '-j', '-4', 'neigh'], parseNeighbours);
}

export function parseNeighbours(text: string): readonly Neighbour[] {
  return NEIGHBOURS.parse(JSON.parse(text === '' ? '[]' : text)).map(
    ({ dst, dev, lladdr, state }) => ({ address: dst, device: dev, mac: lladdr, states: state }),
  );
}
