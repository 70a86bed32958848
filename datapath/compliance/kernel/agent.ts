/** The loaded agent as a `DataPath`. */
import { endpoint, ipv4Address, PROTOCOL_TCP, port } from '../../../packet/index.ts';
import { agentMaps } from '../../binding/object-maps.ts';
import { loadPrivateObject } from '../../binding/object.ts';
import type { AgentTables } from '../../model/index.ts';
import { clearHash, COUNTED, SessionMaps, settingsOf, type KernelOptions } from './maps.ts';
import { objectPath } from './private-network.ts';
import { Runs, type KernelPath } from './run.ts';

const CAPACITIES = {
  sessions: 16_384,
  session_slots: 8_192,
  free_slots: 8_192,
  numbers: 8_192,
  local_ports: 64,
  servers: 16,
  trusted_locals: 16,
  collisions: 256,
  backend_traffic: COUNTED,
};

export async function loadAgent(options: KernelOptions = {}): Promise<KernelPath<AgentTables>> {
  const object = await loadPrivateObject({ path: objectPath('agent'), capacities: CAPACITIES });
  const maps = agentMaps(object);
  const programs = {
    front: object.program('agent_to_server'),
    back: object.program('agent_from_server'),
  };
  const runs = new Runs(programs, maps);
  const sessions = new SessionMaps(object, maps);
  const configure = (tables: AgentTables) => write(maps, tables);
  return {
    reset: (tables) => {
      sessions.clear();
      clearHash(maps.collisions);
      configure(tables);
      if (options.portStart !== undefined)
        sessions.enterPortsAt(options.portStart, 1, tables.servers.length);
    },
    reconfigure: configure,
    runs,
    receive: (frame, from) => runs.receive(frame, from),
    elapse: (seconds) => sessions.age(seconds),
    carry: (bytes, from) => sessions.carry(bytes, from),
    seize: () => sessions.seize(),
    refillBudgets: () => sessions.refillBudgets(),
    sweep: () => sessions.sweep(),
    state: () => sessions.state(),
    close: () => {
      sessions.close();
      object.close();
    },
  };
}

function write(maps: ReturnType<typeof agentMaps>, tables: AgentTables): void {
  clearHash(maps.servers);
  clearHash(maps.trustedLocals);
  maps.settings.set(0, settingsOf(tables, { localCount: 0, clientSets: 0 }));
  maps.takenOver.set(0, tables.takenOver ? 1 : 0);
  tables.servers.forEach(({ at, onCollision, remap: [low, high] }, backend) => {
    const { address: addr, port: number } = endpoint(at);
    maps.servers.set(
      { addr, port: number, protocol: PROTOCOL_TCP },
      { backend, onCollision, remapLow: port(low), remapHigh: port(high) },
    );
  });
  tables.trusted.forEach((prefix, index) => {
    const [address = '', bits = '32'] = prefix.split('/');
    maps.trustedLocals.set({ bits: Number(bits), addr: ipv4Address(address) }, index);
  });
}
