/** Finds a connection by its two ends, in either direction: a hash table without objects per entry. */
import type { AddressId } from './address-book.ts';

const CAPACITY_FIRST = 1024;
const EMPTY = -1;

export class TupleTable {
  #count = 0;
  #mask = CAPACITY_FIRST - 1;
  #lowAddress = new Float64Array(CAPACITY_FIRST);
  #highAddress = new Float64Array(CAPACITY_FIRST);
  /** The port of the lower address first. */
  #ports = new Uint32Array(CAPACITY_FIRST);
  #values = new Int32Array(CAPACITY_FIRST).fill(EMPTY);

  /** What `set` last gave this tuple, or -1. */
  get(address: AddressId, port: number, peer: AddressId, peerPort: number): number {
    return this.#values[this.#slot(address, port, peer, peerPort)] ?? EMPTY;
  }

  set(address: AddressId, port: number, peer: AddressId, peerPort: number, value: number): void {
    const slot = this.#slot(address, port, peer, peerPort);
    if (this.#values[slot] === EMPTY) {
      const isLow = isLower(address, port, peer, peerPort);
      this.#lowAddress[slot] = isLow ? address : peer;
      this.#highAddress[slot] = isLow ? peer : address;
      this.#ports[slot] = isLow ? portsOf(port, peerPort) : portsOf(peerPort, port);
      this.#count += 1;
    }
    this.#values[slot] = value;
    if (this.#count * 2 > this.#mask) this.#grow();
  }

  #slot(address: AddressId, port: number, peer: AddressId, peerPort: number): number {
    return isLower(address, port, peer, peerPort)
      ? this.#find(address, peer, portsOf(port, peerPort))
      : this.#find(peer, address, portsOf(peerPort, port));
  }

  /** The slot of the tuple, or the empty one where it belongs. */
  #find(low: number, high: number, ports: number): number {
    let slot = hash(low, high, ports) & this.#mask;
    while (
      this.#values[slot] !== EMPTY &&
      (this.#ports[slot] !== ports ||
        this.#lowAddress[slot] !== low ||
        this.#highAddress[slot] !== high)
    )
      slot = (slot + 1) & this.#mask;
    return slot;
  }

  #grow(): void {
    const [low, high, ports, values] = [
      this.#lowAddress,
      this.#highAddress,
      this.#ports,
      this.#values,
    ];
    const capacity = (this.#mask + 1) * 4;
    this.#mask = capacity - 1;
    this.#lowAddress = new Float64Array(capacity);
    this.#highAddress = new Float64Array(capacity);
    this.#ports = new Uint32Array(capacity);
    this.#values = new Int32Array(capacity).fill(EMPTY);
    values.forEach((value, from) => {
      if (value === EMPTY) return;
      const slot = this.#find(low[from] ?? 0, high[from] ?? 0, ports[from] ?? 0);
      this.#lowAddress[slot] = low[from] ?? 0;
      this.#highAddress[slot] = high[from] ?? 0;
      this.#ports[slot] = ports[from] ?? 0;
      this.#values[slot] = value;
    });
  }
}

function isLower(address: number, port: number, peer: number, peerPort: number): boolean {
  return address < peer || (address === peer && port <= peerPort);
}

function portsOf(first: number, second: number): number {
  return ((first << 16) | second) >>> 0;
}

/** Multipliers of MurmurHash3's finaliser; ports alone differ by little and must spread. */
function hash(low: number, high: number, ports: number): number {
  let mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b) ^ ports;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
