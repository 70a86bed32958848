/** Bugs of the agent in socket mode: only real sockets show them. */
import type { Judge, Mutation } from '../mutation.ts';

const SOCKETS: Judge = { file: 'lab/tests/socket-toa.test' };

export const socketMutations: readonly Mutation[] = [
  {
    name: 'the port that accept() tells is in the byte order of the machine',
    file: 'agent/socket/options.h',
    text: 'walk->port = bpf_htons((walk->bytes[offset + 2] << 8) | walk->bytes[offset + 3]);',
    replacement: 'walk->port = (walk->bytes[offset + 2] << 8) | walk->bytes[offset + 3];',
    why: 'the address is right, and nobody looks at ports',
    judge: SOCKETS,
  },
  {
    name: 'options are read beyond the end of their list',
    file: 'agent/socket/options.h',
    text: 'if (kind == OPTION_EOL)\n\t\treturn 1;\n\tif (kind == OPTION_NOP) {',
    replacement: 'if (kind == OPTION_EOL || kind == OPTION_NOP) {',
    why: 'both are one byte long',
    judge: SOCKETS,
  },
  {
    name: 'accept() tells what strangers say',
    file: 'agent/socket/learn.h',
    text: 'if (!trusted) {\n\t\tif (found)',
    replacement: 'if (!trusted && !found) {\n\t\tif (found)',
    why: 'a condition joined with the wrong one',
    judge: SOCKETS,
  },
];
