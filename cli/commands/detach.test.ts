import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DetachReport } from '../../control/daemon/detach.ts';
import { warningsOf } from './detach.ts';

const NOTHING: DetachReport = {
  filters: [],
  qdiscs: [],
  links: 0,
  pins: 0,
  sessionsEnded: 0,
  elsewhere: [],
  running: [],
};
const BALANCER_ELSEWHERE = [{ role: 'balancer', namespace: '/run/netns/b' }] as const;

const rows: readonly { name: string; report: Partial<DetachReport>; warns: readonly RegExp[] }[] = [
  { name: 'nothing was here, nothing runs', report: {}, warns: [] },
  { name: 'a daemon runs, and nothing of it was here', report: { running: ['agent'] }, warns: [] },
  {
    name: 'the programs of a running daemon were removed',
    report: { running: ['agent'], filters: ['eth0 ingress'] },
    warns: [/^the agent of instance x still runs but sees no packets now/],
  },
  {
    name: 'the programs of a running daemon were taken off a cgroup',
    report: { running: ['agent'], links: 3 },
    warns: [/^the agent of instance x still runs/],
  },
  {
    name: 'a daemon whose programs are in another namespace still has them',
    report: { running: ['balancer'], elsewhere: [...BALANCER_ELSEWHERE] },
    warns: [
      /^the balancer is attached in another .*: nsenter --net=\/run\/netns\/b fullnat detach/,
    ],
  },
  {
    name: 'one here, one elsewhere',
    report: { running: ['balancer', 'agent'], pins: 9, elsewhere: [...BALANCER_ELSEWHERE] },
    warns: [/^the agent .* sees no packets now/, /^the balancer is attached in another/],
  },
];

for (const { name, report, warns } of rows)
  test(name, () => {
    const said = warningsOf('x', { ...NOTHING, ...report });
    assert.equal(said.length, warns.length, said.join('\n'));
    warns.forEach((warning, i) => assert.match(said[i] ?? '', warning));
  });
