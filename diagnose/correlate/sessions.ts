/** A balancer's or agent's own list of sessions: who says which two tuples are one connection. */
import type { Connection } from './connection.ts';
import { isSameTuple } from './connection.ts';
import type { AddressBook, SocketKey } from './address-book.ts';

/** `ADDRESS:PORT` four times: as received from the client's side, and as sent to the server's. */
export interface SessionRow {
  readonly from: { readonly client: string; readonly server: string };
  readonly to: { readonly client: string; readonly server: string };
}

export class SessionIndex {
  readonly #to = new Map<string, string>();
  readonly #book: AddressBook;

  constructor({ book }: { readonly book: AddressBook }, rows: readonly SessionRow[]) {
    this.#book = book;
    for (const { from, to } of rows)
      this.#to.set(`${from.client} ${from.server}`, `${to.client} ${to.server}`);
  }

  joins(earlier: Connection, later: Connection): boolean {
    if (this.#to.size === 0) return false;
    return this.#to.get(this.#text(earlier)) === this.#text(later);
  }

  /** The session is listed with another tuple. A tuple left alone may be from before the box. */
  contradicts(earlier: Connection, later: Connection): boolean {
    if (this.#to.size === 0 || isSameTuple(earlier, later)) return false;
    const listed = this.#to.get(this.#text(earlier));
    return listed !== undefined && listed !== this.#text(later);
  }

  /** The connection's own end behind the translation, where the list has it. */
  sourceAfter(earlier: Connection): SocketKey | undefined {
    const listed = this.#to.size === 0 ? undefined : this.#to.get(this.#text(earlier));
    return listed === undefined ? undefined : this.#book.socketOf(listed.split(' ')[0] ?? '');
  }

  #text({ client, server }: Connection): string {
    return `${this.#book.keyText(client)} ${this.#book.keyText(server)}`;
  }
}

/**
 * Rows of `fullnat get sessions -o json`: the balancer's have client, listener, local, backend; the
 * agent's peer, local, server, visible. Throws a RangeError that names the first row that is neither.
 */
export function sessionRows(value: unknown): SessionRow[] {
  if (!Array.isArray(value))
    throw new RangeError('sessions must be a JSON array, as `fullnat get sessions -o json` prints');
  return value.map((row: unknown, i) => {
    const field = (name: string) => {
      const found =
        typeof row === 'object' && row !== null
          ? (row as Record<string, unknown>)[name]
          : undefined;
      return typeof found === 'string' ? found : undefined;
    };
    const [client, listener] = [field('client'), field('listener')];
    const [local, backend] = [field('local'), field('backend')];
    if (client && listener && local && backend)
      return { from: { client, server: listener }, to: { client: local, server: backend } };
    const [peer, server, visible] = [field('peer'), field('server'), field('visible')];
    if (peer && server && visible)
      return { from: { client: local ?? peer, server }, to: { client: visible, server } };
    throw new RangeError(
      `session ${i} has neither client, listener, local, backend nor peer, server, visible`,
    );
  });
}
