/** Captured handshakes as the demo shows them: a line per packet, and tables of what was seen where. */
import type { Segment, Sighting } from '../../../lab/demo/handshakes.ts';
import { destinationOf, sourceOf } from '../../../lab/demo/handshakes.ts';
import { printPacket } from '../../../packet/print.ts';
import type { Style } from '../style.ts';
import { table } from '../table.ts';
import { wrap } from '../wrap.ts';

const POINT_WIDTH = 11;
const NOTHING = 'nothing';

const BECAUSE: Readonly<Record<Sighting['point'], string>> = {
  client: 'what the client sent',
  'host-nic': 'balancer changed both ends',
  'host-vnic': 'agent put the client back',
  server: 'what the server gets',
};

/** As tcpdump prints it, with the point in front; of the options only TOA is of interest here. */
export function captureLine(
  { point, time, packet }: Segment,
  indent: string,
  columns: number,
): string {
  const options = packet.tcp.options.filter(({ kind }) => kind === 'toa');
  const utcOffsetSeconds = -60 * new Date(Number(time / 1_000_000n)).getTimezoneOffset();
  const shown = { ...packet, tcp: { ...packet.tcp, options } };
  const line = printPacket(shown, { time, utcOffsetSeconds }).replace(/ win \d+/, '');
  const parts = /^(.*?:) (S.*?)(?: (<.*>))?$/.exec(line)?.slice(1) ?? [line];
  return wrap(
    `${indent}${point.padEnd(POINT_WIDTH)}`,
    parts.filter((part) => part !== undefined),
    columns,
  );
}

/** The addresses of one connection's SYN at each point. */
export function addressTable(sightings: readonly Sighting[], style: Style): string {
  return table(
    [
      { heading: 'POINT', text: ({ point }) => point },
      { heading: 'FROM', text: ({ syns: [syn] }) => (syn === undefined ? '' : sourceOf(syn)) },
      { heading: 'TO', text: ({ syns: [syn] }) => (syn === undefined ? '' : destinationOf(syn)) },
      { heading: 'BECAUSE', text: ({ point }) => BECAUSE[point] },
    ],
    sightings,
    style,
  );
}

/** Several connections, one column each: what was seen of their handshakes. */
export function sightingTable(
  walks: readonly { name: string; sightings: readonly Sighting[] }[],
  style: Style,
): string {
  const points = walks[0]?.sightings.map(({ point }) => point) ?? [];
  return table(
    [
      { heading: 'POINT', text: (at) => points[at] ?? '' },
      ...walks.map(({ name, sightings }) => ({
        heading: name.toUpperCase(),
        text: (at: number) => seenIn(sightings[at]),
        paint: (at: number) => (seenIn(sightings[at]) === NOTHING ? style.bad : same),
      })),
    ],
    points.map((_, at) => at),
    style,
  );
}

function seenIn(sighting: Sighting | undefined): string {
  const { syns, answers } = sighting ?? { syns: [], answers: [] };
  if (syns.length === 0) return NOTHING;
  const syn = syns.length === 1 ? 'SYN' : `SYN x${syns.length}`;
  return answers.length === 0 ? `${syn}, no answer` : `${syn}, SYN+ACK`;
}

const same = (text: string) => text;
