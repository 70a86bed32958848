/** A machine for tests of the doctor: as it should be, but for what a row says. */
import { endpoint, ipv4Address } from '../../packet/address.ts';
import { seen, unseen } from './finding.ts';
import type { Loaded, NamespaceView, Surroundings } from './surroundings.ts';

export type Given = {
  kernelRelease?: string;
  files?: Readonly<Record<string, string>>;
  /** What a program says, by the words it is called with. */
  says?: Readonly<Record<string, string>>;
  /** Why programs cannot say anything. */
  programs?: string;
  loaded?: Loaded;
  isBpffsMounted?: boolean;
  cgroupRoot?: string | undefined;
  cgroups?: readonly string[];
  listening?: readonly string[];
  addresses?: readonly string[];
  silent?: readonly string[];
  daemon?: { version: string; contractVersion: number };
  views?: readonly NamespaceView[];
  isWhole?: boolean;
};

const RIGHTS_OF_ROOT = 'CapEff:\t000001ffffffffff\n';
const FILES: Readonly<Record<string, string>> = {
  '/proc/self/status': RIGHTS_OF_ROOT,
  '/sys/kernel/btf/vmlinux': '',
  '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
  '/proc/sys/net/ipv4/ip_local_reserved_ports': '\n',
};
const NIC = '[{"ifname":"eth0"}]';
const SAYS: Readonly<Record<string, string>> = {
  'nft list ruleset': '',
  'ip -j -d link show': NIC,
  'ip -j -d link show dev': NIC,
  'ethtool -k': 'generic-receive-offload: on\nlarge-receive-offload: off [fixed]\n',
  'ip -j route get': '[{"gateway":"10.0.23.254","dev":"eth0"}]',
  'ip -4 neigh show proxy': '',
  'nsenter --net=/run/netns/web ip': '[{"gateway":"10.0.98.1","dev":"eth0"}]',
};

export function around(given: Given): Surroundings {
  const files: Readonly<Record<string, string>> = { ...FILES, ...given.files };
  const says = Object.entries({ ...SAYS, ...given.says });
  return {
    machine: {
      interfaces: () => ['lo', 'eth0'],
      addresses: () => (given.addresses ?? []).map((text) => ipv4Address(text)),
      listeningSockets: () => (given.listening ?? []).map((text) => endpoint(text)),
      cgroupRoot: () => ('cgroupRoot' in given ? given.cgroupRoot : '/sys/fs/cgroup'),
      readText: () => ({ ok: false, message: 'no such file' }),
      isCgroup: (path) => given.cgroups?.includes(path) ?? true,
    },
    kernelRelease: given.kernelRelease ?? '6.18.0',
    read: (path) => {
      const text = files[path] ?? (path.endsWith('/forwarding') ? '1\n' : undefined);
      const shown = text ?? (path.endsWith('/rp_filter') ? '0\n' : undefined);
      return shown === undefined ? unseen(`there is no ${path}`) : seen(shown);
    },
    run: async (argv) => {
      if (given.programs !== undefined) return unseen(given.programs);
      const line = argv.join(' ');
      /* the longest beginning, so that a row can speak of one address */
      const [, text] = says
        .filter(([words]) => line.startsWith(words))
        .toSorted(([a], [b]) => b.length - a.length)[0] ?? ['', ''];
      return text.startsWith('!') ? unseen(text.slice(1)) : seen(text);
    },
    load: async () => given.loaded ?? { kind: 'loaded', programs: 2, milliseconds: 900 },
    isBpffsMounted: () => given.isBpffsMounted ?? true,
    connect: async ({ port }) =>
      (given.silent ?? []).some((text) => text.endsWith(`:${port}`))
        ? { ok: false, reason: 'connect refused' }
        : { ok: true },
    ask: async (_, role) =>
      seen(
        given.daemon && {
          ...{ role, instance: 'lab', pid: 7, since: '', configFile: 'f', adoptedMaps: 0 },
          ...{
            configRevision: 1,
            configSince: '',
            reloadError: null,
            programs: [],
            ...given.daemon,
          },
        },
      ),
    isHere: () => true,
    namespaces: () => ({ views: given.views ?? [], isWhole: given.isWhole ?? true }),
  };
}
