/** Bugs of the agent in packet mode. */
import type { Mutation } from '../mutation.ts';

export const agentMutations: readonly Mutation[] = [
  {
    name: 'a tuple gets a second owner',
    file: 'agent/open.h',
    text: '&n->scratch->entry, BPF_NOEXIST);',
    replacement: '&n->scratch->entry, BPF_ANY);',
    why: 'the flag is the whole protection against collisions',
  },
  {
    name: 'TOA is believed from anybody',
    file: 'agent/to_server.h',
    text: 'fill_wanted(&n, toa, is_trusted(p->flow.source_addr));',
    replacement: 'fill_wanted(&n, toa, toa->length || is_trusted(p->flow.source_addr));',
    why: 'anyone could pretend to be anyone',
  },
  {
    name: 'TOA of an acknowledgement reaches the server',
    file: 'agent/to_server.h',
    text: '(!(entry->flags & ENTRY_ESTABLISHED) || is_handshake(p, entry)) &&',
    replacement: '(p->flags & SYN) &&',
    why: 'most balancers put TOA on SYNs only; others on what completes the handshake, too',
  },
  {
    name: 'a server that calls its own listener is made to call itself',
    file: 'agent/to_server.h',
    text: 'toa->addr == flow->destination_addr',
    replacement: 'toa->addr == flow->source_addr',
    why: 'source and destination are one word apart',
  },
  {
    name: 'answers of a session that was given up go to its successor',
    file: 'agent/from_server.h',
    text: 'if (entry->flags & ENTRY_RELEASED)\n\t\treturn VERDICT_DROP_STALE;',
    replacement: '',
    why: 'only a local port that comes round early shows it',
  },
  {
    name: 'answers go where the server sends them',
    file: 'agent/from_server.h',
    text: 'follow_link(p, entry);',
    replacement: '',
    why: 'in a small network the way back is the same',
  },
  {
    name: 'a remapped connection says that it is not',
    file: 'agent/collision.h',
    text: 'report_collision(n, wanted, ACTION_REMAPPED);',
    replacement: 'report_collision(n, wanted, ACTION_KEPT_LOCAL);',
    why: 'copied from the line below',
  },
];
