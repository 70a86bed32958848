/** TOA on the wire: where it is, what it says, who is believed, and that the server never sees it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ListenerRow } from '../../control/api/rows.ts';
import { printTcpOption } from '../../packet/print.ts';
import { mss, toa, type TcpOption } from '../../packet/tcp-options.ts';
import { captured, readCapture, type CapturePoint } from '../capture.ts';
import { badChecksums, countChecksums } from '../checksums.ts';
import { notes } from '../answers.ts';
import { openLab } from '../lab.ts';
import { setOffloads } from '../offloads.ts';
import type { DaemonName } from '../paths.ts';
import { withClient } from '../scripted.ts';
import { CLIENT_ADDRESS } from '../topology.ts';
import { openConnections } from '../traffic.ts';
import { down } from '../up.ts';
import { upWithListeners } from './listeners.ts';
import { largeRequest, withFirstAckLost } from './lost-ack.ts';
import { reasonToSkip, rowsOf } from './machine.ts';
import { withRawClient } from './raw-client.ts';
import { assertNoToa, isFromLocal, isSyn, segments, type Segment } from './segments.ts';
import { SYN_ROWS, blanked, forged, nops, usual } from './toa-rows.ts';

const instance = 't-toa';
const skip = reasonToSkip();
const SERVER = '10.0.98.79:8056';
const LISTENER = '10.0.23.111:18056';
const HANDSHAKE_LISTENER = '10.0.23.111:18058';
const OFF_LISTENER = '10.0.23.111:18059';
/** A block for each test: a port used twice would collide, and be seen as another one. */
const RAW_PORTS = { syn: 62_000, untrusted: 62_100, handshake: 62_200 } as const;

