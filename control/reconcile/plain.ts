/** A configuration as plain values, in the words of its file: addresses, ranges and durations are texts again. */
import { formatAddressRange, formatPortRange } from '../../packet/address-range.ts';
import { formatEndpoint } from '../../packet/address.ts';
import { formatIpEndpoint, formatIpRange } from '../../packet/ip.ts';
import { formatDurationMs } from '../config/duration.ts';

export type Plain = string | number | boolean | null | readonly Plain[] | PlainObject;
export type PlainObject = { readonly [key: string]: Plain };

/** By shape: what is an endpoint or a range looks like one, and milliseconds say so in their name. */
export function plainOf(value: unknown): Plain {
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value as Plain;
  return singleText(value) ?? membersOf(value);
}

/** Of an endpoint or a range, which are one word in a file. */
export function singleText(value: object): string | undefined {
  const { address, host, port, first, last, low, high } = value as Record<string, never>;
  if (typeof address === 'number' && typeof port === 'number')
    return formatEndpoint({ address, port });
  if (typeof address === 'bigint' && typeof port === 'number')
    return formatIpEndpoint({ address, port });
  if (typeof host === 'string' && typeof port === 'number')
    return `${host as string}:${port as number}`;
  if (typeof first === 'number' && typeof last === 'number')
    return formatAddressRange({ first, last });
  if (typeof first === 'bigint' && typeof last === 'bigint') return formatIpRange({ first, last });
  if (typeof low === 'number' && typeof high === 'number') return formatPortRange({ low, high });
  return undefined;
}

function membersOf(value: object): PlainObject {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key, member]) =>
        key.endsWith('Ms') && typeof member === 'number'
          ? [key.slice(0, -2), formatDurationMs(member)]
          : [key, plainOf(member)],
      ),
  );
}
