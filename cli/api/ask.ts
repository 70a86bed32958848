/** A verb of the API, for a command: what it answered, or an error that says what to do. */
import type { Row } from '../daemons.ts';
import { CommandError, UsageError } from '../command.ts';
import { callApi, type Call, type Target } from './call.ts';
import { formatTarget } from './target.ts';

export type Done = { readonly text: string; readonly revision: string | undefined };

export async function askApi(target: Target, call: Call): Promise<Done> {
  const answer = await callApi(target, call);
  const place = formatTarget(target);
  switch (answer.kind) {
    case 'absent':
      throw new CommandError(
        `no daemon answers at ${place}: there is no such socket; start it first`,
      );
    case 'failed':
      throw new CommandError(`${place}: ${answer.why}`);
    case 'answer':
      break;
  }
  const { status, body, headers } = answer;
  if (status >= 200 && status < 300)
    return { text: body, revision: headers.etag?.replaceAll('"', '') };
  const message = messageIn(body);
  switch (status) {
    case 400:
    case 422:
      throw new UsageError(message);
    case 401:
      throw new CommandError(`${place}: ${message}`);
    case 404:
      throw new UsageError(message);
    default:
      throw new CommandError(message);
  }
}

/** For who knows what is answered there. */
export async function askValue<T>(target: Target, call: Call): Promise<T> {
  return JSON.parse((await askApi(target, call)).text) as T;
}

function messageIn(body: string): string {
  try {
    const value = JSON.parse(body) as Row;
    if (typeof value['error'] === 'string') return value['error'];
  } catch {
    // Not a daemon of ours.
  }
  return body === '' ? 'answered nothing' : body.slice(0, 500);
}
