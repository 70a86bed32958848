/** Nobody listens on the backend's port: the server answers with RST. */
import { nobodyNamed } from '../amounts.ts';
import { inside, placesOf, tallyOf } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

export const noListener: Hypothesis = {
  code: 'no-listener',
  causes: [42],
  title: 'nobody listens on the server’s port',
  remedy: 'start the service, and let it listen on that address and port',
  decide: (evidence) => {
    const servers = placesOf(evidence, 'server');
    if (servers.length === 0) return notChecked(nobodyNamed(['server']));
    const ends = evidence.backends.length > 0 ? evidence.backends : [evidence.target];
    const ports = ends.map(({ port }) => port);
    const { refused, tried } = tallyOf(
      evidence,
      'listener',
      'shared-port',
      'direct',
      'other-client',
    );
    for (const server of servers) {
      const { sockets } = server.after;
      if (!sockets.ok) return notChecked(`${server.name}: ${sockets.why}`);
      const listening = sockets.value.listeners.filter(({ port }) =>
        ports.some((one) => one === port),
      );
      if (listening.length > 0) continue;
      const said = `no socket listens on port ${ports.join(', ')} at ${server.name}`;
      if (refused === 0) return ruledOut(`${said}, and yet nothing was refused`);
      return proved(
        inside(server),
        `${said}; ${refused} of ${tried} connections were refused`,
        0.99,
      );
    }
    return ruledOut(`port ${ports.join(', ')} is listened on at every server that was named`);
  },
};
