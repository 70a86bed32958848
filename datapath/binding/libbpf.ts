/** The C functions of libbpf that this project calls; the only file that does FFI. */
import koffi, { type KoffiFunc, type LibraryHandle } from 'koffi';
import type { Unit } from '../../packet/unit.ts';
import { BpfError, callFailed } from './errors.ts';

/** A C function by what it returns; libbpf checks nothing else, so neither can we. */
type Call<R> = KoffiFunc<(...args: unknown[]) => R>;
type Arguments = Parameters<LibraryHandle['func']>[3];
export type MapFd = Unit<number, 'MapFd'>;
export type ProgramFd = Unit<number, 'ProgramFd'>;
export type LinkFd = Unit<number, 'LinkFd'>;
export type InterfaceIndex = Unit<number, 'InterfaceIndex'>;
/** An address in this process that C gave us. */
export type Pointer = Unit<bigint, 'Pointer'>;

/** Called for each record of a ring buffer; C reads the result: negative stops the reading. */
export type SampleCallback = (record: Buffer) => void;

export const ERRNO = {
  ENOENT: 2,
  E2BIG: 7,
  ENODEV: 19,
  EEXIST: 17,
  EINVAL: 22,
  ENOSPC: 28,
} as const;

const LIBRARY = 'libbpf.so.1';
const C_LIBRARY = 'libc.so.6';
const VA_LIST_BYTES = 32; /* 24 on x86-64, 32 on arm64; both pass it by address */
const LEVEL_DEBUG = 2;
const LOG_LINES_KEPT = 400; /* the verifier's log ends with what it rejected */

let library: ReturnType<typeof declare> | undefined;
let printed: string[] = [];
let printedTotal = 0;

/** libbpf, loaded at first use so that commands without BPF run where it is not installed. */
export function lib(): ReturnType<typeof declare> {
  return (library ??= declare());
}

