/** What `fullnat get` can list: which daemons know it, and which columns its tables have. */
import type { Daemon, Row } from './daemons.ts';
import type { Column } from './output/table.ts';
import { bytes, seconds, shortTime } from './output/units.ts';
import type { Style } from './output/style.ts';

export interface Resource {
  readonly daemons: readonly Daemon[];
  /** Fields that together tell a row from the others: its name. */
  readonly identity: readonly string[];
  /** A column is shown only when some row has its field, so both daemons' rows fit one list. */
  readonly columns: readonly (Column<Row> & { readonly field: string; readonly wide?: boolean })[];
}

const BOTH: readonly Daemon[] = ['balancer', 'agent'];

const traffic = [
  count('packetsIn', 'PACKETS IN', { wide: true }),
  size('bytesIn', 'IN'),
  count('packetsOut', 'PACKETS OUT', { wide: true }),
  size('bytesOut', 'OUT'),
];

export const RESOURCES = {
  listeners: {
    daemons: ['balancer'],
    identity: ['name'],
    columns: [
      text('name', 'NAME'),
      text('address', 'ADDRESS'),
      text('pool', 'POOL'),
      {
        ...text('backendsUp', 'UP'),
        text: (row) => `${show(row['backendsUp'])}/${show(row['backendsTotal'])}`,
      },
      count('live', 'LIVE'),
      count('connections', 'CONNECTIONS'),
      ...traffic,
      count('refused', 'REFUSED'),
      count('resetsClient', 'CLIENT RESETS', { wide: true }),
      count('resetsServer', 'SERVER RESETS', { wide: true }),
      count('opening', 'HALF-OPEN', { wide: true }),
      {
        ...text('synProtection', 'SYN COOKIES', { wide: true }),
        text: (row) => `${show(row['synProtection'])}: ${row['synCookies'] ? 'now' : 'not now'}`,
      },
      text('toa', 'TOA', { wide: true }),
      count('toaInserted', 'TOA INSERTED', { wide: true }),
      count('toaNotInserted', 'TOA NOT INSERTED', { wide: true }),
      count('toaAnnounced', 'TOA ANNOUNCED', { wide: true }),
      count('toaNotDelivered', 'TOA NOT DELIVERED', { wide: true }),
    ],
  },
  backends: {
    daemons: ['balancer'],
    identity: ['pool', 'address'],
    columns: [
      text('pool', 'POOL'),
      text('name', 'NAME'),
      text('address', 'ADDRESS'),
      count('weight', 'WEIGHT'),
      { ...text('state', 'STATE'), paint: paintHealth },
      count('live', 'LIVE'),
      count('connections', 'CONNECTIONS'),
      ...traffic,
      text('since', 'SINCE', { wide: true }),
      text('checkedAt', 'CHECKED', { wide: true }),
      text('checkResult', 'RESULT', { wide: true }),
      { ...measured('checkSeconds', 'TOOK', shortTime), wide: true },
      text('reason', 'REASON'),
    ],
  },
  sessions: {
    daemons: BOTH,
    identity: ['client', 'listener', 'peer', 'server'],
    columns: [
      text('client', 'CLIENT'),
      text('listener', 'LISTENER'),
      text('peer', 'PEER'),
      text('local', 'LOCAL'),
      text('backend', 'BACKEND'),
      text('visible', 'SERVER SEES'),
      text('server', 'SERVER'),
      text('kind', 'KIND', { wide: true }),
      text('state', 'STATE'),
      time('idleSeconds', 'IDLE'),
      time('ageSeconds', 'AGE'),
      ...traffic,
      text('flags', 'FLAGS', { wide: true }),
    ],
  },
  clients: {
    daemons: ['agent'],
    identity: ['client', 'server'],
    columns: [
      text('client', 'CLIENT'),
      text('local', 'LOCAL'),
      text('server', 'SERVER'),
      text('state', 'STATE'),
      time('ageSeconds', 'AGE'),
      text('source', 'KNOWN FROM', { wide: true }),
      text('namespace', 'NETWORK NAMESPACE', { wide: true }),
    ],
  },
  locals: {
    daemons: ['balancer'],
    identity: ['address', 'backend'],
    columns: [
      text('address', 'ADDRESS'),
      text('backend', 'BACKEND'),
      count('inUse', 'IN USE'),
      count('resting', 'RESTING'),
      count('capacity', 'CAPACITY'),
      time('secondsToExhaustion', 'FULL IN'),
      count('allocated', 'ALLOCATED', { wide: true }),
      count('probes', 'PROBES', { wide: true }),
      count('reused', 'REUSED'),
      {
        ...count('failed', 'FAILED'),
        paint: (row, style) => (row['failed'] === 0 ? plain : style.bad),
      },
    ],
  },
  collisions: {
    daemons: ['agent'],
    identity: ['time', 'client', 'server'],
    columns: [
      text('time', 'TIME'),
      text('client', 'CLIENT'),
      text('server', 'SERVER'),
      text('subject', 'NEW CONNECTION'),
      text('owner', 'OWNER'),
      text('ownerState', 'OWNER STATE'),
      time('ownerAgeSeconds', 'OWNER AGE'),
      text('ownerKind', 'OWNER KIND', { wide: true }),
      { ...text('action', 'ACTION'), paint: paintAction },
      text('visiblePort', 'SERVER SEES PORT'),
    ],
  },
  'collision-counters': {
    daemons: ['agent'],
    identity: ['client', 'server'],
    columns: [
      text('client', 'CLIENT'),
      text('server', 'SERVER'),
      count('remapped', 'REMAPPED'),
      count('keptLocal', 'KEPT LOCAL'),
      count('dropped', 'DROPPED'),
    ],
  },
  servers: {
    daemons: ['agent'],
    identity: ['address'],
    columns: [
      text('address', 'ADDRESS'),
      text('onCollision', 'ON COLLISION'),
      count('connections', 'CONNECTIONS'),
      ...traffic,
      text('remapPorts', 'REMAP PORTS'),
      count('remapInUse', 'IN USE'),
      count('remapResting', 'RESTING'),
      count('remapFailed', 'FAILED'),
    ],
  },
  drops: {
    daemons: BOTH,
    identity: ['daemon', 'name'],
    columns: [
      text('daemon', 'DAEMON'),
      text('name', 'NAME'),
      count('packets', 'PACKETS'),
      count('verdict', 'NUMBER', { wide: true }),
      text('meaning', 'MEANING'),
    ],
  },
  notes: {
    daemons: BOTH,
    identity: ['daemon', 'name'],
    columns: [
      text('daemon', 'DAEMON'),
      text('name', 'NAME'),
      count('count', 'COUNT'),
      count('note', 'NUMBER', { wide: true }),
      text('meaning', 'MEANING'),
    ],
  },
  info: {
    daemons: BOTH,
    identity: ['role'],
    columns: [
      text('role', 'ROLE'),
      text('mode', 'MODE'),
      text('engine', 'ENGINE'),
      text('instance', 'INSTANCE'),
      text('pid', 'PID'),
      text('version', 'VERSION'),
      text('since', 'SINCE'),
      text('configFile', 'CONFIGURATION'),
      text('configSince', 'IN FORCE SINCE', { wide: true }),
      {
        field: 'reloadError',
        heading: 'LAST RELOAD',
        text: (row) => (row['reloadError'] === null ? '' : 'refused'),
        paint: (_, style) => style.bad,
      },
      count('sessionCapacity', 'CAPACITY', { wide: true }),
      count('adoptedMaps', 'ADOPTED MAPS', { wide: true }),
    ],
  },
  events: {
    daemons: BOTH,
    identity: ['time', 'daemon', 'type'],
    columns: [text('time', 'TIME'), text('daemon', 'DAEMON'), text('type', 'TYPE'), others()],
  },
} satisfies Record<string, Resource>;

