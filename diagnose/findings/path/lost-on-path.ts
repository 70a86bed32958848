/** The captures show the SYN before a hop and not behind it, and nothing there says why. */
import { tallyOf, type Evidence } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Decision, type Hypothesis } from '../hypothesis.ts';

/** Where it happens is proved; that a filter does it is only what is left. */
const CONFIDENCE_MOST = 0.85;

export const lostOnPath: Hypothesis = {
  code: 'lost-on-path',
  causes: [8],
  title: 'the network drops the SYN on the way: a filter, an ACL or a security group',
  remedy: 'ask who runs what is between the two places; a filter for one client shows in its log',
  decide: (evidence) => decideByCapture(evidence, 'forward'),
};

export function decideByCapture(evidence: Evidence, direction: 'forward' | 'return'): Decision {
  if (evidence.capture === undefined) return notChecked('nothing was captured: it was not needed');
  const { location, failures } = evidence.capture;
  if (location === undefined)
    return notChecked(
      failures[0]
        ? `${failures[0].place}: ${failures[0].why}`
        : 'no failed connection was captured',
    );
  const { hop, agreeing, followed } = location;
  const said = `${agreeing} of ${followed} failed connections ended there`;
  if (location.direction !== direction)
    return ruledOut(
      direction === 'forward' ? `${said}: the SYN arrived` : `${said}: no answer was sent`,
    );
  const other = tallyOf(evidence, 'other-client');
  const compared =
    other.tried === 0 ? '' : `; of the other client ${other.failed} of ${other.tried} failed`;
  return proved(hop, `${said}${compared}`, (CONFIDENCE_MOST * agreeing) / followed);
}
