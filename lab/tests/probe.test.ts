/** `fullnat probe` on faults that are really there: what it follows a silence up with tells them apart. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { nft, rule } from '../faults/means.ts';
import { openLab, type Lab } from '../lab.ts';
import { waitUntil } from '../process.ts';
import { withClient } from '../scripted.ts';
import { down, up } from '../up.ts';
import { reasonToSkip } from './machine.ts';

const instance = 't-probe';
const skip = reasonToSkip();
const LISTENER = '10.0.23.111:18056';
const SERVER = '10.0.98.79:8056';
const FILTERED_PORT = 21_700;
const SHARED_PORT = 21_521;
const ABANDONED_PORT = 22_100;
const MAIN = resolve(import.meta.dirname, '../../cli/main.js');

interface AttemptLine {
  readonly target: string;
  readonly detail: string;
  readonly sourcePort: number;
  readonly syns: number;
  readonly challengeAcks: number;
}
interface FollowUpLine {
  readonly followUp: true;
  readonly verdict: string;
  readonly sentence: string;
  readonly again: { readonly label: string };
  readonly direct: readonly { readonly label: string }[];
  readonly sweep: { readonly tried: number; readonly failed: readonly number[] };
  readonly held: readonly { readonly remote: string }[];
}

describe('fullnat probe', { skip, timeout: 120_000 }, () => {
  let lab: Lab;
  before(async () => {
    await up({ instance, servers: 1, onCollision: 'drop' });
    lab = openLab(instance);
  });
  after(() => down(instance));

  test('a healthy listener is open with one SYN, and nothing is followed up', async () => {
    const { exit, attempts, followUps } = await probe(lab, [LISTENER, SERVER], '--count', '3');
    assert.equal(exit, 0);
    assert.deepEqual(followUps, []);
    assert.deepEqual(attempts.map(({ target }) => target).toSorted(), [
      ...Array.from({ length: 3 }, () => LISTENER),
      ...Array.from({ length: 3 }, () => SERVER),
    ]);
    for (const { detail, syns, challengeAcks } of attempts)
      assert.deepEqual([detail, syns, challengeAcks], ['open', 1, 0]);
  });

  test('a firewall that drops one source port: one-port', async () => {
    await rule(lab, 'router', 'forward', `tcp sport ${FILTERED_PORT} tcp dport 18056 drop`);
    const { exit, attempts, followUps } = await probeFrom(lab, FILTERED_PORT);
    assert.equal(exit, 10);
    assert.equal(attempts[0]?.detail, 'silent');
    assert.ok((attempts[0]?.syns ?? 0) > 1, 'the SYN was sent again');
    const [found] = followUps;
    assert.equal(found?.verdict, 'one-port', found?.sentence);
    assert.equal(found?.again.label, 'silent');
    assert.deepEqual(
      found?.direct.map(({ label }) => label),
      ['open'],
    );
    assert.deepEqual([found?.sweep.tried, found?.sweep.failed], [64, []]);
    assert.deepEqual(found?.held, []);
  });

  test('a direct connection that owns the tuple, under drop: collision', async () => {
    await withClient(lab, 'client', async (client) => {
      const direct = await client.connect(SERVER, SHARED_PORT);
      assert.ok(direct.ok);
      const { exit, followUps } = await probeFrom(lab, SHARED_PORT);
      assert.equal(exit, 10);
      const [found] = followUps;
      assert.equal(found?.verdict, 'collision', found?.sentence);
      assert.deepEqual(found?.held, [{ remote: SERVER, state: 'ESTABLISHED' }]);
      assert.deepEqual(
        found?.direct.map(({ label }) => label),
        ['local-port-busy'],
      );
    });
  });

  test('a server that still has an older connection: challenge ACKs, where RSTs are lost', async () => {
    await nft(
      lab,
      'router',
      'add table ip ends',
      'add chain ip ends c { type filter hook forward priority 0; }',
      `add rule ip ends c tcp sport ${ABANDONED_PORT} tcp flags & (fin | rst) != 0 drop`,
    );
    await withClient(lab, 'client', async (client) => {
      const old = await client.connect(SERVER, ABANDONED_PORT);
      assert.ok(old.ok);
      await old.connection.abort();
    });
    const from = ['--source-port', String(ABANDONED_PORT), '--follow-up', 'never'];
    const { exit, attempts } = await probe(lab, [SERVER], '--count', '1', ...from);
    assert.equal(exit, 10);
    assert.equal(attempts[0]?.detail, 'challenge-ack');
    assert.ok((attempts[0]?.challengeAcks ?? 0) > 0);
  });

  test('killed without warning, it leaves no capture behind', async () => {
    const probing = lab.spawn('client', [process.execPath, MAIN, 'probe', LISTENER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.ok(probing.stdout !== null);
    // Its first line comes when the capture runs.
    await once(probing.stdout, 'data');
    const children = readFileSync(`/proc/${probing.pid}/task/${probing.pid}/children`, 'ascii');
    const [capture = ''] = children.trim().split(' ');
    assert.match(readFileSync(`/proc/${capture}/comm`, 'ascii'), /^tcpdump/);
    probing.kill('SIGKILL');
    assert.ok(await waitUntil(() => hasEnded(capture), { timeoutMs: 10_000 }));
  });
});

/** A zombie has ended, too: who should ask for its exit code may be slow. */
function hasEnded(pid: string): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'ascii'));
  } catch {
    return true;
  }
}

function probeFrom(lab: Lab, port: number) {
  const from = ['--count', '1', '--source-port', String(port), '--backend', SERVER];
  return probe(lab, [LISTENER], ...from);
}

async function probe(lab: Lab, targets: readonly string[], ...words: string[]) {
  const argv = [process.execPath, MAIN, 'probe', ...targets, '-o', 'json', '--reset'];
  const { code, stdout, stderr } = await lab.run(
    'client',
    [...argv, '--interval', '50ms', '--timeout', '2500ms', ...words],
    { accept: 'any' },
  );
  assert.equal(stderr, '');
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AttemptLine | FollowUpLine | { readonly summary: true });
  return {
    exit: code,
    attempts: lines.filter((line): line is AttemptLine => 'syns' in line && !('summary' in line)),
    followUps: lines.filter((line): line is FollowUpLine => 'followUp' in line),
  };
}
