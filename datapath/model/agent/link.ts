/** Replies go back to the link-layer address that the requests come from. */
import { sameBytes } from '../../../packet/index.ts';
import type { Segment } from '../segment.ts';
import type { Agent, AgentDirection } from './parts.ts';

const MAC_BYTES = 6;
const NOWHERE = new Uint8Array(MAC_BYTES);

/** Keeps the reply's address in step with the request's, as when another router takes over. */
export function learnLink({ sessions }: Agent, { frame }: Segment, front: AgentDirection): void {
  const link = frame.slice(MAC_BYTES, 2 * MAC_BYTES);
  if (sameBytes(link, front.link ?? NOWHERE)) return;
  front.link = link;
  const back = sessions.find(front.session.back);
  if (back?.session === front.session) back.link = link;
}

/** Addresses a reply to where its requests come from. */
export function followLink({ frame }: Pick<Segment, 'frame'>, { link }: AgentDirection): void {
  if (link) frame.set(link, 0);
}
