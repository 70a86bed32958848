/** SYN cookies are sent: options such as TOA and window scale may be lost, but no SYN is. */
import { both, nobodyNamed } from '../amounts.ts';
import { placesOf } from '../evidence.ts';
import { notChecked, ruledOut, type Hypothesis } from '../hypothesis.ts';

export const syncookies: Hypothesis = {
  code: 'syncookies',
  causes: [45],
  title: 'the server answers with SYN cookies',
  remedy: 'raise net.ipv4.tcp_max_syn_backlog and the listen() backlog; is it an attack?',
  decide: (evidence) => {
    const [server] = placesOf(evidence, 'server');
    if (server === undefined) return notChecked(nobodyNamed(['server']));
    const grown = both(
      server.before.counters,
      server.after.counters,
      (before, after) =>
        (after.get('TcpExtSyncookiesSent') ?? 0n) - (before.get('TcpExtSyncookiesSent') ?? 0n),
    );
    if (!grown.ok) return notChecked(`${server.name}: ${grown.why}`);
    const said = `SyncookiesSent +${grown.value} at ${server.name}`;
    return ruledOut(grown.value > 0n ? `${said}: they are answers, not losses` : said);
  },
};
