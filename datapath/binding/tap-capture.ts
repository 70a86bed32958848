/** A header tap as a capture file, written while packets come. */
import { Readable } from 'node:stream';
import type { IpEndpoint } from '../../packet/ip.ts';
import { LINK_RAW } from '../../packet/link.ts';
import {
  pcapngInterface,
  pcapngPacket,
  pcapngSection,
  pcapngStatistics,
  type PcapngInterface,
} from '../../packet/pcapng-write.ts';
import { nanoseconds } from '../../packet/unit.ts';
import { HeaderTap, type TapPlace, type TappedHeader } from './header-tap.ts';

/** It ends when one of them is reached. */
export interface TapBounds {
  readonly packets: number;
  readonly bytes: number;
}

export interface TapWishes {
  readonly places: readonly TapPlace[];
  /** Connections from or to these. */
  readonly ends: readonly IpEndpoint[];
  readonly bounds: TapBounds;
}

/** What is kept of a packet: as the kernel program has it. */
const SNAP_BYTES = 128;
const RESOLUTION_NANO = 9;

export class TapCapture {
  /** pcapng; ends with `stop`, or when a bound is reached. */
  readonly output = new Readable({ read: () => {} });
  readonly #interfaces: readonly PcapngInterface[];
  readonly #bounds: TapBounds;
  #tap: HeaderTap | undefined;
  #packets = 0;
  #bytes = 0;
  #isFull = false;

  private constructor({ places, bounds }: TapWishes) {
    this.#bounds = bounds;
    this.#interfaces = places.map(({ device }) => ({
      linkType: LINK_RAW,
      snapBytes: SNAP_BYTES,
      name: device,
      filter: undefined,
      droppedPackets: undefined,
      resolution: RESOLUTION_NANO,
    }));
    this.output.once('close', () => this.stop());
    this.#write(pcapngSection());
    for (const one of this.#interfaces) this.#write(pcapngInterface(one));
  }

  static async start(wishes: TapWishes): Promise<TapCapture> {
    const capture = new TapCapture(wishes);
    capture.#tap = await HeaderTap.open(wishes, (header) => capture.#add(header));
    return capture;
  }

  stop(): void {
    const tap = this.#tap;
    if (!tap) return;
    this.#tap = undefined;
    tap.close();
    for (const [number, one] of this.#interfaces.entries())
      this.#write(pcapngStatistics({ ...one, droppedPackets: tap.missed[number] }, number));
    this.output.push(null);
  }

  #add({ place, timeNs, bytes, onWireBytes }: TappedHeader): void {
    if (this.#isFull) return;
    const time = nanoseconds(timeNs);
    const packet = { interfaceNumber: place, time, bytes, onWireBytes };
    this.#write(pcapngPacket(packet, this.#interfaces));
    this.#packets += 1;
    const { packets, bytes: most } = this.#bounds;
    if (this.#packets < packets && this.#bytes < most) return;
    this.#isFull = true;
    this.stop();
  }

  #write(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    this.output.push(bytes);
  }
}
