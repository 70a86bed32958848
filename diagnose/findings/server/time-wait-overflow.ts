/** Too many sockets in TIME_WAIT: blamed often, and never the cause of a lost SYN. */
import { both, nobodyNamed } from '../amounts.ts';
import { placesOf } from '../evidence.ts';
import { notChecked, ruledOut, type Hypothesis } from '../hypothesis.ts';

export const timeWaitOverflow: Hypothesis = {
  code: 'time-wait-overflow',
  causes: [54],
  title: 'the server has more sockets in TIME_WAIT than it may keep',
  remedy: 'raise net.ipv4.tcp_max_tw_buckets; it ends TIME_WAIT early and drops no SYN',
  decide: (evidence) => {
    const [server] = placesOf(evidence, 'server');
    if (server === undefined) return notChecked(nobodyNamed(['server']));
    const grown = both(
      server.before.counters,
      server.after.counters,
      (before, after) =>
        (after.get('TcpExtTCPTimeWaitOverflow') ?? 0n) -
        (before.get('TcpExtTCPTimeWaitOverflow') ?? 0n),
    );
    if (!grown.ok) return notChecked(`${server.name}: ${grown.why}`);
    const said = `TCPTimeWaitOverflow +${grown.value} at ${server.name}`;
    return ruledOut(grown.value > 0n ? `${said}: it ends TIME_WAIT early, and drops no SYN` : said);
  },
};
