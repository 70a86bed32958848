/** The queue of half-open connections is full, and the server sends no SYN cookies. */
import { both, nobodyNamed } from '../amounts.ts';
import { inside, placesOf } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

/** What does not grow as much explains too little. */
const SHARE_LEAST = 0.5;

export const synQueueFull: Hypothesis = {
  code: 'syn-queue-full',
  causes: [44],
  title: 'the server’s queue of half-open connections is full, and it sends no SYN cookies',
  remedy: 'set net.ipv4.tcp_syncookies=1, raise net.ipv4.tcp_max_syn_backlog; is it an attack?',
  decide: (evidence) => {
    const [server] = placesOf(evidence, 'server');
    if (server === undefined) return notChecked(nobodyNamed(['server']));
    const grown = both(server.before.counters, server.after.counters, (before, after) => {
      const by = (name: string) => Number((after.get(name) ?? 0n) - (before.get(name) ?? 0n));
      return {
        // With the last quarter of the queue reserved, only ListenDrops tells.
        drops: by('TcpExtListenDrops') - by('TcpExtListenOverflows') - by('IpOutNoRoutes'),
        full: by('TcpExtTCPReqQFullDrop'),
        cookies: by('TcpExtSyncookiesSent'),
      };
    });
    if (!grown.ok) return notChecked(`${server.name}: ${grown.why}`);
    const { drops, full, cookies } = grown.value;
    const said = `ListenDrops +${drops} that are no overflows, TCPReqQFullDrop +${full} at ${server.name}`;
    if (cookies > 0)
      return ruledOut(`SyncookiesSent +${cookies} at ${server.name}: none is dropped for it`);
    if (evidence.lostSyns === 0 || drops <= 0) return ruledOut(said);
    const share = drops / evidence.lostSyns;
    if (share < SHARE_LEAST) return ruledOut(`${said}, ${evidence.lostSyns} SYNs lost`);
    const setting = server.after.sysctls.ok
      ? `, tcp_syncookies=${server.after.sysctls.value.get('net.ipv4.tcp_syncookies') ?? '?'}`
      : '';
    return proved(
      inside(server),
      `${said}${setting}, ${evidence.lostSyns} SYNs lost`,
      Math.min(0.95, share),
    );
  },
};
