/** Causes that nothing on these machines shows: listed, so that nobody takes them for ruled out. */
import { notChecked, type Hypothesis } from '../hypothesis.ts';

export const synProxy: Hypothesis = {
  code: 'syn-proxy',
  causes: [9],
  title: 'a SYN proxy or scrubber answers instead of the server',
  remedy: 'ask who runs the protection; compare TTL and options of the SYN+ACK with the server’s',
  decide: () =>
    notChecked('the protection’s own log tells; a SYN+ACK without a SYN at the server shows it'),
};

export const nodePort: Hypothesis = {
  code: 'node-port',
  causes: [27],
  title: 'masquerading chose a port of the NodePort range',
  remedy: 'reserve the range: net.ipv4.ip_local_reserved_ports',
  decide: () => notChecked('the cluster’s range of node ports is not known here'),
};
