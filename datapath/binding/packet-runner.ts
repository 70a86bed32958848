/**
 * Runs a loaded program on many different packets, one test-run each: what
 * BPF_PROG_TEST_RUN wants to know is laid out once, so that a run costs little more
 * than its system call (5 µs, where testRun() takes 14; 2026-11-22).
 *
 * struct bpf_test_run_opts:
 *
 *    0 size                     8 data in              16 data out
 *   24 data bytes in, out      32 context in           40 context out
 *   48 context bytes in, out   56 returned, 60 repeat  64 duration … 80
 */
import type { ProgramRef } from './kernel-object.ts';
import { addressOf, check, lib } from './libbpf.ts';
import { encodeSkb, type SkbFields } from './test-run.ts';

/** `output` is what the program left; the buffer is used again by the next run. */
export interface PacketRun {
  /** Signed: TC_ACT_UNSPEC is -1. */
  readonly returnValue: number;
  readonly output: Buffer;
}

/** What the kernel can take: a page, less what it needs for itself. */
export const TEST_RUN_MAX_BYTES = 3520;

const OPTIONS_BYTES = 80;
const AT = { dataIn: 8, dataOut: 16, bytesIn: 24, bytesOut: 28, contextIn: 32, contextBytes: 48 };
const RETURNED_AT = 56;
const REPEAT_AT = 60;
const PAGE_BYTES = 4096;
const UNTOUCHED = 0xa5;
const GUARD_BYTES = 64;

export class PacketRunner {
  readonly #program: ProgramRef;
  readonly #input = Buffer.alloc(PAGE_BYTES);
  readonly #output = Buffer.alloc(PAGE_BYTES);
  readonly #context: Buffer;
  readonly #options = Buffer.alloc(OPTIONS_BYTES);

  constructor(program: ProgramRef, skb: SkbFields) {
    this.#program = program;
    this.#context = encodeSkb(skb);
    this.#options.writeUInt32LE(OPTIONS_BYTES, 0);
    this.#options.writeBigUInt64LE(addressOf(this.#input), AT.dataIn);
    this.#options.writeBigUInt64LE(addressOf(this.#output), AT.dataOut);
    this.#options.writeBigUInt64LE(addressOf(this.#context), AT.contextIn);
    this.#options.writeUInt32LE(this.#context.length, AT.contextBytes);
    this.#options.writeInt32LE(1, REPEAT_AT);
  }

  run(packet: Uint8Array): PacketRun {
    if (packet.length > TEST_RUN_MAX_BYTES)
      throw new RangeError(
        `a test-run takes ${TEST_RUN_MAX_BYTES} bytes at most, got ${packet.length}`,
      );
    this.#input.set(packet);
    this.#output.fill(UNTOUCHED, 0, packet.length + 2 * GUARD_BYTES);
    this.#options.writeUInt32LE(packet.length, AT.bytesIn);
    this.#options.writeUInt32LE(PAGE_BYTES, AT.bytesOut);
    check(
      lib().testRunRaw(this.#program.fd, this.#options),
      'test-run program',
      this.#program.name,
    );
    const end = this.#options.readUInt32LE(AT.bytesOut);
    for (let at = end; at < end + GUARD_BYTES; at++)
      if (this.#output[at] !== UNTOUCHED && at < packet.length + 2 * GUARD_BYTES)
        throw new RangeError(`${this.#program.name} wrote behind the packet's ${end} bytes`);
    return {
      returnValue: this.#options.readInt32LE(RETURNED_AT),
      output: this.#output.subarray(0, end),
    };
  }
}
