/** The laws of admission: who may open sessions, how many, how fast; and who never loses by it. */
import assert from 'node:assert/strict';
import type { AdmissionRow, BalancerTables, DataPath, RateRow } from '../../model/index.ts';
import type { Law } from '../law.ts';
import { BACKEND, CLIENT, OTHER_BACKEND, OTHER_CLIENT } from '../network.ts';
import { WEB_LISTENER } from '../tables.ts';
import {
  answer,
  close,
  establish,
  noFaults,
  open,
  openFrom,
  portRange,
  send,
  tryOpen,
  tryOpenFrom,
  type Way,
} from './clients.ts';
import { CLIENT_DATA, CLIENT_FIN, CLIENT_RST, SERVER_DATA } from './conversation.ts';

type Balancer = DataPath<BalancerTables>;

const DENY_ALL: AdmissionRow = { access: { '0.0.0.0/0': 'deny' } };
const PER_SECOND: RateRow = { everySeconds: 1_000, burst: 3 };
const PORTS = 64;

export const admissionLaws: readonly Law<BalancerTables>[] = [
  {
    name: 'the longest prefix of an access list counts, whatever its order',
    check: (path) => {
      path.reset(
        admitting({
          access: {
            '0.0.0.0/0': 'deny',
            '10.0.0.0/8': 'allow',
            '10.0.88.0/24': 'deny',
            '10.0.88.100/32': 'allow',
          },
        }),
      );
      assert.ok(tryOpenFrom(path, '10.0.88.100:1024'));
      assert.equal(tryOpenFrom(path, '10.0.88.101:1024'), undefined);
      assert.equal(tryOpenFrom(path, '192.0.2.7:1024'), undefined);
      noFaults(path);
    },
  },
  {
    name: 'each listener has a list of its own',
    check: (path) => {
      const tables = admitting({});
      const other = { ...WEB_LISTENER, at: '10.0.23.111:18057', admission: DENY_ALL };
      path.reset({ ...tables, listeners: [...tables.listeners, other] });
      assert.ok(tryOpenFrom(path, CLIENT));
      assert.equal(tryOpenFrom(path, CLIENT, other.at), undefined);
    },
  },
  {
    name: 'who is denied, limited or slowed down keeps the connections that there are',
    check: (path) => {
      path.reset(admitting({}));
      const ways = [0, 1, 2, 3].map((index) => open(path, index));
      for (const way of ways.slice(1)) establish(path, way);
      const rows: readonly AdmissionRow[] = [
        DENY_ALL,
        { rate: { everySeconds: 1_000, burst: 1 } },
        { client: { bits: 8, sessionsMax: 1, openingMax: 1, rate: PER_SECOND } },
      ];
      for (const [round, admission] of rows.entries()) {
        path.reconfigure(admitting(admission));
        tryOpen(path, 10 * round + 10); // what may be taken is taken
        assert.equal(tryOpen(path, 10 * round + 11), undefined);
        assert.deepEqual(tryOpen(path, 0), ways[0], 'a SYN sent again is not a new connection');
        for (const way of ways.slice(1)) {
          send(path, way, CLIENT_DATA);
          answer(path, way, SERVER_DATA);
        }
      }
      for (const way of ways.slice(1)) close(path, way);
      noFaults(path);
    },
  },
  {
    name: 'a SYN on a resting session is a new connection, and the session rests on if it is refused',
    check: (path) => {
      path.reset(admitting({}));
      const way = open(path, 0);
      establish(path, way);
      close(path, way);
      path.reconfigure(admitting(DENY_ALL));
      assert.equal(tryOpen(path, 0), undefined);
      assert.deepEqual(states(path), ['time-wait']);
      path.reconfigure(admitting({}));
      assert.deepEqual(tryOpen(path, 0), way);
      noFaults(path);
    },
  },
  {
    name: 'a rate lets a burst through, then one each interval, and saves up no more than the burst',
    check: (path) => {
      path.reset(admitting({ rate: PER_SECOND }));
      assert.equal(opened(path, 0, 5), 3);
      path.elapse(PER_SECOND.everySeconds);
      assert.equal(opened(path, 10, 5), 1);
      path.elapse(2 * PER_SECOND.everySeconds);
      assert.equal(opened(path, 20, 5), 2);
      path.elapse(100 * PER_SECOND.everySeconds);
      assert.equal(opened(path, 30, 5), 3);
      noFaults(path);
    },
  },
  {
    name: 'the rate of a client is its own, and what it is refused costs others nothing',
    check: (path) => {
      path.reset(
        admitting({ rate: { ...PER_SECOND, burst: 6 }, client: { bits: 32, rate: PER_SECOND } }),
      );
      const first = Array.from({ length: 20 }, (_, i) => tryOpenFrom(path, portOf(CLIENT, i)));
      const second = Array.from({ length: 20 }, (_, i) =>
        tryOpenFrom(path, portOf(OTHER_CLIENT, i)),
      );
      for (const ways of [first, second]) assert.equal(ways.filter(isThere).length, 3);
      noFaults(path);
    },
  },
  ...[32, 24, 8].map((bits): Law<BalancerTables> => ({
    name: `a client of ${bits} bits has as many sessions as it may, and again when they have ended`,
    check: (path) => {
      path.reset(admitting({ client: { bits, sessionsMax: 2 } }));
      const [one, two] = [openFrom(path, '10.0.88.100:1'), openFrom(path, '10.0.88.100:2')];
      const [near, far] = [tryOpenFrom(path, '10.0.88.101:3'), tryOpenFrom(path, '10.7.7.7:4')];
      assert.equal(tryOpenFrom(path, '10.0.88.100:5'), undefined);
      assert.deepEqual([near, far].map(isThere), [bits > 24, bits > 8]);
      establish(path, one);
      assert.equal(tryOpenFrom(path, '10.0.88.100:5'), undefined);
      send(path, one, CLIENT_FIN);
      assert.equal(tryOpenFrom(path, '10.0.88.100:5'), undefined, 'it is still closing');
      close(path, one);
      establish(path, openFrom(path, '10.0.88.100:5'));
      establish(path, two);
      noFaults(path);
    },
  })),
  {
    name: 'half-open sessions of a client are counted until the handshake is complete',
    check: (path) => {
      path.reset(admitting({ client: { bits: 32, openingMax: 2 } }));
      const ways = [1, 2].map((number) => openFrom(path, portOf(CLIENT, number)));
      assert.equal(tryOpenFrom(path, portOf(CLIENT, 3)), undefined);
      assert.ok(tryOpenFrom(path, OTHER_CLIENT));
      for (const way of ways) establish(path, way);
      const more = [3, 4, 5].map((number) => tryOpenFrom(path, portOf(CLIENT, number)));
      assert.deepEqual(more.map(isThere), [true, true, false]);
      noFaults(path);
    },
  },
  {
    name: 'what gives way or expires is its client’s no more',
    check: async (path) => {
      const client = { bits: 32, sessionsMax: 2, openingMax: 2 };
      path.reset({ ...admitting({ client }), openingMax: 2 });
      for (let i = 0; i < 2; i++) openFrom(path, portOf(CLIENT, i));
      for (let i = 0; i < 2; i++) openFrom(path, portOf(OTHER_CLIENT, i));
      noFaults(path);
      openFrom(path, portOf(CLIENT, 7));
      path.elapse(100);
      await path.sweep();
      assert.deepEqual(states(path), []);
      for (let i = 0; i < 2; i++) openFrom(path, portOf(OTHER_CLIENT, i));
      noFaults(path);
    },
  },
  {
    name: 'a session that a forged RST put to rest counts again when it goes on',
    check: (path) => {
      path.reset(admitting({ client: { bits: 32, sessionsMax: 1 } }));
      const way = openFrom(path, portOf(CLIENT, 1));
      establish(path, way);
      send(path, way, CLIENT_RST);
      noFaults(path);
      send(path, way, CLIENT_DATA);
      assert.deepEqual(states(path), ['established']);
      assert.equal(tryOpenFrom(path, portOf(CLIENT, 2)), undefined);
      noFaults(path);
    },
  },
  {
    name: 'more clients than there are seats: none is refused for it, and all is counted right',
    check: (path) => {
      const client = { bits: 32, sessionsMax: 1, rate: PER_SECOND };
      path.reset(admitting({ client }, 256));
      const ways = Array.from({ length: 200 }, (_, i) => openFrom(path, `10.0.88.${i + 10}:1024`));
      noFaults(path);
      for (const way of ways) {
        establish(path, way);
        close(path, way);
      }
      noFaults(path);
    },
  },
  {
    name: 'a backend that has its most is passed over, and refused only when all are full',
    check: (path) => {
      path.reset(twoBackends([2, 3]));
      const ways = [0, 1, 2, 3, 4].map((index) => open(path, index));
      const of = (backend: string) => ways.filter((way) => way.backend === backend);
      assert.deepEqual([of(BACKEND).length, of(OTHER_BACKEND).length], [2, 3]);
      assert.equal(tryOpen(path, 5), undefined);
      const [first] = of(BACKEND);
      assert.ok(first);
      establish(path, first);
      close(path, first);
      assert.equal(open(path, 6).backend, BACKEND);
      noFaults(path);
    },
  },
  {
    name: 'the share of a full backend goes to all the others',
    check: (path) => {
      const backends = [BACKEND, OTHER_BACKEND, '10.0.98.81:8056'];
      const tables = twoBackends([1, 0, 0]);
      path.reset({
        ...tables,
        backends,
        pools: tables.pools.map((pool) => ({ ...pool, schedule: [0, 1, 2] })),
      });
      const ways = Array.from({ length: 13 }, (_, index) => open(path, index).backend);
      const counts = backends.map((backend) => ways.filter((one) => one === backend).length);
      assert.deepEqual(counts, [1, 6, 6]);
    },
  },
  {
    name: 'a resting session of a backend that has its most is not taken up again',
    check: (path) => {
      path.reset(twoBackends([1, 0]));
      const ways = [0, 1].map((index) => open(path, index));
      const resting = ways.find(({ backend }) => backend === BACKEND);
      assert.ok(resting);
      establish(path, resting);
      close(path, resting);
      for (let index = 2; index < 5; index++) open(path, index);
      assert.equal(openFrom(path, resting.client).backend, OTHER_BACKEND);
      noFaults(path);
    },
  },
];

/** The listener of the tables with this admission, and so many local ports. */
function admitting(admission: AdmissionRow, ports: number = PORTS): BalancerTables {
  return { ...portRange(ports), listeners: [{ ...WEB_LISTENER, admission }] };
}

function twoBackends(backendLimits: readonly number[]): BalancerTables {
  const tables = portRange(PORTS);
  const pools = tables.pools.map((pool) => ({ ...pool, schedule: [0, 1] }));
  return { ...tables, backends: [BACKEND, OTHER_BACKEND], pools, backendLimits };
}

/** How many of so many clients, the first of them `first`, were let in. */
function opened(path: Balancer, first: number, count: number): number {
  return Array.from({ length: count }, (_, i) => tryOpen(path, first + i)).filter(isThere).length;
}

/** The same client with another port. */
function portOf(client: string, number: number): string {
  return `${client.split(':')[0]}:${2_000 + number}`;
}

function isThere(way: Way | undefined): boolean {
  return way !== undefined;
}

function states(path: Balancer): string[] {
  return path.state().sessions.map(({ state }) => state);
}
