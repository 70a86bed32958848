/** Two connections want one tuple on the server: what is done, and told. */
import { tupleOf, type Flow } from '../flow.ts';
import type { CollisionAction } from '../words.ts';
import type { Agent } from './parts.ts';
import { canHaveOwn, withOtherPort, type Newcomer } from './open.ts';

export type Resolved =
  | { readonly newcomer: Newcomer }
  | { readonly refused: 'drop-race' | 'drop-collision' | 'drop-remap-exhausted' };

const NO_TUPLE = '0.0.0.0:0>0.0.0.0:0';
const NOTES = {
  remapped: 'collision-remapped',
  'kept-local': 'collision-local',
  dropped: 'collision-dropped',
} as const;

/**
 * Finds the newcomer another tuple, by policy. When the remap range is used up a
 * balanced connection keeps its local: it works, and the server sees the balancer. A
 * direct one has no local to keep.
 */
export function resolveCollision(agent: Agent, newcomer: Newcomer): Resolved {
  const policy = newcomer.server.onCollision;
  const wanted = newcomer.back;
  if (policy === 'remap' || (policy === 'local' && newcomer.kind === 'direct')) {
    const remapped = withOtherPort(agent, newcomer);
    if (remapped) {
      report(agent, remapped, wanted, 'remapped');
      return { newcomer: remapped };
    }
    agent.journal.note('remap-exhausted');
  }
  if (policy !== 'drop' && newcomer.kind === 'restored') return keepLocal(agent, newcomer);
  report(agent, newcomer, wanted, 'dropped');
  return { refused: policy === 'drop' ? 'drop-collision' : 'drop-remap-exhausted' };
}

/** The newcomer stays what the balancer made it: local → server, nobody else's tuple. */
function keepLocal(agent: Agent, newcomer: Newcomer): Resolved {
  const { front, back } = newcomer;
  const kept: Newcomer = { ...newcomer, kind: 'kept', back: { from: back.from, to: front.from } };
  if (!canHaveOwn(agent, kept)) return { refused: 'drop-race' };
  report(agent, kept, back, 'kept-local');
  return { newcomer: kept };
}

/** Told with who has the tuple, before anything is changed. */
function report(
  { sessions, journal }: Agent,
  { segment, kind, back }: Newcomer,
  wanted: Flow,
  action: Exclude<CollisionAction, 'none'>,
): void {
  const owner = sessions.find(wanted)?.session;
  journal.tell({
    type: 'collision',
    subject: tupleOf(segment.flow),
    owner: owner ? tupleOf(owner.front) : NO_TUPLE,
    visible: tupleOf(wanted),
    visiblePort: action === 'dropped' ? 0 : back.to.port,
    action,
    ownerKind: owner?.kind ?? 'balanced',
    subjectKind: kind,
  });
  journal.note(NOTES[action]);
}
