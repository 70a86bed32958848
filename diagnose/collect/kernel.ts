/** What else the kernel says: settings, its log, per-CPU backlog, IPsec. */
import { readFrom, type Collected } from './collected.ts';
import type { Runner } from './runner.ts';

/** Those that a finding quotes or decides by. */
export const SYSCTLS = [
  'net.ipv4.ip_forward',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_max_syn_backlog',
  'net.core.somaxconn',
  'net.ipv4.tcp_abort_on_overflow',
  'net.ipv4.tcp_tw_recycle',
  'net.ipv4.tcp_max_tw_buckets',
  'net.ipv4.conf.all.rp_filter',
  'net.ipv4.conf.default.rp_filter',
  'net.ipv4.neigh.default.gc_thresh3',
  'net.ipv4.vs.conn_reuse_mode',
  'net.ipv4.vs.drop_packet',
] as const;

export interface Softnet {
  readonly dropped: number;
  readonly flowLimited: number;
}

/** Those that the kernel does not have are left out. */
export function collectSysctls(runner: Runner): Promise<Collected<ReadonlyMap<string, string>>> {
  return readFrom(runner, ['sysctl', '-e', ...SYSCTLS], parseSysctls);
}

export function parseSysctls(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(' = ');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 3).trim()] as const];
    }),
  );
}

/** The whole ring: what was there before is told by comparing. */
export function collectLog(runner: Runner): Promise<Collected<readonly string[]>> {
  return readFrom(runner, ['dmesg'], (text) => text.trimEnd().split('\n'));
}

/** Of the machine, not of a namespace. */
export function collectSoftnet(runner: Runner): Promise<Collected<Softnet>> {
  return readFrom(runner, ['cat', '/proc/self/net/softnet_stat'], parseSoftnet);
}

/** A line per CPU; column 2 is dropped, 11 is flow limit (net/core/net-procfs.c). */
export function parseSoftnet(text: string): Softnet {
  const rows = text
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/).map((word) => Number.parseInt(word, 16)));
  const sum = (column: number) => rows.reduce((total, row) => total + (row[column] ?? 0), 0);
  return { dropped: sum(1), flowLimited: sum(10) };
}

/** `XfrmInPolBlock 0`; there is no such file where the kernel has no IPsec. */
export function collectXfrm(runner: Runner): Promise<Collected<ReadonlyMap<string, bigint>>> {
  return readFrom(runner, ['cat', '/proc/self/net/xfrm_stat'], parseXfrm);
}

export function parseXfrm(text: string): ReadonlyMap<string, bigint> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [name, value] = line.trim().split(/\s+/);
      return name === undefined || value === undefined ? [] : [[name, BigInt(value)] as const];
    }),
  );
}
