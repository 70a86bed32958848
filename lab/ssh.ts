/** A real ssh, to a real sshd inside a namespace of the lab, with keys of their own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { runProgram } from './process.ts';
import { namespaceName, type Role } from './topology.ts';

const SSHD = '/usr/sbin/sshd';
const SYSTEM_CONFIG = '/etc/ssh/ssh_config';

/**
 * The beginning of an argument list under which `ssh root@lab` goes to that namespace: it alone sees
 * another /etc/ssh/ssh_config. sshd is started for each connection, and listens nowhere.
 */
export async function sshInto(folder: string, instance: string, role: Role): Promise<string[]> {
  const [hostKey, ownKey] = [`${folder}/host-key`, `${folder}/own-key`];
  for (const key of [hostKey, ownKey])
    await runProgram(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key]);
  // Where sshd gives its rights up; the service's unit makes it otherwise.
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  write(`${folder}/sshd_config`, [
    ...[`HostKey ${hostKey}`, `AuthorizedKeysFile ${ownKey}.pub`, 'StrictModes no', 'UsePAM no'],
    ...['PermitRootLogin prohibit-password', 'PidFile none', 'LogLevel ERROR'],
  ]);
  const daemon = `nsenter --net=/run/netns/${namespaceName(instance, role)} -- ${SSHD}`;
  write(`${folder}/ssh_config`, [
    ...['Host lab', `ProxyCommand ${daemon} -i -f ${folder}/sshd_config`],
    ...[`IdentityFile ${ownKey}`, 'IdentitiesOnly yes', 'StrictHostKeyChecking no'],
    ...['UserKnownHostsFile /dev/null', 'GlobalKnownHostsFile /dev/null', 'LogLevel ERROR'],
  ]);
  const mount = `mount --bind ${folder}/ssh_config ${SYSTEM_CONFIG} && exec "$@"`;
  return ['unshare', '--mount', 'sh', '-c', mount, 'sh'];
}

function write(path: string, lines: readonly string[]): void {
  writeFileSync(path, `${lines.join('\n')}\n`);
}
