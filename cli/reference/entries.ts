/** The commands as a manual tells them: one entry for each, whether in a group or not. */
import type { Argument, Command, Group, Option } from '../command.ts';

export interface Entry {
  /** `get`, `lab up` */
  readonly path: string;
  readonly command: Command;
}

export function entriesOf(registry: readonly (Command | Group)[]): readonly Entry[] {
  return registry
    .filter(({ isHidden }) => isHidden !== true)
    .flatMap((entry) =>
      'handler' in entry
        ? [{ path: entry.name, command: entry }]
        : entry.commands.map((command) => ({ path: `${entry.name} ${command.name}`, command })),
    );
}

/** Paragraphs flow; those set out with spaces stay as they are. */
export type Paragraph = { readonly kind: 'prose' | 'set out'; readonly text: string };

export function paragraphsOf({ details = '' }: Command): readonly Paragraph[] {
  return details
    .split('\n\n')
    .filter((text) => text !== '')
    .map((text) =>
      // A heading may stand above lines that are set out.
      /^ {2}| {2}\S/m.test(text)
        ? { kind: 'set out', text }
        : { kind: 'prose', text: text.replaceAll('\n', ' ') },
    );
}

/** Also says the default, and what it may be where the help does not name it. */
export function helpOf({ help, shownDefault }: Option<unknown>): string {
  return shownDefault === undefined ? help : `${help} (default ${shownDefault})`;
}

export function isMany({ name }: Argument<unknown>): boolean {
  return name.includes('...');
}

export function isOptional({ name }: Argument<unknown>): boolean {
  return name.startsWith('[');
}

/** `[name=file...]` is `name=file`. */
export function bareName({ name }: Argument<unknown>): string {
  return name.replaceAll(/[<>[\]]|\.\.\./g, '');
}
