/**
 * Which port of a local a connection to a backend gets: in a secret order that visits every
 * port before any comes again. What other processes hold, and what still rests in the
 * machine's own TIME_WAIT, only its kernel knows: who takes a port tries it, and asks for
 * the next one when it is taken.
 */
import type { Endpoint, Ipv4Address, Port } from '../../packet/address.ts';
import type { Local } from '../binding/contract.ts';
import { permutationBits, permute, type Secret } from '../model/ports.ts';

/** The ports of one local towards one backend. */
type Pair = { cursor: number; readonly inUse: Set<Port> };

export class SourcePorts {
  readonly #secret: Secret;
  readonly #pairs = new Map<Ipv4Address, Map<number, Pair>>();

  constructor(secret: Secret) {
    this.#secret = secret;
  }

  /** The next port that is free as far as we know, after at most `triesMax`; taken until it is released. */
  take(local: Local, backend: number, triesMax: number): Endpoint | undefined {
    const pair = this.#pairOf(local.addr, backend);
    const count = local.portHigh - local.portLow + 1;
    if (pair.inUse.size >= count) return undefined;
    const bits = permutationBits(count);
    for (let tries = 0; tries < triesMax;) {
      pair.cursor = (pair.cursor + 1) % 2 ** bits;
      const place = permute(pair.cursor, bits, this.#secret, (local.addr ^ backend) >>> 0);
      if (place >= count) continue; // the permutation is of the next power of four
      tries++;
      const port = (local.portLow + place) as Port;
      if (pair.inUse.has(port)) continue;
      pair.inUse.add(port);
      return { address: local.addr, port };
    }
    return undefined;
  }

  release({ address, port }: Endpoint, backend: number): void {
    const ofLocal = this.#pairs.get(address);
    ofLocal?.get(backend)?.inUse.delete(port);
  }

  inUse(address: Ipv4Address, backend: number): number {
    return this.#pairs.get(address)?.get(backend)?.inUse.size ?? 0;
  }

  #pairOf(address: Ipv4Address, backend: number): Pair {
    const ofLocal = this.#pairs.get(address) ?? new Map<number, Pair>();
    this.#pairs.set(address, ofLocal);
    const pair = ofLocal.get(backend) ?? { cursor: 0, inUse: new Set<Port>() };
    ofLocal.set(backend, pair);
    return pair;
  }
}
