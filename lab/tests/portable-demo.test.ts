/** The demo where nobody may load anything: it says what is missing, and shows full NAT all the same. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../process.ts';
import { reasonToSkip } from './machine.ts';

const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
/** A network of its own, and not one capability. */
const WITHOUT_RIGHTS = 'ip link set lo up && exec setpriv --bounding-set=-all --inh-caps=-all "$@"';

test(
  'without rights the demo tells its story by the portable engine',
  { skip: reasonToSkip(), timeout: 90_000 },
  async () => {
    const demo = [process.execPath, MAIN, 'lab', 'demo'];
    const { code, stdout, stderr } = await runProgram(
      ['unshare', '-n', 'sh', '-c', WITHOUT_RIGHTS, 'sh', ...demo],
      { accept: 'any' },
    );
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /cannot run here; missing:\n {2}.*CAP_BPF/);
    assert.match(stdout, /client {6}127\.0\.88\.100:21521 -> 127\.0\.23\.111:18056/);
    assert.match(stdout, /balancer {4}127\.0\.124\.1[67]\d:\d+ -> 127\.0\.98\.(79|80):8056/);
    assert.match(stdout, /1000 of 1000 were answered/);
    assert.doesNotMatch(stdout, /NOT {2}/);
  },
);
