/** ICMP errors about packets that the agent translated: what they quote when they reach an end. */
import {
  ICMP_FRAGMENTATION_NEEDED,
  ICMP_REDIRECT,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  icmpError,
  type IcmpErrorFields,
} from '../../../packet/index.ts';
import type { AgentTables, Side, Verdict } from '../../model/index.ts';
import { CLIENT_DATA, SERVER_DATA, SERVER_ISN, SYN } from '../balancer/conversation.ts';
import {
  BACK_MAC,
  direct,
  fromBalancer,
  fromServer,
  LOCAL_ADDRESS,
  OTHER_CLIENT,
  restored,
  ROUTER_MAC,
  SERVER_MAC,
  toBalancer,
} from '../network.ts';
import { dropped, elapse, passed, rewritten, seize, type Expectation, type Row } from '../row.ts';
import { MAPPED, mappedRestored, policy } from './contest.ts';
import {
  DIRECT,
  directDown,
  directUp,
  kept,
  RESTORED,
  restoredDown,
  restoredUp,
  type AgentStep,
} from './conversation.ts';

type Given = Partial<IcmpErrorFields>;

const CLIENT_ADDRESS = '10.0.88.100';
const SERVER_ADDRESS = '10.0.98.79';
const ROUTER_ADDRESS = '10.0.98.1';
const QUOTED_WHOLE = 1480;
const TOO_BIG = { type: ICMP_UNREACHABLE, code: ICMP_FRAGMENTATION_NEEDED, parameter: 1400 };
const KINDS = [
  TOO_BIG,
  { type: ICMP_UNREACHABLE, code: 1 },
  { type: ICMP_UNREACHABLE, code: 13 },
  { type: ICMP_TIME_EXCEEDED, code: 0 },
] as const;

const TO_SERVER = { source: BACK_MAC, destination: SERVER_MAC };
const FROM_SERVER = { source: SERVER_MAC, destination: ROUTER_MAC };
const TO_BALANCER = { source: SERVER_MAC, destination: BACK_MAC };
const established = { sessions: [{ state: 'established' }] } as const;
const EXCHANGED = [...RESTORED, restoredUp(CLIENT_DATA), restoredDown(SERVER_DATA)];

/** An error about what the agent sent back to the balancer, on its way to the server. */
function toServer(about: Uint8Array, given: Given = {}): Uint8Array {
  const ends = { from: ROUTER_ADDRESS, to: SERVER_ADDRESS };
  return icmpError({ ethernet: TO_SERVER, ...TOO_BIG, ...ends, about, ...given });
}

/** An error of the server’s about what the agent sent to it. */
function byServer(about: Uint8Array, given: Given = {}): Uint8Array {
  const ends = { from: SERVER_ADDRESS, to: CLIENT_ADDRESS };
  return icmpError({ ethernet: FROM_SERVER, ...TOO_BIG, ...ends, about, ...given });
}

/** What the server sees of an error about its answer to the balancer. */
function aboutAnswer(given: Given = {}, seen: Given = {}): AgentStep {
  return {
    kind: 'frame',
    from: 'front',
    frame: toServer(toBalancer(SERVER_DATA), given),
    expect: rewritten('error-to-backend', toServer(fromServer(SERVER_DATA), { ...given, ...seen })),
  };
}

/** What the balancer sees of the server's error about its client. */
function aboutRequest(given: Given = {}): AgentStep {
  return {
    kind: 'frame',
    from: 'back',
    frame: byServer(restored(CLIENT_DATA), given),
    expect: rewritten(
      'error-to-client',
      byServer(fromBalancer(CLIENT_DATA), { ethernet: TO_BALANCER, to: LOCAL_ADDRESS, ...given }),
    ),
  };
}

function arrives(side: Side, frame: Uint8Array, expect: Expectation): AgentStep {
  return { kind: 'frame', from: side, frame, expect };
}

