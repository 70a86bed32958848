/**
 * npm run bench:reuse [-- --seconds N]: one LIP, one backend, 40 client addresses with and without
 * time stamps, short connections as fast as they go: fullnat, then nftables' full NAT.
 *
 * Without reuse 64,512 ports and 60 s of TIME_WAIT allow 1,075 connections a second.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nftRules, prepareNftables } from '../bench/nftables.ts';
import { figure, table } from '../bench/table.ts';
import { balancerConfig } from '../config.ts';
import { openLab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { checkMachine } from '../requirements.ts';
import { down, up } from '../up.ts';
import { churn, type Churn } from './churn.ts';

const LISTENER = 'http://10.0.23.111:18056/';
const SECONDS_MAX = 600;
const WAYS = ['fullnat', 'nftables'] as const;

type Way = (typeof WAYS)[number];

const seconds = readSeconds();
checkMachine();
const folder = mkdtempSync(join(tmpdir(), 'fullnat-bench-reuse-'));
const done: [Way, Churn][] = [];
try {
  for (const way of WAYS) {
    process.stderr.write(`${way}: ${seconds} s\n`);
    done.push([way, await measure(way)]);
  }
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(
  table(
    ['', 'connections/s', 'errors', 'SYNs sent again', 'PAWSTimewait', 'ACKSkipped', 'ListenDrops'],
    done.map(([way, one]) => [
      way,
      figure(one.connections / one.seconds),
      figure(one.errors),
      figure(one.synRetransmits),
      ...Object.values(one.server).map((count) => figure(count)),
    ]),
  ),
);

async function measure(way: Way): Promise<Churn> {
  const instance = `bench-reuse-${way}`;
  const config = join(folder, `${way}.yaml`);
  writeFileSync(config, balancerConfig(labOptions({ instance, servers: 1, lips: 1 })));
  try {
    await up({ instance, config, servers: 1, lips: 1, daemons: way === 'fullnat' });
    const lab = openLab(instance);
    if (way === 'nftables') await prepareNftables(lab, nftRules(['10.0.124.161']));
    return await churn(lab, { url: LISTENER, seconds });
  } finally {
    await down(instance);
  }
}

function readSeconds(): number {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
  const wanted = Number(values.seconds);
  if (Number.isInteger(wanted) && wanted > 0 && wanted <= SECONDS_MAX) return wanted;
  process.stderr.write(
    `--seconds must be a whole number from 1 to ${SECONDS_MAX}, got '${values.seconds}'\n`,
  );
  process.exit(2);
}
