/** Who is at the other end of a unix socket, as the kernel knows it. */
import { lib } from './libbpf.ts';

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12; /* pid, uid, gid */

/** Undefined where the kernel, or this machine without libbpf, cannot tell. */
export function peerUser(fd: number): number | undefined {
  const credentials = Buffer.alloc(UCRED_BYTES);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(UCRED_BYTES);
  try {
    const result = lib().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length);
    return result === 0 ? credentials.readUInt32LE(4) : undefined;
  } catch {
    return undefined;
  }
}
