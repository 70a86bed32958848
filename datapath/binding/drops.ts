/** Packets that the kernel throws away, as it does: who they were, why, and which function did it. */
import { closeSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  formatEndpoint,
  ipv4Address,
  ipv4AddressBytes,
  port,
  type Ipv4Address,
} from '../../packet/address.ts';
import { enumNames } from './btf.ts';
import { update } from './kernel-map.ts';
import { check, lib } from './libbpf.ts';
import { loadPrivateObject, type LoadedObject } from './object.ts';
import { RingBuffer } from './ring-buffer.ts';

export interface KernelDrop {
  readonly from: string;
  readonly to: string;
  /** TCP's, as in the header. */
  readonly flags: number;
  /** `NETFILTER_DROP`; a number where the kernel does not name it. */
  readonly reason: string;
  /** The kernel's function, `nft_do_chain`; empty where addresses of the kernel are hidden. */
  readonly location: string;
}

const PROGRAM = resolve(import.meta.dirname, '../tap/drops.bpf.o');
const KERNEL_BTF = '/sys/kernel/btf/vmlinux';
const SYMBOLS = '/proc/kallsyms';
/** A machine may drop for as long as it is looked at. */
const DROPS_MOST = 100_000;
const REASON_PREFIX = 'SKB_DROP_REASON_';

/** Ends with `close`, or with the process: nothing is pinned. */
export class DropWatch {
  readonly #object: LoadedObject;
  readonly #tracepoint: number;
  readonly #ring: RingBuffer;
  readonly #reasons: ReadonlyMap<number, string>;
  readonly #functions = new Map<bigint, string>();
  readonly #drops: KernelDrop[] = [];
  #records: Buffer[] = [];
  #isOpen = true;

  private constructor(object: LoadedObject, tracepoint: number) {
    this.#object = object;
    this.#tracepoint = tracepoint;
    this.#reasons = enumNames(readFileSync(KERNEL_BTF), 'skb_drop_reason');
    this.#ring = new RingBuffer(object.map('drops'), (record) => {
      if (this.#drops.length + this.#records.length < DROPS_MOST) this.#records.push(record);
    });
  }

  /** Of packets from or to these addresses, on the whole machine, in every network namespace. */
  static async open(addresses: readonly Ipv4Address[]): Promise<DropWatch> {
    const object = await loadPrivateObject({ path: PROGRAM, capacities: {} });
    try {
      for (const address of addresses)
        update(object.map('wanted'), ipv4AddressBytes(address), Uint8Array.of(1));
      const { fd, name } = object.program('packet_dropped');
      const tracepoint: number = lib().rawTracepointOpen('kfree_skb', fd);
      check(tracepoint, 'attach to skb:kfree_skb', name);
      return new DropWatch(object, tracepoint);
    } catch (error) {
      object.close();
      throw error;
    }
  }

  /** All so far. */
  drops(): readonly KernelDrop[] {
    if (this.#isOpen) this.#ring.consume();
    const fresh = this.#records;
    this.#records = [];
    this.#learn(fresh.map(locationOf));
    for (const record of fresh) this.#drops.push(this.#read(record));
    return this.#drops;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#tracepoint);
    this.#ring.close();
    this.#object.close();
  }

  /** The list of the kernel's functions is long, and few of them drop. */
  #learn(locations: readonly bigint[]): void {
    const unknown = locations.filter((location) => !this.#functions.has(location));
    const found = functionNames(unknown);
    for (const location of unknown) this.#functions.set(location, found.get(location) ?? '');
  }

  #read(record: Buffer): KernelDrop {
    const reason = record.readUInt32LE(16);
    const end = (addressAt: number, portAt: number) =>
      formatEndpoint({
        address: ipv4Address(record.readUInt32BE(addressAt)),
        port: port(record.readUInt16BE(portAt)),
      });
    return {
      from: end(20, 28),
      to: end(24, 30),
      flags: record.readUInt8(32),
      reason: this.#reasons.get(reason)?.replace(REASON_PREFIX, '') ?? String(reason),
      location: this.#functions.get(locationOf(record)) ?? '',
    };
  }
}

function locationOf(record: Buffer): bigint {
  return record.readBigUInt64LE(8);
}

/** Each by the symbol that begins last before it. */
function functionNames(addresses: readonly bigint[]): ReadonlyMap<bigint, string> {
  const wanted = [...new Set(addresses)];
  const best = new Map<bigint, { at: bigint; name: string }>();
  if (wanted.length > 0)
    for (const line of readFileSync(SYMBOLS, 'latin1').split('\n')) {
      const [hex = '', kind = '', name = ''] = line.split(/\s+/);
      if (!/^t$/i.test(kind)) continue;
      const at = BigInt(`0x${hex}`);
      if (at === 0n) continue;
      for (const address of wanted)
        if (at <= address && at > (best.get(address)?.at ?? 0n)) best.set(address, { at, name });
    }
  return new Map([...best].map(([address, { name }]) => [address, name]));
}
