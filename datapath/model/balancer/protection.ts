/**
 * Whether a listener answers SYNs with cookies now: from as many half-open sessions on as
 * its threshold says, until it would have less than half as many without: that is how many
 * cookies of the time after which a half-open session is given up did not come back.
 */
import type { Segment } from '../segment.ts';
import { ticksFromSeconds, type Ticks } from '../world.ts';
import { tellOf } from './admission.ts';
import type { Balancer, Listener } from './parts.ts';

/** Of one listener. */
export interface Protection {
  active: boolean;
  lastCookie: Ticks | undefined;
  periodStart: Ticks;
  sent: number;
  accepted: number;
}

/** The kernel takes its cookies for two periods of 60 s at most. */
const COOKIE_LIFE_SECONDS = 120;

/** True when this SYN gets a cookie. */
export function wantsCookie(balancer: Balancer, segment: Segment, listener: Listener): boolean {
  const { cookies } = listener.admission;
  if (!cookies) return false;
  return cookies.when === 'always' || isActive(balancer, segment, listener, cookies.threshold);
}

export function countSent(balancer: Balancer, { now }: Segment, listener: Listener): void {
  const state = protectionOf(balancer, listener);
  state.sent += 1;
  state.lastCookie = now;
}

export function protectionOf({ protections }: Balancer, { index }: Listener): Protection {
  const known = protections.get(index);
  if (known) return known;
  const fresh = { active: false, lastCookie: undefined, periodStart: 0, sent: 0, accepted: 0 };
  protections.set(index, fresh);
  return fresh;
}

/** True when a cookie of this listener's may come back. */
export function awaitsCookies(balancer: Balancer, { now }: Segment, listener: Listener): boolean {
  const { lastCookie } = protectionOf(balancer, listener);
  return lastCookie !== undefined && now - lastCookie < ticksFromSeconds(COOKIE_LIFE_SECONDS);
}

function isActive(
  balancer: Balancer,
  segment: Segment,
  listener: Listener,
  threshold: number,
): boolean {
  const state = protectionOf(balancer, listener);
  const { tables, sessions } = balancer;
  const own = sessions.all().filter((session) => session.listener === listener.index);
  const opening = own.filter((session) => session.state === 'opening').length;
  const restart = () =>
    Object.assign(state, {
      periodStart: segment.now,
      sent: 0,
      accepted: 0,
    } satisfies Partial<Protection>);
  if (!state.active) {
    if (opening < threshold) return false;
    state.active = true;
    restart();
    tellOf(balancer, segment, 'syn-protection-on');
    return true;
  }
  if (segment.now - state.periodStart < ticksFromSeconds(tables.timeoutSeconds.opening))
    return true;
  const isLow = state.sent - state.accepted < Math.floor(threshold / 2) && opening < threshold;
  restart();
  if (!isLow) return true;
  state.active = false;
  tellOf(balancer, segment, 'syn-protection-off');
  return false;
}
