/**
 * The order in which the ports of a range are handed out.
 *
 * A secret permutation of the whole range, walked in a circle: it cannot be predicted
 * (RFC 6056) and a port comes round again only after every other one has had its turn.
 */

export type Secret = readonly [bigint, bigint];

const ROUNDS = 4;

/** A few multiplications that spread every input bit (MurmurHash3's finalizer). */
export function mix(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** The smallest even number of bits, 4 at least, whose power of two holds `count` ports. */
export function permutationBits(count: number): number {
  let bits = 4;
  while (bits < 16 && count > 2 ** bits) bits += 2;
  return bits;
}

/**
 * A keyed permutation of 0..2^bits-1 (bits even): a Feistel network, so that every
 * index has exactly one image whatever the round function does.
 */
export function permute(index: number, bits: number, secret: Secret, tweak: number): number {
  const half = bits / 2;
  const mask = (1 << half) - 1;
  let [left, right] = [(index >>> half) & mask, index & mask];
  for (let round = 0; round < ROUNDS; round++) {
    const key = Number(((secret[round & 1] ?? 0n) >> BigInt((round & 2) * 16)) & 0xffff_ffffn);
    const spread = mix((mix((right ^ key) >>> 0) + tweak + round) >>> 0);
    [left, right] = [right, left ^ (spread & mask)];
  }
  return (left << half) | right;
}

/** The hash of an address that a choice depends on; the key is the low half of a secret. */
export function hashAddress(address: number, secret: bigint): number {
  return mix((asInMemory(address) ^ Number(secret & 0xffff_ffffn)) >>> 0);
}

/** The kernel hashes the four bytes as they lie in memory on a little-endian machine. */
function asInMemory(address: number): number {
  return (
    ((address & 0xff) << 24) |
    ((address & 0xff00) << 8) |
    ((address >>> 8) & 0xff00) |
    (address >>> 24)
  );
}
