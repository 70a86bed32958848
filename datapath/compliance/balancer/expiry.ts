/** Sessions end after the timeout of their state: never before, and completely. */
import assert from 'node:assert/strict';
import type { BalancerTables, DataPath, TimedState } from '../../model/index.ts';
import type { Law } from '../law.ts';
import { WEB_TABLES } from '../tables.ts';
import { answer, close, establish, noFaults, open, portRange, send, type Way } from './clients.ts';
import { CLIENT_DATA, CLIENT_FIN, CLIENT_RST, SERVER_DATA } from './conversation.ts';

type Balancer = DataPath<BalancerTables>;

/** How a session that is open gets into each state. */
const INTO: Readonly<Record<TimedState, (path: Balancer, way: Way) => void>> = {
  opening: () => {},
  established: establish,
  closing: (path, way) => {
    establish(path, way);
    send(path, way, CLIENT_FIN);
  },
  'time-wait': (path, way) => {
    establish(path, way);
    close(path, way);
  },
  reset: (path, way) => {
    establish(path, way);
    send(path, way, CLIENT_RST);
  },
};
/** A slot is written once a second at most, so a session may live that much longer (and the steps' time). */
const LATE_SECONDS = 1.2;
const EARLY_SECONDS = 0.5;

type Profile = BalancerTables['timeoutSeconds'];

/** The second is RFC 5382's: REQ-5, and RFC 7857 section 2.1 for what is not established. */
const PROFILES: Readonly<Record<string, Profile>> = {
  lb: WEB_TABLES.timeoutSeconds,
  rfc5382: { opening: 240, established: 7440, closing: 240, 'time-wait': 240, reset: 240 },
};

const states = Object.entries(PROFILES).flatMap(([profile, timeouts]) =>
  Object.entries(INTO).map(([state, reach]) => stateLaw(profile, timeouts, state, reach)),
);

function stateLaw(
  profile: string,
  timeoutSeconds: Profile,
  state: string,
  reach: (path: Balancer, way: Way) => void,
): Law<BalancerTables> {
  return {
    name: `profile ${profile}: ${state} ends after its own timeout, not before, and leaves nothing behind`,
    check: async (path) => {
      const timeout = timeoutSeconds[state as TimedState];
      path.reset({ ...portRange(1), timeoutSeconds });
      reach(path, open(path, 0));
      path.elapse(timeout - EARLY_SECONDS);
      await path.sweep();
      assert.deepEqual(
        path.state().sessions.map((session) => session.state),
        [state],
      );
      path.elapse(EARLY_SECONDS + LATE_SECONDS);
      await path.sweep();
      assert.deepEqual(path.state().sessions, []);
      noFaults(path);
      assert.equal(open(path, 1).local.port, 5000, 'the port is free again');
    },
  };
}

export const expiryLaws: readonly Law<BalancerTables>[] = [
  ...states,
  {
    name: 'a session that is used lives, from either side',
    check: async (path) => {
      path.reset(portRange(1));
      const way = open(path, 0);
      establish(path, way);
      for (const touch of [
        () => send(path, way, CLIENT_DATA),
        () => answer(path, way, SERVER_DATA),
        () => send(path, way, CLIENT_DATA),
      ]) {
        path.elapse(WEB_TABLES.timeoutSeconds.established - EARLY_SECONDS);
        touch();
        await path.sweep();
      }
      assert.deepEqual(
        path.state().sessions.map(({ state }) => state),
        ['established'],
      );
    },
  },
  {
    name: 'slots of ended sessions are used again',
    check: async (path) => {
      path.reset({ ...portRange(50), sessionCapacity: 10, openingMax: 100 });
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 10; i++) establish(path, open(path, round * 10 + i));
        path.elapse(1000);
        await path.sweep();
        assert.deepEqual(path.state().sessions, []);
      }
      noFaults(path);
    },
  },
];