describe('TOA', { skip, timeout: 120_000 }, () => {
  before(async () => {
    await upWithListeners({ instance, servers: 1 }, [
      { address: HANDSHAKE_LISTENER, name: 'handshake', toa: 'handshake' },
      { address: OFF_LISTENER, name: 'off', toa: 'off' },
    ]);
  });
  after(() => down(instance));

  for (const txChecksum of [true, false]) {
    const where = txChecksum ? 'left to the card' : 'computed by the sender';
    test(`on every SYN at host-nic, on none at the server; checksums right, ${where}`, async (t) => {
      const lab = openLab(instance);
      for (const role of ['client', 'balancer', 'server1'] as const) {
        const offloads = { gso: txChecksum, gro: true, txChecksum };
        await setOffloads(instance, { role, device: 'eth0' }, offloads);
      }
      const count = 100;
      const low = txChecksum ? 21_000 : 22_000;
      const points = ['host-nic', 'server', 'client'] as const;
      const { result, files } = await captured(instance, points, { direction: 'in' }, () =>
        openConnections(lab, 'client', {
          ...{ target: LISTENER, local: CLIENT_ADDRESS, ports: `${low}-${low + count - 1}` },
          ...{ count, perSecond: 200, expect: 'peer' },
        }),
      );
      assert.deepEqual([result.answered, result.wrongAnswers, result.slow], [count, [], 0]);
      const syns = segments(files.get('host-nic')).filter(isFromLocal).filter(isSyn);
      const shown = syns.map(({ toas }) => toas.join());
      const ports = Array.from({ length: count }, (_, i) => `${CLIENT_ADDRESS}:${low + i}`);
      assert.deepEqual(shown.toSorted(), ports);
      assertNoToa(files.get('server'));
      for (const point of points) {
        const file = files.get(point) ?? '';
        const { good, left, bad } = countChecksums(readCapture(file));
        t.diagnostic(`${point}: ${good} checksums right, ${left} left to the card`);
        assert.deepEqual(bad, [], point);
        assert.ok(good + left >= 3 * count, `${good + left} packets at ${point}`);
        if (txChecksum) continue;
        assert.equal(left, 0, point);
        assert.deepEqual(await badChecksums(file), [], point);
      }
    });
  }

  test('in SYNs with options in any order, and none where there is no room', async (t) => {
    const before = await counted();
    const { result: lines, files } = await rawVisits(
      RAW_PORTS.syn,
      SYN_ROWS.map(({ sent }) => ({ target: LISTENER, synOptions: sent })),
    );
    const after = await counted();
    const wire = segments(files.get('host-nic')).filter(isFromLocal).filter(isSyn);
    const server = segments(files.get('server')).filter(isSyn);
    for (const [i, { name, sent, wire: blankedOptions = sent, noRoom }] of SYN_ROWS.entries()) {
      const client = `${CLIENT_ADDRESS}:${RAW_PORTS.syn + i}`;
      const sequence = sequenceOf(i);
      const onWire = wire.filter((each) => each.sequence === sequence);
      const atServer = server.filter((each) => each.sequence === sequence);
      t.diagnostic(`${name}: ${lines[i]}`);
      const expected = [...(noRoom ? [] : [toa(client)]), ...blankedOptions];
      assert.deepEqual(
        onWire.map(({ options }) => options.map(printTcpOption)),
        [expected.map(printTcpOption)],
        `${name}, host-nic`,
      );
      assert.deepEqual(
        atServer.map(({ options }) => options.map(printTcpOption)),
        [[...(noRoom ? [] : blanked), ...blankedOptions].map(printTcpOption)],
        `${name}, server`,
      );
      // Without TOA nothing tells the client: the server sees the local.
      const peer = noRoom ? onWire[0]?.source : client;
      assert.equal(lines[i], `server1 ${peer}`, name);
    }
    // Where a SYN had no room, the ACK and the first data that complete the handshake have it.
    const noRoom = SYN_ROWS.filter((row) => row.noRoom).length;
    const completing = segments(files.get('host-nic')).filter(isFromLocal);
    const withToa = completing.filter((each) => !isSyn(each) && each.toas.length > 0);
    assert.equal(withToa.length, 2 * noRoom);
    const forgeries = SYN_ROWS.reduce((sum, row) => sum + (row.forgeries ?? 0), 0);
    assert.deepEqual(changes(before, after), {
      inserted: SYN_ROWS.length - noRoom + 2 * noRoom,
      notInserted: noRoom,
      announced: 0,
      notDelivered: 0,
      missing: noRoom,
      forged: forgeries,
      untrusted: 0,
    });
    await assertChecksums(files);
  });

  test('from a source that is no local: not believed, blanked, counted', async () => {
    const rows = [[forged], [forged, ...usual], [...usual, toa('10.0.88.101:22')]];
    const before = await counted();
    const { result: lines, files } = await rawVisits(
      RAW_PORTS.untrusted,
      rows.map((synOptions) => ({ target: SERVER, synOptions, laterOptions: [forged] })),
    );
    const { untrusted, missing } = changes(before, await counted());
    assert.deepEqual(
      lines,
      rows.map((_, i) => `server1 ${CLIENT_ADDRESS}:${RAW_PORTS.untrusted + i}`),
    );
    const arrived = segments(files.get('host-nic')).filter(isSyn);
    const withToa = arrived.filter(({ toas }) => toas.length > 0);
    assert.equal(withToa.length, rows.length, 'they came as far as the host');
    assertNoToa(files.get('server'));
    // The SYN, the end of the handshake and the request.
    assert.deepEqual({ untrusted, missing }, { untrusted: 3 * rows.length, missing: 0 });
    await assertChecksums(files);
  });

  test('toa: handshake: also on what acknowledges the SYN+ACK, and on nothing later', async () => {
    const { conversation, client, server } = await conversationTo(HANDSHAKE_LISTENER);
    const synAck = conversation.find(({ flags }) => flags === 'SA');
    assert.ok(synAck !== undefined);
    const up = conversation.filter(isFromLocal);
    const isHandshake = (each: Segment) =>
      isSyn(each) || each.acknowledgment === synAck.sequence + 1;
    assert.deepEqual(
      up.map(({ toas }) => toas),
      up.map((each) => (isHandshake(each) ? [client] : [])),
    );
    const kinds = up.filter(isHandshake).map(({ flags, bytes }) => `${flags} ${bytes > 0}`);
    assert.deepEqual(kinds, ['S false', 'A false', 'PA true']);
    assert.ok(up.some((each) => !isHandshake(each) && each.bytes > 0));
    assertNoToa(server);
  });

  test('toa: handshake: the client cannot put its own there', async () => {
    const synOptions = [mss(1460), forged];
    const laterOptions = [forged, ...nops(4)];
    const { result: lines, files } = await rawVisits(RAW_PORTS.handshake, [
      { target: HANDSHAKE_LISTENER, synOptions, laterOptions },
    ]);
    const client = `${CLIENT_ADDRESS}:${RAW_PORTS.handshake}`;
    assert.deepEqual(lines, [`server1 ${client}`]);
    const up = segments(files.get('host-nic')).filter(isFromLocal);
    const [syn, ack, request] = up;
    assert.deepEqual([syn?.toas, ack?.toas, request?.toas], [[client], [client], [client]]);
    assertNoToa(files.get('server'));
    await assertChecksums(files);
  });

  for (const gso of [true, false]) {
    const what = gso ? 'a super-packet' : 'a full segment';
    test(`toa: handshake: ahead in a bare ACK, when ${what} completes the handshake`, async () => {
      const lab = openLab(instance);
      await setOffloads(
        instance,
        { role: 'client', device: 'eth0' },
        { gso, gro: true, txChecksum: gso },
      );
      const before = await counted();
      const { result, files } = await captured(
        instance,
        ['host-nic', 'server'],
        { filter: 'tcp port 8056 and not host 10.0.23.1', direction: 'in' },
        () =>
          withFirstAckLost(lab, HANDSHAKE_LISTENER, () =>
            lab.run('client', largeRequest(HANDSHAKE_LISTENER)),
          ),
      );
      const up = segments(files.get('host-nic')).filter(isFromLocal);
      const [syn, ack, ...rest] = up;
      assert.deepEqual([syn?.flags, ack?.flags, ack?.bytes], ['S', 'A', 0]);
      assert.deepEqual(ack?.toas, syn?.toas);
      // The segment itself comes by a second time: others of its burst may be before it.
      const first = rest.find(({ sequence, bytes }) => sequence === ack?.sequence && bytes > 0);
      assert.ok((first?.bytes ?? 0) >= 1448);
      assert.deepEqual(first?.toas, []);
      assert.equal(result.stdout.trim(), `server1 ${syn?.toas[0]}`);
      const { announced, notDelivered } = changes(before, await counted());
      assert.deepEqual({ announced, notDelivered }, { announced: 1, notDelivered: 0 });
      assertNoToa(files.get('server'));
      assert.deepEqual(countChecksums(readCapture(files.get('host-nic') ?? '')).bad, []);
    });
  }

  test('toa: off: on no segment; the server sees the local', async () => {
    const { conversation, lines, local, server } = await conversationTo(OFF_LISTENER);
    assert.ok(conversation.length > 5);
    assert.deepEqual(
      conversation.flatMap(({ toas }) => toas),
      [],
    );
    assert.deepEqual(lines, [`server1 ${local}`, `server1 ${local}`]);
    assertNoToa(server);
  });
});

