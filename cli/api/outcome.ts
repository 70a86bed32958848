/** What apply, diff and rollback say of an outcome. */
import type { z } from 'zod';
import type { outcome } from '../../control/api/config-routes.ts';
import { formatChange } from '../../control/reconcile/difference.ts';
import { printable, type Style } from '../output/style.ts';

export type Outcome = z.infer<typeof outcome>;
type Change = Outcome['changes'][number];

export function asText({ changes, drift }: Outcome, style: Style): string {
  const lines = [
    ...changes.map((change) => paintOf(change, style)(printable(formatChange(change as never)))),
    ...drift.map(({ path, file, now, by, at }) => {
      const who = by === '' ? `since ${at}` : `by ${by}, ${at}`;
      return style.warning(printable(`! ${path}: ${file} → ${now} (beside the file, ${who})`));
    }),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

export function isSame({ changes, drift }: Outcome): boolean {
  return changes.length === 0 && drift.length === 0;
}

function paintOf({ op }: Change, style: Style): (text: string) => string {
  switch (op) {
    case 'add':
      return style.good;
    case 'remove':
      return style.bad;
    case 'change':
      return style.warning;
  }
}
