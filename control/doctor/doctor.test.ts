/** The doctor on machines that the rows describe: what is told, how bad it is, and what mends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTRACT_VERSION } from '../../datapath/binding/contract.ts';
import { ipEndpoint, ipRange } from '../../packet/ip.ts';
import type { AgentConfig } from '../config/agent.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { readAgentConfig, readBalancerConfig } from '../config/read.ts';
import { AGENT, BALANCER, SOCKET_AGENT } from '../config/samples.ts';
import { CHECKS } from './checks/index.ts';
import { mayConcern, natRules } from './checks/masquerade.ts';
import { readSocket } from './checks/mode.ts';
import type { Finding } from './finding.ts';
import type { NamespaceView, Patient } from './surroundings.ts';
import { around, type Given } from './testing.ts';

async function examined(given: Given, patient: Partial<Patient>): Promise<Finding[]> {
  const whole = { instance: 'lab', version: '1.0.0', ...patient };
  const findings: Finding[] = [];
  for (const { name, look } of CHECKS)
    for (const told of await look(around(given), whole)) findings.push({ check: name, ...told });
  return findings;
}

const balancer = configOf(readBalancerConfig(BALANCER, { file: 'f' })) as BalancerConfig;
const packet = configOf(readAgentConfig(AGENT, { file: 'f' })) as AgentConfig;
const socket = configOf(readAgentConfig(SOCKET_AGENT, { file: 'f' })) as AgentConfig;
const onServer = configOf(
  readAgentConfig(AGENT.replaceAll('facing: server', 'facing: network'), { file: 'f' }),
) as AgentConfig;

const NOBODY = 'CapEff:\t0000000000000000\n';
const TAP = '[{"ifname":"tap0","linkinfo":{"info_kind":"tun","info_data":{"type":"tap"}}}]';
const WEB: NamespaceView = {
  path: '/run/netns/web',
  addresses: [ipRange('10.0.98.79').first, ipRange('10.0.98.80').first],
  listening: [ipEndpoint('0.0.0.0:8056')],
};
const ss = (cgroup: string) =>
  `LISTEN 0 511 0.0.0.0:8056 0.0.0.0:* users:(("nginx",pid=7,fd=6)) cgroup:${cgroup}\n`;

type Row = {
  name: string;
  given: Given;
  patient?: Partial<Patient>;
  /** The first finding of `check` that is not ok: state, then what is said, then what mends it. */
  check: string;
  expect: readonly ['warn' | 'fail', RegExp, RegExp?];
};

