/** What can go wrong between user space and the kernel's BPF, said so that a person can act on it. */
import { getSystemErrorName } from 'node:util';

export type BpfFailure =
  | { code: 'BPF_LIBRARY_MISSING'; library: string; reason: string }
  | { code: 'BPF_NOT_PERMITTED'; operation: string; subject: string }
  | { code: 'BPF_NOT_FOUND'; operation: string; subject: string }
  | { code: 'BPF_EXISTS'; operation: string; subject: string }
  | { code: 'BPF_BUSY'; operation: string; subject: string }
  | { code: 'BPF_OUT_OF_MEMORY'; operation: string; subject: string }
  | { code: 'BPF_MAP_FULL'; map: string; capacity: number }
  | { code: 'BPF_VERIFIER_REJECTED'; object: string; log: readonly string[] }
  | { code: 'BPF_LAYOUT_CHANGED'; instance: string; sessions: number; map: string; detail: string }
  | {
      code: 'BPF_CAPACITY_CHANGED';
      instance: string;
      sessions: number;
      map: string;
      pinned: number;
      wanted: number;
    }
  | {
      code: 'BPF_CALL_FAILED';
      operation: string;
      subject: string;
      errno: string;
      log: readonly string[];
    };

export class BpfError extends Error {
  override readonly name = 'BpfError';
  readonly code: BpfFailure['code'];
  readonly failure: BpfFailure;

  constructor(failure: BpfFailure, options?: ErrorOptions) {
    super(describe(failure), options);
    this.code = failure.code;
    this.failure = failure;
  }
}

const LOG_LINES_SHOWN = 12;

/** The error for a call that returned `-errno`; `log` is what libbpf printed during it. */
export function callFailed(
  operation: string,
  subject: string,
  errno: number,
  log: readonly string[] = [],
): BpfError {
  const name = getSystemErrorName(-errno);
  switch (name) {
    case 'EPERM':
    case 'EACCES':
      return new BpfError({ code: 'BPF_NOT_PERMITTED', operation, subject });
    case 'ENOENT':
    case 'ENODEV':
      return new BpfError({ code: 'BPF_NOT_FOUND', operation, subject });
    case 'EEXIST':
      return new BpfError({ code: 'BPF_EXISTS', operation, subject });
    case 'EBUSY':
      return new BpfError({ code: 'BPF_BUSY', operation, subject });
    case 'ENOMEM':
      return new BpfError({ code: 'BPF_OUT_OF_MEMORY', operation, subject });
  }
  return new BpfError({ code: 'BPF_CALL_FAILED', operation, subject, errno: name, log });
}

function describe(failure: BpfFailure): string {
  switch (failure.code) {
    case 'BPF_LIBRARY_MISSING':
      return `cannot load ${failure.library} (${failure.reason}); install it: apt-get install libbpf1`;
    case 'BPF_NOT_PERMITTED':
      return `not permitted to ${failure.operation} ${failure.subject}; run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON`;
    case 'BPF_NOT_FOUND':
      return `cannot ${failure.operation} ${failure.subject}: there is no such thing; is the daemon of this instance set up, and is this the right network namespace?`;
    case 'BPF_EXISTS':
      return `cannot ${failure.operation} ${failure.subject}: it exists already`;
    case 'BPF_BUSY':
      return `cannot ${failure.operation} ${failure.subject}: it is in use; try again when the other user has finished`;
    case 'BPF_OUT_OF_MEMORY':
      return `the kernel has no memory to ${failure.operation} ${failure.subject}; lower sessions.capacity or free memory`;
    case 'BPF_MAP_FULL':
      return `map ${failure.map} is full at ${failure.capacity} entries; raise its capacity${failure.map.startsWith('session') ? ' (sessions.capacity)' : ''}`;
    case 'BPF_VERIFIER_REJECTED':
      return `the kernel's verifier rejected ${failure.object}; see docs/kernel-requirements.md, and report this with the kernel's version. Last lines of its log:${indented(failure.log)}`;
    case 'BPF_LAYOUT_CHANGED':
      return `instance ${failure.instance} has map ${failure.map} of another layout (${failure.detail}); ${runDetach(failure)} or run the version that made it`;
    case 'BPF_CAPACITY_CHANGED':
      return `instance ${failure.instance} has map ${failure.map} with room for ${failure.pinned} entries, ${failure.wanted} are wanted; ${runDetach(failure)} or keep the old value`;
    case 'BPF_CALL_FAILED':
      return `cannot ${failure.operation} ${failure.subject}: ${failure.errno}${failure.log.length > 0 ? `; libbpf said:${indented(failure.log)}` : ''}`;
  }
}

function runDetach(failure: { instance: string; sessions: number }): string {
  return `run \`fullnat detach --instance ${failure.instance}\` (ends ${failure.sessions} session${failure.sessions === 1 ? '' : 's'})`;
}

function indented(log: readonly string[]): string {
  return log
    .slice(-LOG_LINES_SHOWN)
    .map((line) => `\n  ${line}`)
    .join('');
}
