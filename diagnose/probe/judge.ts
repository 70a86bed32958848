/** What the experiments after a silence tell, in one word and one sentence. */
import { formatEndpoint, type Endpoint } from '../../packet/address.ts';
import { isLost, type FollowUp, type Trial } from './follow-up.ts';
import { heldText } from './held-ports.ts';

export type FollowUpVerdict =
  /** The same port passes when it is tried again. */
  | 'passing'
  /** One port fails, and a connection of this machine to elsewhere has that port, too. */
  | 'collision'
  /** One port fails again and again; others pass. */
  | 'one-port'
  /** A part of the ports fails, the same ones again. */
  | 'some-ports'
  /** Attempts fail whatever their port, others pass. */
  | 'at-random'
  /** No port passes. */
  | 'every-port'
  /** This machine's own ports were taken: nothing could be compared. */
  | 'not-compared';

export interface Judged {
  readonly verdict: FollowUpVerdict;
  readonly sentence: string;
}

export function judge(result: FollowUp): Judged {
  const verdict = verdictOf(result);
  return { verdict, sentence: sentenceOf(verdict, result) };
}

function verdictOf(result: FollowUp): FollowUpVerdict {
  const { again, next, sweep, sweepAgain } = result;
  const others = compared([next, ...sweep]);
  const lost = others.filter(isLost);
  if (others.length === 0) return 'not-compared';
  if (lost.length === others.length) return isPassed(again) ? 'at-random' : 'every-port';
  if (isPassed(again)) return lost.length === 0 ? 'passing' : 'at-random';
  // Where another program holds the port it cannot be tried again: then its connection tells.
  if (lost.length === 0 && mayCollide(result)) return 'collision';
  if (again.label === 'local-port-busy') return 'not-compared';
  if (lost.length === 0) return 'one-port';
  const repeated = compared(sweepAgain);
  return repeated.length > 0 && repeated.every(isLost) ? 'some-ports' : 'at-random';
}

function sentenceOf(verdict: FollowUpVerdict, result: FollowUp): string {
  const { target, sourcePort, held, again, sweepAgain } = result;
  const to = formatEndpoint(target);
  const others = compared([result.next, ...result.sweep]);
  const lost = others.filter(isLost).length;
  switch (verdict) {
    case 'passing':
      return `port ${sourcePort} passes when tried again, and so do ${others.length} others: a single loss`;
    case 'collision':
      return (
        `${portFails(sourcePort, again)}, ${others.length} others pass, and this machine has ` +
        `${sourcePort} > ${held.map(heldText).join(', ')}: ${collisionWords(result)}${past(result)}`
      );
    case 'one-port':
      return (
        `port ${sourcePort} fails again, ${others.length} others pass: its tuple is filtered or ` +
        `still owned by another connection on the way to ${to}${past(result)}`
      );
    case 'some-ports':
      return (
        `${lost} of ${others.length} other ports fail, and again when repeated: one path of ` +
        `several (ECMP, LAG), one worker of several, or several owned tuples${past(result)}`
      );
    case 'at-random': {
      const repeated = compared(sweepAgain);
      const passed = repeated.filter((trial) => !isLost(trial)).length;
      return (
        `${lost} of ${others.length} other ports fail, ${passed} of ${repeated.length} pass when ` +
        `repeated: not bound to the port, so loss, a full queue or a rate limit${past(result)}`
      );
    }
    case 'every-port':
      return `no port passes to ${to}, ${others.length} others tried${past(result)}`;
    case 'not-compared':
      return `nothing was learned: ports from ${sourcePort} up are in use on this machine`;
  }
}

function portFails(port: number, again: Trial): string {
  return again.label === 'local-port-busy'
    ? `port ${port} is another program's and cannot be tried again`
    : `port ${port} fails again`;
}

/** Where backends are named, only a connection to one of them can have the restored tuple. */
function mayCollide({ held, direct }: FollowUp): boolean {
  if (direct.length === 0) return held.length > 0;
  return held.some(({ remote }) => direct.some(({ backend }) => isSame(backend, remote)));
}

/** Proved only beside captures; that it fits is what is said. */
function collisionWords({ direct }: FollowUp): string {
  const words = 'a collision, where the client address is restored';
  return direct.length > 0 ? words : `if that is a server behind the target, ${words}`;
}

/** What going past the balancer adds. */
function past({ direct, sourcePort }: FollowUp): string {
  return direct
    .map(({ backend, label }) => {
      const to = formatEndpoint(backend);
      if (label === 'local-port-busy')
        return `; ${to} was not tried from ${sourcePort}: this machine has that connection`;
      const word = label === 'open' || label === 'late' ? 'passes' : `is ${label}`;
      return `; directly to ${to} it ${word}`;
    })
    .join('');
}

function compared(trials: readonly Trial[]): readonly Trial[] {
  return trials.filter(({ label }) => label !== 'local-port-busy' && label !== 'error');
}

/** A refusal is an answer: the SYN arrived somewhere. */
function isPassed({ label }: Trial): boolean {
  return label === 'open' || label === 'late' || label === 'closed';
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}
