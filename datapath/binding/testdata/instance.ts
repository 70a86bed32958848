/** For tests: the trial object loaded for an instance of its own, whose pins end with the process. */
import { loadObject, loadPrivateObject, type Capacities, type LoadedObject } from '../object.ts';
import { removePins } from '../pins.ts';
import { counter, struct, u32, u64 } from '../codec.ts';
import { compileTrial } from './compile.ts';

export const SILENT = { info: () => {} };

export const pair = struct('pair', { left: u32, right: u32 });
export const sums = struct('sums', { packets: counter, bytes: counter });
export const clock = struct('clock', { timerLow: u64, timerHigh: u64, ticks: counter });
export const seen = struct('seen', { length: u32, mark: u32, ifindex: u32 });

let instances = 0;

/** `test-<pid>-1`, removed when the process ends, however the tests go. */
export function testInstance(): string {
  const name = `test-${process.pid}-${++instances}`;
  process.on('exit', () => removePins(name, 'balancer'));
  return name;
}

export function loadTrial(instance: string, capacities: Capacities = {}): Promise<LoadedObject> {
  const path = compileTrial('trial');
  return loadObject({ path, instance, role: 'balancer', capacities, log: SILENT });
}

export function loadPrivateTrial(capacities: Capacities = {}): Promise<LoadedObject> {
  return loadPrivateObject({ path: compileTrial('trial'), capacities });
}
