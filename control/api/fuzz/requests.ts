/** Requests that no client of ours sends: bytes for a daemon's socket, by a seed. */
import type { Route } from '../route.ts';

export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const METHODS = [
  'GET',
  'PUT',
  'POST',
  'PATCH',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'G E T',
  '',
];
const TYPES = [
  'application/json',
  'application/yaml',
  'text/plain',
  'multipart/form-data; boundary=x',
  '',
  '\u00ff',
];
const HOSTS = ['fullnat', 'localhost:1', 'evil.example', '', 'a b', '[::1', 'fullnat, fullnat'];
const MATCHES = ['"0"', '"999999"', 'W/"1"', 'x', '""', '-1'];
const WORDS = [
  '..',
  '%00',
  '%2e%2e%2f',
  '%zz',
  'server1',
  '10.0.98.79:8056',
  'ü',
  '__proto__',
  'constructor',
  '{}',
  'x'.repeat(300),
  '0',
  '-1',
  '1e9',
  'NaN',
];
/** None of them is a configuration, a token or a weight that may be had. */
const BODIES = [
  ...[
    '',
    '{',
    '[]',
    'null',
    '{"weight":-1}',
    '{"weight":"5"}',
    '{"weight":1e99}',
    '{"name":"../x","role":"admin","days":1}',
  ],
  ...[
    '{"name":"x","role":"root","days":1}',
    '{"__proto__":{"weight":1}}',
    'listeners: []',
    'listeners: [',
    'pools: &a [*a]',
    '- - - -',
  ],
  ...[
    'instance: other\nlisteners: []\npools: []\nlocals: []\ninterfaces: []',
    '\ufeff',
    '\u0000',
    '"'.repeat(5_000),
    `{"a":${'['.repeat(5_000)}`,
  ],
  ...['a: !!binary x', 'x: *y', 'a: &a [1]\nb: [*a,*a,*a,*a]'],
];

/** Complete or broken off, with a body or half of one. */
export function requestOf(random: Random, routes: readonly Route[]): Buffer {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const likely = (share: number) => random() < share;
  const route = pick(routes);
  const path = likely(0.9)
    ? route.path.replaceAll(/\{\w+\}/g, () => pick(WORDS))
    : `/${pick(WORDS)}`;
  const names = [...Object.keys(route.query), 'unknown'];
  const query = likely(0.4)
    ? `?${pick(names)}=${pick(WORDS)}${likely(0.2) ? `&${pick(names)}=${pick(WORDS)}` : ''}`
    : '';
  const method = likely(0.7) ? route.method : pick(METHODS);
  const body = pick(BODIES);
  const bytes = Buffer.byteLength(body);
  const lines = [
    `${method} ${path}${query} HTTP/1.${likely(0.95) ? 1 : 0}`,
    `Host: ${likely(0.8) ? 'fullnat' : pick(HOSTS)}`,
    ...(likely(0.6) ? [`Content-Type: ${likely(0.5) ? 'application/json' : pick(TYPES)}`] : []),
    ...(likely(0.2) ? [`If-Match: ${pick(MATCHES)}`] : []),
    ...(likely(0.1) ? [`Authorization: ${pick(['Bearer x', 'Basic eDp5', 'Bearer', ''])}`] : []),
    ...(likely(0.1)
      ? [`Accept: ${pick(['text/event-stream', '*/*', 'x'])}`, `Last-Event-ID: ${pick(WORDS)}`]
      : []),
    ...(likely(0.05) ? [`${pick(WORDS)}: ${pick(WORDS)}`] : []),
    ...(likely(0.05) ? ['Transfer-Encoding: chunked'] : []),
    `Content-Length: ${likely(0.9) ? bytes : pick([0, 1, bytes + 5, -1, 99_999_999])}`,
    'Connection: close',
  ];
  const whole = Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
  if (likely(0.85)) return whole;
  return likely(0.5)
    ? whole.subarray(0, Math.floor(random() * whole.length))
    : mutated(whole, random);
}

function mutated(bytes: Buffer, random: Random): Buffer {
  const result = Buffer.from(bytes);
  for (let i = 0; i < 3; i++)
    result[Math.floor(random() * result.length)] = Math.floor(random() * 256);
  return result;
}