export type ResourceName = keyof typeof RESOURCES;

/** @example nameOf(RESOURCES.backends, row) // 'web/10.0.98.79:8056' */
export function nameOf({ identity }: Pick<Resource, 'identity'>, row: Row): string {
  return identity
    .flatMap((field) => (row[field] === undefined ? [] : [show(row[field])]))
    .join('/');
}

type ResourceColumn = Resource['columns'][number];

function text(field: string, heading: string, more: { wide?: boolean } = {}): ResourceColumn {
  return { field, heading, text: (row) => show(row[field]), ...more };
}

function count(field: string, heading: string, more: { wide?: boolean } = {}): ResourceColumn {
  return { ...text(field, heading, more), align: 'right' };
}

function size(field: string, heading: string): ResourceColumn {
  return measured(field, heading, bytes);
}

function time(field: string, heading: string): ResourceColumn {
  return measured(field, heading, seconds);
}

function measured(
  field: string,
  heading: string,
  format: (value: number) => string,
): ResourceColumn {
  return {
    field,
    heading,
    align: 'right',
    text: (row) => {
      const value = row[field];
      return typeof value === 'number' ? format(value) : show(value);
    },
  };
}

/** Events differ in their fields: what is left is shown as name=value. */
function others(): ResourceColumn {
  const named = ['time', 'daemon', 'type'];
  return {
    field: 'type',
    heading: 'DETAILS',
    text: (row) =>
      Object.entries(row)
        .filter(([field, value]) => !named.includes(field) && value !== null)
        .map(([field, value]) => `${field}=${show(value)}`)
        .join(' '),
  };
}

function show(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(show).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function paintHealth(row: Row, style: Style): (text: string) => string {
  switch (row['state']) {
    case 'up':
      return style.good;
    case 'down':
      return style.bad;
    case 'checking':
      return style.warning;
    case 'unchecked':
    default: // a newer daemon's word
      return plain;
  }
}

function paintAction(row: Row, style: Style): (text: string) => string {
  return row['action'] === 'dropped' ? style.bad : style.good;
}

function plain(text: string): string {
  return text;
}
