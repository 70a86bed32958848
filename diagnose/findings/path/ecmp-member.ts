/** One of several equal paths is dead: a fixed share of ports fails, directly too. */
import { tallyOf } from '../evidence.ts';
import { notChecked, ruledOut, suspected, type Hypothesis } from '../hypothesis.ts';

export const ecmpMember: Hypothesis = {
  code: 'ecmp-member',
  causes: [11],
  title: 'one of several equal paths (ECMP, LAG) loses what is hashed to it',
  remedy: 'take the dead member out; the network’s own counters name it',
  decide: (evidence) => {
    const fresh = tallyOf(evidence, 'listener');
    const said = `${fresh.silent} of ${fresh.tried} fresh ports failed`;
    if (fresh.silent === 0 || fresh.silent === fresh.tried) return ruledOut(said);
    const again = tallyOf(evidence, 'again');
    const direct = tallyOf(evidence, 'same-port-direct');
    if (again.tried === 0) return notChecked('ports that failed were not tried again');
    const compared = `${said}, ${again.failed} of ${again.tried} of these again, ${direct.failed} of ${direct.tried} directly`;
    return again.failed === again.tried && direct.failed > 0
      ? suspected({ kind: 'unknown' }, compared)
      : ruledOut(compared);
  },
};
