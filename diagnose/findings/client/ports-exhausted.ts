/** The client has no port left towards the listener. */
import { formatEndpoint } from '../../../packet/address.ts';
import { inside, placesOf } from '../evidence.ts';
import { notChecked, proved, ruledOut, type Hypothesis } from '../hypothesis.ts';

/** The kernel's search for a free port slows down before the last is taken. */
const NEARLY_ALL = 0.98;
const DEFAULT_RANGE = '32768\t60999';

export const portsExhausted: Hypothesis = {
  code: 'client-ports-exhausted',
  causes: [1],
  title: 'the client has no source port left towards the listener',
  remedy:
    'widen net.ipv4.ip_local_port_range, add addresses to the client, or keep connections open',
  decide: (evidence) => {
    const [client] = placesOf(evidence, 'client');
    if (client === undefined || !client.after.sockets.ok)
      return notChecked('the sockets of the client could not be read');
    const { sysctls, sockets } = client.after;
    const range =
      (sysctls.ok ? sysctls.value.get('net.ipv4.ip_local_port_range') : undefined) ?? DEFAULT_RANGE;
    const [low = 0, high = 0] = range.split(/\s+/).map(Number);
    const target = formatEndpoint(evidence.target);
    const used = sockets.value.connections.filter(({ peer }) => peer === target).length;
    const said = `${used} of ${high - low + 1} ports in use towards ${target}`;
    return used >= (high - low + 1) * NEARLY_ALL
      ? proved(inside(client), said, 0.9)
      : ruledOut(said);
  },
};
