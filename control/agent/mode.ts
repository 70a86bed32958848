/** The agent's mode, which stays as long as the daemon runs. */
import type { AgentConfig } from '../config/agent.ts';
import { ReloadError } from '../reconcile/configurator.ts';

/** The configuration, when it is of this mode; throws otherwise. */
export function inMode<M extends AgentConfig['mode']>(
  mode: M,
  config: AgentConfig,
): Extract<AgentConfig, { mode: M }> {
  if (config.mode === mode) return config as Extract<AgentConfig, { mode: M }>;
  throw new ReloadError(
    `mode: the file says ${config.mode}, this agent works in ${mode} mode; stop it and start it again, connections go on`,
  );
}