const ROWS: readonly Row[] = [
  {
    name: 'a kernel below the floor',
    given: { kernelRelease: '5.15.0-91-generic' },
    check: 'kernel',
    expect: ['fail', /6\.1 is the least/, /apt-get install/],
  },
  {
    name: 'no rights',
    given: { files: { '/proc/self/status': NOBODY } },
    check: 'rights',
    expect: ['warn', /without CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF/, /^sudo/],
  },
  {
    name: 'programs that may not be loaded are not seen, and that is no failure',
    given: { loaded: { kind: 'not-permitted' } },
    check: 'kernel programs',
    expect: ['warn', /not seen: .*root/, /^sudo/],
  },
  {
    name: 'programs that the kernel refuses',
    given: { loaded: { kind: 'refused', message: 'unknown func bpf_loop#181' } },
    patient: { balancer },
    check: 'kernel programs',
    expect: ['fail', /balancer: unknown func bpf_loop/],
  },
  {
    name: 'interpreted programs',
    given: { files: { '/proc/sys/net/core/bpf_jit_enable': '0\n' } },
    check: 'kernel settings',
    expect: ['warn', /interpreted/, /^sysctl -w net\.core\.bpf_jit_enable=1$/],
  },
  {
    name: 'no bpffs',
    given: { isBpffsMounted: false },
    check: 'bpffs',
    expect: ['warn', /not mounted/, /^mount -t bpf/],
  },
  {
    name: 'no cgroup v2, and socket mode wants it',
    given: { cgroupRoot: undefined },
    patient: { agent: socket },
    check: 'cgroup v2',
    expect: ['fail', /not mounted/, /mount -t cgroup2/],
  },
  {
    name: 'no cgroup v2, and nobody wants it yet',
    given: { cgroupRoot: undefined },
    check: 'cgroup v2',
    expect: ['warn', /not mounted/],
  },
  {
    name: 'a cgroup that is not there',
    given: { cgroups: [] },
    patient: { agent: socket },
    check: 'cgroup v2',
    expect: ['fail', /web\.slice is no cgroup/, /^mkdir \/sys\/fs\/cgroup\/web\.slice$/],
  },
  {
    name: 'a daemon of another version',
    given: { daemon: { version: '0.9.0', contractVersion: CONTRACT_VERSION } },
    check: 'daemons',
    expect: ['warn', /balancer 0\.9\.0 .* this is 1\.0\.0/, /^kill 7; fullnat balancer -c f$/],
  },
  {
    name: 'a daemon that does not run',
    given: {},
    patient: { balancer },
    check: 'daemons',
    expect: ['warn', /does not run/, /^fullnat balancer/],
  },
  {
    name: 'forwarding is off',
    given: { files: { '/proc/sys/net/ipv4/conf/eth0/forwarding': '0\n' } },
    patient: { balancer },
    check: 'forwarding',
    expect: ['fail', /eth0: off/, /^sysctl -w net\.ipv4\.conf\.eth0\.forwarding=1$/],
  },
  {
    name: 'strict rp_filter where an agent restores addresses',
    given: { files: { '/proc/sys/net/ipv4/conf/all/rp_filter': '1\n' } },
    patient: { agent: onServer },
    check: 'rp_filter',
    expect: ['warn', /strict: a client/, /rp_filter=2$/],
  },
  {
    name: 'LRO',
    given: { says: { 'ethtool -k': 'large-receive-offload: on\n' } },
    patient: { balancer },
    check: 'offloads',
    expect: ['fail', /large-receive-offload/, /^ethtool -K eth0 lro off$/],
  },
  {
    name: 'no GRO',
    given: { says: { 'ethtool -k': 'generic-receive-offload: off\n' } },
    patient: { balancer },
    check: 'offloads',
    expect: ['warn', /generic-receive-offload is off/, /^ethtool -K eth0 gro on$/],
  },
  {
    name: 'no route to a backend',
    given: {
      says: { 'ip -j route get 10.0.98': '!ip: RTNETLINK answers: Network is unreachable' },
    },
    patient: { balancer },
    check: 'routes to backends',
    expect: ['fail', /none to backend 10\.0\.98\.79/, /^ip route add 10\.0\.98\.79 via/],
  },
  {
    name: 'a listener that neighbours look for',
    given: { says: { 'ip -j route get 10.0.23.111': '[{"dev":"eth0"}]' } },
    patient: { balancer },
    check: 'routes to listeners and locals',
    expect: ['warn', /by ARP/, /^ip address add 10\.0\.23\.111\/32 dev eth0$/],
  },
  {
    name: 'no route back to the locals',
    given: {
      views: [WEB],
      says: { 'nsenter --net=/run/netns/web ip -j route get': '[{"type":"unreachable"}]' },
    },
    patient: { agent: socket },
    check: 'routes to the balancer',
    expect: ['fail', /servers cannot answer/, /^nsenter --net=\/run\/netns\/web ip route add/],
  },
  {
    name: 'a program listens where a listener is',
    given: { listening: ['0.0.0.0:18056'], addresses: ['10.0.23.111'] },
    patient: { balancer },
    check: 'port shadowing',
    expect: ['warn', /listens on 0\.0\.0\.0:18056/, /^ss -ltnp 'sport = :18056'$/],
  },
  {
    name: 'locals are own addresses, and own connections use the same ports',
    given: { addresses: ['10.0.124.161'] },
    patient: { balancer },
    check: 'port shadowing',
    expect: ['warn', /take their ports 32768-60999/, /ip_local_reserved_ports=32768-60999$/],
  },
  {
    name: "somebody's masquerading",
    given: {
      says: {
        'nft list ruleset': 'table ip nat {\n\tchain POST {\n\t\toifname "eth0" masquerade\n',
      },
    },
    patient: { balancer },
    check: 'masquerading',
    expect: ['warn', /ip nat POST: `oifname "eth0" masquerade`/, /^nft insert rule ip nat POST/],
  },
  {
    name: 'a nat table of the older iptables',
    given: { files: { '/proc/net/ip_tables_names': 'filter\nnat\n' } },
    check: 'masquerading',
    expect: ['warn', /older iptables/, /^iptables-legacy/],
  },
  {
    name: 'rules that may not be read',
    given: { programs: 'nft: Operation not permitted' },
    check: 'masquerading',
    expect: ['warn', /not seen: nft/],
  },
  {
    name: 'a backend that refuses',
    given: { silent: ['10.0.98.79:8056'] },
    patient: { balancer },
    check: 'backends',
    expect: ['fail', /10\.0\.98\.79:8056: connect refused/, /^fullnat probe/],
  },
  {
    name: 'socket mode for a guest',
    given: { says: { 'ip -j -d link show': TAP } },
    patient: { agent: socket },
    check: 'mode',
    expect: ['fail', /in a guest behind tap0/, /mode: packet.*tap0/],
  },
  {
    name: 'socket mode for a program of another cgroup',
    given: { views: [WEB], says: { 'nsenter --net=/run/netns/web ss': ss('/other.slice') } },
    patient: { agent: socket },
    check: 'mode',
    expect: ['fail', /nginx listens in cgroup \/sys\/fs\/cgroup\/other\.slice/],
  },
  {
    name: 'packet mode, and nobody is seen',
    given: {},
    patient: { agent: packet },
    check: 'mode',
    expect: ['warn', /no guest is seen/],
  },
  {
    name: 'without root other namespaces are not seen',
    given: { isWhole: false },
    patient: { agent: socket },
    check: 'mode',
    expect: ['warn', /not seen: .* need root/, /^sudo/],
  },
];

