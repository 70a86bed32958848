/** How deep the calls inside one BPF program use the stack: read from its instructions. */

/** A function of the program, `main` first; numbers are places in the list of all. */
export type Subprogram = {
  /** Index of its first instruction. */
  start: number;
  calls: readonly number[];
  /** The kernel inlines this helper, which takes stack that its limit does not count. */
  hasLoop: boolean;
};

/*
 *    0       1       2               4                               8
 *   +-------+-------+---------------+-------------------------------+
 *   |  code |src|dst|    offset     |          immediate            |
 *   +-------+-------+---------------+-------------------------------+
 */
const INSTRUCTION_BYTES = 8;
const CALL = 0x85;
const LOAD_64 = 0x18;
const PSEUDO_CALL = 1;
const PSEUDO_FUNC = 4; /* the address of a callback */
const HELPER = 0;
const HELPER_LOOP = 181; /* bpf_loop */
const LOOP_BYTES = 24; /* three registers, in optimize_bpf_loop() */
/** check_max_stack_depth() rounds each frame up to this; newer kernels with a JIT to 16. */
const FRAME_BYTES = 32;

/** The functions of a program, in the order of their places as the verifier numbers them. */
export function subprogramsOf(instructions: Buffer): Subprogram[] {
  const edges = edgesOf(instructions);
  const starts = [...new Set([0, ...edges.map(({ to }) => to)])].toSorted((a, b) => a - b);
  const owner = (index: number) => starts.findLastIndex((start) => start <= index);
  const loops = helperCalls(instructions, HELPER_LOOP).map(owner);
  return starts.map((start, number) => ({
    start,
    hasLoop: loops.includes(number),
    calls: [
      ...new Set(
        edges.filter(({ from }) => owner(from) === number).map(({ to }) => starts.indexOf(to)),
      ),
    ],
  }));
}

/**
 * Stack of the deepest chain, given the verifier's depth of each function. A timer's
 * callback is counted as if it were called, which is more than it takes.
 */
export function callChain(
  subprograms: readonly Subprogram[],
  stackDepths: readonly number[],
): number {
  if (subprograms.length !== stackDepths.length)
    throw new RangeError(
      `the program has ${subprograms.length} functions, the verifier tells of ${stackDepths.length}`,
    );
  const below = (number: number): number => {
    const { calls = [], hasLoop = false } = subprograms[number] ?? {};
    const bytes = Math.max(1, (stackDepths[number] ?? 0) - (hasLoop ? LOOP_BYTES : 0));
    const frame = Math.ceil(bytes / FRAME_BYTES) * FRAME_BYTES;
    return frame + Math.max(0, ...calls.map(below));
  };
  return below(0);
}

function edgesOf(instructions: Buffer): { from: number; to: number }[] {
  const edges: { from: number; to: number }[] = [];
  for (const { index, code, source, immediate } of each(instructions))
    if ((code === CALL && source === PSEUDO_CALL) || (code === LOAD_64 && source === PSEUDO_FUNC))
      edges.push({ from: index, to: index + 1 + immediate });
  return edges;
}

function helperCalls(instructions: Buffer, helper: number): number[] {
  return [...each(instructions)]
    .filter(
      ({ code, source, immediate }) => code === CALL && source === HELPER && immediate === helper,
    )
    .map(({ index }) => index);
}

function* each(instructions: Buffer) {
  const count = instructions.length / INSTRUCTION_BYTES;
  for (let index = 0; index < count; index++) {
    const at = index * INSTRUCTION_BYTES;
    const code = instructions.readUInt8(at);
    yield {
      index,
      code,
      source: instructions.readUInt8(at + 1) >> 4,
      immediate: instructions.readInt32LE(at + 4),
    };
    if (code === LOAD_64) index += 1; // its second half is no instruction
  }
}
