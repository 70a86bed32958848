/** Colours for people, and plain text for pipes: NO_COLOR, TERM=dumb and redirection are respected. */

export type Paint = (text: string) => string;

export interface Style {
  readonly good: Paint;
  readonly bad: Paint;
  readonly warning: Paint;
  readonly quiet: Paint;
  readonly strong: Paint;
}

export const PLAIN: Style = {
  good: same,
  bad: same,
  warning: same,
  quiet: same,
  strong: same,
};

export const COLOURED: Style = {
  good: sgr(32),
  bad: sgr(31),
  warning: sgr(33),
  quiet: sgr(2),
  strong: sgr(1),
};

/** See https://no-color.org: any non-empty NO_COLOR means no. */
export function styleFor(
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  const refused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  return isTerminal && !refused ? COLOURED : PLAIN;
}

/**
 * Text from elsewhere made safe to print: control characters, which could move the
 * cursor or rewrite the screen, become `?`.
 */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

function same(text: string): string {
  return text;
}

function sgr(code: number): (text: string) => string {
  return (text) => `\u001b[${code}m${text}\u001b[0m`;
}
