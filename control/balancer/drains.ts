/**
 * When the sessions of backends that are drained, down, or no longer in the configuration, are over.
 * The kernel keeps the time and resets them itself; here it is told, and those that are silent
 * are made to say something, so that they hear of it too (datapath/balancer/end.h).
 */
import { offsetsOf } from '../../datapath/binding/codec.ts';
import {
  RESET_BY_BACK,
  RESET_BY_FRONT,
  sessionSlot,
  type Backend,
  type SessionSlot,
} from '../../datapath/binding/contract.ts';
import { tcp } from '../../packet/build.ts';
import { formatEndpoint } from '../../packet/address.ts';
import type { BalancerConfig, DrainConfig } from '../config/balancer.ts';
import type { List } from '../daemon/maps.ts';
import type { Log } from '../daemon/log.ts';
import { findSlots, type SlotMaps } from '../daemon/slots.ts';
import type { Drain, RuntimeChanges } from '../state/runtime.ts';
import { keyOf, type EndpointKey } from './desired.ts';
import { drainOf } from './runtime.ts';

export type DrainsParts = {
  readonly maps: SlotMaps & {
    readonly backends: List<Backend>;
    readonly backendEnds: List<bigint>;
    readonly backendLive: List<number>;
  };
  readonly runtime: RuntimeChanges;
  /** Since when checks find it down, milliseconds since 1970; undefined: it gets new connections. */
  readonly downSince: (pool: string, backend: EndpointKey) => number | undefined;
  /** CLOCK_MONOTONIC, as the kernel has it. */
  readonly steadyNs: () => bigint;
  readonly nowMs: () => number;
  /** Sends a frame as if it had come by; undefined where sessions are the process's own sockets. */
  readonly send: ((frame: Uint8Array) => boolean) | undefined;
  readonly log: Pick<Log, 'info'>;
};

/** A backend that was in the configuration until now. */
export type Removed = { readonly backend: EndpointKey; readonly index: number };

/** Of a backend whose sessions have an end: how far it is. */
type Ending = { rounds: number; isDrained: boolean };

const NEVER = 0n;
const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;
/** After the end: who has not answered is asked again, for a packet may be lost. */
const WAKE_AFTER_S = [0n, 1n, 3n, 8n, 20n];
const TOLD_BOTH = RESET_BY_FRONT | RESET_BY_BACK;
const SLOT = offsetsOf(sessionSlot, ...(['word', 'backend'] as const));
const TTL = 64;

export class Drains {
  readonly #parts: DrainsParts;
  /** By index. */
  readonly #ending = new Map<number, Ending>();

  /** With the ends that an earlier daemon set. */
  constructor(parts: DrainsParts) {
    this.#parts = parts;
    const { backendEnds } = parts.maps;
    for (let index = 0; index < backendEnds.length; index++)
      if (backendEnds.get(index) !== NEVER) this.#ending.set(index, newEnding());
  }

  /** The configuration is in force, or a drain or a backend's health has changed; `removed` are those that it no longer has. */
  follow(
    config: BalancerConfig,
    indices: ReadonlyMap<EndpointKey, number>,
    removed: readonly Removed[] = [],
    before: BalancerConfig = config,
  ): void {
    /* to look at every one of 20,000 backends takes longer than a change of one may */
    const mayEnd = this.#parts.runtime.hasDrains || this.#ending.size > 0 || resetsDown(config);
    if (mayEnd)
      for (const [backend, endMs] of this.#endsOf(config)) {
        const index = indices.get(backend);
        if (index !== undefined) this.#set(index, endMs, backend);
      }
    for (const { backend, index } of removed) {
      const policy = policyFor(backend, before) ?? longest(config.pools.map(({ drain }) => drain));
      const endMs = this.#parts.nowMs() + policy.durationMs;
      this.#set(index, policy.afterwards === 'keep' ? undefined : endMs, backend);
      this.#parts.log.info(
        { backend, live: this.#parts.maps.backendLive.get(index), ...policy },
        'backend is no longer in the configuration; its sessions go on until the drain ends',
      );
    }
  }

