/** A draft as the YAML of a balancer's configuration. */
import { Document, isMap, isSeq, visit } from 'yaml';
import { formatDurationMs } from '../../control/config/duration.ts';
import { given, type Draft, type HealthDraft } from './draft.ts';

export interface Surroundings {
  /** Whose configuration this was: `haproxy`, and the file. */
  readonly from: string;
  readonly interfaces: readonly string[];
  readonly locals: readonly string[];
}

/** Lists of plain words and short maps stand on one line, as people write them. */
const INLINE = new Set(['interfaces', 'backends', 'locals', 'health']);

export function toYaml({ listeners, pools }: Draft, around: Surroundings): string {
  const document = new Document({
    interfaces: around.interfaces,
    locals: around.locals.map((addresses) => ({ addresses })),
    listeners: listeners.map(({ name, address, pool, maxSessions }) =>
      given({ name, address, pool, maxSessions }),
    ),
    pools: pools.map(({ name, backends, health }) => ({
      name,
      ...(health === undefined ? {} : { health: healthOf(health) }),
      backends,
    })),
  });
  document.commentBefore = ` made by fullnat import of ${around.from}`;
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!INLINE.has(String(key))) return;
      if (isMap(value)) value.flow = true;
      if (isSeq(value)) {
        if (value.items.every((item) => !isMap(item))) value.flow = true;
        for (const item of value.items) if (isMap(item)) item.flow = true;
      }
    },
  });
  return document.toString({ lineWidth: 0 });
}

function healthOf(health: HealthDraft): object | 'off' {
  if (health === 'off') return 'off';
  const { intervalMs, timeoutMs, ...counts } = health;
  return {
    tcp: {},
    ...(intervalMs === undefined ? {} : { interval: formatDurationMs(intervalMs) }),
    ...(timeoutMs === undefined ? {} : { timeout: formatDurationMs(timeoutMs) }),
    ...counts,
  };
}
