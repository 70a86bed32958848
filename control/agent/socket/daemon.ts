/** The agent's daemon in socket mode: loads or adopts the programs, attaches them to a cgroup, lists clients. */
import { fileURLToPath } from 'node:url';
import { cgroupRoot } from '../../../datapath/binding/cgroup-tree.ts';
import { socketMaps } from '../../../datapath/binding/object-maps.ts';
import { loadObject, type LoadedObject } from '../../../datapath/binding/object.ts';
import { bind } from '../../api/route.ts';
import { SOCKET_AGENT_ROUTES } from '../../api/routes.ts';
import type { AgentConfig } from '../../config/agent.ts';
import type { SocketAgentConfig } from '../../config/socket-agent.ts';
import { baseInfoRow } from '../../daemon/counters.ts';
import { MachineError } from '../../daemon/forwarding.ts';
import type { ReloadState } from '../../reconcile/configurator.ts';
import {
  behindDoor,
  keepWorking,
  sayGoodbye,
  type DaemonOptions,
  type Door,
  type Work,
} from '../../daemon/serve.ts';
import { removeWhenDone } from '../mode-before.ts';
import { inMode } from '../mode.ts';
import { takeOverPacketMode } from '../packet-before.ts';
import { Cover } from './cover.ts';
import { socketHandlers } from './resources.ts';
import { applySocketAgent } from './tables.ts';

// A service's cgroup is made anew when the service is restarted: noticed before it has clients.
const WATCH_MS = 500;

const OBJECT = new URL('../../../datapath/agent/socket.bpf.o', import.meta.url);

export async function runSocketAgent(
  config: SocketAgentConfig,
  options: DaemonOptions<AgentConfig>,
): Promise<void> {
  const { instance } = config;
  await behindDoor('agent', instance, async (door) => {
    const path = fileURLToPath(OBJECT);
    const { log } = options;
    const object = await loadObject({ path, instance, role: 'socket', capacities: {}, log });
    try {
      await keepShowing(config, options, object, door);
    } finally {
      object.close();
    }
  });
  await sayGoodbye('agent', instance, options);
}

async function keepShowing(
  config: SocketAgentConfig,
  options: DaemonOptions<AgentConfig>,
  object: LoadedObject,
  door: Door,
): Promise<void> {
  const { log, configFile } = options;
  const { instance } = config;
  const facts = { role: 'agent', instance, configFile, since: new Date() } as const;
  const maps = socketMaps(object);
  applySocketAgent(maps, config);
  const cover = new Cover({ object, maps, log }, { instance, cgroup: cgroupOf(config) });
  cover.attach();
  const before = takeOverPacketMode(instance);
  if (before !== undefined)
    log.info(
      { instance },
      'taken over from packet mode, which goes on with the connections it has',
    );

  const stop = new AbortController();
  const removal = before && removeWhenDone(before, { instance, log }, stop.signal);
  const timer = setInterval(() => cover.follow(), WATCH_MS);
  try {
    const routes = (reload: () => ReloadState) => {
      const info = () => ({
        ...baseInfoRow({ ...facts, ...reload() }, object),
        mode: 'socket' as const,
      });
      return bind(SOCKET_AGENT_ROUTES, socketHandlers({ object, maps, info }));
    };
    const work: Work<AgentConfig> = {
      check: (wanted) => void cgroupOf(inMode('socket', wanted)),
      apply: async (wanted) => {
        const now = inMode('socket', wanted);
        applySocketAgent(maps, now);
        cover.moveTo(cgroupOf(now));
      },
      routes,
    };
    await keepWorking('agent', options, work, door);
  } finally {
    clearInterval(timer);
    stop.abort();
    await removal;
  }
}

function cgroupOf({ cgroup }: SocketAgentConfig): string {
  const found = cgroup ?? cgroupRoot();
  if (found !== undefined) return found;
  throw new MachineError(
    'socket mode needs the v2 cgroup hierarchy, and it is not mounted; mount -t cgroup2 none /sys/fs/cgroup/unified',
  );
}
