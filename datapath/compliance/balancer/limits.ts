/** How many packets of its own the balancer sends, and errors of others it passes on: a rate, in real time. */
import assert from 'node:assert/strict';
import { formatEndpoint, ICMP_UNREACHABLE, icmpError } from '../../../packet/index.ts';
import type { BalancerTables, DataPath, Verdict } from '../../model/index.ts';
import type { Law } from '../law.ts';
import {
  BACK_MTU_BYTES,
  fromClient,
  linkFrom,
  LOCAL,
  LOCAL_ADDRESS,
  toBackend,
} from '../network.ts';
import { WEB_TABLES } from '../tables.ts';
import { open, portRange, type Way } from './clients.ts';
import { bytes, CLIENT_DATA, SYN } from './conversation.ts';

type Balancer = DataPath<BalancerTables>;

/** lib/budget.h: one a millisecond, and so many at once. */
const BURST = 200;
const A_MILLISECOND = 1;
const FLOOD = 1_000;

const FLOODS: readonly [name: string, frame: Uint8Array, passed: Verdict, limited: Verdict][] = [
  ['packets whose time ends here', fromClient({ ...SYN, ttl: 1 }), 'answer-ttl', 'drop-ttl'],
  ['packets too big for the next hop', tooBig(), 'answer-too-big', 'drop-too-big'],
  ['ICMP errors about a session', errorAboutSyn(), 'error-to-client', 'drop-error-limit'],
];

export const limitLaws: readonly Law<BalancerTables>[] = [
  ...FLOODS.map(([name, frame, passed, limited]): Law<BalancerTables> => ({
    name: `a flood of ${name} is answered or passed on within its rate`,
    kernelOnly: 'real time',
    check: (path) => {
      begin(path);
      const { counts, milliseconds } = flood(path, frame);
      const most = BURST + 1 + Math.ceil(milliseconds) * A_MILLISECOND;
      assert.ok((counts.get(passed) ?? 0) <= most, `${counts.get(passed)} of at most ${most}`);
      assert.ok((counts.get(passed) ?? 0) >= BURST);
      assert.equal((counts.get(passed) ?? 0) + (counts.get(limited) ?? 0), FLOOD);
    },
  })),
  {
    name: 'a flood of packets whose time ends here takes no answer away from path MTU discovery',
    kernelOnly: 'real time',
    check: (path) => {
      begin(path);
      flood(path, fromClient({ ...SYN, ttl: 1 }));
      assert.equal(path.receive(tooBig(), 'front').verdict, 'answer-too-big');
    },
  },
  {
    name: 'a flood of ICMP errors about one client takes none away from another',
    kernelOnly: 'real time',
    check: (path) => {
      path.reset(portRange(2));
      const [flooder, other] = [open(path, 0), open(path, 1)];
      const { counts } = flood(path, errorAbout(flooder));
      assert.ok((counts.get('drop-error-limit') ?? 0) > 0);
      for (let i = 0; i < BURST / 2; i++)
        assert.equal(path.receive(errorAbout(other), 'front').verdict, 'error-to-client');
    },
  },
];

function begin(path: Balancer): void {
  path.reset(WEB_TABLES);
  path.receive(fromClient(SYN), 'front');
}

function flood(path: Balancer, frame: Uint8Array) {
  const counts = new Map<Verdict, number>();
  const before = performance.now();
  for (let i = 0; i < FLOOD; i++) {
    const { verdict } = path.receive(frame, 'front');
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  return { counts, milliseconds: performance.now() - before };
}

function tooBig(): Uint8Array {
  return fromClient({ ...CLIENT_DATA, payload: bytes(BACK_MTU_BYTES) });
}

function errorAboutSyn(from: string = LOCAL): Uint8Array {
  return icmpError({
    ...{ ethernet: linkFrom('front'), from: '10.0.98.1', to: LOCAL_ADDRESS },
    ...{ type: ICMP_UNREACHABLE, code: 1, about: toBackend({ ...SYN, from }) },
  });
}

function errorAbout({ local }: Way): Uint8Array {
  return errorAboutSyn(formatEndpoint(local));
}
