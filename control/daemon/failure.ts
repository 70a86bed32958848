/** Errors as people read them: which are messages for the person who started a daemon, and not bugs. */
import { BpfError } from '../../datapath/binding/errors.ts';
import { AlreadyRunningError } from '../api/socket.ts';
import { DoorError } from '../api/tls-door.ts';
import { RunRootError } from '../api/run-root.ts';
import { NoRoomError } from './assign.ts';
import { StateError } from '../state/state-file.ts';
import { MachineError } from './forwarding.ts';

export function isForPeople(error: unknown): error is Error {
  return [
    BpfError,
    AlreadyRunningError,
    NoRoomError,
    MachineError,
    RunRootError,
    StateError,
    DoorError,
  ].some((kind) => error instanceof kind);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
