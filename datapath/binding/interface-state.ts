/** Whether an interface of this process' network namespace is there, and whether it is up. */
import { callFailed } from './errors.ts';
import { ERRNO, errno, lib } from './libbpf.ts';

export type InterfaceState = 'up' | 'down' | 'absent';

/* struct ifreq: the name, then the flags */
const NAME_BYTES = 16;
const REQUEST_BYTES = 40;
const SIOCGIFFLAGS = 0x8913;
const [IFF_UP, IFF_RUNNING] = [0x1, 0x40];
const [AF_INET, SOCK_DGRAM, SOCK_CLOEXEC] = [2, 2, 0x80000];

/** `down` is what nothing passes: switched off by a person, or without a carrier. */
export function interfaceState(name: string): InterfaceState {
  const request = Buffer.alloc(REQUEST_BYTES);
  request.write(name.slice(0, NAME_BYTES - 1), 'latin1');
  const result: number = lib().ioctl(anySocket(), SIOCGIFFLAGS, request);
  if (result !== 0) {
    const reason = errno();
    if (reason === ERRNO.ENODEV) return 'absent';
    throw callFailed('look at network interface', name, reason);
  }
  const flags = request.readUInt16LE(NAME_BYTES);
  return (flags & IFF_UP) !== 0 && (flags & IFF_RUNNING) !== 0 ? 'up' : 'down';
}

let socketFd: number | undefined;

/** One for the life of the process: the kernel wants a socket to ask through. */
function anySocket(): number {
  if (socketFd !== undefined) return socketFd;
  const fd: number = lib().socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw callFailed('open', 'a socket', errno());
  return (socketFd = fd);
}
