/** What is around the model in the suite: the routes of kernel/topology.ts, and chance out of a seed. */
import {
  cidr,
  cidrContains,
  endpoint,
  ipv4Address,
  macAddress,
  type Ipv4Address,
  type MacAddress,
} from '../../../packet/index.ts';
import type { Chance, Flow, Network, Route, Side, World } from '../../model/index.ts';
import {
  BACK_MAC,
  BACK_MTU_BYTES,
  BACKEND,
  CLIENT,
  CLIENT_MAC,
  FRONT_MAC,
  FRONT_MTU_BYTES,
  OTHER_BACKEND,
  OTHER_CLIENT,
  SERVER_MAC,
} from '../network.ts';

interface Link {
  readonly block: string;
  readonly own: string;
  readonly source: string;
  readonly mtuBytes: number;
  readonly neighbours: readonly string[];
  readonly neighbourAddress: string;
}

const LINKS: Readonly<Record<Side, Link>> = {
  front: {
    block: '10.0.88.0/24',
    own: '10.0.88.1',
    source: FRONT_MAC,
    mtuBytes: FRONT_MTU_BYTES,
    neighbours: [CLIENT, OTHER_CLIENT],
    neighbourAddress: CLIENT_MAC,
  },
  back: {
    block: '10.0.98.0/24',
    own: '10.0.98.1',
    source: BACK_MAC,
    mtuBytes: BACK_MTU_BYTES,
    neighbours: [BACKEND, OTHER_BACKEND],
    neighbourAddress: SERVER_MAC,
  },
};
/** `msstab` in net/ipv4/syncookies.c. */
const COOKIE_MSS_BYTES: readonly number[] = [1_460, 1_440, 1_300, 536];
const LEAST_MSS_BYTES = 536;
const BROADCAST = 255;
const WORD = 2 ** 32;

const OWN: Readonly<Record<Side, MacAddress>> = {
  front: macAddress(FRONT_MAC),
  back: macAddress(BACK_MAC),
};
const ROUTES = Object.values(LINKS).map((link) => ({
  block: cidr(link.block),
  own: ipv4Address(link.own),
  neighbours: link.neighbours.map((at) => endpoint(at).address),
  route: {
    kind: 'next-hop',
    source: macAddress(link.source),
    destination: macAddress(link.neighbourAddress),
    mtuBytes: link.mtuBytes,
  } satisfies Route,
}));

export const modelNetwork: Network = {
  ownAddress: (side) => OWN[side],
  route: (to) => routeTo(to),
};

/** For rows and laws. */
export const suiteWorld: Omit<World, 'clock'> = {
  network: modelNetwork,
  chance: chanceFrom(1),
  cookies: { make: makeCookie, mssOf: mssOfCookie },
};

/** Chance that is the same in every run. */
export function chanceFrom(seed: number): Chance {
  const next = numbersFrom(seed);
  return {
    portStart: next,
    pick: (some) => some[next() % some.length],
    leapOf: (least) => (least + (next() & 0xff_ffff)) >>> 0,
  };
}

/** 32 random bits at a time (the generator splitmix32): the same ones for the same seed. */
export function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e37_79b9) % WORD;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}

/** The kernel's cookies are keyed with a secret; these will do for rows that read them off the answer. */
function makeCookie(flow: Flow, isn: number, mssBytes: number): number {
  const size = COOKIE_MSS_BYTES.find((one) => one <= mssBytes) ?? LEAST_MSS_BYTES;
  const { from, to } = flow;
  const words = [from.address, from.port, to.address, to.port, isn, size];
  return words.reduce((seed, word) => numbersFrom((seed ^ word) >>> 0)(), 1);
}

function mssOfCookie(flow: Flow, isn: number, cookie: number): number | undefined {
  return COOKIE_MSS_BYTES.find((mssBytes) => makeCookie(flow, isn, mssBytes) === cookie);
}

function routeTo(to: Ipv4Address): Route {
  const found = ROUTES.find(({ block }) => cidrContains(block, to));
  if (!found || to === found.own || (to & 0xff) === BROADCAST) return { kind: 'none' };
  const { mtuBytes } = found.route;
  return found.neighbours.includes(to) ? found.route : { kind: 'unresolved', mtuBytes };
}
