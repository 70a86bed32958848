/** Network devices: what they dropped, how much they carried, and what their queues dropped. */
import { z } from 'zod';
import { collected, readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

export interface Link {
  readonly name: string;
  readonly mac: string | undefined;
  readonly mtuBytes: number;
  readonly isUp: boolean;
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
  return readFrom(runner, ['ip', '-j', '-s', '-s', 'link', 'show'], parseLinks);
}

export function parseLinks(text: string): readonly Link[] {
  return LINKS.parse(JSON.parse(text)).map(({ ifname, address, mtu, flags, stats64 }) => ({
    name: ifname,
    mac: address,
    mtuBytes: mtu,
    isUp: flags.includes('UP') && !flags.includes('NO-CARRIER'),
    stats: new Map(
      (['rx', 'tx'] as const).flatMap((way) =>
        Object.entries(stats64?.[way] ?? {}).map(
          ([name, value]) => [`${way} ${name}`, BigInt(value)] as const,
        ),
      ),
    ),
  }));
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
