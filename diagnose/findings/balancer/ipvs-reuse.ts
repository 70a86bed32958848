/** IPVS drops the first SYN of a port that is used again. */
import { ruledOut, notChecked, suspected, type Hypothesis } from '../hypothesis.ts';
import { inside } from '../evidence.ts';

export const ipvsReuse: Hypothesis = {
  code: 'ipvs-reuse',
  causes: [26],
  title: 'IPVS drops the first SYN of a port that is used again',
  remedy: 'set net.ipv4.vs.conn_reuse_mode=0, or use a kernel from 5.9 on',
  decide: ({ places, attempts }) => {
    const readable = places.filter(({ after }) => after.sysctls.ok);
    if (readable.length === 0) return notChecked('the settings of no place could be read');
    const withIpvs = readable.find(
      ({ after }) => after.sysctls.ok && after.sysctls.value.has('net.ipv4.vs.conn_reuse_mode'),
    );
    if (withIpvs === undefined) return ruledOut(`no IPVS at any of ${readable.length} places`);
    const late = attempts.filter(({ label }) => label === 'late').length;
    if (late === 0) return ruledOut('no connection needed a second SYN');
    return suspected(
      inside(withIpvs),
      `IPVS is loaded, and ${late} connections needed a second SYN`,
    );
  },
};
