/** Complete and correct files for tests to spoil. */

export const BALANCER = `instance: lab
interfaces: [eth0]
profile: lb
timeouts: { opening: 10s, established: 900s, closing: 120s, timeWait: 64s, reset: 10s }
sessions: { capacity: 262144, openingMax: 65536 }
locals:
  - { addresses: 10.0.124.160/28, ports: 1024-65535 }
listeners:
  - address: 10.0.23.111:18056
    name: web
    pool: web
    toa: syn
    onUnknown: reset
    onRefused: reset
pools:
  - name: web
    health: { tcp: {}, interval: 1s, timeout: 500ms, rise: 2, fall: 3 }
    backends:
      - { address: 10.0.98.79:8056, weight: 3, name: server1 }
      - { address: 10.0.98.80:8056 }
`;

export const AGENT = `instance: lab
interfaces:
  - { name: vnet1, facing: server }
  - { name: vnet2, facing: server }
timeouts: { opening: 10s, established: 7440s }
trustedLocals: [10.0.124.160/28]
servers:
  - address: 10.0.98.79:8056
  - address: 10.0.98.80:8056
    onCollision: drop
onCollision: remap
remapPorts: 10000-19999
`;

export const SOCKET_AGENT = `instance: lab
mode: socket
cgroup: /sys/fs/cgroup/web.slice
trustedLocals: [10.0.124.160/28]
servers:
  - address: 10.0.98.79:8056
  - address: 10.0.98.80:8056
`;
