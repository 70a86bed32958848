/** Every cause that is looked for, in the order of the path: a new one is a file and a line here. */
import { balancerNoRoute } from './balancer/balancer-no-route.ts';
import { conntrackFull } from './balancer/conntrack-full.ts';
import { invalidState } from './balancer/invalid-state.ts';
import { listenerLimit } from './balancer/listener-limit.ts';
import { localPortExhausted } from './balancer/local-port-exhausted.ts';
import { noBackend } from './balancer/no-backend.ts';
import { sessionTableFull } from './balancer/session-table-full.ts';
import { clientInputFilter } from './client/client-input-filter.ts';
import { clientOutputFilter } from './client/client-output-filter.ts';
import { collision } from './host/collision.ts';
import type { Hypothesis } from './hypothesis.ts';
import { badIpHeader } from './path/bad-ip-header.ts';
import { nicRing } from './path/nic-ring.ts';
import { noRouteOnPath } from './path/no-route-on-path.ts';
import { notForwarding } from './path/not-forwarding.ts';
import { optionFilter } from './path/option-filter.ts';
import { pathFilter } from './path/path-filter.ts';
import { qdiscDrop } from './path/qdisc-drop.ts';
import { rateLimit } from './path/rate-limit.ts';
import { rpFilter } from './path/rp-filter.ts';
import { softnetBacklog } from './path/softnet-backlog.ts';
import { wrongMac } from './path/wrong-mac.ts';
import { acceptQueueFull } from './server/accept-queue-full.ts';
import { badMemory } from './server/bad-memory.ts';
import { badTcpChecksum } from './server/bad-tcp-checksum.ts';
import { establishedTuple } from './server/established-tuple.ts';
import { finWaitTuple } from './server/fin-wait-tuple.ts';
import { halfOpenTuple } from './server/half-open-tuple.ts';
import { ipsecPolicy } from './server/ipsec-policy.ts';
import { md5 } from './server/md5.ts';
import { minTtl } from './server/min-ttl.ts';
import { serverInputFilter } from './server/server-input-filter.ts';
import { serverOutputFilter } from './server/server-output-filter.ts';
import { tcpAo } from './server/tcp-ao.ts';
import { timeWaitAnswer } from './server/time-wait-answer.ts';
import { timeWaitPaws } from './server/time-wait-paws.ts';
import { twRecycle } from './server/tw-recycle.ts';

export const HYPOTHESES: readonly Hypothesis[] = [
  clientInputFilter,
  clientOutputFilter,
  badIpHeader,
  nicRing,
  noRouteOnPath,
  notForwarding,
  optionFilter,
  pathFilter,
  qdiscDrop,
  rateLimit,
  rpFilter,
  softnetBacklog,
  wrongMac,
  balancerNoRoute,
  conntrackFull,
  invalidState,
  listenerLimit,
  localPortExhausted,
  noBackend,
  sessionTableFull,
  collision,
  acceptQueueFull,
  badMemory,
  badTcpChecksum,
  establishedTuple,
  finWaitTuple,
  halfOpenTuple,
  ipsecPolicy,
  md5,
  minTtl,
  serverInputFilter,
  serverOutputFilter,
  tcpAo,
  timeWaitAnswer,
  timeWaitPaws,
  twRecycle,
];
