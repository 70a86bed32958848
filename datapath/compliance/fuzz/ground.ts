/** Where mutated frames meet programs and model: the rows whose sessions they find, and whose frames they are made of. */
import type { AgentTables, BalancerTables, SessionLimits, Side } from '../../model/index.ts';
import { modelAgent, modelBalancer } from '../../model/index.ts';
import { directUp, RESTORED } from '../agent/conversation.ts';
import { agentRows } from '../agent/index.ts';
import { ESTABLISHED, SYN } from '../balancer/conversation.ts';
import { balancerRows } from '../balancer/index.ts';
import type { Compared } from '../differential/compare.ts';
import type { Act, Conversation } from '../differential/conversation.ts';
import { comparedWith, PORT_START } from '../differential/property.ts';
import { loadAgent } from '../kernel/agent.ts';
import { loadBalancer } from '../kernel/balancer.ts';
import type { KernelPath } from '../kernel/run.ts';
import { OTHER_CLIENT } from '../network.ts';
import type { Families, Row, Step } from '../row.ts';
import { AGENT_TABLES, WEB_TABLES } from '../tables.ts';

export type Role = 'balancer' | 'agent';

export interface Sent {
  readonly from: Side;
  readonly frame: Uint8Array;
}

/** One kind of data path, loaded. */
export interface Ground<Tables> {
  readonly role: Role;
  readonly kernel: KernelPath<Tables>;
  readonly compared: Compared<Tables>;
  /** What is said before the frames of the corpus. */
  readonly opening: Conversation<Tables>;
  /** What is said before mutated frames: the rows, as far as no time goes by in them. */
  readonly openings: readonly Conversation<Tables>[];
}

/** So large that nothing has to give way: which one does is left to chance. */
const ROOMY = { sessionCapacity: 4096, openingMax: 4096 };
const OPENING = 'what the corpus meets';

export async function balancerGround(): Promise<Ground<BalancerTables>> {
  const kernel = await loadBalancer({ portStart: PORT_START });
  const compared = comparedWith(kernel, (world) => modelBalancer(world, WEB_TABLES));
  const opening: Row<BalancerTables> = { name: OPENING, steps: ESTABLISHED };
  return ground('balancer', kernel, compared, WEB_TABLES, opening, balancerRows);
}

export async function agentGround(): Promise<Ground<AgentTables>> {
  const kernel = await loadAgent({ portStart: PORT_START });
  const compared = comparedWith(kernel, (world) => modelAgent(world, AGENT_TABLES));
  const other = directUp({ ...SYN, from: OTHER_CLIENT });
  const opening: Row<AgentTables> = { name: OPENING, steps: [...RESTORED, other] };
  return ground('agent', kernel, compared, AGENT_TABLES, opening, agentRows);
}

/** The frames that an opening says. */
export function framesOf<Tables>({ acts }: Conversation<Tables>): Sent[] {
  return acts.flatMap((act) =>
    act.kind === 'frame' ? [{ from: act.from, frame: act.frame(new Map()) }] : [],
  );
}

export function actOf<Tables>({ from, frame }: Sent): Act<Tables> {
  return { kind: 'frame', from, connection: 0, frame: () => frame };
}

function ground<Tables extends SessionLimits>(
  role: Role,
  kernel: KernelPath<Tables>,
  compared: Compared<Tables>,
  defaults: Tables,
  opening: Row<Tables>,
  families: Families<Tables>,
): Ground<Tables> {
  const rows = Object.values(families)
    .flat()
    .filter(({ steps, kernelOnly }) => steps.every(isTimeless) && kernelOnly === undefined)
    .filter(({ given }) => !keepsClients(given));
  const conversation = (row: Row<Tables>) =>
    conversationOf(row, { ...defaults, ...row.given, ...ROOMY });
  return {
    role,
    kernel,
    compared,
    opening: conversation(opening),
    openings: rows.map(conversation),
  };
}

/** The programs keep clients' limits in a table of fixed size: of very many clients they forget some. */
function keepsClients(given: Partial<SessionLimits & Pick<BalancerTables, 'listeners'>> = {}) {
  return given.listeners?.some(({ admission }) => admission.client !== undefined) ?? false;
}

function isTimeless<Tables>({ kind }: Step<Tables>): boolean {
  return kind === 'frame' || kind === 'reconfigure';
}

function conversationOf<Tables>({ steps }: Row<Tables>, first: Tables): Conversation<Tables> {
  let tables = first;
  const acts = steps.flatMap((step): Act<Tables>[] => {
    if (step.kind === 'frame') return [actOf(step)];
    if (step.kind !== 'reconfigure') return [];
    tables = { ...tables, ...step.tables, ...ROOMY };
    return [{ kind: 'reconfigure', tables }];
  });
  return { tables: first, acts };
}
