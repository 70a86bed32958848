/** What each kind of evidence proves, and that nothing is blamed where nothing failed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { collected } from '../collect/collected.ts';
import { ALL_LOST, attempts, emptyDaemon, evidence, type Happened } from '../testdata/evidence.ts';
import { verdictOf } from '../verdict.ts';
import type { Evidence, Hop, Role } from './evidence.ts';
import { HYPOTHESES } from './hypotheses.ts';

// From dist/diagnose/findings/ to the checkout.
const CAUSES = new URL('../../../docs/reference/causes.md', import.meta.url);
const LATEST_CAUSE = 63;
const at = (place: string): Hop => ({ kind: 'inside', place });

interface Row {
  readonly sentence: string;
  readonly happened: Partial<Record<Role, Happened>>;
  readonly given?: Partial<Evidence>;
  readonly expect: { readonly code: string; readonly hop: Hop } | 'unexplained' | 'healthy';
}

const full = [{ local: '10.0.98.79:8056', port: 8056, queued: 2, queueMost: 1 }];
const idle = { local: '10.0.98.79:8056', port: 8056, queued: 0, queueMost: 128 };
const sockets = (listeners: typeof full) => collected({ listeners, connections: [] });
const drop = (text: string, grew: number | undefined) =>
  ({ text, hook: 'input', action: 'drop', ...(grew === undefined ? {} : { grew }) }) as const;

const ROWS: readonly Row[] = [
  {
    sentence: 'as many overflows as lost SYNs: the accept queue',
    happened: { server: { counters: { TcpExtListenOverflows: 64, TcpExtListenDrops: 64 } } },
    expect: { code: 'accept-queue-full', hop: at('server') },
  },
  {
    sentence: 'fewer overflows than half of the lost SYNs explain too little',
    happened: { server: { counters: { TcpExtListenOverflows: 20, TcpExtListenDrops: 20 } } },
    expect: 'unexplained',
  },
  {
    sentence: 'one of two workers is full: the worker, not the queue',
    happened: {
      server: {
        counters: { TcpExtListenOverflows: 40 },
        after: { sockets: sockets([...full, idle]) },
      },
    },
    given: {
      attempts: [...attempts('listener', 8, 'silent'), ...attempts('listener', 8, 'open')],
      lostSyns: 32,
    },
    expect: { code: 'reuseport-worker', hop: at('server') },
  },
  {
    sentence: 'drops that are no overflows, and no cookies: the SYN queue',
    happened: { server: { counters: { TcpExtListenDrops: 64, TcpExtListenOverflows: 0 } } },
    expect: { code: 'syn-queue-full', hop: at('server') },
  },
  {
    sentence: 'drops for want of a route back are not the SYN queue’s',
    happened: { server: { counters: { TcpExtListenDrops: 64, IpOutNoRoutes: 64 } } },
    expect: { code: 'no-route-back', hop: at('server') },
  },
  {
    sentence: 'a rule that dropped as many as were lost',
    happened: { server: { rules: [drop('ip f i: tcp dport 8056 drop', 64)] } },
    expect: { code: 'server-input-filter', hop: at('server') },
  },
  {
    sentence: 'a rule that drops what is invalid is a matter of connection tracking',
    happened: { forwarder: { rules: [drop('ip f f: ct state invalid drop', 64)] } },
    expect: { code: 'invalid-state', hop: at('forwarder') },
  },
  {
    sentence: 'a rule that drops what is above a rate',
    happened: { server: { rules: [drop('ip f i: limit rate over 2/second drop', 64)] } },
    expect: { code: 'rate-limit', hop: at('server') },
  },
  {
    sentence: 'a rule that dropped a scanner or two while others were lost',
    happened: { server: { rules: [drop('ip f i: tcp dport 22 drop', 3)] } },
    expect: 'unexplained',
  },
  {
    sentence: 'a rule without counter is not blamed before captures end there',
    happened: { server: { rules: [drop('ip f i: tcp dport 8056 drop', undefined)] } },
    expect: 'unexplained',
  },
  {
    sentence: 'only ports with a direct connection fail, and conntrack refuses as many',
    happened: { forwarder: { conntrack: { insert_failed: 12, drop: 12 } } },
    given: {
      attempts: [...attempts('listener', 16, 'open'), ...attempts('shared-port', 3, 'silent')],
      lostSyns: 12,
    },
    expect: { code: 'collision', hop: at('forwarder') },
  },
  {
    sentence: 'every port fails, and conntrack refuses as many: source NAT has none left',
    happened: { balancer: { conntrack: { insert_failed: 64, drop: 64 } } },
    expect: { code: 'snat-exhausted', hop: at('balancer') },
  },
  {
    sentence: 'refused, and nobody listens',
    happened: { server: { after: { sockets: sockets([]) } } },
    given: { attempts: attempts('listener', 16, 'closed'), lostSyns: 0 },
    expect: { code: 'no-listener', hop: at('server') },
  },
  {
    sentence: 'the balancer does not know the listener',
    happened: { balancer: { after: { daemon: collected(emptyDaemon('balancer')) } } },
    given: { attempts: attempts('listener', 16, 'closed'), lostSyns: 0 },
    expect: { code: 'no-such-listener', hop: at('balancer') },
  },
  {
    sentence: 'captures end between two places, and no number moved',
    happened: {},
    given: {
      ...ALL_LOST,
      capture: {
        location: {
          hop: { kind: 'between', from: 'client', to: 'balancer' },
          ...{ direction: 'forward', followed: 8, agreeing: 8, hasToa: false },
        },
        ...{ toaLost: undefined, places: [], failures: [], files: [] },
      },
    },
    expect: { code: 'lost-on-path', hop: { kind: 'between', from: 'client', to: 'balancer' } },
  },
  {
    sentence: 'a counter elsewhere than where the captures end is not the cause',
    happened: { balancer: { counters: { TcpExtIPReversePathFilter: 64 } } },
    given: {
      ...ALL_LOST,
      capture: {
        location: {
          ...{ direction: 'forward', followed: 8, agreeing: 8 },
          hop: at('forwarder'),
          hasToa: false,
        },
        ...{ toaLost: undefined, places: [], failures: [], files: [] },
      },
    },
    expect: { code: 'lost-on-path', hop: at('forwarder') },
  },
  {
    sentence: 'all is lost, and nothing tells why',
    happened: {},
    expect: 'unexplained',
  },
  {
    sentence: 'a server that connects to itself over loopback, and no connection failed',
    happened: {},
    given: {
      attempts: attempts('listener', 16, 'open'),
      capture: {
        ...{ location: undefined, toaLost: undefined, failures: [], files: [] },
        places: ['client', 'server'].map((place) => ({
          ...{ place, answersFromBackends: 4, fromItself: 4, withToa: 0 },
        })),
      },
    },
    expect: 'healthy',
  },
  {
    sentence: 'counters moved, and no connection failed',
    happened: { server: { counters: { TcpExtListenOverflows: 64, TcpExtListenDrops: 64 } } },
    given: { attempts: attempts('listener', 16, 'open'), lostSyns: 0 },
    expect: 'healthy',
  },
];

for (const { sentence, happened, given = ALL_LOST, expect } of ROWS)
  test(sentence, () => {
    const verdict = verdictFor(evidence(happened, given));
    const said = JSON.stringify(verdict);
    if (typeof expect === 'string') return assert.equal(verdict.kind, expect, said);
    assert.ok(verdict.kind === 'cause', said);
    assert.deepEqual([verdict.hypothesis.code, verdict.hop], [expect.code, expect.hop]);
  });

test('whatever counters and rules did, nobody is blamed where every connection came about', () => {
  const anyGrowth = fc.dictionary(
    fc.constantFrom(
      ...['TcpExtListenOverflows', 'TcpExtListenDrops', 'IpOutNoRoutes', 'IpInHdrErrors'],
      ...['TcpExtTCPReqQFullDrop', 'TcpInCsumErrors', 'TcpExtTCPMD5NotFound', 'IpInAddrErrors'],
      ...['insert_failed', 'drop', 'invalid', 'early_drop', 'clashres', 'chainlength'],
    ),
    fc.nat({ max: 1_000 }),
  );
  const anyRules = fc.array(
    fc.record({
      text: fc.constantFrom(
        'a: drop',
        'b: ct state invalid drop',
        'c: limit rate over 1/second drop',
      ),
      hook: fc.constantFrom('input', 'forward', 'output'),
      action: fc.constant('drop' as const),
      grew: fc.nat({ max: 100 }),
    }),
    { maxLength: 3 },
  );
  const anyPlace = fc.record({ counters: anyGrowth, conntrack: anyGrowth, rules: anyRules });
  fc.assert(
    fc.property(anyPlace, anyPlace, anyPlace, (client, forwarder, server) => {
      const healthy = {
        attempts: [...attempts('listener', 16, 'open'), ...attempts('shared-port', 3, 'open')],
        lostSyns: 0,
      };
      const verdict = verdictFor(evidence({ client, forwarder, server }, healthy));
      assert.equal(verdict.kind, 'healthy', JSON.stringify(verdict));
    }),
  );
});

test('every cause of the table has a hypothesis, and every hypothesis is in the document', () => {
  const covered = new Set(HYPOTHESES.flatMap(({ causes }) => causes));
  const all = Array.from({ length: LATEST_CAUSE }, (_, i) => i + 1);
  assert.deepEqual(
    all.filter((cause) => !covered.has(cause)),
    [],
  );
  const text = readFileSync(CAUSES, 'utf8');
  for (const { code } of HYPOTHESES) assert.ok(text.includes(`\`${code}\``), code);
  assert.equal(new Set(HYPOTHESES.map(({ code }) => code)).size, HYPOTHESES.length);
});

function verdictFor(given: Evidence) {
  const judged = HYPOTHESES.map((hypothesis) => ({
    hypothesis,
    decision: hypothesis.decide(given),
  }));
  return verdictOf(given, judged);
}
