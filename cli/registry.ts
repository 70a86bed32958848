/** Every command of `fullnat`, in the order its help lists them: a new command is a file in commands/ and a line here. */
import type { Command, Group } from './command.ts';

const COMMANDS: Readonly<Record<string, () => Promise<Command | Group>>> = {
  agent: async () => (await import('./commands/agent.ts')).agent,
  apply: async () => (await import('./commands/apply.ts')).apply,
  balancer: async () => (await import('./commands/balancer.ts')).balancer,
  check: async () => (await import('./commands/check.ts')).check,
  completion: async () => (await import('./commands/completion.ts')).completion,
  __complete: async () => (await import('./commands/complete.ts')).complete,
  describe: async () => (await import('./commands/describe.ts')).describe,
  detach: async () => (await import('./commands/detach.ts')).detach,
  diagnose: async () => (await import('./commands/diagnose.ts')).diagnose,
  diff: async () => (await import('./commands/diff.ts')).diff,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  drain: async () => (await import('./commands/drain.ts')).drain,
  explain: async () => (await import('./commands/explain.ts')).explain,
  get: async () => (await import('./commands/get.ts')).get,
  history: async () => (await import('./commands/history.ts')).history,
  import: async () => (await import('./commands/import.ts')).importCommand,
  lab: async () => (await import('./commands/lab.ts')).lab,
  probe: async () => (await import('./commands/probe.ts')).probe,
  rollback: async () => (await import('./commands/rollback.ts')).rollback,
  set: async () => (await import('./commands/set.ts')).set,
  token: async () => (await import('./commands/token.ts')).token,
  top: async () => (await import('./commands/top.ts')).top,
  trace: async () => (await import('./commands/trace.ts')).trace,
  undrain: async () => (await import('./commands/drain.ts')).undrain,
  version: async () => (await import('./commands/version.ts')).version,
};

export function allCommands(): Promise<readonly (Command | Group)[]> {
  return Promise.all(Object.values(COMMANDS).map((load) => load()));
}

/** Only the one that is asked for, where `word` names one: to load all takes a fifth of a second. */
export async function commandsFor(word: string | undefined): Promise<readonly (Command | Group)[]> {
  const load = word !== undefined && Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined;
  return load ? [await load()] : allCommands();
}