for (const { name, given, patient = {}, check, expect } of ROWS)
  test(name, async () => {
    const findings = await examined(given, patient);
    const finding = findings.find((one) => one.check === check && one.state !== 'ok');
    const [state, found, mend] = expect;
    assert.equal(finding?.state, state, JSON.stringify(findings, undefined, 1));
    assert.match(finding.found, found);
    if (mend !== undefined) assert.match(finding.mend ?? 'nothing', mend);
  });

const HEALTHY: readonly { name: string; given: Given; patient: Partial<Patient> }[] = [
  { name: 'nothing configured', given: {}, patient: {} },
  {
    name: 'a balancer',
    given: { daemon: { version: '1.0.0', contractVersion: CONTRACT_VERSION } },
    patient: { balancer },
  },
  {
    name: 'packet mode before guests',
    given: {
      daemon: { version: '1.0.0', contractVersion: CONTRACT_VERSION },
      says: { 'ip -j -d link show': TAP },
    },
    patient: { agent: packet },
  },
  {
    name: 'socket mode for a program of its cgroup',
    given: {
      daemon: { version: '1.0.0', contractVersion: CONTRACT_VERSION },
      views: [WEB],
      says: {
        'nsenter --net=/run/netns/web ss': ss('/web.slice/nginx.service'),
      },
    },
    patient: { agent: socket },
  },
];

for (const { name, given, patient } of HEALTHY)
  test(`nothing to mend: ${name}`, async () => {
    const findings = await examined(given, patient);
    assert.deepEqual(
      findings.filter(({ state }) => state !== 'ok'),
      [],
    );
    assert.ok(findings.length > 5);
  });

test('rules that change sources, with the place of each', () => {
  const rules = natRules(`table ip filter {
	chain input {
		ip saddr 10.0.0.0/8 accept
	}
}
table ip nat {
	chain POSTROUTING {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 172.17.0.0/16 oifname != "docker0" counter packets 0 bytes 0 xt target "MASQUERADE"
		snat to 192.0.2.1
	}
}`);
  assert.deepEqual(
    rules.map(({ place }) => place),
    ['ip nat POSTROUTING', 'ip nat POSTROUTING'],
  );
  const ours = balancer.locals.map(({ addresses }) => addresses);
  assert.deepEqual(
    rules.map(({ text }) => mayConcern(text, ours)),
    [false, true],
  );
});

test('who listens, with root and without', () => {
  assert.deepEqual(readSocket(ss('/web.slice/')), {
    name: 'nginx',
    pid: '7',
    cgroup: '/web.slice',
  });
  const nobody = readSocket('LISTEN 0 511 0.0.0.0:8056 0.0.0.0:* cgroup:unreachable:1\n');
  assert.deepEqual(nobody, { name: 'somebody', pid: '', cgroup: undefined });
});

function configOf(
  read: ReturnType<typeof readBalancerConfig> | ReturnType<typeof readAgentConfig>,
) {
  assert.ok(read.ok);
  return read.config;
}
