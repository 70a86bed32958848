/** What the service manager is told, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { supervised, supervisor } from './supervisor.ts';

function told(environment: Record<string, string>) {
  const said: string[] = [];
  const timers: number[] = [];
  const it = supervisor({
    environment,
    pid: 42,
    tell: (state) => void said.push(state),
    monotonicNs: () => 5_000_123n,
    every: (milliseconds, action) => {
      timers.push(milliseconds);
      action();
    },
  });
  return { it, said, timers };
}

const forever = new AbortController().signal;
const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };

test('nobody asks: nothing is said', () => {
  const { it, said, timers } = told({ WATCHDOG_USEC: '1000000' });
  it.ready();
  it.reloading();
  it.stopping();
  it.keepAlive(forever);
  assert.deepEqual([said, timers], [[], []]);
});

test('the words of sd_notify(3)', () => {
  const { it, said } = told(SOCKET);
  it.ready();
  it.reloading();
  it.stopping();
  assert.deepEqual(said, ['READY=1', 'RELOADING=1\nMONOTONIC_USEC=5000', 'STOPPING=1']);
});

const watchdogs: readonly {
  name: string;
  environment: Record<string, string>;
  everyMs: number[];
}[] = [
  { name: 'none is wanted', environment: {}, everyMs: [] },
  { name: 'half of 30 s', environment: { WATCHDOG_USEC: '30000000' }, everyMs: [15_000] },
  { name: 'ours', environment: { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '42' }, everyMs: [1_000] },
  { name: 'of another', environment: { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '7' }, everyMs: [] },
  { name: 'nonsense', environment: { WATCHDOG_USEC: 'soon' }, everyMs: [] },
];
for (const { name, environment, everyMs } of watchdogs)
  test(`watchdog: ${name}`, () => {
    const { it, said, timers } = told({ ...SOCKET, ...environment });
    it.keepAlive(forever);
    assert.deepEqual(timers, everyMs);
    assert.deepEqual(
      said,
      everyMs.map(() => 'WATCHDOG=1'),
    );
  });

test('a reload is told at its beginning, and its end before the next is waited for', async () => {
  const { it, said } = told(SOCKET);
  const answers = [true, true, false];
  const requests = supervised({ asked: async () => answers.shift() ?? false }, it);
  while (await requests.asked(forever)) said.push('reload');
  const words = said.map((each) => each.split('\n')[0]);
  assert.deepEqual(words, ['RELOADING=1', 'reload', 'READY=1', 'RELOADING=1', 'reload', 'READY=1']);
});
