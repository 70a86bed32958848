/** One of several workers that share a port does not accept: a fixed share of connections fails. */
import { both, nobodyNamed } from '../amounts.ts';
import { inside, placesOf, tallyOf, type Evidence } from '../evidence.ts';
import { notChecked, proved, ruledOut, suspected, type Hypothesis } from '../hypothesis.ts';

export const reuseportWorker: Hypothesis = {
  code: 'reuseport-worker',
  causes: [46],
  title: 'one of several workers that share the port (SO_REUSEPORT) does not accept',
  remedy: 'restart the stuck worker; its queue is the full one in `ss -lnt`',
  decide: (evidence) => {
    const [server] = placesOf(evidence, 'server');
    if (server === undefined) return notChecked(nobodyNamed(['server']));
    const { sockets } = server.after;
    if (!sockets.ok) return notChecked(`${server.name}: ${sockets.why}`);
    const ports = portsOf(evidence);
    const workers = sockets.value.listeners.filter(({ port }) => ports.includes(port));
    if (workers.length < 2) return ruledOut(`${workers.length} listening socket at ${server.name}`);
    const full = workers.filter(({ queued, queueMost }) => queued > queueMost);
    const said = `${full.length} of ${workers.length} listening sockets at ${server.name} are full`;
    if (full.length === 0 || full.length === workers.length) return ruledOut(said);
    const overflows = both(
      server.before.counters,
      server.after.counters,
      (before, after) =>
        (after.get('TcpExtListenOverflows') ?? 0n) - (before.get('TcpExtListenOverflows') ?? 0n),
    );
    const { failed, tried } = tallyOf(evidence, 'listener', 'shared-port', 'other-client');
    if (failed === 0) return ruledOut(`${said}, and yet no connection failed`);
    const because = `${said}; ${failed} of ${tried} connections failed`;
    if (!overflows.ok || overflows.value === 0n) return suspected(inside(server), because);
    // More special than a queue that is full.
    return proved(inside(server), `${because}; ListenOverflows +${overflows.value}`, 0.985);
  },
};

function portsOf({ target, backends }: Evidence): readonly number[] {
  return backends.length > 0 ? backends.map(({ port }) => port) : [target.port];
}
