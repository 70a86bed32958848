/** The answer bypasses the balancer: the client gets it from an address that it did not ask. */
import { failuresOf, placesOf, type Hop } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

export const asymmetricReturn: Hypothesis = {
  code: 'asymmetric-return',
  causes: [62],
  title: 'the server’s answer bypasses the balancer, and reaches the client from the wrong address',
  remedy: 'lead answers back over the balancer: source NAT there, or a route at the server',
  decide: (evidence) => {
    if (evidence.capture === undefined)
      return notChecked('nothing was captured: it was not needed');
    const [client] = placesOf(evidence, 'client');
    const seen = evidence.capture.places.find(({ place }) => place === client?.name);
    if (seen === undefined || client === undefined)
      return notChecked('the client could not capture');
    const said = `${seen.answersFromBackends} SYN+ACKs reached the client from a server’s own address`;
    if (seen.answersFromBackends === 0) return ruledOut(said);
    if (failuresOf(evidence) === 0) return ruledOut(`${said}, and yet no connection failed`);
    const location = evidence.capture.location;
    const [server] = placesOf(evidence, 'server');
    const between: Hop = { kind: 'between', from: server?.name ?? 'the server', to: client.name };
    // Direct connections of that client have such answers, too; none were tried while capturing.
    return proved(location?.direction === 'return' ? location.hop : between, said, 0.97);
  },
};
