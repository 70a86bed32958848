/** One balanced connection, seen at all four capture points. */

import type { Lab } from '../lab.ts';
import {
  CLIENT_ADDRESS,
  SERVER_ADDRESSES,
  SERVER_PORT,
  VIRTUAL_ADDRESS,
  VIRTUAL_PORT,
} from '../topology.ts';
import { expecting, type Expectation } from './expectation.ts';
import {
  destinationOf,
  follow,
  sourceOf,
  toaOf,
  watchHandshakes,
  type Segment,
  type Sighting,
} from './handshakes.ts';

export const LISTENER = `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`;
export const SERVER = `${SERVER_ADDRESSES.server1}:${SERVER_PORT}`;

export type OneConnection = {
  command: string;
  /** The server's line. */
  answer: string;
  sightings: readonly Sighting[];
  expectations: readonly Expectation[];
};

/** TOA of an IPv4 client. */
const TOA_BYTES = 8;

export async function oneConnection(lab: Lab): Promise<OneConnection> {
  const argv = ['curl', '-s', `http://${LISTENER}/`];
  const { result, segments } = await watchHandshakes(lab.options.instance, () =>
    lab.run('client', argv),
  );
  const answer = result.stdout.trim();
  const first = segments.find(
    (segment) => segment.point === 'client' && destinationOf(segment) === LISTENER,
  );
  const client = first === undefined ? '' : sourceOf(first);
  const sightings = follow(segments, client, LISTENER);
  const syn = (at: number) => sightings[at]?.syns[0];
  const [atClient, atNic, atVnic, atServer] = [syn(0), syn(1), syn(2), syn(3)];
  return {
    command: argv.join(' '),
    answer,
    sightings,
    expectations: [
      expecting(
        'one SYN and one SYN+ACK at each of the four points',
        sightings.every(({ syns, answers }) => syns.length === 1 && answers.length === 1),
      ),
      expecting(
        `at host-nic the SYN is ${TOA_BYTES} bytes longer and its TOA names ${client}`,
        lengthOf(atNic) - lengthOf(atClient) === TOA_BYTES && nameIn(atNic) === client,
      ),
      expecting(
        'at the server no TOA is left, and the source is the client again',
        [atVnic, atServer].every(
          (segment) =>
            segment !== undefined && nameIn(segment) === undefined && sourceOf(segment) === client,
        ),
      ),
      expecting(
        `the server says: ${answer}`,
        client.startsWith(CLIENT_ADDRESS) && answer === `server1 ${client}`,
      ),
    ],
  };
}

const lengthOf = (segment: Segment | undefined) => segment?.packet.ipv4.totalBytes ?? 0;
const nameIn = (segment: Segment | undefined) => segment && toaOf(segment);
