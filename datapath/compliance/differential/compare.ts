/** One conversation through the programs and through the model, and where they differ first. */
import { isDeepStrictEqual } from 'node:util';
import { icmpError, parseFrame, sameBytes } from '../../../packet/index.ts';
import {
  tupleOf,
  type DataPath,
  type Flow,
  type Outcome,
  type PortsView,
  type Side,
  type State,
  type Verdict,
} from '../../model/index.ts';
import { linkFrom } from '../network.ts';
import type { Act, Conversation } from './conversation.ts';
import type { FollowingChance } from './following-chance.ts';

/** Two data paths of which the model does by chance what the programs did. */
export interface Compared<Tables> {
  readonly kernel: DataPath<Tables>;
  readonly model: DataPath<Tables>;
  readonly chance: FollowingChance;
}

/** What happened, for people. */
export type Happening<Tables> =
  | {
      readonly kind: 'frame';
      readonly from: Side;
      readonly frame: Uint8Array;
      readonly kernel: Outcome;
      readonly model: Outcome;
    }
  | Extract<Act<Tables>, { kind: 'elapse' | 'sweep' | 'reconfigure' }>;

export interface Comparison<Tables> {
  readonly happenings: readonly Happening<Tables>[];
  /** Undefined when both did the same. */
  readonly difference: string | undefined;
}

/**
 * The kernel's clock goes on while a conversation runs, and the model's does not. That
 * decides nothing unless it took this long: then it has not counted, and runs again.
 */
const SLOW_MS = 150;
const ATTEMPTS = 20;
/** Who complains, on each side. */
const ROUTERS: Readonly<Record<Side, string>> = { front: '10.0.88.9', back: '10.0.98.9' };
/** The side that a packet leaves towards. */
const TOWARDS: Readonly<Partial<Record<Verdict, Side>>> = {
  'to-backend': 'back',
  'to-client': 'front',
};

interface Sent {
  readonly frame: Uint8Array;
  readonly from: Side;
}

/** `slowMs` is for conversations in which no time is told to go by: then only a second decides anything. */
export async function compare<Tables>(
  compared: Compared<Tables>,
  conversation: Conversation<Tables>,
  slowMs: number = SLOW_MS,
): Promise<Comparison<Tables>> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const started = performance.now();
    const comparison = await compareOnce(compared, conversation);
    if (performance.now() - started < slowMs || !comparison.difference) return comparison;
  }
  throw new Error(
    `a conversation took more than ${slowMs} ms ${ATTEMPTS} times: too slow a machine`,
  );
}

async function compareOnce<Tables>(
  compared: Compared<Tables>,
  { tables, acts }: Conversation<Tables>,
): Promise<Comparison<Tables>> {
  const { kernel, model } = compared;
  const happenings: Happening<Tables>[] = [];
  const sent: Sent[] = [];
  const left = new Map<Side, Uint8Array>();
  const ways = new Map<number, Flow>();
  for (const path of [kernel, model]) path.reset(tables);
  for (const act of acts) {
    switch (act.kind) {
      case 'frame':
      case 'error':
      case 'again': {
        const one = sentBy(act, { ways, sent, left });
        if (!one) break;
        sent.push(one);
        const happening = receive(compared, one.frame, one.from);
        happenings.push(happening);
        const towards = TOWARDS[happening.kernel.verdict];
        if (towards) left.set(towards, happening.kernel.frame);
        if (act.kind === 'frame') learnWay(ways, act.connection, happening.kernel);
        const difference = outcomeDifference(happening);
        if (difference) return { happenings, difference };
        break;
      }
      case 'elapse':
        happenings.push(act);
        for (const path of [kernel, model]) path.elapse(act.seconds);
        break;
      case 'sweep':
        happenings.push(act);
        for (const path of [kernel, model]) await path.sweep();
        break;
      case 'reconfigure':
        happenings.push(act);
        for (const path of [kernel, model]) path.reconfigure(act.tables);
        break;
    }
  }
  return { happenings, difference: compareStates(compared) };
}