type Visit = {
  target: string;
  synOptions: readonly TcpOption[];
  laterOptions?: readonly TcpOption[];
};

const sequenceOf = (index: number) => 1_000_000 * (index + 1);

/** One after the other, each from a port and a sequence number of its own. */
function rawVisits(low: number, visits: readonly Visit[]) {
  const filter = 'tcp port 8056';
  return captured(instance, ['host-nic', 'server'], { filter, direction: 'in' }, () =>
    withRawClient(openLab(instance), low, async (client) => {
      const lines: string[] = [];
      for (const [i, visit] of visits.entries()) {
        const port = low + i;
        lines.push(await client.visit({ ...visit, port, sequence: sequenceOf(i) }));
      }
      return lines;
    }),
  );
}

/** A connection of the client's kernel with two requests, as host-nic sees it both ways. */
async function conversationTo(listener: string) {
  const { result, files } = await captured(
    instance,
    ['host-nic', 'server'],
    { filter: 'tcp port 8056 and not host 10.0.23.1' },
    () =>
      withClient(openLab(instance), 'client', async (client) => {
        const attempt = await client.connect(listener);
        assert.ok(attempt.ok);
        const { connection } = attempt;
        const lines = [await connection.ask(), await connection.askLast()];
        return { lines, client: connection.local };
      }),
  );
  const conversation = segments(files.get('host-nic'));
  const local = conversation.find(isFromLocal)?.source;
  return { ...result, conversation, local, server: files.get('server') };
}

async function assertChecksums(files: ReadonlyMap<CapturePoint, string>): Promise<void> {
  for (const [point, file] of files) {
    assert.deepEqual(countChecksums(readCapture(file)).bad, [], point);
    assert.deepEqual(await badChecksums(file), [], point);
  }
}

async function counted() {
  const listeners = await rowsOf<ListenerRow>(instance, 'balancer', 'listeners');
  const sum = (of: 'toaInserted' | 'toaNotInserted' | 'toaAnnounced' | 'toaNotDelivered') =>
    listeners.reduce((total, row) => total + row[of], 0);
  const note = async (daemon: DaemonName, name: string) =>
    (await notes(instance, daemon)).get(name) ?? 0;
  return {
    inserted: sum('toaInserted'),
    notInserted: sum('toaNotInserted'),
    announced: sum('toaAnnounced'),
    notDelivered: sum('toaNotDelivered'),
    missing: await note('agent', 'toa-missing'),
    forged: await note('balancer', 'toa-forged-client'),
    untrusted: await note('agent', 'toa-untrusted'),
  };
}

type Counted = Awaited<ReturnType<typeof counted>>;

function changes(before: Counted, after: Counted): Counted {
  const pairs = Object.entries(before) as [keyof Counted, number][];
  return Object.fromEntries(pairs.map(([name, n]) => [name, after[name] - n])) as Counted;
}
