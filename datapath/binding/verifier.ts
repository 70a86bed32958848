/** What the kernel's verifier says of the programs of an object: how near they are to its limits. */
import { callChain, subprogramsOf } from './call-chain.ts';
import {
  closeObject,
  declaredPrograms,
  loadedPrograms,
  loadInKernel,
  openObject,
  programInfo,
  type DeclaredProgram,
} from './kernel-object.ts';
import { addressOf, bytesAt, check, lib } from './libbpf.ts';
import { loadPrivateObject } from './object.ts';

export type VerifierFigures = {
  program: string;
  /** Instructions that the verifier went through, on all paths. */
  processed: number;
  peakStates: number;
  totalStates: number;
  /** Of the deepest chain of calls, as the kernels with the coarsest rounding count it. */
  stackBytes: number;
  /** What the kernel made of the program, and the machine code of that. */
  xlatedBytes: number;
  jitedBytes: number;
};

/** What the kernel refuses to go beyond: BPF_COMPLEXITY_LIMIT_INSNS and MAX_BPF_STACK. */
export const VERIFIER_LIMIT = { processed: 1_000_000, stackBytes: 512 } as const;
/** Beyond this share of a limit a program is too near: another kernel's verifier sees more paths. */
export const VERIFIER_SHARE_MAX = 0.8;

const LOG_STATS = 4; /* BPF_LOG_STATS */
const LOG_BYTES = 16_384; /* three lines are expected */
const INSTRUCTION_BYTES = 8;

/** Loads the object for nobody's use and measures it; throws as loading does when it is refused. */
export async function measureVerification(path: string): Promise<VerifierFigures[]> {
  const object = openObject(path);
  try {
    const logged = declaredPrograms(object).map(withStatistics);
    await loadInKernel(object, path).catch(async (error: unknown) => {
      await tellWhy(path);
      throw error;
    });
    const loaded = loadedPrograms(object);
    return logged.map(({ pointer, name, log }, i): VerifierFigures => {
      const program = loaded[i];
      if (program === undefined) throw new RangeError(`program ${name} was not loaded`);
      const { xlatedBytes, jitedBytes } = programInfo(program.fd, name);
      const { stackDepths, ...figures } = readStatistics(log.toString('latin1'));
      const subprograms = subprogramsOf(instructionsOf(pointer));
      return {
        ...{ program: name, ...figures, xlatedBytes, jitedBytes },
        stackBytes: callChain(subprograms, stackDepths),
      };
    });
  } finally {
    closeObject(object);
  }
}

/** True beyond VERIFIER_SHARE_MAX of any limit. */
export function isTooNear(figures: VerifierFigures): boolean {
  return (['processed', 'stackBytes'] as const).some(
    (what) => figures[what] > VERIFIER_LIMIT[what] * VERIFIER_SHARE_MAX,
  );
}

/**
 * The verifier's own words, as Linux 6.1 to 6.18 print them:
 *
 *     stack depth 400+80+48
 *     processed 266529 insns (limit 1000000) … total_states 7953 peak_states 1344 …
 */
export function readStatistics(log: string) {
  const stack = /^stack depth ([\d+]+)/m.exec(log);
  const work = /^processed (\d+) insns .*total_states (\d+) peak_states (\d+)/m.exec(log);
  if (!stack?.[1] || !work)
    throw new RangeError(`this kernel prints the verifier's statistics in another way: ${log}`);
  return {
    stackDepths: stack[1].split('+').map(Number),
    processed: Number(work[1]),
    totalStates: Number(work[2]),
    peakStates: Number(work[3]),
  };
}

function withStatistics({ pointer, name }: DeclaredProgram) {
  const log = Buffer.alloc(LOG_BYTES);
  check(lib().setLogLevel(pointer, LOG_STATS), 'set the log level of program', name);
  check(lib().setLogBuffer(pointer, addressOf(log), log.length), 'set the log of program', name);
  return { pointer, name, log };
}

/** With statistics alone the kernel does not say why it refuses: a plain load throws with its words. */
async function tellWhy(path: string): Promise<void> {
  (await loadPrivateObject({ path, capacities: {} })).close();
}

function instructionsOf(pointer: DeclaredProgram['pointer']): Buffer {
  const { programInstructions, programInstructionCount } = lib();
  const at = programInstructions(pointer);
  if (at === null) throw new RangeError('a loaded program has instructions');
  return bytesAt(at, programInstructionCount(pointer) * INSTRUCTION_BYTES);
}
