/** Listings one after another, and the lines that tell the difference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from './daemons.ts';
import type { Format } from './output/format.ts';
import { RESOURCES } from './resources.ts';
import { Changes } from './watch-changes.ts';

const up = { pool: 'web', name: 'a', address: '10.0.98.79:8056', weight: 1, state: 'up', live: 0 };
const down = { ...up, state: 'down', reason: 'connect refused' };
const session = { client: '10.0.88.100:1', listener: '10.0.23.111:80', state: 'established' };

const STORIES: readonly {
  name: string;
  format: Format;
  resource: 'backends' | 'sessions';
  listings: readonly (readonly Row[])[];
  says: readonly RegExp[];
}[] = [
  {
    name: 'a table says its headings once, and then what changes',
    format: 'table',
    resource: 'backends',
    listings: [[up], [up], [down], []],
    says: [
      /^\tPOOL\tNAME\t.*\n\+\tweb\ta\t10\.0\.98\.79:8056\t1\tup\t.*\n$/,
      /^$/,
      /^~\tweb\ta\t.*\tdown\t.*\tconnect refused\n$/,
      /^-\tweb\ta\t.*\n$/,
    ],
  },
  {
    name: 'time that goes by is no change',
    format: 'jsonl',
    resource: 'sessions',
    listings: [[{ ...session, ageSeconds: 1 }], [{ ...session, ageSeconds: 2 }]],
    says: [/^\{"change":"added","client":"10\.0\.88\.100:1",.*\}\n$/, /^$/],
  },
  {
    name: 'names: what comes and goes',
    format: 'name',
    resource: 'backends',
    listings: [[up], [down], []],
    says: [/^\+ web\/10\.0\.98\.79:8056\n$/, /^$/, /^- web\/10\.0\.98\.79:8056\n$/],
  },
  {
    name: 'a list that is empty at first says its headings when there is something',
    format: 'wide',
    resource: 'backends',
    listings: [[], [up]],
    says: [/^$/, /^\tPOOL.*\n\+\tweb/],
  },
];

for (const { name, format, resource, listings, says } of STORIES)
  test(name, () => {
    const changes = new Changes(RESOURCES[resource], format);
    listings.forEach((rows, i) => assert.match(changes.linesOf(rows), says[i] ?? /never/));
  });