function declare() {
  const [bpf, c] = [open(LIBRARY), open(C_LIBRARY)];
  const int = (name: string, args: Arguments) => bpf.func(name, 'int', args) as Call<number>;
  const unsigned = (name: string, args: Arguments) =>
    bpf.func(name, 'uint32_t', args) as Call<number>;
  const nothing = (name: string, args: Arguments) => bpf.func(name, 'void', args) as Call<void>;
  const text = (name: string, args: Arguments) => bpf.func(name, 'str', args) as Call<string>;
  const truth = (name: string, args: Arguments) => bpf.func(name, 'bool', args) as Call<boolean>;
  const pointer = (name: string, args: Arguments) =>
    bpf.func(name, 'void *', args) as Call<Pointer | null>;
  const batchOptions = koffi.pointer(
    koffi.struct({ sz: 'size_t', elem_flags: 'uint64_t', flags: 'uint64_t' }),
  );
  const testRun = koffi.struct({
    sz: 'size_t',
    data_in: 'uint8_t *',
    data_out: 'uint8_t *',
    data_size_in: 'uint32_t',
    data_size_out: 'uint32_t',
    ctx_in: 'uint8_t *',
    ctx_out: 'uint8_t *',
    ctx_size_in: 'uint32_t',
    ctx_size_out: 'uint32_t',
    retval: 'uint32_t',
    repeat: 'int',
    duration: 'uint32_t',
    flags: 'uint32_t',
    cpu: 'uint32_t',
    batch_size: 'uint32_t',
  });
  const tcHook = koffi.struct({
    sz: 'size_t',
    ifindex: 'int',
    attach_point: 'int',
    parent: 'uint32_t',
  });
  const tcOptions = koffi.struct({
    sz: 'size_t',
    prog_fd: 'int',
    flags: 'uint32_t',
    prog_id: 'uint32_t',
    handle: 'uint32_t',
    priority: 'uint32_t',
  });
  const linkOptions = koffi.struct({
    sz: 'size_t',
    flags: 'uint32_t',
    iter_info: 'uint8_t *',
    iter_info_len: 'uint32_t',
  });
  const print = koffi.proto('int', ['int', 'void *', 'void *']);
  const sample = koffi.proto('int', ['void *', 'void *', 'size_t']);
  const hook = koffi.inout(koffi.pointer(tcHook));
  const options = koffi.inout(koffi.pointer(tcOptions));
  const count = 'uint32_t *';
  const p = 'void *';

  const functions = {
    sizes: {
      testRun: koffi.sizeof(testRun),
      tcHook: koffi.sizeof(tcHook),
      tcOptions: koffi.sizeof(tcOptions),
      linkOptions: koffi.sizeof(linkOptions),
    },
    sample: koffi.pointer(sample),

    open: pointer('bpf_object__open', ['str']),
    load: int('bpf_object__load', [p]),
    close: nothing('bpf_object__close', [p]),
    nextMap: pointer('bpf_object__next_map', [p, p]),
    nextProgram: pointer('bpf_object__next_program', [p, p]),
    programName: text('bpf_program__name', [p]),
    programFd: int('bpf_program__fd', [p]),
    programInstructions: pointer('bpf_program__insns', [p]),
    programInstructionCount: unsigned('bpf_program__insn_cnt', [p]),
    setLogLevel: int('bpf_program__set_log_level', [p, 'uint32_t']),
    setLogBuffer: int('bpf_program__set_log_buf', [p, p, 'size_t']),
    mapName: text('bpf_map__name', [p]),
    mapFd: int('bpf_map__fd', [p]),
    mapIsInternal: truth('bpf_map__is_internal', [p]),
    mapType: int('bpf_map__type', [p]),
    mapKeySize: unsigned('bpf_map__key_size', [p]),
    mapValueSize: unsigned('bpf_map__value_size', [p]),
    mapMaxEntries: unsigned('bpf_map__max_entries', [p]),
    mapFlags: unsigned('bpf_map__map_flags', [p]),
    setMaxEntries: int('bpf_map__set_max_entries', [p, 'uint32_t']),
    setPinPath: int('bpf_map__set_pin_path', [p, 'str']),

    pin: int('bpf_obj_pin', ['int', 'str']),
    getPinned: int('bpf_obj_get', ['str']),
    mapFdById: int('bpf_map_get_fd_by_id', ['uint32_t']),
    programFdById: int('bpf_prog_get_fd_by_id', ['uint32_t']),
    info: int('bpf_obj_get_info_by_fd', ['int', p, koffi.inout(count)]),
    enableStats: int('bpf_enable_stats', ['int']),
    possibleCpus: int('libbpf_num_possible_cpus', []),

    lookup: int('bpf_map_lookup_elem', ['int', p, p]),
    update: int('bpf_map_update_elem', ['int', p, p, 'uint64_t']),
    delete: int('bpf_map_delete_elem', ['int', p]),
    lookupAndDelete: int('bpf_map_lookup_and_delete_elem', ['int', p, p]),
    nextKey: int('bpf_map_get_next_key', ['int', p, p]),
    lookupBatch: int('bpf_map_lookup_batch', ['int', p, p, p, p, koffi.inout(count), batchOptions]),
    updateBatch: int('bpf_map_update_batch', ['int', p, p, koffi.inout(count), batchOptions]),

    ringNew: pointer('ring_buffer__new', ['int', koffi.pointer(sample), p, p]),
    ringConsume: int('ring_buffer__consume', [p]),
    ringEpollFd: int('ring_buffer__epoll_fd', [p]),
    ringFree: nothing('ring_buffer__free', [p]),

    testRun: int('bpf_prog_test_run_opts', ['int', koffi.inout(koffi.pointer(testRun))]),
    testRunRaw: int('bpf_prog_test_run_opts', ['int', p]),

    tcHookCreate: int('bpf_tc_hook_create', [hook]),
    tcHookDestroy: int('bpf_tc_hook_destroy', [hook]),
    tcAttach: int('bpf_tc_attach', [hook, options]),
    tcDetach: int('bpf_tc_detach', [hook, options]),
    tcQuery: int('bpf_tc_query', [hook, options]),
    rawTracepointOpen: int('bpf_raw_tracepoint_open', ['str', 'int']),
    linkCreate: int('bpf_link_create', ['int', 'int', 'int', koffi.pointer(linkOptions)]),
    linkUpdate: int('bpf_link_update', ['int', 'int', p]),
    iteratorCreate: int('bpf_iter_create', ['int']),
    setNamespace: c.func('setns', 'int', ['int', 'int']) as Call<number>,
    socket: c.func('socket', 'int', ['int', 'int', 'int']) as Call<number>,
    getsockopt: c.func('getsockopt', 'int', ['int', 'int', 'int', p, p]) as Call<number>,
    ioctl: c.func('ioctl', 'int', ['int', 'unsigned long', p]) as Call<number>,
    interfaceIndex: c.func('if_nametoindex', 'uint32_t', ['str']) as Call<number>,
  };

  const format = c.func('vsnprintf', 'int', [p, 'size_t', p, p]) as Call<number>;
  const setPrint = pointer('libbpf_set_print', [koffi.pointer(print)]);
  setPrint(
    koffi.register((level: number, text: bigint, args: bigint) => {
      if (level < LEVEL_DEBUG) record(formatted(format, text, args));
      return 0;
    }, koffi.pointer(print)),
  );
  return functions;
}

