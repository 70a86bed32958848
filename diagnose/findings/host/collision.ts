/** The restored tuple was owned by another connection: the newer SYN was dropped (the seed case). */
import { both } from '../amounts.ts';
import { placesOf, tallyOf, type Evidence, type Hop, type PlaceEvidence } from '../evidence.ts';
import { notChecked, proved, ruledOut, suspected, type Hypothesis } from '../hypothesis.ts';

export const collision: Hypothesis = {
  code: 'collision',
  causes: [24],
  title: 'the tuple that restoring the client’s address needs belongs to another connection',
  remedy:
    'where the client’s address is restored, let no two connections want one tuple: ' +
    'fullnat’s agent with onCollision: remap or mode: socket; elsewhere keep clients of the ' +
    'virtual address off the servers’ own addresses',
  decide: (evidence) => {
    const shared = tallyOf(evidence, 'shared-port');
    const alone = tallyOf(evidence, 'listener');
    const dropped = droppedByAgent(evidence);
    const compared =
      `${shared.failed} of ${shared.tried} connections from a port with a direct connection failed, ` +
      `${alone.failed} of ${alone.tried} from others`;
    if (dropped !== undefined) return proved(dropped.hop, `${dropped.said}; ${compared}`, 0.99);
    if (shared.tried === 0)
      return notChecked('no backend is known to connect to directly: --backend ADDRESS:PORT');
    if (shared.failed === 0) return ruledOut(compared);
    if (alone.failed === alone.tried) return ruledOut(`${compared}: the port makes no difference`);
    const isClear = shared.failed === shared.tried && alone.failed === 0;
    const refusing = refusingPlace(evidence);
    const hop: Hop = refusing?.hop ?? { kind: 'unknown' };
    const said = refusing === undefined ? compared : `${compared}; ${refusing.said}`;
    if (isClear) return proved(hop, said, refusing === undefined ? 0.9 : 0.98);
    return suspected(hop, said);
  },
};

/** An agent tells it by itself. */
function droppedByAgent(evidence: Evidence): { hop: Hop; said: string } | undefined {
  for (const place of placesOf(evidence, 'host', 'server')) {
    const news = both(place.before.daemon, place.after.daemon, (before, after) =>
      after.collisions.slice(before.collisions.length).filter(({ action }) => action === 'dropped'),
    );
    const [first] = news.ok ? news.value : [];
    if (!news.ok || first === undefined) continue;
    const owner = `${first.ownerKind} connection ${first.owner}, ${first.ownerState}`;
    return {
      hop: { kind: 'inside', place: place.name },
      said:
        `the agent at ${place.name} dropped ${news.value.length} SYNs: ` +
        `${first.client} > ${first.server} is owned by a ${owner}`,
    };
  }
  return undefined;
}

/** nf_conntrack refuses a second entry with the same tuple. */
function refusingPlace(evidence: Evidence): { hop: Hop; said: string } | undefined {
  const [most] = evidence.places
    .map((place) => ({ place, refused: refusals(place) }))
    .toSorted((a, b) => Number(b.refused - a.refused));
  if (most === undefined || most.refused === 0n) return undefined;
  return {
    hop: { kind: 'inside', place: most.place.name },
    said: `conntrack insert_failed +${most.refused} at ${most.place.name}`,
  };
}

function refusals({ before, after }: PlaceEvidence): bigint {
  const grown = both(
    before.conntrack,
    after.conntrack,
    (earlier, later) =>
      (later.stats.get('insert_failed') ?? 0n) - (earlier.stats.get('insert_failed') ?? 0n),
  );
  return grown.ok ? grown.value : 0n;
}
