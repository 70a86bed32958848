/** Where an instance keeps its files. */

export type DaemonName = 'balancer' | 'agent';

const RUN_FOLDER = '/run/fullnat';
const PIN_FOLDER = '/sys/fs/bpf/fullnat';

export const runFolder = (instance: string): string => `${RUN_FOLDER}/${instance}`;
export const pinFolder = (instance: string): string => `${PIN_FOLDER}/${instance}`;

/** There from the first step of building on: what else is in the folder belongs to a lab. */
export const markerFile = (instance: string): string => `${runFolder(instance)}/.lab`;

/** The options the lab was built with; written last, so it tells that building was completed. */
export const optionsFile = (instance: string): string => `${runFolder(instance)}/lab.json`;

export const configFile = (instance: string, daemon: DaemonName): string =>
  `${runFolder(instance)}/${daemon}.yaml`;
export const socketFile = (instance: string, daemon: DaemonName): string =>
  `${runFolder(instance)}/${daemon}.sock`;
export const logFile = (instance: string, daemon: DaemonName): string =>
  `${runFolder(instance)}/${daemon}.log`;
/** Below it daemons keep what must outlive them; it goes with the lab. */
export const stateFolder = (instance: string): string => `${runFolder(instance)}/state`;
export const pidFile = (instance: string, daemon: DaemonName): string =>
  `${runFolder(instance)}/${daemon}.pid`;
