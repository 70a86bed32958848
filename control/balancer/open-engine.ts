/** Which engine carries a balancer's connections: as the configuration says, or what can run here. */
import { BpfError } from '../../datapath/binding/errors.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { loopbackAddress } from '../config/checks/engine.ts';
import { MachineError } from '../daemon/forwarding.ts';
import type { Log } from '../daemon/log.ts';
import type { Engine } from './engine.ts';
import { kernelEngine } from './kernel-engine.ts';
import { proxyEngine } from './proxy-engine.ts';

/** What `auto` may try; both reject or throw where they cannot run. */
export type Engines = {
  readonly kernel: (config: BalancerConfig, log: Log) => Promise<Engine>;
  readonly proxy: (config: BalancerConfig, log: Log) => Engine;
};

const ENGINES: Engines = { kernel: kernelEngine, proxy: proxyEngine };

export async function openEngine(
  config: BalancerConfig,
  log: Log,
  { kernel, proxy }: Engines = ENGINES,
): Promise<Engine> {
  switch (config.engine) {
    case 'ebpf':
      return kernel(config, log);
    case 'proxy':
      return proxy(config, log);
    case 'auto': {
      const never = whyNever(config);
      if (never !== undefined) return chosen(proxy(config, log), never, log);
      try {
        const engine = await kernel(config, log);
        return chosen(engine, 'this machine and these rights can run its programs', log);
      } catch (error) {
        const why = whyNotHere(error);
        if (why === undefined) throw error;
        return chosen(proxy(config, log), why, log);
      }
    }
  }
}

function chosen(engine: Engine, why: string, log: Log): Engine {
  log.info({ engine: engine.kind, why }, `engine auto: ${engine.kind}, because ${why}`);
  return engine;
}

/** What the kernel's engine cannot carry on any machine. */
function whyNever(config: BalancerConfig): string | undefined {
  if (config.interfaces.length === 0) return 'the file names no interfaces';
  const facts = { isGiven: () => true, isWhole: () => true, lineOf: () => 0 };
  const [first] = loopbackAddress({ ...config, engine: 'ebpf' }, facts);
  return first === undefined ? undefined : first.message.split(';')[0];
}

/** In one line, why programs cannot run here; undefined for what the person must mend, for sessions in the kernel too. */
function whyNotHere(error: unknown): string | undefined {
  if (!(error instanceof BpfError)) return undefined;
  switch (error.code) {
    case 'BPF_LIBRARY_MISSING':
    case 'BPF_NOT_PERMITTED':
    case 'BPF_VERIFIER_REJECTED':
    case 'BPF_CALL_FAILED':
    case 'BPF_NOT_FOUND':
      return error.message.split(/[;\n]/)[0];
    case 'BPF_EXISTS':
    case 'BPF_BUSY':
    case 'BPF_OUT_OF_MEMORY':
    case 'BPF_MAP_FULL':
    case 'BPF_LAYOUT_CHANGED':
    case 'BPF_CAPACITY_CHANGED':
      return undefined;
  }
}

/** The engine stays as long as the daemon. */
export function refuseOtherEngine(before: BalancerConfig, wanted: BalancerConfig): void {
  if (before.engine === wanted.engine) return;
  throw new MachineError(
    `engine: the file says ${wanted.engine}, this daemon began with ${before.engine}; start it again to change it`,
  );
}
