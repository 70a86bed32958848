/** Two thousand of the requests that `npm run fuzz:api` sends by the hundred thousand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './fuzz.ts';
import { standIn } from './stand-in.ts';

test('malformed requests end nothing, are no fault of the daemon and change nothing', async () => {
  const daemon = await standIn();
  try {
    const before = daemon.state();
    const { statuses, faults } = await fuzz(daemon.path, { seed: 1, requests: 2_000 });
    assert.deepEqual(daemon.errors, []);
    assert.deepEqual(faults, []);
    assert.equal(daemon.state(), before);
    for (const status of [200, 400, 404, 405, 415, 421, 422])
      assert.ok((statuses[status] ?? 0) > 0, `${status} was reached: ${JSON.stringify(statuses)}`);
  } finally {
    await daemon.close();
  }
});
