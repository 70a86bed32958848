/** The list of sessions: which are shown, what is said about them; on maps in memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endpoint, ipv4Address, port } from '../../packet/address.ts';
import {
  CLOSED_BY_BACK,
  SESSION_STATE,
  sessionSlot,
  SLOT_REMAPPED,
  type Flow4,
  type SessionSlot,
  type SessionState,
} from '../../datapath/binding/contract.ts';
import { ticksFromSeconds, ticksNow } from '../../datapath/binding/sessions.ts';
import { filterOf, type SessionQuery } from './session-query.ts';
import { destinationOf, endpointReader, listSessions, matches, sourceOf } from './sessions.ts';
import { comesFrom, goesTo, type SlotFilter } from './slot-filter.ts';

type Maps = Parameters<typeof listSessions>[0];

const flow = (source: string, destination: string): Flow4 => {
  const [sourceAddr, sourcePort] = split(source);
  const [destinationAddr, destinationPort] = split(destination);
  return { sourceAddr, sourcePort, destinationAddr, destinationPort, protocol: 6 };
};

function split(text: string) {
  const [address = '', number = ''] = text.split(':');
  return [ipv4Address(address), port(Number(number))] as const;
}

function slot(
  state: SessionState,
  clientPort: number,
  more: Partial<SessionSlot> = {},
): SessionSlot {
  const now = ticksNow();
  return {
    front: flow(`10.0.88.100:${clientPort}`, '10.0.23.111:80'),
    back: flow('10.0.98.79:8056', `10.0.124.161:${clientPort}`),
    word: SESSION_STATE[state],
    seen: now - ticksFromSeconds(3),
    created: now - ticksFromSeconds(60),
    frontIsn: 1,
    backIsn: 2,
    listener: 0,
    backend: 0,
    local: 0,
    seat: 0,
    wantedPort: port(0),
    kind: 'balanced',
    flags: 0,
    ...more,
  };
}

/** Slots come in batches; here small ones, so that pages begin and end in their midst. */
const BATCH = 4;

function memory(slots: SessionSlot[], highWater = slots.length): Maps {
  const bytes = Buffer.concat(slots.map((one) => sessionSlot.encode(one)));
  const raw = async function* ({ from, to }: { from: number; to: number }) {
    for (let first = from; first < to; first += BATCH) {
      const count = Math.min(BATCH, to - first);
      const start = first * sessionSlot.bytes;
      const values = bytes.subarray(start, start + count * sessionSlot.bytes);
      yield { first, values, count };
    }
  };
  const counters = (key: Flow4) => ({ packets: key.sourcePort === 8056 ? 5 : 3, bytes: 1_000 });
  return {
    sessionSlots: { length: slots.length, raw },
    sweep: { get: () => ({ stats: { highWater } }) },
    sessions: { get: counters },
  };
}

const ends = ({ front, back }: SessionSlot) => ({
  client: sourceOf(front),
  local: destinationOf(back),
});

test('what is said about a session', async () => {
  const one = slot('closing', 5_004, { flags: SLOT_REMAPPED });
  one.word |= CLOSED_BY_BACK;
  const { rows, total } = await listSessions(memory([one]), {}, () => true, ends);
  assert.equal(total, 1);
  const [row] = rows as [Record<string, number>];
  const { idleSeconds = 0, ageSeconds = 0, ...rest } = row;
  assert.ok(idleSeconds >= 3 && idleSeconds < 4 && ageSeconds >= 60 && ageSeconds < 61);
  assert.deepEqual(rest, {
    client: '10.0.88.100:5004',
    local: '10.0.124.161:5004',
    state: 'closing',
    kind: 'balanced',
    flags: ['server-closed', 'remapped'],
    packetsIn: 3,
    bytesIn: 1_000,
    packetsOut: 5,
    bytesOut: 1_000,
  });
});

const table = [
  slot('established', 1),
  slot('free', 2),
  slot('time-wait', 3),
  slot('dead', 4),
  slot('established', 5),
  slot('reset', 6, { created: ticksNow() }),
];
const portsOf = (rows: readonly object[]) =>
  (rows as { client: string }[]).map(({ client }) => Number(client.split(':')[1]));

