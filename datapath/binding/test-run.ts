/** Runs a loaded program once or often on bytes of our own (BPF_PROG_TEST_RUN). */
import type { ProgramRef } from './kernel-object.ts';
import { check, inBackground, lib } from './libbpf.ts';

export type TestRunInput = {
  /** The packet, from its Ethernet header on. Left out for SEC("syscall") programs. */
  packet?: Uint8Array;
  /** Of struct __sk_buff, for tc programs; the interface must exist in this network namespace. */
  skb?: SkbFields;
  /** The argument of a SEC("syscall") program. */
  context?: Uint8Array;
  repeat?: number;
};
/** `ifindex` is where the packet is, `ingressIfindex` where it came in: the kernel wants both equal or 0. */
export type SkbFields = {
  ifindex?: number;
  ingressIfindex?: number;
  mark?: number;
  gsoSize?: number;
};
export type TestRunResult = {
  /** Signed: TC_ACT_UNSPEC is -1. */
  returnValue: number;
  /** The packet as the program left it. */
  packet: Buffer;
  /** The whole buffer: after the packet everything is still 0xa5. */
  output: Buffer;
  context: Buffer;
  /** Average of one run. */
  nanoseconds: number;
};

const UNTOUCHED = 0xa5;
const ROOM_TO_GROW_BYTES = 256; /* TOA adds 8; a reset answer is shorter than what it answers */
const SKB_BYTES = 192;
const SKB_OFFSET = { mark: 8, ingressIfindex: 36, ifindex: 40, gsoSize: 176 } as const;

/** For programs at tc that look at no packet: the kernel wants one all the same. */
export const NO_PACKET: TestRunInput = { packet: new Uint8Array(64) };

/** One run, at once: for tests of behaviour. */
export function testRun(program: ProgramRef, input: TestRunInput): TestRunResult {
  const options = prepare(input);
  check(lib().testRun(program.fd, options.raw), 'test-run program', program.name);
  return options.result();
}

/** The same on a worker thread: for many repetitions. */
export async function testRunInBackground(
  program: ProgramRef,
  input: TestRunInput,
): Promise<TestRunResult> {
  const options = prepare(input);
  const result = await inBackground(lib().testRun, program.fd, options.raw);
  check(result, 'test-run program', program.name);
  return options.result();
}

function prepare({ packet, skb, context, repeat = packet === undefined ? 0 : 1 }: TestRunInput) {
  const output = Buffer.alloc(
    packet === undefined ? 0 : packet.length + ROOM_TO_GROW_BYTES,
    UNTOUCHED,
  );
  const contextIn = skb === undefined ? context : encodeSkb(skb);
  const contextOut = Buffer.alloc(skb === undefined ? 0 : SKB_BYTES, UNTOUCHED);
  const raw = {
    sz: lib().sizes.testRun,
    data_in: packet ?? null,
    data_out: packet === undefined ? null : output,
    data_size_in: packet?.length ?? 0,
    data_size_out: output.length,
    ctx_in: contextIn ?? null,
    ctx_out: skb === undefined ? null : contextOut,
    ctx_size_in: contextIn?.length ?? 0,
    ctx_size_out: contextOut.length,
    retval: 0,
    repeat,
    duration: 0,
    flags: 0,
    cpu: 0,
    batch_size: 0,
  };
  return {
    raw,
    result: (): TestRunResult => ({
      returnValue: raw.retval | 0,
      packet: output.subarray(0, raw.data_size_out),
      output,
      context: skb === undefined ? Buffer.from(context ?? []) : contextOut,
      nanoseconds: raw.duration,
    }),
  };
}

export function encodeSkb(fields: SkbFields): Buffer {
  const skb = Buffer.alloc(SKB_BYTES);
  skb.writeUInt32LE(fields.mark ?? 0, SKB_OFFSET.mark);
  skb.writeUInt32LE(fields.ingressIfindex ?? 0, SKB_OFFSET.ingressIfindex);
  skb.writeUInt32LE(fields.ifindex ?? 0, SKB_OFFSET.ifindex);
  skb.writeUInt32LE(fields.gsoSize ?? 0, SKB_OFFSET.gsoSize);
  return skb;
}
