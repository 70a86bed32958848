import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoint } from '../../packet/address.ts';
import type { FollowUp, Trial } from './follow-up.ts';
import { judge, type FollowUpVerdict } from './judge.ts';
import type { Label } from './outcome.ts';

const BACKEND = endpoint('10.0.98.79:8056');
const trials = (first: number, count: number, label: Label): Trial[] =>
  Array.from({ length: count }, (_, i) => ({ port: first + i, label }));

/** Only port 21521 fails, and nothing else is known. */
const ONE_PORT: FollowUp = {
  target: endpoint('10.0.23.111:18056'),
  sourcePort: 21_521,
  again: { port: 21_521, label: 'silent' },
  next: { port: 21_522, label: 'open' },
  direct: [],
  sweep: trials(21_523, 64, 'open'),
  sweepAgain: [],
  held: [],
};
const held = [{ remote: BACKEND, state: 'ESTABLISHED' }];
const direct = (label: Label) => [{ backend: BACKEND, label }];

const rows: readonly {
  name: string;
  given: Partial<FollowUp>;
  expect: FollowUpVerdict;
  says: RegExp;
}[] = [
  {
    name: 'the same port passes now',
    given: { again: { port: 21_521, label: 'open' } },
    expect: 'passing',
    says: /single loss/,
  },
  {
    name: 'a refusal of the same port is an answer, too',
    given: { again: { port: 21_521, label: 'closed' } },
    expect: 'passing',
    says: /65 others/,
  },
  { name: 'only that port', given: {}, expect: 'one-port', says: /port 21521 fails again/ },
  {
    name: 'only that port, and past the balancer it passes',
    given: { direct: direct('open') },
    expect: 'one-port',
    says: /directly to 10\.0\.98\.79:8056 it passes/,
  },
  {
    name: 'only that port, and past the balancer it meets an older connection',
    given: { direct: direct('challenge-ack') },
    expect: 'one-port',
    says: /it is challenge-ack/,
  },
  {
    name: 'the report: a direct connection to the backend has the port',
    given: { held, direct: direct('local-port-busy') },
    expect: 'collision',
    says: /21521 > 10\.0\.98\.79:8056 \(ESTABLISHED\): a collision, where/,
  },
  {
    name: 'the report, where no backend was named',
    given: { held },
    expect: 'collision',
    says: /if that is a server behind the target/,
  },
  {
    name: 'the port is shared with a connection to somewhere that is no backend',
    given: {
      held: [{ remote: endpoint('192.0.2.9:443'), state: 'ESTABLISHED' }],
      direct: direct('open'),
    },
    expect: 'one-port',
    says: /directly to 10\.0\.98\.79:8056 it passes/,
  },
  {
    name: 'the report, where the port is bound by another program',
    given: { held, again: { port: 21_521, label: 'local-port-busy' } },
    expect: 'collision',
    says: /another program's/,
  },
  {
    name: 'a port that is shared, but passes again, collides with nothing',
    given: { held, again: { port: 21_521, label: 'open' } },
    expect: 'passing',
    says: /single loss/,
  },
  {
    name: 'a share of the ports, the same ones again',
    given: {
      sweep: [...trials(21_523, 56, 'open'), ...trials(21_579, 8, 'silent')],
      sweepAgain: trials(21_579, 8, 'silent'),
    },
    expect: 'some-ports',
    says: /8 of 65 other ports fail/,
  },
  {
    name: 'a share of the ports, others when repeated',
    given: {
      sweep: [...trials(21_523, 56, 'open'), ...trials(21_579, 8, 'silent')],
      sweepAgain: [...trials(21_579, 5, 'open'), ...trials(21_584, 3, 'silent')],
    },
    expect: 'at-random',
    says: /5 of 8 pass when repeated/,
  },
  {
    name: 'the port passes again while others fail',
    given: {
      again: { port: 21_521, label: 'late' },
      sweep: trials(21_523, 64, 'silent'),
    },
    expect: 'at-random',
    says: /64 of 65/,
  },
  {
    name: 'none passes, and past the balancer neither',
    given: {
      next: { port: 21_522, label: 'silent' },
      sweep: trials(21_523, 64, 'silent'),
      direct: direct('silent'),
    },
    expect: 'every-port',
    says: /no port passes .* it is silent/,
  },
  {
    name: 'ports of this machine that are in use do not count',
    given: {
      next: { port: 21_529, label: 'local-port-busy' },
      sweep: trials(21_530, 64, 'local-port-busy'),
    },
    expect: 'not-compared',
    says: /in use on this machine/,
  },
  {
    name: 'a busy port without a known owner tells nothing',
    given: { again: { port: 21_521, label: 'local-port-busy' } },
    expect: 'not-compared',
    says: /nothing was learned/,
  },
];

for (const { name, given, expect, says } of rows)
  test(`${name}: ${expect}`, () => {
    const { verdict, sentence } = judge({ ...ONE_PORT, ...given });
    assert.equal(verdict, expect);
    assert.match(sentence, says);
  });