/** Starts listening to what libbpf prints; the function returned gives the lines since then. */
export function listen(): () => string[] {
  lib();
  const start = printedTotal;
  return () => (printedTotal === start ? [] : printed.slice(-(printedTotal - start)));
}

/** Throws unless `result` is a success; libbpf returns `-errno`. */
export function check(result: number, operation: string, subject: string): number {
  if (result < 0) throw callFailed(operation, subject, -result);
  return result;
}

/** `errno` as C left it, for calls that answer with a null pointer. */
export function errno(): number {
  return koffi.errno();
}

/** Runs a C function on a worker thread; `args` stay alive until it ends. */
export function inBackground(call: Call<number>, ...args: unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: Error | null, result: number) =>
      error === null ? resolve(result) : reject(error),
    );
  });
}

/** The address of a buffer's bytes, for a pointer inside another buffer. */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}

/** A copy of what is at an address that C gave us. */
export function bytesAt(pointer: Pointer, bytes: number): Buffer {
  return Buffer.from(new Uint8Array(koffi.view(pointer, bytes)));
}

/** A C callback that hands each record to `onRecord` as a copy. `release` frees it. */
export function sampleCallback(onRecord: SampleCallback): { pointer: bigint; release(): void } {
  const pointer = koffi.register((_context: unknown, data: bigint, bytes: number | bigint) => {
    onRecord(bytesAt(data as Pointer, Number(bytes)));
    return 0;
  }, lib().sample);
  return { pointer, release: () => koffi.unregister(pointer) };
}

/** Calls `onReadable` whenever `fd` has something to read. */
export function whenReadable(fd: number, onReadable: () => void): { close(): void } {
  return koffi.node.poll(fd, { readable: true }, onReadable);
}

function open(name: string): LibraryHandle {
  try {
    return koffi.load(name);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BpfError({ code: 'BPF_LIBRARY_MISSING', library: name, reason }, { cause: error });
  }
}

/** printf's result; measured first, because a verifier log has any length. */
function formatted(format: Call<number>, text: bigint, args: bigint): string {
  const list = new Uint8Array(koffi.view(args, VA_LIST_BYTES));
  const bytes: number = format(null, 0, text, Buffer.from(list));
  const out = Buffer.alloc(bytes + 1);
  format(out, out.length, text, Buffer.from(list));
  return out.toString('utf8', 0, bytes);
}

function record(text: string): void {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  printedTotal += lines.length;
  printed = [...printed, ...lines.slice(-LOG_LINES_KEPT)].slice(-LOG_LINES_KEPT);
}
