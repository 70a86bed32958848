/** SELinux, AppArmor or another security module refuses. */
import { newLogLines } from '../log-lines.ts';
import { inside } from '../evidence.ts';
import { notChecked, ruledOut, suspected, type Hypothesis } from '../hypothesis.ts';

export const securityModule: Hypothesis = {
  code: 'security-module',
  causes: [41],
  title: 'a security module of the kernel (SELinux, AppArmor) refuses',
  remedy: 'read what it denied: ausearch -m avc, journalctl -k',
  decide: ({ places, lostSyns }) => {
    const readable = places.filter(({ after }) => after.log.ok);
    if (readable.length === 0) return notChecked('the kernel’s log could be read nowhere');
    for (const place of readable) {
      const denied = newLogLines(place, /avc: +denied|apparmor="DENIED"/);
      if (denied.length > 0 && lostSyns > 0)
        return suspected(inside(place), `${denied.length} denials in the log of ${place.name}`);
    }
    return ruledOut(`no denial in the kernel’s log at ${readable.length} places`);
  },
};
