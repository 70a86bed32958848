/** Traffic that is for no listener, no local and no known server passes byte for byte. */

import { captured, readCapture } from '../capture.ts';
import { run } from '../namespaces.ts';
import { SERVER_ADDRESSES } from '../topology.ts';
import { judge, type LabCase } from './case.ts';

/** Discard (RFC 863) is no server of the agent's, and nothing listens there. */
const PORT = 9;
const DATAGRAMS = 20;

const ETHERNET_BYTES = 14;
const TTL_AT = 8;
const CHECKSUM_AT = 10;
/** The router between the two capture points. */
const HOPS = 1;

export const untouchedTraffic: LabCase = {
  name: 'untouched',
  sentence: 'Traffic for no listener and no known server arrives as it left, byte for byte.',
  run: async (lab) => {
    const target = SERVER_ADDRESSES.server1;
    const { files } = await captured(
      lab.options.instance,
      ['client', 'server'],
      { filter: `dst host ${target} and port ${PORT}` },
      async () => {
        const script = SEND_DATAGRAMS.join('\n');
        const argv = [process.execPath, '-e', script, target, String(PORT), String(DATAGRAMS)];
        await run(lab.namespace('client'), argv);
        // Refused, so that segments with options pass too.
        const url = `http://${target}:${PORT}/`;
        await lab.run('client', ['curl', '-sm2', url], { accept: 'any' });
      },
    );
    const sent = packets(files.get('client'), HOPS);
    const received = packets(files.get('server'), 0);
    const missing = without(sent, received);
    const extra = without(received, sent);
    return judge(
      [`${sent.length} packets left the client, ${received.length} reached the server`],
      [
        ...(sent.length <= DATAGRAMS ? [`only ${sent.length} packets were sent`] : []),
        ...missing.map((packet) => `did not arrive as it was: ${packet}`),
        ...extra.map((packet) => `arrived and was not sent: ${packet}`),
      ],
    );
  },
};

/** Sizes from 0 to 1400, so that odd lengths and padding occur. */
const SEND_DATAGRAMS = [
  "const socket = require('node:dgram').createSocket('udp4');",
  'const [target, port, count] = process.argv.slice(1);',
  'let left = Number(count);',
  "socket.on('error', () => {});",
  'for (let i = 0; i < Number(count); i += 1) {',
  '  const payload = Buffer.alloc((i * 211) % 1401, i);',
  '  socket.send(payload, Number(port), target, () => (left -= 1) === 0 && socket.close());',
  '}',
];

/** IPv4 packets in hexadecimal, as they will be after `hops` routers. */
function packets(file: string | undefined, hops: number): string[] {
  if (file === undefined) return [];
  return readCapture(file).map(({ bytes }) => {
    const packet = Buffer.from(bytes.subarray(ETHERNET_BYTES));
    packet.writeUInt8(packet.readUInt8(TTL_AT) - hops, TTL_AT);
    // Changes with the TTL; the routers' kernel has verified and rewritten it.
    packet.writeUInt16BE(0, CHECKSUM_AT);
    return packet.toString('hex');
  });
}

function without(all: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return all.filter((packet) => {
    const at = left.indexOf(packet);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
