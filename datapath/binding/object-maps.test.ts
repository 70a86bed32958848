/** The real programs load here, and each typed map fits the map of that name. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentMaps, balancerMaps } from './object-maps.ts';
import { loadPrivateObject, type MapSource } from './object.ts';
import { lacksBpf, ROOT } from './testdata/compile.ts';

const ROLES: readonly [role: string, maps: (from: MapSource) => object, programs: string[]][] = [
  ['balancer', balancerMaps, ['balancer_ingress', 'start_sweep']],
  ['agent', agentMaps, ['agent_from_server', 'agent_to_server', 'start_sweep']],
];

for (const [role, maps, programs] of ROLES) {
  const path = join(ROOT, `dist/datapath/${role}/${role}.bpf.o`);
  const skip = lacksBpf || (existsSync(path) ? false : `needs ${path} (npm run build)`);
  test(`the ${role} passes the verifier and its maps fit their types`, { skip }, async () => {
    const object = await loadPrivateObject({ path, capacities: {} });
    try {
      assert.ok(Object.keys(maps(object)).length >= 13);
      assert.deepEqual(object.programs.map(({ name }) => name).toSorted(), programs);
    } finally {
      object.close();
    }
  });
}
