/** Every cause that is looked for, in the order of the path: a new one is a file and a line here. */
import { balancerNoRoute } from './balancer/balancer-no-route.ts';
import { conntrackChain } from './balancer/conntrack-chain.ts';
import { conntrackFull } from './balancer/conntrack-full.ts';
import { conntrackRace } from './balancer/conntrack-race.ts';
import { invalidState } from './balancer/invalid-state.ts';
import { ipvsReuse } from './balancer/ipvs-reuse.ts';
import { listenerLimit } from './balancer/listener-limit.ts';
import { localPortExhausted } from './balancer/local-port-exhausted.ts';
import { noBackend } from './balancer/no-backend.ts';
import { noSuchListener } from './balancer/no-such-listener.ts';
import { sessionTableFull } from './balancer/session-table-full.ts';
import { snatExhausted } from './balancer/snat-exhausted.ts';
import { clientInputFilter } from './client/client-input-filter.ts';
import { clientOutputFilter } from './client/client-output-filter.ts';
import { portsExhausted } from './client/ports-exhausted.ts';
import { clientNotRestored } from './host/client-not-restored.ts';
import { collision } from './host/collision.ts';
import type { Hypothesis } from './hypothesis.ts';
import { answerLost } from './path/answer-lost.ts';
import { asymmetricReturn } from './path/asymmetric-return.ts';
import { badIpHeader } from './path/bad-ip-header.ts';
import { deadEndRoute } from './path/dead-end-route.ts';
import { ecmpMember } from './path/ecmp-member.ts';
import { guestQueue } from './path/guest-queue.ts';
import { hostAllowance } from './path/host-allowance.ts';
import { ingressPolicer } from './path/ingress-policer.ts';
import { linkSaturated } from './path/link-saturated.ts';
import { lostOnPath } from './path/lost-on-path.ts';
import { mtu } from './path/mtu.ts';
import { neighbourFailed } from './path/neighbour-failed.ts';
import { neighbourOverflow } from './path/neighbour-overflow.ts';
import { nicRing } from './path/nic-ring.ts';
import { noRouteOnPath } from './path/no-route-on-path.ts';
import { notForwarding } from './path/not-forwarding.ts';
import { synProxy, nodePort } from './path/not-observable.ts';
import { optionDrop } from './path/option-drop.ts';
import { optionFilter } from './path/option-filter.ts';
import { pathFilter } from './path/path-filter.ts';
import { qdiscDrop } from './path/qdisc-drop.ts';
import { rateLimit } from './path/rate-limit.ts';
import { rpFilter } from './path/rp-filter.ts';
import { softnetBacklog } from './path/softnet-backlog.ts';
import { toaMissing } from './path/toa-missing.ts';
import { wrongMac } from './path/wrong-mac.ts';
import { xdpDrop } from './path/xdp-drop.ts';
import { acceptQueueFull } from './server/accept-queue-full.ts';
import { badMemory } from './server/bad-memory.ts';
import { badTcpChecksum } from './server/bad-tcp-checksum.ts';
import { establishedTuple } from './server/established-tuple.ts';
import { finWaitTuple } from './server/fin-wait-tuple.ts';
import { halfOpenTuple } from './server/half-open-tuple.ts';
import { ipsecPolicy } from './server/ipsec-policy.ts';
import { md5 } from './server/md5.ts';
import { minTtl } from './server/min-ttl.ts';
import { noListener } from './server/no-listener.ts';
import { noRouteBack } from './server/no-route-back.ts';
import { ownAddress } from './server/own-address.ts';
import { reuseportWorker } from './server/reuseport-worker.ts';
import { securityModule } from './server/security-module.ts';
import { serverInputFilter } from './server/server-input-filter.ts';
import { serverOutputFilter } from './server/server-output-filter.ts';
import { synQueueFull } from './server/syn-queue-full.ts';
import { syncookies } from './server/syncookies.ts';
import { tcpAo } from './server/tcp-ao.ts';
import { timeWaitAnswer } from './server/time-wait-answer.ts';
import { timeWaitOverflow } from './server/time-wait-overflow.ts';
import { timeWaitPaws } from './server/time-wait-paws.ts';
import { twRecycle } from './server/tw-recycle.ts';

export const HYPOTHESES: readonly Hypothesis[] = [
  clientInputFilter,
  clientOutputFilter,
  portsExhausted,
  answerLost,
  asymmetricReturn,
  badIpHeader,
  deadEndRoute,
  ecmpMember,
  guestQueue,
  hostAllowance,
  ingressPolicer,
  linkSaturated,
  lostOnPath,
  mtu,
  neighbourFailed,
  neighbourOverflow,
  nicRing,
  noRouteOnPath,
  notForwarding,
  synProxy,
  nodePort,
  optionDrop,
  optionFilter,
  pathFilter,
  qdiscDrop,
  rateLimit,
  rpFilter,
  softnetBacklog,
  toaMissing,
  wrongMac,
  xdpDrop,
  balancerNoRoute,
  conntrackChain,
  conntrackFull,
  conntrackRace,
  invalidState,
  ipvsReuse,
  listenerLimit,
  localPortExhausted,
  noBackend,
  noSuchListener,
  sessionTableFull,
  snatExhausted,
  clientNotRestored,
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
  noListener,
  noRouteBack,
  ownAddress,
  reuseportWorker,
  securityModule,
  serverInputFilter,
  serverOutputFilter,
  synQueueFull,
  syncookies,
  tcpAo,
  timeWaitAnswer,
  timeWaitOverflow,
  timeWaitPaws,
  twRecycle,
];
