/** SYNs with TOA are lost on the way, and those without pass. */
import { tallyOf } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

export const optionDrop: Hypothesis = {
  code: 'option-drop',
  causes: [16],
  title: 'something on the way drops SYNs with a TCP option that it does not know',
  remedy: 'let TCP option 254 pass there, or send TOA later: toa: ack',
  decide: (evidence) => {
    const location = evidence.capture?.location;
    if (location === undefined) return notChecked('nothing was captured: it was not needed');
    if (location.direction !== 'forward' || !location.hasToa)
      return ruledOut('what was lost had no TOA where it was seen last');
    const direct = tallyOf(evidence, 'direct', 'same-port-direct');
    const compared = `SYNs with TOA end there; directly, without it, ${direct.failed} of ${direct.tried} failed`;
    if (direct.tried === 0)
      return notChecked('no connection without TOA was tried: --backend ADDRESS:PORT');
    if (direct.failed > 0) return ruledOut(compared);
    const shared = tallyOf(evidence, 'shared-port');
    const fresh = tallyOf(evidence, 'listener');
    if (fresh.failed < fresh.tried)
      return ruledOut(
        `${fresh.tried - fresh.failed} of ${fresh.tried} SYNs with TOA passed, of shared ports ${shared.tried - shared.failed}`,
      );
    return proved(location.hop, compared, 0.9);
  },
};
