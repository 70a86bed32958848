/** Packets in mid-stream that no session knows: a listener answers RST, everything else is let be. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { commonMaps } from '../../datapath/binding/object-maps.ts';
import { openInstance } from '../../datapath/binding/object.ts';
import { VERDICT, type Verdict } from '../../datapath/binding/verdicts.ts';
import { tcp, type TcpPacketFields } from '../../packet/build.ts';
import { parseFrame, verifyChecksums } from '../../packet/parse.ts';
import { printFrame } from '../../packet/print.ts';
import { timestamps } from '../../packet/tcp-options.ts';
import { captured, readCapture } from '../capture.ts';
import { balancerConfig } from '../config.ts';
import { daemonStatus, startDaemon } from '../daemons.ts';
import type { Lab } from '../lab.ts';
import { openLab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { waitUntil } from '../process.ts';
import { startExchangeServer } from '../traffic.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, tell } from './machine.ts';
import type { PatientResult } from './patient.ts';
import { linkBetween, sendFrames } from './raw.ts';

const instance = 'u-strangers';
const CLIENT = '10.0.88.100';
const LISTENER = '10.0.23.111:18056';
const EXCHANGE_LISTENER = '10.0.23.111:19056';
const QUIET_LISTENER = '10.0.23.111:18057';
const FIRST_PORT = 50_001;
/** Of the lab's MTU; what is longer was not cut yet. */
const LARGEST_FRAME_BYTES = 1_514;
const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
const PATIENT = resolve(import.meta.dirname, 'patient.js');

type Row = {
  name: string;
  sent: Pick<TcpPacketFields, 'flags' | 'sequence' | 'acknowledgment' | 'payload' | 'options'>;
  /** RFC 9293 section 3.10.7.1; undefined: no answer. */
  answer: { flags: string; sequence: number; acknowledgment: number } | undefined;
};

const SEQUENCE = 3_171_571_935;
const ACKNOWLEDGMENT = 2_000_000_123;
const both = { sequence: SEQUENCE, acknowledgment: ACKNOWLEDGMENT };
/** What had an acknowledgment: its own number, and none of ours. */
const fromAcknowledgment = { flags: 'R', sequence: ACKNOWLEDGMENT, acknowledgment: 0 };
const acknowledging = (acknowledgment: number) => ({ flags: 'RA', sequence: 0, acknowledgment });

const ROWS: readonly Row[] = [
  {
    name: 'data',
    sent: { flags: 'PA', ...both, payload: 'x'.repeat(100) },
    answer: fromAcknowledgment,
  },
  {
    name: 'data of odd length, with timestamps',
    sent: { flags: 'A', ...both, payload: 'x'.repeat(1_447), options: [timestamps(7, 9)] },
    answer: fromAcknowledgment,
  },
  { name: 'an ACK', sent: { flags: 'A', ...both }, answer: fromAcknowledgment },
  { name: 'FIN with ACK', sent: { flags: 'FA', ...both }, answer: fromAcknowledgment },
  { name: 'SYN with ACK', sent: { flags: 'SA', ...both }, answer: fromAcknowledgment },
  { name: 'FIN', sent: { flags: 'F', sequence: SEQUENCE }, answer: acknowledging(SEQUENCE + 1) },
  {
    name: 'data without ACK',
    sent: { flags: 'P', sequence: SEQUENCE, payload: 'x'.repeat(10) },
    answer: acknowledging(SEQUENCE + 10),
  },
  {
    name: 'FIN with data, across the end of the number space',
    sent: { flags: 'F', sequence: 0xffff_ffff, payload: '12345' },
    answer: acknowledging(5),
  },
  {
    name: 'SYN with FIN',
    sent: { flags: 'FS', sequence: SEQUENCE },
    answer: acknowledging(SEQUENCE + 2),
  },
  { name: 'no flags', sent: { flags: '', sequence: SEQUENCE }, answer: acknowledging(SEQUENCE) },
  { name: 'RST', sent: { flags: 'R', sequence: SEQUENCE }, answer: undefined },
  { name: 'RST with ACK', sent: { flags: 'RA', ...both }, answer: undefined },
];

