/** Numbers as people read them in tables; JSON and YAML keep the plain numbers. */

/** @example bytes(1_536) // '1.5 KiB' */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = count;
  let unit = 0;
  // 1023.95 would be printed as 1024.0
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** @example seconds(3_725) // '1h2m' */
export function seconds(count: number): string {
  const whole = Math.floor(count);
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return two(Math.floor(whole / 60), 'm', whole % 60, 's');
  if (whole < 86_400)
    return two(Math.floor(whole / 3_600), 'h', Math.floor((whole % 3_600) / 60), 'm');
  return two(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3_600), 'h');
}

/** @example shortTime(0.000_43) // '0.43ms' */
export function shortTime(count: number): string {
  return count < 1 ? `${Number((count * 1_000).toPrecision(3))}ms` : `${count.toFixed(2)}s`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return `${large}${largeUnit}${small === 0 ? '' : `${small}${smallUnit}`}`;
}
