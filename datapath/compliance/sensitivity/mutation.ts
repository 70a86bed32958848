/** A bug planted in the kernel programs: a text of a source file, and what stands there instead. */

export interface Mutation {
  readonly name: string;
  /** Below datapath/. */
  readonly file: string;
  /** Found there exactly once. */
  readonly text: string;
  readonly replacement: string;
  /** How such a bug comes about. */
  readonly why: string;
  /** Who has to notice; the rows, when it is left out. */
  readonly judge?: Judge;
}
/** A test file, without its extension, and which of its tests are run. */
export interface Judge {
  readonly file: string;
  readonly tests?: RegExp;
}

/** The source with the bug; a text that is not there exactly once means that the mutation is out of date. */
export function plant({ name, file, text, replacement }: Mutation, source: string): string {
  const parts = source.split(text);
  if (parts.length !== 2)
    throw new RangeError(
      `mutation "${name}": datapath/${file} has its text ${parts.length - 1} times, not once; ` +
        'write the mutation anew for what the file says now',
    );
  return parts.join(replacement);
}