function isDropped(side: Side, frame: Uint8Array, verdict: Verdict): AgentStep {
  return arrives(side, frame, dropped(verdict));
}

export const errorRows: readonly Row<AgentTables>[] = [
  ...KINDS.map((kind): Row<AgentTables> => ({
    name: `ICMP ${kind.type}/${kind.code}: quotes what each end knows, and the session lives`,
    steps: [...EXCHANGED, aboutAnswer(kind), aboutRequest(kind)],
    after: established,
  })),
  ...[8, 16, 18, QUOTED_WHOLE].map((quotedBytes): Row<AgentTables> => ({
    name: `${quotedBytes} bytes of TCP are quoted`,
    steps: [...EXCHANGED, aboutAnswer({ quotedBytes }), aboutRequest({ quotedBytes })],
  })),
  {
    name: 'what the balancer says as the local, the server hears from the client',
    steps: [...EXCHANGED, aboutAnswer({ from: LOCAL_ADDRESS }, { from: CLIENT_ADDRESS })],
  },
  {
    name: 'a router that carries the server’s machine keeps its address',
    steps: [...EXCHANGED, aboutRequest({ from: ROUTER_ADDRESS })],
  },
  {
    name: 'after a collision the server’s errors quote the port that the balancer knows',
    given: policy('remap'),
    steps: [
      ...DIRECT,
      ...mappedRestored,
      {
        kind: 'frame',
        from: 'back',
        frame: byServer(restored({ ...SYN, from: MAPPED })),
        expect: rewritten(
          'error-to-client',
          byServer(fromBalancer(SYN), { ethernet: TO_BALANCER, to: LOCAL_ADDRESS }),
        ),
      },
    ],
  },
  {
    name: 'of direct connections they pass as they are, known',
    steps: [
      ...DIRECT,
      directUp(CLIENT_DATA),
      directDown(SERVER_DATA),
      arrives('front', toServer(fromServer(SERVER_DATA)), kept),
      arrives('back', byServer(direct(CLIENT_DATA)), kept),
    ],
    after: established,
  },
  {
    name: 'what quotes nothing of ours passes untouched',
    steps: [
      ...EXCHANGED,
      ...[
        toServer(fromServer({ ...SERVER_DATA, to: OTHER_CLIENT })),
        toServer(fromServer(SERVER_DATA)),
        toServer(toBalancer(SERVER_DATA), { to: ROUTER_ADDRESS }),
        toServer(toBalancer(SERVER_DATA), { type: ICMP_REDIRECT, code: 1 }),
        toServer(toBalancer(SERVER_DATA), { quotedBytes: 7 }),
      ].map((frame) => arrives('front', frame, passed)),
      ...[
        byServer(restored({ ...CLIENT_DATA, from: OTHER_CLIENT })),
        byServer(fromBalancer(CLIENT_DATA), { to: LOCAL_ADDRESS }),
      ].map((frame) => arrives('back', frame, passed)),
    ],
    after: established,
  },
  {
    name: 'forged, damaged, and of a session being deleted: dropped by name',
    steps: [
      ...EXCHANGED,
      isDropped(
        'front',
        toServer(toBalancer({ ...SERVER_DATA, sequence: SERVER_ISN - 1 })),
        'drop-error-forged',
      ),
      isDropped(
        'back',
        byServer(restored({ ...CLIENT_DATA, sequence: 0x7000_0000 })),
        'drop-error-forged',
      ),
      isDropped(
        'front',
        toServer(toBalancer(SERVER_DATA), { badChecksum: 'transport' }),
        'drop-bad-checksum',
      ),
      seize(),
      isDropped('front', toServer(toBalancer(SERVER_DATA)), 'drop-race'),
    ],
  },
  {
    name: 'they do not refresh a session',
    steps: [...EXCHANGED, elapse(890), aboutAnswer(), aboutRequest()],
    after: established,
  },
];
