/** The report's case at its four capture points, packet for packet: addresses, ports, lengths as there. */
import { tcp, type TcpPacketFields } from '../../packet/build.ts';
import { capturedFrame, writePcap } from '../../packet/pcap.ts';
import { mss, nop, sackPermitted, toa, windowScale } from '../../packet/tcp-options.ts';
import { nanoseconds } from '../../packet/unit.ts';

const CLIENT = '10.0.88.100';
const VIRTUAL = '10.0.23.111:18056';
const LOCAL = '10.0.124.161:5004';
const SERVER = '10.0.98.79:8056';
const START_MS = 1_385_152_296_436;
/** 12 bytes: a SYN of 52 bytes, and with TOA one of 60. */
const OPTIONS = [mss(1460), nop, windowScale(7), nop, nop, sackPermitted];

interface Packet extends TcpPacketFields {
  readonly atMs: number;
  /** First and last capture point that see it. */
  readonly seenAt: readonly [first: number, last: number];
}

/** `owner`: the direct connection from the same port that the report only inferred is captured too. */
export function reportCase({ owner }: { readonly owner: boolean }): Record<string, Uint8Array> {
  const packets: Packet[] = [
    ...(owner ? direct(0, 21_521, 1_111) : []),
    ...direct(1_000, 46_690, 2_222),
    ...[2_000, 3_000, 5_000].flatMap((atMs) => balancedSyn(atMs)),
    ...direct(8_000, 46_696, 3_333),
  ];
  const names = ['client', 'host-nic', 'host-vnic', 'server'];
  return Object.fromEntries(
    names.map((name, point) => {
      const seen = packets.filter(({ seenAt: [first, last] }) => first <= point && point <= last);
      const frames = seen.map(({ atMs, ...fields }) =>
        capturedFrame(tcp(fields), nanoseconds(BigInt(START_MS + atMs) * 1_000_000n)),
      );
      return [name, writePcap(frames)];
    }),
  );
}

function direct(atMs: number, port: number, sequence: number): Packet[] {
  const [from, to] = [`${CLIENT}:${port}`, SERVER];
  const everywhere = [0, 3] as const;
  return [
    {
      ...{ atMs, from, to, flags: 'S', sequence, options: OPTIONS, identification: port },
      seenAt: everywhere,
    },
    {
      ...{ atMs: atMs + 1, from: to, to: from, flags: 'SA', sequence: sequence * 7 },
      ...{ acknowledgment: sequence + 1, options: OPTIONS, seenAt: everywhere },
    },
    {
      ...{ atMs: atMs + 2, from, to, flags: 'A', sequence: sequence + 1 },
      ...{ acknowledgment: sequence * 7 + 1, seenAt: everywhere },
    },
  ];
}

/** The balancer of the report rewrites the sequence number and writes TOA. */
function balancedSyn(atMs: number): Packet[] {
  const client = `${CLIENT}:21521`;
  return [
    {
      ...{ atMs, from: client, to: VIRTUAL, flags: 'S', sequence: 77_001, options: OPTIONS },
      ...{ identification: 9_001, seenAt: [0, 0] },
    },
    {
      ...{ atMs: atMs + 1, from: LOCAL, to: SERVER, flags: 'S', sequence: 3_171_571_935 },
      ...{ options: [toa(client), ...OPTIONS], identification: 9_001, seenAt: [1, 1] },
    },
  ];
}