  /** It is about to get new connections in this pool: not even those of another are ended. */
  revive(pool: string, backend: EndpointKey, index: number | undefined): void {
    if (index !== undefined && drainOf(this.#parts.runtime, pool, backend) === undefined)
      this.#set(index, undefined, backend);
  }

  /** Called again and again: wakes who is silent when the time is up. */
  async tick(): Promise<void> {
    const { maps, steadyNs, log } = this.#parts;
    for (const [index, ending] of this.#ending) {
      const endNs = maps.backendEnds.get(index);
      if (endNs === NEVER) {
        this.#ending.delete(index); // it is in the configuration again
        continue;
      }
      const sinceNs = steadyNs() - endNs;
      if (!ending.isDrained && maps.backendLive.get(index) === 0) {
        ending.isDrained = true;
        log.info({ backend: this.#nameOf(index) }, 'it has no session any more');
      }
      const due = WAKE_AFTER_S[ending.rounds];
      if (due === undefined || sinceNs < due * NS_PER_SECOND) continue;
      ending.rounds += 1;
      await this.#wake(index);
    }
  }

  /** By backend, milliseconds since 1970; undefined: never. In use by one pool is in use. */
  #endsOf({ pools }: BalancerConfig): ReadonlyMap<EndpointKey, number | undefined> {
    const ends = new Map<EndpointKey, number | undefined>();
    for (const { name, onDown, backends } of pools)
      for (const { address } of backends) {
        const key = keyOf(address);
        const drainedMs = endOfDrain(drainOf(this.#parts.runtime, name, key));
        const downMs = onDown === 'reset' ? this.#parts.downSince(name, key) : undefined;
        const endMs = earlier(drainedMs, downMs);
        const otherMs = ends.has(key) ? ends.get(key) : -Infinity;
        const isEnding = endMs !== undefined && otherMs !== undefined;
        ends.set(key, isEnding ? Math.max(endMs, otherMs) : undefined);
      }
    return ends;
  }

  #set(index: number, endMs: number | undefined, backend: EndpointKey): void {
    const { maps, steadyNs, nowMs } = this.#parts;
    const old = maps.backendEnds.get(index);
    if (endMs === undefined) {
      if (old === NEVER) return;
      maps.backendEnds.set(index, NEVER);
      this.#ending.delete(index);
      return;
    }
    const end = steadyNs() + BigInt(Math.round(endMs - nowMs())) * NS_PER_MS;
    const isSame = old !== NEVER && end - old < NS_PER_SECOND && old - end < NS_PER_SECOND;
    if (isSame) return;
    maps.backendEnds.set(index, end > NEVER ? end : 1n);
    this.#ending.set(index, newEnding());
    const live = maps.backendLive.get(index);
    this.#parts.log.info({ backend, live, until: new Date(endMs) }, 'its sessions have an end');
  }

  async #wake(index: number): Promise<void> {
    const { maps, send } = this.#parts;
    if (send === undefined) return;
    const isUntold = (slots: Buffer, at: number) =>
      slots.readUInt16LE(at + SLOT.backend) === index &&
      (slots.readUInt32LE(at + SLOT.word) & TOLD_BOTH) !== TOLD_BOTH;
    for await (const { slots, at } of findSlots(maps, isUntold))
      for (const here of at)
        for (const frame of questions(sessionSlot.read(slots, here))) send(frame);
  }

  #nameOf(index: number): string {
    const { addr, port } = this.#parts.maps.backends.get(index);
    return formatEndpoint({ address: addr, port });
  }
}

/** Is there a pool whose sessions end with their backend? */
export function resetsDown({ pools }: BalancerConfig): boolean {
  return pools.some(({ onDown }) => onDown === 'reset');
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

function newEnding(): Ending {
  return { rounds: 0, isDrained: false };
}

function endOfDrain(drain: Drain | undefined): number | undefined {
  if (drain === undefined || drain.until === null || drain.afterwards === 'keep') return undefined;
  return Date.parse(drain.until);
}

function policyFor(backend: EndpointKey, { pools }: BalancerConfig): DrainConfig | undefined {
  const having = pools.filter(({ backends }) =>
    backends.some(({ address }) => keyOf(address) === backend),
  );
  return having.length === 0 ? undefined : longest(having.map(({ drain }) => drain));
}

function longest(policies: readonly DrainConfig[]): DrainConfig {
  return {
    durationMs: Math.max(0, ...policies.map(({ durationMs }) => durationMs)),
    afterwards: policies.every(({ afterwards }) => afterwards === 'reset') ? 'reset' : 'keep',
  };
}

/**
 * To the client and to the backend: an ACK with a number that was used long ago, which has to
 * be answered with an ACK (RFC 9293 section 3.10.7.4) that says what the RST must carry.
 */
function questions({ front, back, frontIsn, backIsn }: SessionSlot): Uint8Array[] {
  const [ofClient, ofBackend] = [frontIsn >>> 0, backIsn >>> 0];
  const ask = (
    { sourceAddr, sourcePort, destinationAddr, destinationPort }: SessionSlot['front'],
    sequence: number,
    acknowledgment: number,
  ) =>
    tcp({
      from: { address: destinationAddr, port: destinationPort },
      to: { address: sourceAddr, port: sourcePort },
      ...{ flags: 'A', sequence, acknowledgment, ttl: TTL },
    });
  return [ask(front, ofBackend, (ofClient + 1) >>> 0), ask(back, ofClient, (ofBackend + 1) >>> 0)];
}
