/** The settings of both ends and of the path under which bytes must arrive, and a choice of them that has every pair. */

import type { Offloads } from '../offloads.ts';
import { DEFAULT_MTU_BYTES } from '../topology.ts';

export type Setting = {
  client: Offloads;
  server: Offloads;
  /** Receive merging at the cards of balancer and host. */
  pathGro: boolean;
  mtuBytes: number;
  timestamps: boolean;
};

const JUMBO_MTU_BYTES = 9_000;

/** The nine switches of a setting, each on or off, in the order of `fromSwitches`. */
export const SWITCHES = 9;

/** What Linux and its virtual cards do unless told otherwise. */
export const DEFAULT: Setting = {
  client: { gso: true, gro: false, txChecksum: true },
  server: { gso: true, gro: false, txChecksum: true },
  pathGro: false,
  mtuBytes: DEFAULT_MTU_BYTES,
  timestamps: true,
};

export const ALL_OFF: Setting = fromSwitches('000000000');

/**
 * Six rows in which every two of nine switches have all four combinations: all off,
 * and five words of constant weight whose columns are the 3-subsets of five places.
 */
const COVERING = [
  '000000000',
  '111111000',
  '111000111',
  '100110110',
  '010101101',
  '001011011',
] as const;

/** Everything on comes last: the covering rows cannot have it, and people do. */
export const PAIRWISE: readonly Setting[] = [...COVERING, '111111111'].map(fromSwitches);

export function fromSwitches(word: string): Setting {
  const [a, b, c, d, e, f, g, h, i] = word.split('').map((letter) => letter === '1');
  const [gso, gro, txChecksum] = [a === true, b === true, c === true];
  return {
    client: { gso, gro, txChecksum },
    server: { gso: d === true, gro: e === true, txChecksum: f === true },
    pathGro: g === true,
    mtuBytes: h === true ? JUMBO_MTU_BYTES : DEFAULT_MTU_BYTES,
    timestamps: i === true,
  };
}

export function switchesOf({ client, server, pathGro, mtuBytes, timestamps }: Setting): boolean[] {
  return [
    ...[client.gso, client.gro, client.txChecksum],
    ...[server.gso, server.gro, server.txChecksum],
    ...[pathGro, mtuBytes === JUMBO_MTU_BYTES, timestamps],
  ];
}

/** `client gso+gro+tx, server -, path gro, mtu 1500, timestamps` */
export function describeSetting(setting: Setting): string {
  const { client, server, pathGro, mtuBytes, timestamps } = setting;
  const words = ({ gso, gro, txChecksum }: Offloads) =>
    [...(gso ? ['gso'] : []), ...(gro ? ['gro'] : []), ...(txChecksum ? ['tx'] : [])].join('+');
  return [
    `client ${words(client) || '-'}`,
    `server ${words(server) || '-'}`,
    ...(pathGro ? ['path gro'] : []),
    `mtu ${mtuBytes}`,
    ...(timestamps ? ['timestamps'] : []),
  ].join(', ');
}
