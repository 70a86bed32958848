import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { linkLines, namespaceLines, roleLines } from './commands.ts';
import { ROLES, checkInstance, namespaceName, topology } from './topology.ts';

const report = topology();

test('the lab has the addresses of the report', () => {
  const rows = report.addresses.map(({ role, device, address }) => `${role} ${device} ${address}`);
  assert.deepEqual(rows, [
    'client eth0 10.0.88.100/24',
    'client2 eth0 10.0.88.101/24',
    'router br0 10.0.88.1/24',
    'router balancer 10.0.23.254/24',
    'router host 10.0.98.1/24',
    'balancer eth0 10.0.23.1/24',
    'balancer eth0 10.0.23.111/32',
    'server1 eth0 10.0.98.79/24',
    'server2 eth0 10.0.98.80/24',
  ]);
});

test('locals are routed to the balancer, everything else to the router', () => {
  const rows = report.routes.map(({ role, to, via }) => `${role}: ${to} via ${via}`);
  assert.deepEqual(rows, [
    'client: default via 10.0.88.1',
    'client2: default via 10.0.88.1',
    'router: 10.0.124.160/28 via 10.0.23.1',
    'balancer: default via 10.0.23.254',
    'server1: default via 10.0.98.1',
    'server2: default via 10.0.98.1',
  ]);
});

const instanceRows: { name: string; instance: string; expect: string }[] = [
  { name: 'the default instance is called fn', instance: 'lab', expect: 'fn-client' },
  { name: 'another one by its own name', instance: 'demo', expect: 'demo-client' },
];
for (const { name, instance, expect } of instanceRows) {
  test(name, () => assert.equal(topology({ instance }).namespaces[0]?.name, expect));
}

for (const instance of ['', 'fn', 'Lab', '../x', '1a', 'a b', 'a'.repeat(32)]) {
  test(`instance '${instance}' is refused`, () => {
    assert.throws(() => checkInstance(instance), RangeError);
  });
}

test('one server: no trace of the second', () => {
  assert.ok(!JSON.stringify(topology({ servers: 1 })).match(/server2|vnet2|98\.80/));
});

test('devices are made where they belong, both ends of a link with different indexes', () => {
  assert.deepEqual(linkLines(topology({ servers: 1, mtuBytes: 9000 })), [
    'link add eth0 index 100 mtu 9000 netns fn-client type veth peer name client index 101 mtu 9000 netns fn-router',
    'link add eth0 index 102 mtu 9000 netns fn-client2 type veth peer name client2 index 103 mtu 9000 netns fn-router',
    'link add eth0 index 104 mtu 9000 netns fn-balancer type veth peer name balancer index 105 mtu 9000 netns fn-router',
    'link add eth0 index 106 mtu 9000 netns fn-host type veth peer name host index 107 mtu 9000 netns fn-router',
    'link add eth0 index 108 mtu 9000 netns fn-server1 type veth peer name vnet1 index 109 mtu 9000 netns fn-host',
  ]);
});

test('the host is a bridge without an address', () => {
  assert.deepEqual(roleLines(report, 'host'), [
    'link set lo up',
    'link add br0 mtu 1500 type bridge stp_state 0 forward_delay 0 mcast_snooping 0',
    'link set eth0 master br0 up',
    'link set vnet1 master br0 up',
    'link set vnet2 master br0 up',
    'link set br0 up',
  ]);
});

test('the balancer has the VIP on its interface', () => {
  assert.deepEqual(roleLines(report, 'balancer'), [
    'link set lo up',
    'link set eth0 up',
    'addr add 10.0.23.1/24 dev eth0',
    'addr add 10.0.23.111/32 dev eth0',
    'route add default via 10.0.23.254',
  ]);
});

test('two instances never share a namespace', () => {
  const instance = fc.stringMatching(/^[a-z][a-z0-9-]{0,30}$/).filter((name) => name !== 'fn');
  fc.assert(
    fc.property(instance, instance, (a, b) => {
      fc.pre(a !== b);
      const names = new Set(ROLES.map((role) => namespaceName(a, role)));
      for (const line of namespaceLines(topology({ instance: b }))) {
        assert.ok(!names.has(line.replace('netns add ', '')), line);
      }
    }),
  );
});
