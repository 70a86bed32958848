/** Network devices: what they dropped, how much they carried, and what their queues dropped. */
import { z } from 'zod';
import { collected, readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

export interface Link {
  readonly name: string;
  readonly mac: string | undefined;
  readonly mtuBytes: number;
  readonly isUp: boolean;
  /** `veth`, `bridge`, `bond` …; undefined for what is hardware, or looks so to a guest. */
  readonly kind: string | undefined;
  /** `rx dropped`, `rx missed_errors`, `tx bytes` … as `ip -s -s` calls them. */
  readonly stats: ReadonlyMap<string, bigint>;
}

export interface Qdisc {
  /** `eth0 tbf 8001:` */
  readonly id: string;
  readonly device: string;
  readonly kind: string;
  readonly drops: bigint;
  readonly overlimits: bigint;
  readonly options: string;
}

const NUMBERS = z.record(z.string(), z.number());
const LINKS = z.array(
  z.object({
    ifname: z.string(),
    address: z.string().optional(),
    mtu: z.number(),
    flags: z.array(z.string()),
    linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
    stats64: z.object({ rx: NUMBERS, tx: NUMBERS }).optional(),
  }),
);
const QDISCS = z.array(
  z.object({
    kind: z.string(),
    handle: z.string(),
    dev: z.string(),
    parent: z.string().optional(),
    drops: z.number().optional(),
    overlimits: z.number().optional(),
    options: z.unknown(),
  }),
);

export function collectLinks(runner: Runner): Promise<Collected<readonly Link[]>> {
  return readFrom(runner, ['ip', '-j', '-d', '-s', '-s', 'link', 'show'], parseLinks);
}

export function parseLinks(text: string): readonly Link[] {
  return LINKS.parse(JSON.parse(text)).map(
    ({ ifname, address, mtu, flags, linkinfo, stats64 }) => ({
      name: ifname,
      mac: address,
      mtuBytes: mtu,
      isUp: flags.includes('UP') && !flags.includes('NO-CARRIER'),
      kind: linkinfo?.info_kind,
      stats: new Map(
        (['rx', 'tx'] as const).flatMap((way) =>
          Object.entries(stats64?.[way] ?? {}).map(
            ([name, value]) => [`${way} ${name}`, BigInt(value)] as const,
          ),
        ),
      ),
    }),
  );
}

export function collectQdiscs(runner: Runner): Promise<Collected<readonly Qdisc[]>> {
  return readFrom(runner, ['tc', '-s', '-j', 'qdisc', 'show'], parseQdiscs);
}

export function parseQdiscs(text: string): readonly Qdisc[] {
  return QDISCS.parse(JSON.parse(text)).map((row) => ({
    id: `${row.dev} ${row.kind} ${row.handle} ${row.parent ?? 'root'}`,
    device: row.dev,
    kind: row.kind,
    drops: BigInt(row.drops ?? 0),
    overlimits: BigInt(row.overlimits ?? 0),
    options: JSON.stringify(row.options ?? {}),
  }));
}

/** What filters at tc's ingress dropped, by device and action: `eth0 police 0x1`. */
export async function collectPolicers(
  runner: Runner,
  devices: readonly string[],
): Promise<Collected<ReadonlyMap<string, bigint>>> {
  const all = await Promise.all(
    devices.map(async (device) => ({
      device,
      drops: await readFrom(
        runner,
        ['tc', '-s', 'filter', 'show', 'dev', device, 'ingress'],
        parsePolicers,
      ),
    })),
  );
  return collected(
    new Map(
      all.flatMap(({ device, drops }) =>
        // Without an ingress queue there is nothing to list, and tc may say so by failing.
        drops.ok
          ? [...drops.value].map(([name, value]) => [`${device} ${name}`, value] as const)
          : [],
      ),
    ),
  );
}

/** ` police 0x1 rate 8Kbit …` or `action order 1: gact action drop`, then `Sent … (dropped 12, …`. */
export function parsePolicers(text: string): ReadonlyMap<string, bigint> {
  const drops = new Map<string, bigint>();
  let action = 'filter';
  for (const line of text.split('\n')) {
    const [, named] = /^\s*(police \S+|action order \d+: \w+)/.exec(line) ?? [];
    if (named !== undefined) action = named.replace(/^action order (\d+): /, '$1 ');
    const [, dropped] = /\bSent \d+ bytes \d+ pkts? \(dropped (\d+)/.exec(line) ?? [];
    if (dropped !== undefined) drops.set(action, (drops.get(action) ?? 0n) + BigInt(dropped));
  }
  return drops;
}

/** Counters of the NIC's driver that mean loss, over all devices: `eth0 rx_missed_errors`. */
export async function collectNicStats(
  runner: Runner,
  devices: readonly string[],
): Promise<Collected<ReadonlyMap<string, bigint>>> {
  const all = await Promise.all(
    devices.map(async (device) => ({
      device,
      stats: await readFrom(runner, ['ethtool', '-S', device], parseNicStats),
    })),
  );
  return collected(
    new Map(
      all.flatMap(({ device, stats }) =>
        // A device without statistics of its own is no failure.
        stats.ok
          ? [...stats.value].map(([name, value]) => [`${device} ${name}`, value] as const)
          : [],
      ),
    ),
  );
}

/** `     rx_missed_errors: 12` */
export function parseNicStats(text: string): ReadonlyMap<string, bigint> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^\s+([^:]+): (\d+)$/.exec(line) ?? [];
      return name === undefined || value === undefined
        ? []
        : [[name.trim(), BigInt(value)] as const];
    }),
  );
}

/** Megabits a second by device; those that have no speed (virtual ones) are left out. */
export async function collectSpeeds(
  runner: Runner,
  devices: readonly string[],
): Promise<Collected<ReadonlyMap<string, number>>> {
  const all = await Promise.all(
    devices.map(async (device) => ({
      device,
      speed: await readFrom(runner, ['ethtool', device], parseSpeed),
    })),
  );
  return collected(
    new Map(
      all.flatMap(({ device, speed }) =>
        speed.ok && speed.value !== undefined ? [[device, speed.value] as const] : [],
      ),
    ),
  );
}

export function parseSpeed(text: string): number | undefined {
  const [, speed] = /^\s*Speed: (\d+)Mb\/s$/m.exec(text) ?? [];
  return speed === undefined ? undefined : Number(speed);
}
