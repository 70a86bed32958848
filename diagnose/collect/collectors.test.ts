/** What programs print, recorded on Debian 12, as collectors read it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseConntrackStats } from './conntrack.ts';
import { parseIptables, parseNft } from './filters.ts';
import { parseSoftnet, parseSysctls, parseXfrm } from './kernel.ts';
import { parseLinks, parseNicStats, parsePolicers, parseQdiscs, parseSpeed } from './links.ts';
import { parseNeighbours, parseRoute } from './network.ts';
import { parseSockets } from './sockets.ts';

const RULESET = `table ip f { # handle 3
	set blocked { # handle 2
		type ipv4_addr
		elements = { 192.0.2.1 }
	}

	chain i { # handle 1
		type filter hook input priority filter; policy drop;
		ip saddr 10.0.88.0/24 tcp dport 8056 counter packets 12 bytes 720 drop # handle 4
		ct state invalid drop # handle 5
		jump own # handle 6
	}

	chain own { # handle 7
		tcp dport 22 counter packets 1 bytes 60 reject # handle 8
	}
}
`;

test('rules of nftables have their hook, counter and what they do', () => {
  assert.deepEqual(
    parseNft(RULESET).map(({ text, hook, packets, action }) => [text, hook, packets, action]),
    [
      ['ip f i: policy drop', 'input', undefined, 'drop'],
      ['ip f i: ip saddr 10.0.88.0/24 tcp dport 8056 drop', 'input', 12n, 'drop'],
      ['ip f i: ct state invalid drop', 'input', undefined, 'drop'],
      ['ip f i: jump own', 'input', undefined, 'other'],
      ['ip f own: tcp dport 22 reject', undefined, 1n, 'reject'],
    ],
  );
});

test('rules have names that stay while counters grow', () => {
  const later = RULESET.replace('packets 12 bytes 720', 'packets 99 bytes 5940');
  const ids = (text: string) => parseNft(text).map(({ id }) => id);
  assert.deepEqual(ids(later), ids(RULESET));
  assert.equal(new Set(ids(RULESET)).size, 5);
});

test('rules of iptables-save -c', () => {
  const text = `*filter
:INPUT DROP [7:420]
:FORWARD ACCEPT [0:0]
[12:720] -A INPUT -p tcp -m tcp --dport 8056 -j DROP
[3:180] -A own -m conntrack --ctstate INVALID -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
  assert.deepEqual(
    parseIptables(text).map(({ hook, packets, action }) => [hook, packets, action]),
    [
      ['input', 7n, 'drop'],
      ['input', 12n, 'drop'],
      [undefined, 3n, 'reject'],
    ],
  );
});

test('statistics of connection tracking are hexadecimal, a row per CPU', () => {
  const text = `entries  clashres found new invalid insert_failed drop
00000003  00000000 00000000 00000000 00000001 0000000a 0000000a
00000003  00000000 00000000 00000000 00000001 00000006 00000006
`;
  const stats = parseConntrackStats(text);
  assert.deepEqual([stats.get('insert_failed'), stats.get('invalid')], [16n, 2n]);
});

test('listening sockets have their queues, connections their states', () => {
  const { listeners, connections } = parseSockets(`LISTEN 129 128 10.0.98.79:8056 0.0.0.0:*
LISTEN 0 4096 *:80 *:*
ESTAB 0 0 10.0.98.79:8056 10.0.88.100:21521
TIME-WAIT 0 0 [::ffff:10.0.98.79]:8056 [::ffff:10.0.88.100]:21522
`);
  assert.deepEqual(
    listeners.map(({ port, queued, queueMost }) => [port, queued, queueMost]),
    [
      [8056, 129, 128],
      [80, 0, 4096],
    ],
  );
  assert.deepEqual(
    connections.map(({ state, peer }) => [state, peer]),
    [
      ['ESTAB', '10.0.88.100:21521'],
      ['TIME-WAIT', '[::ffff:10.0.88.100]:21522'],
    ],
  );
});

test('links, their drops, and the queues on them', () => {
  const [link] = parseLinks(
    JSON.stringify([
      {
        ...{ ifname: 'eth0', address: '8a:f7:3d:47:bc:c8', mtu: 1500, flags: ['UP', 'LOWER_UP'] },
        linkinfo: { info_kind: 'veth' },
        stats64: { rx: { bytes: 454, dropped: 2, otherhost_dropped: 9 }, tx: { dropped: 0 } },
      },
    ]),
  );
  assert.deepEqual(
    [
      link?.kind,
      link?.isUp,
      link?.stats.get('rx otherhost_dropped'),
      link?.stats.get('tx dropped'),
    ],
    ['veth', true, 9n, 0n],
  );
  const [qdisc] = parseQdiscs(
    '[{"kind":"tbf","handle":"8001:","root":true,"dev":"vnet1","options":{"rate":8000},"bytes":0,"packets":0,"drops":17,"overlimits":40}]',
  );
  assert.deepEqual(
    [qdisc?.id, qdisc?.drops, qdisc?.overlimits],
    ['vnet1 tbf 8001: root', 17n, 40n],
  );
});

test('what a policer at tc’s ingress dropped', () => {
  const text = `filter protocol ip pref 1 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0
 police 0x1 rate 8Kbit burst 2000b mtu 2Kb action drop overhead 0b
	ref 1 bind 1
	Action statistics:
	Sent 1840 bytes 23 pkt (dropped 12, overlimits 12 requeues 0)
`;
  assert.deepEqual([...parsePolicers(text)], [['police 0x1', 12n]]);
});

test('ethtool: counters of the driver, and speed where there is one', () => {
  const stats = parseNicStats('NIC statistics:\n     rx_missed_errors: 12\n     rx0: ok\n');
  assert.deepEqual([...stats], [['rx_missed_errors', 12n]]);
  assert.equal(parseSpeed('Settings for eth0:\n\tSpeed: 10000Mb/s\n\tDuplex: Full\n'), 10_000);
  assert.equal(parseSpeed('Settings for lo:\n\tSpeed: Unknown!\n'), undefined);
});

test('routes: a gateway, a blackhole, and none', () => {
  const ok = (stdout: string) => ({ code: 0, stdout, stderr: '' });
  const via = '[{"dst":"10.0.88.100","gateway":"10.0.98.1","dev":"eth0","flags":[]}]';
  assert.equal(parseRoute('10.0.88.100', ok(via)).gateway, '10.0.98.1');
  const hole = '[{"type":"blackhole","dst":"10.0.98.79","dev":"lo","flags":[]}]';
  assert.equal(parseRoute('10.0.98.79', ok(hole)).refusal, 'blackhole');
  const stderr = 'RTNETLINK answers: Network is unreachable\n';
  const none = parseRoute('192.0.2.1', { code: 2, stdout: '', stderr });
  assert.deepEqual([none.device, none.refusal], [undefined, stderr.trim()]);
});

test('neighbours with their states; none is an empty output', () => {
  const text = '[{"dst":"10.0.98.79","dev":"host","state":["FAILED"]}]';
  assert.deepEqual(parseNeighbours(text), [
    { address: '10.0.98.79', device: 'host', mac: undefined, states: ['FAILED'] },
  ]);
  assert.deepEqual(parseNeighbours(''), []);
});

test('settings, backlog and IPsec', () => {
  const settings = parseSysctls('net.ipv4.ip_local_port_range = 32768\t60999\nnonsense\n');
  assert.deepEqual([...settings], [['net.ipv4.ip_local_port_range', '32768\t60999']]);
  const row = (dropped: string, limited: string) =>
    `000000ff ${dropped} 0 0 0 0 0 0 0 0 ${limited} 0 0 0 0`;
  assert.deepEqual(parseSoftnet(`${row('0000000a', '1')}\n${row('1', '0')}\n`), {
    dropped: 11,
    flowLimited: 1,
  });
  assert.deepEqual([...parseXfrm('XfrmInPolBlock          \t3\n\n')], [['XfrmInPolBlock', 3n]]);
});

test('what is not what a program prints is read as nothing, without a throw', () => {
  const lenient = [parseNft, parseIptables, parseSockets, parseNicStats, parseSysctls];
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      for (const parse of lenient) parse(text);
    }),
  );
});
