/** What `/v1/tap` answers: a capture of its own, for the one who asks and only as long as they listen. */
import { Readable } from 'node:stream';
import { BpfError } from '../../datapath/binding/errors.ts';
import { TapCapture } from '../../datapath/binding/tap-capture.ts';
import { parseIpEndpoint, type IpEndpoint } from '../../packet/ip.ts';
import { misread, parsed, type ParsedText } from '../../packet/parsed.ts';
import { ApiError } from '../api/api-error.ts';
import { textReader, wholeNumber, type QueryOf } from '../api/query.ts';

const SECONDS_MOST = 3_600;
const SECONDS_USUAL = 30;
const PACKETS_MOST = 1_000_000;
const PACKETS_USUAL = 200_000;
const BYTES_MOST = 256 * 1024 * 1024;
const BYTES_USUAL = 64 * 1024 * 1024;
/** Each costs every packet of the machine a look: more are somebody's mistake. */
const TAPS_MOST = 4;
const OWN_NAMESPACE = '/proc/self/ns/net';

export const tapReaders = {
  ends: textReader<readonly IpEndpoint[]>(
    readEnds,
    'connections from or to these, ADDRESS:PORT,…: listener and servers',
  ),
  interface: textReader<readonly string[]>(
    (text) => parsed(text.split(',')),
    'at these interfaces, NAME,…; without it, at those of the configuration',
  ),
  seconds: wholeNumber(1, SECONDS_MOST, `how long; ${SECONDS_USUAL} without it`),
  packets: wholeNumber(1, PACKETS_MOST, `how many at most; ${PACKETS_USUAL} without it`),
  bytes: wholeNumber(1, BYTES_MOST, `how large at most; ${BYTES_USUAL} without it`),
};

let taps = 0;

/** `configured` are the interfaces that the daemon itself works at. */
export async function tap(
  query: QueryOf<typeof tapReaders>,
  configured: readonly string[],
): Promise<{ stream: ReadableStream<Uint8Array> }> {
  const { ends, interface: devices = configured } = query;
  const { seconds = SECONDS_USUAL, packets = PACKETS_USUAL, bytes = BYTES_USUAL } = query;
  if (ends === undefined)
    throw new ApiError(400, 'ends must be given: the listener and its servers, ADDRESS:PORT,…');
  if (devices.length === 0)
    throw new ApiError(400, 'interface must be given: this daemon has none of its own');
  if (taps >= TAPS_MOST) throw new ApiError(503, `${TAPS_MOST} taps are open already`);
  taps += 1;
  const capture = await started(devices, ends, { packets, bytes }).catch((error: unknown) => {
    taps -= 1;
    throw error;
  });
  const timer = setTimeout(() => capture.stop(), seconds * 1_000);
  capture.output.once('close', () => {
    clearTimeout(timer);
    taps -= 1;
  });
  return { stream: Readable.toWeb(capture.output) as ReadableStream<Uint8Array> };
}

async function started(
  devices: readonly string[],
  ends: readonly IpEndpoint[],
  bounds: { readonly packets: number; readonly bytes: number },
): Promise<TapCapture> {
  try {
    const places = devices.map((device) => ({ namespace: OWN_NAMESPACE, device }));
    return await TapCapture.start({ places, ends, bounds });
  } catch (error) {
    if (error instanceof BpfError && error.failure.code === 'BPF_NOT_FOUND')
      throw new ApiError(400, `interfaces are ${devices.join(', ')}; one of them is not there`);
    throw error;
  }
}

function readEnds(text: string): ParsedText<readonly IpEndpoint[]> {
  const ends: IpEndpoint[] = [];
  for (const one of text.split(',')) {
    const read = parseIpEndpoint(one);
    if (!read.ok) return read;
    ends.push(read.value);
  }
  return ends.length > ENDS_MOST ? misread('out-of-range', `more than ${ENDS_MOST}`) : parsed(ends);
}

/** What the kernel program has room for, and a line of a request. */
const ENDS_MOST = 256;
