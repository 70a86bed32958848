/** Any capture file, told by its first bytes: classic pcap or pcapng, read as it arrives. */
import { concat, viewOf } from './bytes.ts';
import { PcapReader } from './pcap.ts';
import { BLOCK_SECTION } from './pcapng-format.ts';
import { PcapngReader } from './pcapng-read.ts';
import type { CaptureDamage, CaptureInterface, VisitRecord } from './record.ts';

/**
 * Push the file in chunks of any size, then end it. Memory does not grow with the file.
 *
 *   const reader = new CaptureReader();
 *   for await (const chunk of stream) reader.push(chunk, visit);
 *   reader.end(visit);
 */
export class CaptureReader {
  #reader: PcapReader | PcapngReader | undefined;
  #start: Uint8Array = new Uint8Array(0);

  push(chunk: Uint8Array, visitRecord: VisitRecord): void {
    if (this.#reader) return this.#reader.visit(chunk, visitRecord);
    const start = concat(this.#start, chunk);
    if (start.length < 4) {
      this.#start = start;
      return;
    }
    this.#start = new Uint8Array(0);
    this.#reader =
      viewOf(start).getUint32(0) === BLOCK_SECTION ? new PcapngReader() : new PcapReader();
    this.#reader.visit(start, visitRecord);
  }

  /** May still find whole packets in what damage had left undecided. */
  end(visitRecord: VisitRecord): void {
    if (!this.#reader) {
      this.#reader = new PcapReader();
      this.#reader.visit(this.#start, visitRecord);
    }
    if (this.#reader instanceof PcapngReader) this.#reader.end(visitRecord);
    else this.#reader.end();
  }

  /** By `interfaceNumber` of the records. */
  get interfaces(): readonly CaptureInterface[] {
    if (this.#reader instanceof PcapngReader) return this.#reader.interfaces;
    const header = this.#reader?.header;
    if (!header) return [];
    const { linkType, snapBytes } = header;
    return [{ linkType, snapBytes, name: undefined, filter: undefined, droppedPackets: undefined }];
  }

  /** Of a record, by its `interfaceNumber`. */
  linkType(interfaceNumber: number): number | undefined {
    return this.#reader instanceof PcapngReader
      ? this.#reader.interfaces[interfaceNumber]?.linkType
      : this.#reader?.header?.linkType;
  }

  /** Complete after `end`; the first ones of many. */
  get damages(): readonly CaptureDamage[] {
    if (this.#reader instanceof PcapngReader) return this.#reader.damages;
    const damage = this.#reader?.end();
    return damage ? [damage] : [];
  }
}
