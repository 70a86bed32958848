/** The real programs load here, and each typed map fits the map of that name. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { agentMaps, balancerMaps, socketMaps } from './object-maps.ts';
import { loadPrivateObject, type MapSource } from './object.ts';
import { lacksBpf, ROOT } from './testdata/compile.ts';

type Row = [name: string, object: string, maps: (from: MapSource) => object, programs: string[]];
const OBJECTS: readonly Row[] = [
  [
    'balancer',
    'balancer/balancer.bpf.o',
    balancerMaps,
    [
      ...['balancer_admit', 'balancer_answer', 'balancer_cookie', 'balancer_end'],
      ...['balancer_icmp', 'balancer_ingress', 'balancer_splice', 'send_frame', 'start_sweep'],
    ],
  ],
  [
    'agent in packet mode',
    'agent/agent.bpf.o',
    agentMaps,
    [
      ...['agent_from_server', 'agent_icmp_from_server', 'agent_icmp_to_server'],
      ...['agent_to_server', 'start_sweep'],
    ],
  ],
  [
    'agent in socket mode',
    'agent/socket.bpf.o',
    socketMaps,
    [
      ...['cover_listeners', 'list_clients', 'socket_events'],
      ...['socket_peer4', 'socket_peer6', 'uncover_listeners'],
    ],
  ],
];

for (const [name, file, maps, programs] of OBJECTS) {
  const path = join(ROOT, 'dist/datapath', file);
  const skip = lacksBpf || (existsSync(path) ? false : `needs ${path} (npm run build)`);
  test(`the ${name} passes the verifier and its maps fit their types`, { skip }, async () => {
    const object = await loadPrivateObject({ path, capacities: {} });
    try {
      assert.ok(Object.keys(maps(object)).length >= 5);
      assert.deepEqual(object.programs.map((program) => program.name).toSorted(), programs);
    } finally {
      object.close();
    }
  });
}