/** The frame of an act; undefined when there is nothing yet that it could be about. */
function sentBy<Tables>(
  act: Extract<Act<Tables>, { kind: 'frame' | 'error' | 'again' }>,
  past: {
    readonly ways: ReadonlyMap<number, Flow>;
    readonly sent: readonly Sent[];
    readonly left: ReadonlyMap<Side, Uint8Array>;
  },
): Sent | undefined {
  switch (act.kind) {
    case 'frame':
      return { frame: act.frame(past.ways), from: act.from };
    case 'again':
      return past.sent[past.sent.length - act.back];
    case 'error': {
      const about = past.left.get(act.from);
      const to = about && flowOf(about)?.from.address;
      if (!about || to === undefined) return undefined;
      const ethernet = linkFrom(act.from);
      return {
        frame: icmpError({ ...act, ethernet, from: ROUTERS[act.from], to, about }),
        from: act.from,
      };
    }
  }
}

function receive<Tables>(
  { kernel, model, chance }: Compared<Tables>,
  frame: Uint8Array,
  from: Side,
) {
  const real = kernel.receive(frame, from);
  const flow = flowOf(frame);
  chance.follow(flow ? tupleOf(flow) : '', real, () => kernel.state());
  return { kind: 'frame', from, frame, kernel: real, model: model.receive(frame, from) } as const;
}

/** How a connection looks to its server: what was sent on to it last. */
function learnWay(ways: Map<number, Flow>, connection: number, { verdict, frame }: Outcome): void {
  if (verdict !== 'to-backend' && verdict !== 'kept') return;
  const flow = flowOf(frame);
  if (flow) ways.set(connection, flow);
}

function flowOf(frame: Uint8Array): Flow | undefined {
  const parsed = parseFrame(frame);
  if (!parsed.ok || parsed.value.kind !== 'tcp') return undefined;
  const { ipv4, tcp } = parsed.value;
  return {
    from: { address: ipv4.source, port: tcp.sourcePort },
    to: { address: ipv4.destination, port: tcp.destinationPort },
  };
}

function outcomeDifference({
  kernel,
  model,
}: Extract<Happening<never>, { kind: 'frame' }>): string | undefined {
  if (kernel.verdict !== model.verdict) return `verdict ${kernel.verdict}, model ${model.verdict}`;
  if (kernel.action !== model.action) return `action ${kernel.action}, model ${model.action}`;
  const [notes, ideal] = [kernel.notes.toSorted().join(' '), model.notes.toSorted().join(' ')];
  if (notes !== ideal) return `notes ${notes || 'none'}, model ${ideal || 'none'}`;
  if (kernel.action !== 'drop' && !sameBytes(kernel.frame, model.frame))
    return 'the frame that left';
  return undefined;
}

/** What the tables hold, and whether those of the programs contradict each other. */
export function compareStates<Tables>(compared: Compared<Tables>): string | undefined {
  const [kernel, model] = [compared.kernel.state(), compared.model.state()];
  if (kernel.faults.length > 0) return kernel.faults.join('; ');
  const [real, ideal] = [comparable(kernel), comparable(model)];
  for (const [part, value] of Object.entries(real)) {
    const wanted: unknown = Reflect.get(ideal, part);
    if (!isDeepStrictEqual(value, wanted))
      return `${part} in the end: ${JSON.stringify(value)}, model ${JSON.stringify(wanted)}`;
  }
  return undefined;
}

/**
 * In one order, without what only one side lists though nothing happened to it. SYNs sent
 * again are told from copies by the kernel's own clock, which goes on while a busy machine
 * lets us wait: rows have them.
 */
function comparable({ sessions, ports, trouble, faults: _faults, ...rest }: State) {
  const used = Object.entries(ports)
    .map(([pair, { allocated, probes, failed, reused, inUse, resting }]) => ({
      pair,
      ...{ allocated, probes, failed, reused, inUse, resting },
    }))
    .filter(({ pair: _pair, ...counts }) => isUsed(counts));
  return {
    sessions: sessions.toSorted((a, b) => (a.back < b.back ? -1 : 1)),
    ports: used.toSorted((a, b) => (a.pair < b.pair ? -1 : 1)),
    refused: Object.entries(trouble).flatMap(([backend, { refused }]) =>
      refused > 0 ? [[backend, refused]] : [],
    ),
    ...rest,
  };
}

function isUsed(counts: PortsView): boolean {
  return Object.values(counts).some((count) => count > 0);
}
