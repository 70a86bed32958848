/** Shows the events of a probe as they come: JSON and pipes get lines, a terminal a table and what is not open. */
import { labelOf, type Outcome } from '../../diagnose/probe/outcome.ts';
import type { ProbeEvent, TargetState } from '../../diagnose/probe/side-by-side.ts';
import type { Sink } from '../command.ts';
import type { State } from '../probe-words.ts';
import { asJsonLine } from './json.ts';
import { attemptJson, attemptLine, followUpJson, followUpLine } from './probe.ts';
import { liveTable, probeTable } from './probe-table.ts';

export interface Shower {
  readonly tell: (event: Exclude<ProbeEvent, { kind: 'local-error' }>) => void;
  /** A line that is no event, for a terminal; a pipe has events alone. */
  readonly note: (text: string) => void;
  readonly end: () => void;
}

export function shower(
  {
    output,
    only,
  }: { readonly output: 'text' | 'json'; readonly only: readonly State[] | undefined },
  states: readonly TargetState[],
  seesPackets: boolean,
  stdout: Sink,
): Shower {
  const several = states.length > 1;
  const isWanted = (outcome: Outcome) =>
    only === undefined ||
    outcome.state === 'error' ||
    only.some((state) => state === labelOf(outcome) || state === outcome.state);
  const line = (event: Parameters<Shower['tell']>[0]): string => {
    if (event.kind === 'follow-up') return followUpLine(event, stdout.style);
    return attemptLine(event.attempt, stdout.style, several ? event.target : undefined);
  };
  if (output === 'json')
    return {
      tell: (event) => {
        if (event.kind === 'follow-up') stdout.write(asJsonLine(followUpJson(event)));
        else if (isWanted(event.attempt.outcome))
          stdout.write(asJsonLine(attemptJson(event.attempt, event.target)));
      },
      note: () => {},
      end: () => {},
    };
  if (!stdout.isTerminal)
    return {
      tell: (event) => {
        if (event.kind === 'follow-up' || isWanted(event.attempt.outcome))
          stdout.write(line(event));
      },
      note: () => {},
      end: () => {},
    };
  const screen = liveTable(stdout, () => probeTable(states, seesPackets, stdout.style));
  return {
    tell: (event) => {
      const scrolls =
        event.kind === 'follow-up' ||
        (only === undefined
          ? labelOf(event.attempt.outcome) !== 'open'
          : isWanted(event.attempt.outcome));
      if (scrolls) screen.line(line(event));
      else screen.redraw();
    },
    note: (text) => screen.line(text),
    end: () => screen.end(),
  };
}
