/** Random conversations, losses and clocks: the trace says what the generator knows, or that it does not know. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  POINTS,
  simulate,
  synKey,
  type Box,
  type Fate,
  type Plan,
} from '../testdata/simulated-network.ts';
import { AddressBook } from './address-book.ts';
import { startOf, type Connection } from './connection.ts';
import { readPoint } from './point.ts';
import { SessionIndex } from './sessions.ts';
import { traceOf } from './testing.ts';
import { trace, type Conversation } from './trace.ts';

const EMPTY = new Uint8Array(0);

const RUNS = 60;
/** Of all conversations that were translated: how many may stay undecided (2026-11: none of 1,300 did). */
const UNDECIDED_SHARE = 0.01;

const anyFate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>({ kind: 'closed' }) },
  { weight: 1, arbitrary: fc.constant<Fate>({ kind: 'refused' }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('forward', 'return'))
      .map(([hop, direction]): Fate => {
        const isReturn = direction === 'return' && hop < 3;
        return { kind: 'lost', hop, direction: isReturn ? 'return' : 'forward' };
      }),
  },
);

const anyPlan = fc.record({
  host: fc.integer({ min: 100, max: 102 }),
  clientPort: fc.integer({ min: 40_000, max: 40_050 }),
  isDirect: fc.boolean(),
  startSeconds: fc.double({ min: 1, max: 20, noNaN: true }),
  // Drawn evenly and not shrunk: equal initial sequence numbers are another test.
  numbers: fc.noShrink(fc.noBias(fc.array(fc.nat(2 ** 32 - 1), { minLength: 5, maxLength: 5 }))),
  hasTimestamps: fc.boolean(),
  fate: anyFate,
  delaysMs: fc.array(fc.double({ min: 0.05, max: 3, noNaN: true }), {
    minLength: 3,
    maxLength: 3,
  }),
});

const anyClocks = fc
  .array(fc.double({ min: -60, max: 60, noNaN: true }), { minLength: 3, maxLength: 3 })
  .map((clocks) => [0, ...clocks]);

for (const box of ['ours', 'nftables', 'lvs', 'lvs-late-toa', 'lvs-no-toa'] as const) {
  test(`behind ${box}: never a wrong match, every verdict the truth or none`, async () => {
    let [all, undecided] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyPlan, { minLength: 3, maxLength: 30 }),
        anyClocks,
        async (drawn, clocks) => {
          const plans = withBackground(drawn);
          const { conversations, ownerOf } = await traced(box, plans, clocks);
          for (const plan of plans) {
            const found = conversations.find(
              ({ hops: [first] }) => first?.point === 0 && ownerOf(first) === plan.id,
            );
            assert.ok(found, `conversation ${plan.id} was not found at the client`);
            assertOwnHops(found, plan, ownerOf);
            if (plan.isDirect) assertVerdict(found, plan);
            else {
              all += 1;
              if (isComplete(found, plan)) assertVerdict(found, plan);
              else undecided += 1;
            }
          }
        },
      ),
      { numRuns: RUNS, endOnFailure: true, includeErrorInReport: true },
    );
    assert.ok(
      undecided <= all * UNDECIDED_SHARE,
      `${undecided} of ${all} translated conversations are undecided`,
    );
  });
}

test('no damage to the files makes the trace throw', async () => {
  const { files } = simulate('ours', withBackground([]), [0, 0, 0, 0]);
  const change = fc.record({ at: fc.nat(), to: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (changes) => {
      const damaged = files.map((file) => {
        const bytes = file.slice();
        for (const { at, to } of changes) bytes[at % bytes.length] = to;
        return bytes;
      });
      const { conversations } = await traceOf({ a: damaged[0] ?? EMPTY, b: damaged[1] ?? EMPTY });
      assert.ok(conversations.length <= 40);
    }),
    { numRuns: 500, endOnFailure: true, includeErrorInReport: true },
  );
});

function withBackground(drawn: readonly PlanDrawn[]): Plan[] {
  const used = new Set<string>();
  const plans = drawn.flatMap(({ host, numbers, ...rest }, id): Plan[] => {
    const clientAddress = `10.0.88.${host}`;
    const key = `${clientAddress}:${rest.clientPort} ${rest.isDirect}`;
    if (used.has(key)) return [];
    used.add(key);
    const [isn = 0, serverIsn = 0, timestamp = 0, ipId = 0, delta = 0] = numbers;
    // One local port each, as a balancer hands them out.
    const localPort = 20_000 + id * 7;
    return [
      {
        ...{ ...rest, id, clientAddress, localPort, isn, serverIsn, timestamp },
        ...{ ipId: ipId % 65_536, delta: (delta % (2 ** 32 - 1)) + 1 },
      },
    ];
  });
  // Before and after all others, through all points: captures that were running throughout.
  const background = [0, 30].map((startSeconds, i): Plan => ({
    ...{ id: 1000 + i, clientAddress: '10.0.88.100', clientPort: 50_000 + i, localPort: 1 },
    ...{ isDirect: true, startSeconds, isn: 7 + i, serverIsn: 9 + i, timestamp: 5 + i },
    ...{ ipId: 77 + i, hasTimestamps: true, delta: 1, fate: { kind: 'closed' } },
    delaysMs: [0.5, 0.1, 0.1],
  }));
  return [...plans, ...background];
}
type PlanDrawn = typeof anyPlan extends fc.Arbitrary<infer T> ? T : never;

async function traced(box: Box, plans: readonly Plan[], clocks: readonly number[]) {
  const { files, truth } = simulate(box, plans, clocks);
  const book = new AddressBook();
  const points = await Promise.all(
    POINTS.map((name, i) =>
      readPoint({ book }, { name, file: name, chunks: [files[i] ?? new Uint8Array(0)] }, i),
    ),
  );
  const { conversations } = trace({ book, sessions: new SessionIndex({ book }, []) }, points);
  const ownerOf = (connection: Connection) => {
    const client = book.socketText(connection.clientAddress, connection.clientPort);
    const server = book.socketText(connection.serverAddress, connection.serverPort);
    return truth[connection.point]?.get(synKey(`${client} ${server}`, startOf(connection)));
  };
  return { conversations, ownerOf };
}

function assertOwnHops(
  { hops }: Conversation,
  plan: Plan,
  ownerOf: (connection: Connection) => number | undefined,
): void {
  for (const hop of hops)
    assert.equal(
      ownerOf(hop),
      plan.id,
      `a wrong match at ${POINTS[hop.point]}: ${JSON.stringify({ plan, hops: hops.map((h) => [ownerOf(h), h]) })}`,
    );
}

/** It was followed as far as it went. */
function isComplete({ hops }: Conversation, { fate }: Plan): boolean {
  const deepest = fate.kind === 'lost' && fate.direction === 'forward' ? fate.hop : 3;
  return hops.length === deepest + 1;
}

function assertVerdict({ verdict }: Conversation, { fate }: Plan): void {
  switch (fate.kind) {
    case 'closed':
      return assert.deepEqual(verdict, { outcome: 'closed' });
    case 'refused':
      return assert.deepEqual(verdict, { outcome: 'refused', by: 'rst', sentBetween: [3, null] });
    case 'lost': {
      const { hop, direction } = fate;
      const isInside = direction === 'forward' && hop === 3;
      const lostBetween =
        direction === 'return' ? [hop + 1, hop] : isInside ? [3, null] : [hop, hop + 1];
      const outcome = isInside ? 'unanswered' : 'lost';
      assert.deepEqual(verdict, { outcome, lostBetween, direction, gaps: [] });
    }
  }
}
