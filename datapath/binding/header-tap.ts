/** Headers of SYN, FIN and RST at interfaces of this machine, before and after what programs there do to them. */
import { closeSync } from 'node:fs';
import { resolve } from 'node:path';
import { ipAddressBytes, type IpEndpoint } from '../../packet/ip.ts';
import { BpfError } from './errors.ts';
import { lookup, update } from './kernel-map.ts';
import { check, lib } from './libbpf.ts';
import { insideNamespace, namespaceId } from './network-namespaces.ts';
import { loadPrivateObject, type LoadedObject } from './object.ts';
import { RingBuffer } from './ring-buffer.ts';

/** An interface; `namespace` is a path as `/run/netns/NAME` or `/proc/self/ns/net`. */
export interface TapPlace {
  readonly namespace: string;
  readonly device: string;
}

export interface TappedHeader {
  /** Number in the list of places. */
  readonly place: number;
  /** Since 1970. */
  readonly timeNs: bigint;
  /** From the IP header on, up to 128. */
  readonly bytes: Uint8Array;
  readonly onWireBytes: number;
}

/** Raw tracepoints, and the program that listens to each. */
const PROGRAMS = {
  netif_receive_skb: 'header_received',
  net_dev_start_xmit: 'header_sent',
} as const;
const OBJECT = resolve(import.meta.dirname, '../tap/headers.bpf.o');
const RECORD_AT = 16;
const END_BYTES = 20;
const ADDRESS_BYTES = 16;

/** One for all places, ended by `close` or with the process: nothing is attached to an interface, nothing pinned. */
export class HeaderTap {
  /** After `close`, by place: headers that came faster than they were read. */
  missed: readonly number[] = [];
  readonly #places: number;
  readonly #object: LoadedObject;
  readonly #tracepoints: readonly number[];
  readonly #ring: RingBuffer;
  readonly #stop = new AbortController();

  private constructor(
    object: LoadedObject,
    tracepoints: readonly number[],
    places: number,
    onHeader: (header: TappedHeader) => void,
  ) {
    this.#object = object;
    this.#places = places;
    this.#tracepoints = tracepoints;
    const sinceNs = startOfMonotonicClock();
    this.#ring = new RingBuffer(object.map('tapped'), (record) =>
      onHeader({
        place: record.readUInt32LE(8),
        timeNs: sinceNs + record.readBigUInt64LE(0),
        bytes: record.subarray(RECORD_AT, RECORD_AT + record.readUInt16LE(12)),
        onWireBytes: record.readUInt16LE(14),
      }),
    );
    this.#ring.watch(this.#stop.signal, () => {});
  }

  /** Throws where an interface is not there, or this process may not load programs. */
  static async open(
    {
      places,
      ends,
    }: { readonly places: readonly TapPlace[]; readonly ends: readonly IpEndpoint[] },
    onHeader: (header: TappedHeader) => void,
  ): Promise<HeaderTap> {
    const keys = places.map(placeKey);
    const object = await loadPrivateObject({ path: OBJECT, capacities: {} });
    const tracepoints: number[] = [];
    try {
      for (const [number, key] of keys.entries()) update(object.map('places'), key, words(number));
      for (const end of ends) update(object.map('ends'), endKey(end), Uint8Array.of(1));
      for (const [tracepoint, program] of Object.entries(PROGRAMS)) {
        const { fd, name } = object.program(program);
        const opened: number = lib().rawTracepointOpen(tracepoint, fd);
        tracepoints.push(check(opened, `attach to net:${tracepoint}`, name));
      }
      return new HeaderTap(object, tracepoints, places.length, onHeader);
    } catch (error) {
      for (const fd of tracepoints) closeSync(fd);
      object.close();
      throw error;
    }
  }

  close(): void {
    if (this.#stop.signal.aborted) return;
    for (const fd of this.#tracepoints) closeSync(fd);
    this.#ring.consume();
    const missed = this.#object.map('missed');
    this.missed = Array.from({ length: this.#places }, (_, place) =>
      Number(lookup(missed, words(place))?.readBigUInt64LE() ?? 0n),
    );
    this.#stop.abort();
    this.#object.close();
  }
}

/** As the kernel program finds a packet's device. */
function placeKey({ namespace, device }: TapPlace): Uint8Array {
  const index: number = insideNamespace(namespace, () => lib().interfaceIndex(device));
  if (index === 0)
    throw new BpfError({ code: 'BPF_NOT_FOUND', operation: 'tap interface', subject: device });
  return words(Number(namespaceId(namespace)), index);
}

function endKey({ address, port }: IpEndpoint): Uint8Array {
  const key = Buffer.alloc(END_BYTES);
  key.set(ipAddressBytes(address));
  key.writeUInt16BE(port, ADDRESS_BYTES);
  return key;
}

function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** When CLOCK_MONOTONIC began, by the clock of the day; read when that turns to its next millisecond. */
function startOfMonotonicClock(): bigint {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  return BigInt(now) * 1_000_000n - process.hrtime.bigint();
}
