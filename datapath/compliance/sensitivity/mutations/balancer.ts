/** Bugs of the balancer. */
import type { Mutation } from '../mutation.ts';

export const balancerMutations: readonly Mutation[] = [
  {
    name: 'a client’s half-open sessions are not taken off its count when they are established',
    file: 'balancer/clients.h',
    text: 'held |= SEAT_HALF_OPEN;',
    replacement: 'held |= 0;',
    why: 'the count of sessions is right, and nobody looks at the other half of the word',
    judge: { file: 'datapath/compliance/balancer-laws.test' },
  },
  {
    name: 'an answer that comes twice is counted twice',
    file: 'balancer/outcomes.h',
    text: '\tentry->flags &= ~ENTRY_AWAITED;\n',
    replacement: '',
    why: 'a repeated SYN+ACK looks like the first',
  },
  {
    name: 'a packet whose TTL ends here is sent on',
    file: 'balancer/balancer.bpf.c',
    text: 'if (p->ttl <= 1)\n\t\treturn VERDICT_ANSWER_TTL; /*',
    replacement: 'if (p->ttl < 1)\n\t\treturn VERDICT_ANSWER_TTL; /*',
    why: 'the TTL is compared before it is taken off',
  },
  {
    name: 'a resting session is taken up again without being admitted',
    file: 'balancer/admit.h',
    text: 'verdict = ask_admission(p, listener);\n',
    replacement:
      'verdict = bpf_map_lookup_elem(&sessions, &p->flow) ? VERDICT_PASS\n' +
      '\t\t\t\t\t\t\t: ask_admission(p, listener);\n',
    why: 'a second way to open a session, without the checks of the first',
  },
  {
    name: 'a RST is answered with a RST',
    file: 'balancer/refusal.h',
    text: 'tone == REFUSE_DROP || (p->flags & RST) ?',
    replacement: 'tone == REFUSE_DROP ?',
    why: 'two such balancers would never stop (RFC 9293 section 3.10.7.1)',
  },
  {
    name: 'a SYN that finds no port keeps its slot',
    file: 'balancer/open.h',
    text: 'return_slot(slot_index);\n\t\treport(p, EVENT_NO_LOCAL_PORT,',
    replacement: 'report(p, EVENT_NO_LOCAL_PORT,',
    why: 'missing undo: the table fills with sessions that do not exist',
  },
  {
    name: 'the server learns of a port that is not the one reserved',
    file: 'balancer/open.h',
    text: 'entry.source_port = o->slot->back.destination_port;',
    replacement: 'entry.source_port = o->search.p->flow.source_port;',
    why: 'works whenever the client happens to have the port that we chose',
  },
  {
    name: 'the client sees the local instead of the listener',
    file: 'balancer/open.h',
    text: '.source_addr = o->search.p->flow.destination_addr,\n\t\t.source_port',
    replacement: '.source_addr = o->backend.addr,\n\t\t.source_port',
    why: 'the wrong side of a tuple: addresses of the inside leak',
  },
  {
    name: 'the schedule is read from its first entry for every pool',
    file: 'balancer/schedule.h',
    text: 'c->table_first = table >> 32;',
    replacement: 'c->table_first = 0;',
    why: 'one pool is all that a small test has',
  },
  {
    name: 'a client comes back to whoever has the index of its backend now',
    file: 'balancer/schedule.h',
    text: 'backend->addr != known->addr || backend->port != known->port ||',
    replacement: '',
    why: 'indices are given away again, long after',
  },
  {
    name: 'least connections counts the connections and not the weight',
    file: 'balancer/schedule.h',
    text: '((__u64)live + 1) * c->weight >= ((__u64)c->live + 1) * weight',
    replacement: 'live >= c->live',
    why: 'equal weights are all that a small test has',
  },
  {
    name: 'answers of the server get TOA',
    file: 'balancer/translate.h',
    text: 'if (!from_back && is_handshake(p, entry))',
    replacement: 'if (is_handshake(p, entry))',
    why: 'a check of the direction forgotten',
  },
  {
    name: 'what the kernel said of a route is believed for good',
    file: 'balancer/next_hops.h',
    text:
      'use->period != (__u8)(p->now >> PERIOD_SHIFT) || use->tos != (p->tos & ~ECN_BITS) ||\n' +
      '\t    p->now - hop->checked >= NEXT_HOP_CHECK_TICKS || segment_bytes(p) > hop->mtu',
    replacement: 'segment_bytes(p) > hop->mtu',
    why: 'a cache that is never asked whether it is still true',
    judge: { file: 'lab/tests/next-hops.test' },
  },
  {
    name: 'SACK edges of a spliced session keep the numbers of the cookie',
    file: 'balancer/splice.h',
    text: 'i < SACK_EDGES_MAX && i < at->sack_edges',
    replacement: 'i < 0',
    why: 'seen under loss only, and then as slowness',
    judge: { file: 'datapath/compliance/balancer-laws.test' },
  },
  {
    name: 'a client without timestamps is promised SACK',
    file: 'balancer/cookie.h',
    text: 'options->sack &= options->timed;',
    replacement: '',
    why: 'nothing brings it back, and the server is never told',
    judge: { file: 'datapath/compliance/balancer-laws.test' },
  },
  {
    name: 'a server without window scaling is taken to scale by 0',
    file: 'balancer/cookie_session.h',
    text: 'splice->front_scale = client_scale;',
    replacement: '',
    why: 'right for windows of one direction',
    judge: { file: 'datapath/compliance/balancer-laws.test' },
  },
];
