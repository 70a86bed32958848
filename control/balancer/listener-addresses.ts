/** Whether this machine still has the addresses of its listeners: without them, nobody sends it their packets. */
import { formatIpv4Address, type Ipv4Address } from '../../packet/index.ts';
import type { Log } from '../daemon/log.ts';

export type ListenerAddressesParts = {
  /** Of this machine's interfaces. */
  readonly here: () => readonly Ipv4Address[];
  readonly log: Log;
};

export class ListenerAddresses {
  readonly #parts: ListenerAddressesParts;
  /** Seen here at least once: others may be routed to this machine, which has them nowhere. */
  readonly #seen = new Set<Ipv4Address>();
  readonly #missing = new Set<Ipv4Address>();

  constructor(parts: ListenerAddressesParts) {
    this.#parts = parts;
  }

  /** Tells what went and what came back, once each. */
  follow(wanted: readonly Ipv4Address[]): void {
    const { here, log } = this.#parts;
    const present = new Set(here());
    for (const address of new Set(wanted)) {
      const data = { address: formatIpv4Address(address) };
      if (present.has(address)) {
        this.#seen.add(address);
        if (this.#missing.delete(address)) log.info(data, "a listener's address is back");
      } else if (this.#seen.has(address) && !this.#missing.has(address)) {
        this.#missing.add(address);
        log.warn(
          data,
          "a listener's address is on no interface that is up: its clients get no answer",
        );
      }
    }
  }
}
