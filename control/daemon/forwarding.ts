/** Whether the kernel forwards packets that come in on an interface: without it, it routes nothing for us. */
import { readFileSync } from 'node:fs';

export type ReadSysctl = (path: string) => string;

const readProc: ReadSysctl = (path) => readFileSync(path, 'utf8');

/** This machine is not set up as the daemon needs it; the message says what to do. */
export class MachineError extends Error {
  override readonly name = 'MachineError';
}

/** All interfaces that need it, in one error. */
export function requireForwarding(interfaces: readonly string[], read = readProc): void {
  const off = interfaces.filter((name) => {
    try {
      return read(`/proc/sys/net/ipv4/conf/${name}/forwarding`).trim() !== '1';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new MachineError(`there is no network interface ${name} in this network namespace`);
    }
  });
  if (off.length === 0) return;
  /* sysctl takes / for the dots of an interface's name */
  const lines = off.map(
    (name) => `sysctl -w net.ipv4.conf.${name.replaceAll('.', '/')}.forwarding=1`,
  );
  throw new MachineError(
    `IPv4 forwarding is off on ${off.join(', ')}, so the kernel would route no packet for us; run:\n  ${lines.join('\n  ')}`,
  );
}
