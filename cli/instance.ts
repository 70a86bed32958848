/** Instance names: directory names below /run/fullnat and /sys/fs/bpf/fullnat. */
import { UsageError } from './command.ts';

export function readInstance(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,30}$/.test(text)) return text;
  throw new UsageError(`bad instance name \`${text}\`; 1 to 31 of a-z, 0-9 and -`);
}
