/** What a step of the demo claims, and whether this run bears it out. */

export type Expectation = { sentence: string; holds: boolean };

export function expecting(sentence: string, holds: boolean): Expectation {
  return { sentence, holds };
}
