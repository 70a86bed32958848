/** What a look at the machine found: one line for people, and what to do about it. */

export type State = 'ok' | 'warn' | 'fail';

export type Finding = {
  /** Which question it answers: `kernel programs`, `routes`, … */
  readonly check: string;
  readonly state: State;
  readonly found: string;
  /** A command, as it would be typed. */
  readonly mend?: string;
};

/** What a check says; whose it is, is added where the checks are run. */
export type Told = Omit<Finding, 'check'>;

/** Something of the machine, or why it could not be seen. */
export type Seen<T> =
  | { readonly seen: true; readonly value: T }
  | { readonly seen: false; readonly why: string; readonly mend?: string };

export const ok = (found: string): Told => ({ state: 'ok', found });

export const warn = (found: string, mend?: string): Told => told('warn', found, mend);

export const fail = (found: string, mend?: string): Told => told('fail', found, mend);

export const seen = <T>(value: T): Seen<T> => ({ seen: true, value });

export const unseen = (why: string, mend?: string): Seen<never> => ({
  ...{ seen: false, why },
  ...(mend === undefined ? {} : { mend }),
});

/** Nothing wrong is known, and nothing right either. */
export function notSeen({ why, mend }: { why: string; mend?: string }): Told {
  return warn(`not seen: ${why}`, mend);
}

function told(state: State, found: string, mend: string | undefined): Told {
  return { state, found, ...(mend === undefined ? {} : { mend }) };
}
