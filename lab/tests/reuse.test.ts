/** Fewer local ports than the server has in TIME_WAIT: no connect fails, none needs a second SYN. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { LocalRow, NoteRow } from '../../control/api/rows.ts';
import { balancerConfig } from '../config.ts';
import { openLab } from '../lab.ts';
import { labOptions } from '../options.ts';
import { churn } from '../reuse/churn.ts';
import { down, up } from '../up.ts';
import { reasonToSkip, rowsOf, tell } from './machine.ts';

const instance = 'u-reuse';
/** So many that none is needed again within the second that it rests, and few enough to run out. */
const PORTS = { first: 20_000, count: 24_000 };
const SECONDS = 4;
const RUNS_MAX = 8;

describe('resting ports are reused', { skip: reasonToSkip(), timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fullnat-reuse-'));
  before(async () => {
    const file = join(folder, 'balancer.yaml');
    writeFileSync(file, oneLocal());
    await up({ instance, config: file, servers: 1 });
  });
  after(async () => {
    await down(instance);
    rmSync(folder, { recursive: true });
  });

  test('40 client addresses, with and without time stamps, and one LIP', async () => {
    const lab = openLab(instance);
    let connections = 0;
    for (let run = 0; run < RUNS_MAX && (await reused()) < PORTS.count; run += 1) {
      const done = await churn(lab, { url: 'http://10.0.23.111:18056/', seconds: SECONDS });
      connections += done.connections;
      const { PAWSTimewait: late, ...server } = done.server;
      assert.deepEqual(
        { errors: done.errors, synRetransmits: done.synRetransmits, server },
        { errors: 0, synRetransmits: 0, server: { TCPACKSkippedTimeWait: 0, ListenDrops: 0 } },
      );
      // A client's delayed ACK that its FIN overtook on another CPU counts too; a SYN would be above.
      assert.ok(late * 1000 < done.connections, `PAWSTimewait: ${late} of ${done.connections}`);
    }
    const [again, notes] = [await reused(), await rowsOf<NoteRow>(instance, 'balancer', 'notes')];
    tell(`${connections} connections by ${PORTS.count} ports, ${again} of them reused`);
    assert.ok(again >= PORTS.count, `${again} reused`);
    assert.equal(notes.find(({ name }) => name === 'reused')?.count, again);
    assert.deepEqual(await rowsOf(instance, 'balancer', 'drops'), []);
  });

  async function reused(): Promise<number> {
    const rows = await rowsOf<LocalRow>(instance, 'balancer', 'locals');
    return rows.reduce((sum, row) => sum + row.reused, 0);
  }
});

function oneLocal(): string {
  const config = parse(balancerConfig(labOptions({ instance, servers: 1 }))) as object;
  const ports = `${PORTS.first}-${PORTS.first + PORTS.count - 1}`;
  return stringify({ ...config, locals: [{ addresses: '10.0.124.161', ports }] });
}
