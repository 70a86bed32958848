/** Which function calls which, and how deep the stack gets, from the bytes of a program. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callChain, subprogramsOf, type Subprogram } from './call-chain.ts';

const EXIT = instruction(0x95, 0, 0);
const NOTHING = instruction(0xb7, 0, 0);

test('calls, callbacks and bpf_loop are read from the instructions', () => {
  const program = Buffer.concat([
    instruction(0x85, 1, 3), // 0: calls 4
    ...[instruction(0x18, 4, 5), instruction(0, 0, 0)], // 1: callback at 7
    EXIT, // 3
    ...[instruction(0x85, 0, 181), instruction(0x85, 1, 1), EXIT], // 4: bpf_loop, calls 7
    ...[NOTHING, EXIT], // 7
  ]);
  assert.deepEqual(subprogramsOf(program), [
    { start: 0, hasLoop: false, calls: [1, 2] },
    { start: 4, hasLoop: true, calls: [2] },
    { start: 7, hasLoop: false, calls: [] },
  ]);
});

test('the second half of a 64-bit constant is not an instruction', () => {
  const constant = [instruction(0x18, 0, 1), instruction(0x85, 1, 0)];
  assert.deepEqual(subprogramsOf(Buffer.concat([...constant, EXIT])), [
    { start: 0, hasLoop: false, calls: [] },
  ]);
});

type Row = [name: string, calls: number[][], depths: number[], bytes: number];
const CHAINS: readonly Row[] = [
  ['one function', [[]], [33], 64],
  ['a function without variables takes a frame all the same', [[]], [0], 32],
  ['the deeper of two', [[1, 2], [], []], [100, 40, 80], 128 + 96],
  ['a chain', [[1], [2], []], [64, 64, 64], 192],
];
for (const [name, calls, depths, bytes] of CHAINS)
  test(`stack: ${name}`, () => {
    const functions = calls.map((to): Subprogram => ({ start: 0, hasLoop: false, calls: to }));
    assert.equal(callChain(functions, depths), bytes);
  });

test('what the kernel adds for an inlined bpf_loop is not counted, as its limit does not', () => {
  assert.equal(callChain([{ start: 0, hasLoop: true, calls: [] }], [64 + 24]), 64);
});

test('a verifier that sees other functions than we is not believed', () => {
  assert.throws(() => callChain([{ start: 0, hasLoop: false, calls: [] }], [8, 8]), RangeError);
});

function instruction(code: number, source: number, immediate: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8(source << 4, 1);
  bytes.writeInt32LE(immediate, 4);
  return bytes;
}