describe('strangers', { skip: reasonToSkip(), timeout: 90_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-strangers-'));
  before(() => {
    const config = join(folder, 'balancer.yaml');
    writeFileSync(config, configWithQuietListener());
    return up({ instance, config, exchange: true, servers: 1 });
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  test('to a listener: each gets the RST that RFC 9293 says, or none', async () => {
    const { result: counted, answers } = await sendAll(LISTENER);
    for (const [index, { name, answer }] of ROWS.entries()) {
      const found = answers.get(FIRST_PORT + index) ?? [];
      const heard = found.map(({ flags, sequence, acknowledgment }) => ({
        ...{ flags, sequence, acknowledgment },
      }));
      assert.deepEqual(heard, answer === undefined ? [] : [answer], name);
    }
    const answered = ROWS.filter(({ answer }) => answer !== undefined).length;
    assert.equal(counted.get('reset-unknown'), answered);
    // A RST is never answered with a RST.
    assert.equal(counted.get('drop-unknown'), ROWS.length - answered);
  });

  test('to a listener with onUnknown: drop: silence, counted', async () => {
    const { result: counted, answers } = await sendAll(QUIET_LISTENER);
    assert.deepEqual([...answers], []);
    assert.equal(counted.get('drop-unknown'), ROWS.length);
  });

  test('to a local: silence, counted', async () => {
    const { result: counted, answers } = await sendAll('10.0.124.161:18056');
    assert.deepEqual([...answers], []);
    assert.equal(counted.get('drop-no-session'), ROWS.length);
  });

  for (const elsewhere of ['10.0.23.111:18058', '10.0.23.1:18056']) {
    test(`to ${elsewhere}, which is no listener: passed to the kernel, whose answers they are`, async () => {
      const { result: counted, answers } = await sendAll(elsewhere);
      const others = [...counted].filter(([verdict]) => verdict !== 'pass');
      assert.deepEqual(others, []);
      assert.ok((counted.get('pass') ?? 0) >= ROWS.length);
      const acknowledged = answers.get(FIRST_PORT) ?? [];
      assert.deepEqual(
        acknowledged.map(({ sequence }) => sequence),
        [ACKNOWLEDGMENT],
      );
    });
  }

  // The long one is cut by nobody before it reaches the balancer: one packet of many segments.
  for (const wordBytes of [7, 60_000]) {
    test(`a connection whose session is gone: reset at its next word, of ${wordBytes} bytes`, async () => {
      const lab = openLab(instance);
      const server = await startExchangeServer(lab, 'server1');
      const { result, files } = await captured(
        instance,
        ['client'],
        { filter: 'tcp port 19056' },
        async () => {
          const patient = await startPatient(lab, wordBytes);
          await forget(lab);
          return patient.speak();
        },
      );
      await server.stop();
      tell(
        `lost session, ${wordBytes} bytes: ${result.outcome} after ${result.afterMs.toFixed(1)} ms`,
      );
      assert.equal(result.outcome, 'ECONNRESET');
      const frames = readCapture(files.get('client') ?? '').map(({ bytes }) => bytes);
      assert.equal(
        frames.some(({ length }) => length > LARGEST_FRAME_BYTES),
        wordBytes > 7,
      );
      const segments = frames.flatMap(segmentOf);
      const reset = segments.find(({ flags }) => flags === 'R');
      const word = segments.findLast(({ sourcePort }) => sourcePort === result.localPort);
      assert.ok(reset !== undefined && word !== undefined);
      assert.equal(reset.sequence, word.acknowledgment);
    });
  }
});

/** Sends every row to `target`; tells the segments that came back, by the client's port, and the verdicts. */
async function sendAll(target: string) {
  const lab = openLab(instance);
  const from = { role: 'client', device: 'eth0' } as const;
  const ethernet = await linkBetween(lab, from, { role: 'router', device: 'br0' });
  const frames = ROWS.map(({ sent }, index) =>
    tcp({ ethernet, from: `${CLIENT}:${FIRST_PORT + index}`, to: target, ...sent }),
  );
  const before = verdicts();
  const { files } = await captured(
    instance,
    ['client'],
    { filter: `tcp and src host ${target.split(':')[0]}` },
    async () => {
      await sendFrames(lab, from, frames);
      const isCounted = () => sum(verdictsSince(before)) >= frames.length;
      await waitUntil(isCounted, { timeoutMs: 5_000 });
    },
  );
  const answers = new Map<number, ReturnType<typeof segmentOf>>();
  for (const { bytes } of readCapture(files.get('client') ?? '')) {
    const checksums = verifyChecksums(bytes);
    assert.deepEqual(
      checksums.ok && checksums.value,
      { ipv4: 'good', transport: 'good' },
      printFrame(bytes),
    );
    for (const segment of segmentOf(bytes)) {
      const known = answers.get(segment.destinationPort) ?? [];
      answers.set(segment.destinationPort, [...known, segment]);
    }
  }
  return { result: verdictsSince(before), answers };
}

function segmentOf(bytes: Uint8Array) {
  const found = parseFrame(bytes);
  return found.ok && found.value.kind === 'tcp' ? [found.value.tcp] : [];
}

function verdicts(): Map<Verdict, number> {
  const pinned = openInstance(instance, 'balancer');
  try {
    const maps = commonMaps(pinned);
    const names = Object.entries(VERDICT) as [Verdict, number][];
    return new Map(names.map(([name, number]) => [name, maps.verdicts.sum(number)]));
  } finally {
    pinned.close();
  }
}

/** Health checks are passed as well, and counted as such. */
function verdictsSince(before: ReadonlyMap<Verdict, number>): Map<Verdict, number> {
  const changes = [...verdicts()].map(([name, n]) => [name, n - (before.get(name) ?? 0)] as const);
  return new Map(changes.filter(([, change]) => change > 0));
}

function sum(changes: ReadonlyMap<Verdict, number>): number {
  return [...changes.values()].reduce((total, change) => total + change, 0);
}

function configWithQuietListener(): string {
  const options = labOptions({ instance, servers: 1, exchange: true });
  const config = parse(balancerConfig(options)) as { listeners: object[] };
  config.listeners.push({ address: QUIET_LISTENER, pool: 'web', onUnknown: 'drop' });
  return stringify(config);
}

async function startPatient(lab: Lab, wordBytes: number) {
  const child = lab.spawn(
    'client',
    [process.execPath, PATIENT, EXCHANGE_LISTENER, String(wordBytes)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  assert.ok(await waitUntil(() => said.includes('ready'), { timeoutMs: 10_000 }));
  return {
    speak: async (): Promise<PatientResult> => {
      child.stdin?.write('\n');
      await once(child, 'close');
      return JSON.parse(said.trimEnd().split('\n').at(-1) ?? '') as PatientResult;
    },
  };
}

/** Ends the balancer with all that it knows, and starts it anew. */
async function forget(lab: Lab): Promise<void> {
  const { pid } = await daemonStatus(instance, 'balancer');
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGTERM');
  const isGone = async () => (await daemonStatus(instance, 'balancer')).pid === undefined;
  assert.ok(await waitUntil(isGone, { timeoutMs: 5_000 }));
  // Exit code 1: the agent is attached in another namespace, and stays.
  const argv = [process.execPath, MAIN, 'detach', '--instance', instance];
  await lab.run('balancer', argv, { accept: [1] });
  await startDaemon(instance, 'balancer', lab.options.config ?? '');
}