const rows: {
  name: string;
  query?: SessionQuery;
  filter?: SlotFilter;
  highWater?: number;
  ports: number[];
  total?: number;
  next?: string;
}[] = [
  { name: 'free and dead slots are no sessions', ports: [1, 3, 5, 6], total: 4 },
  {
    name: 'all are counted, so many are shown',
    query: { limit: 2 },
    ports: [1, 3],
    total: 4,
    next: '4',
  },
  { name: 'a later page', query: { limit: 1, continue: 4 }, ports: [5], next: '5' },
  { name: 'the last page', query: { limit: 1, continue: 5 }, ports: [6] },
  { name: 'beyond the last page', query: { limit: 1, continue: 6 }, ports: [] },
  { name: 'by state', query: { state: 'established' }, ports: [1, 5], total: 2 },
  { name: 'by kind', query: { kind: 'direct' }, ports: [], total: 0 },
  { name: 'by least age', query: { minAge: 59_000 }, ports: [1, 3, 5], total: 3 },
  {
    name: 'by client',
    filter: comesFrom('front', endpoint('10.0.88.100:5')),
    ports: [5],
    total: 1,
  },
  {
    name: 'by the address of a client alone',
    filter: comesFrom('front', { address: ipv4Address('10.0.88.100') }),
    ports: [1, 3, 5, 6],
    total: 4,
  },
  {
    name: 'by local',
    filter: goesTo('back', endpoint('10.0.124.161:3')),
    ports: [3],
    total: 1,
  },
  {
    name: 'by all that is given',
    query: { state: 'established' },
    filter: goesTo('back', endpoint('10.0.124.161:3')),
    ports: [],
    total: 0,
  },
  { name: 'slots that were never used are not read', highWater: 3, ports: [1, 3], total: 2 },
];

for (const { name, query = {}, filter, highWater, ports, ...listed } of rows)
  test(name, async () => {
    const wanted = filterOf(query, ticksNow(), [filter]);
    const listing = await listSessions(memory(table, highWater), query, wanted, ends);
    assert.deepEqual(portsOf(listing.rows), ports);
    const { rows: _, ...rest } = listing;
    assert.deepEqual(rest, listed);
  });

test('pages of any size together are the whole list', async () => {
  const states = fc.constantFrom<SessionState>('free', 'opening', 'established', 'dead');
  await fc.assert(
    fc.asyncProperty(
      fc.array(states, { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (given, limit) => {
        const maps = memory(given.map((state, i) => slot(state, i + 1)));
        const wanted = filterOf({ state: 'established' }, ticksNow(), []);
        const seen: number[] = [];
        let next: string | undefined;
        do {
          const from = next === undefined ? {} : { continue: Number(next) };
          const page = await listSessions(maps, { limit, ...from }, wanted, ends);
          seen.push(...portsOf(page.rows));
          next = page.next;
          assert.ok(next === undefined || page.rows.length === limit, 'only the last is short');
        } while (next !== undefined);
        const all = given.flatMap((state, i) => (state === 'established' ? [i + 1] : []));
        assert.deepEqual(seen, all);
      },
    ),
  );
});

const matching = [
  { wanted: undefined, isMatch: true },
  { wanted: '10.0.88.10:80', isMatch: true },
  { wanted: '10.0.88.10', isMatch: true },
  { wanted: '10.0.88.1', isMatch: false },
  { wanted: '10.0.88.10:8', isMatch: false },
];
for (const { wanted, isMatch } of matching)
  test(`10.0.88.10:80 ${isMatch ? 'is' : 'is not'} ${wanted ?? 'anything'}`, () =>
    assert.equal(matches(wanted, '10.0.88.10:80'), isMatch));

test('an address, or address and port, and nothing else', () => {
  for (const text of ['10.0.88.10', '10.0.88.10:80']) assert.ok(endpointReader.read(text).ok, text);
  for (const text of ['', '10.0.88', 'web', '10.0.88.10:', ':80'])
    assert.ok(!endpointReader.read(text).ok, text);
});
