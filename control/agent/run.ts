/** The agent's daemon, in the mode that its configuration names. */
import type { AgentConfig } from '../config/agent.ts';
import type { DaemonOptions } from '../daemon/serve.ts';
import { runPacketAgent } from './daemon.ts';
import { runSocketAgent } from './socket/daemon.ts';

/** Resolves when the daemon has stopped; rejects when it could not start. */
export function runAgent(config: AgentConfig, options: DaemonOptions<AgentConfig>): Promise<void> {
  switch (config.mode) {
    case 'packet':
      return runPacketAgent(config, options);
    case 'socket':
      return runSocketAgent(config, options);
  }
}
