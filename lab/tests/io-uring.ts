/** accept() through io_uring, by hand: Python has no module for it, and no Debian server uses it yet. */

import { existsSync, readFileSync } from 'node:fs';

const SWITCH = '/proc/sys/kernel/io_uring_disabled';

/** Why it cannot be tried on this machine. */
export const lacksIoUring =
  existsSync(SWITCH) && readFileSync(SWITCH, 'utf8').trim() !== '0'
    ? `needs ${SWITCH} to be 0`
    : false;

/** Listens on ADDRESS PORT and tells each client the name that the ring's accept gave. */
export const IO_URING_ACCEPT = `
import ctypes, mmap, socket, struct, sys
SETUP, ENTER, ACCEPT, SQES = 425, 426, 13, 0x10000000
libc = ctypes.CDLL(None, use_errno=True)
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen(16)
parameters = ctypes.create_string_buffer(120)
ring = libc.syscall(SETUP, 4, parameters)
if ring < 0: sys.exit(f'no io_uring here: errno {ctypes.get_errno()}')
u32 = lambda at: struct.unpack_from('=I', parameters, at)[0]
head, tail, mask, array = u32(40), u32(44), u32(48), u32(64)
cq_head, cq_tail, cq_mask, cqes = u32(80), u32(84), u32(88), u32(100)
rings = mmap.mmap(ring, max(array + 4 * 4, cqes + 16 * u32(4)))
sqes = mmap.mmap(ring, 64 * 4, offset=SQES)
at = lambda where: struct.unpack_from('=I', rings, where)[0]
while True:
    name, length = ctypes.create_string_buffer(16), ctypes.c_uint32(16)
    slot = at(tail) & at(mask)
    sqe = struct.pack('=BBHiQQIIQ', ACCEPT, 0, 0, s.fileno(), ctypes.addressof(length), ctypes.addressof(name), 0, 0, 1)
    sqes[64 * slot:64 * slot + len(sqe)] = sqe
    struct.pack_into('=I', rings, array + 4 * slot, slot)
    struct.pack_into('=I', rings, tail, at(tail) + 1)
    libc.syscall(ENTER, ring, 1, 1, 1, None, 0)
    done = cqes + 16 * (at(cq_head) & at(cq_mask))
    fd = struct.unpack_from('=i', rings, done + 8)[0]
    struct.pack_into('=I', rings, cq_head, at(cq_head) + 1)
    port, = struct.unpack_from('!H', name, 2)
    c = socket.socket(fileno=fd)
    c.recv(100)
    c.send(f'{socket.inet_ntoa(name.raw[4:8])}:{port}\\n'.encode())`;
