/** Which daemon a command talks to: one of this machine by its instance, or one elsewhere by its URL. */
import { readFileSync } from 'node:fs';
import { option, optionOr, UsageError } from '../command.ts';
import { readInstance } from '../instance.ts';
import type { Target } from './call.ts';

export const targetOptions = {
  instance: optionOr('--instance <name>', 'which instance to ask', readInstance, 'default'),
  socket: option('--socket <path>', 'ask the daemon behind this socket', (path) => path),
  api: option(
    '--api <url>',
    'ask a daemon elsewhere: https://HOST:PORT (or environment FULLNAT_API)',
    readUrl,
  ),
  tokenFile: option(
    '--token-file <file>',
    'with the token for --api (or the token itself in environment FULLNAT_TOKEN)',
    (path) => path,
  ),
  ca: option('--ca <file>', "who signed the daemon's certificate, PEM", (path) => path),
  certificate: option('--certificate <file>', 'certificate to show to --api, PEM', (path) => path),
  key: option('--key <file>', 'its private key, PEM', (path) => path),
};

export type TargetOptions = {
  readonly instance: string;
  readonly socket: string | undefined;
  readonly api: URL | undefined;
  readonly tokenFile: string | undefined;
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
};

/** Undefined: a daemon of this machine, by its instance. */
export function namedTarget(
  { socket, api, tokenFile, ca, certificate, key }: TargetOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Target | undefined {
  if (socket !== undefined) return { kind: 'socket', path: socket };
  const { FULLNAT_API: usual, FULLNAT_TOKEN: token } = environment;
  const url = api ?? (usual === undefined || usual === '' ? undefined : readUrl(usual));
  if (url === undefined) return undefined;
  return {
    ...{ kind: 'remote', url },
    token: tokenFile === undefined ? token : contentOf(tokenFile, 'token').trim(),
    ca: ca === undefined ? undefined : contentOf(ca, 'certificate'),
    certificate: certificate === undefined ? undefined : contentOf(certificate, 'certificate'),
    key: key === undefined ? undefined : contentOf(key, 'key'),
  };
}

/** As people call it. */
export function formatTarget(target: Target): string {
  return target.kind === 'socket' ? target.path : target.url.href;
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:')
    throw new UsageError(
      `bad --api \`${text}\`; write https://HOST:PORT (tokens go over TLS only)`,
    );
  if (url.username !== '' || url.password !== '')
    throw new UsageError('no password in --api, where everybody sees it; use --token-file FILE');
  return url;
}

function contentOf(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the ${what}: ${(error as Error).message}`);
  }
}
