/** With what a daemon begins: its file, or what somebody put in force after that file was taken up. */
import { messageOf } from '../daemon/failure.ts';
import type { Log } from '../daemon/log.ts';
import type { Revisions } from '../state/revisions.ts';
import type { ConfigSource, Taken } from './configurator.ts';

/** Who spoke last is heard: a file that was changed since counts more than an earlier `fullnat apply`. */
export async function whatIsInForce<C extends { readonly instance: string }>(
  source: Pick<ConfigSource<C>, 'interpret' | 'file'>,
  file: Taken<C>,
  revisions: Pick<Revisions, 'newerThan'>,
  log: Pick<Log, 'warn' | 'info'>,
): Promise<Taken<C>> {
  const newer = revisions.newerThan(file.text);
  if (newer === undefined) return file;
  const { revision, who, at } = newer.revision;
  const data = { revision, who, at, file: source.file };
  try {
    const config = await source.interpret(newer.text, `revision ${revision}`);
    log.info(
      data,
      'goes on with what was applied; the file has not changed since (SIGHUP takes it up)',
    );
    return { config, text: newer.text };
  } catch (error) {
    const reason = { ...data, error: messageOf(error) };
    log.warn(reason, 'what was applied cannot be used any more; begins with the file');
    return file;
  }
}
