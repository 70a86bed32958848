/** Reads a configuration: YAML, schema, completion, checks; every problem with its place in the file. */
import type { z } from 'zod';
import { agentSchema, completeAgent, type AgentConfig, type PacketAgentConfig } from './agent.ts';
import { balancerSchema, completeBalancer, type BalancerConfig } from './balancer.ts';
import type { Check, Facts } from './checks/check.ts';
import { AGENT_CHECKS, BALANCER_CHECKS, SOCKET_AGENT_CHECKS } from './checks/index.ts';
import { readDocument, type ConfigDocument } from './document.ts';
import type { Machine } from './machine.ts';
import {
  ConfigError,
  formatPath,
  type LocatedProblem,
  type Path,
  type Problem,
} from './problem.ts';
import { withPrefixFiles } from './prefix-file.ts';
import { prune, valueAt } from './prune.ts';
import { unknownKeyLines } from './shape.ts';
import { completeSocketAgent, socketAgentSchema, type SocketAgentConfig } from './socket-agent.ts';
import { nearest } from './suggest.ts';

export type ReadConfig<C> =
  | { readonly ok: true; readonly config: C }
  | { readonly ok: false; readonly problems: readonly LocatedProblem[] };

export interface ReadOptions {
  /** As it appears in messages. */
  readonly file: string;
  /** Absent: nothing is compared with the machine. */
  readonly machine?: Machine;
}

interface Kind<S extends z.ZodType, C> {
  readonly schema: S;
  readonly complete: (given: z.output<S>) => C;
  readonly checks: readonly Check<C>[];
}

const BALANCER: Kind<typeof balancerSchema, BalancerConfig> = {
  schema: balancerSchema,
  complete: completeBalancer,
  checks: BALANCER_CHECKS,
};

const SOCKET_AGENT: Kind<typeof socketAgentSchema, SocketAgentConfig> = {
  schema: socketAgentSchema,
  complete: completeSocketAgent,
  checks: SOCKET_AGENT_CHECKS,
};

const PACKET_AGENT: Kind<typeof agentSchema, PacketAgentConfig> = {
  schema: agentSchema,
  complete: completeAgent,
  checks: AGENT_CHECKS,
};

// What tells the two files apart.
const BALANCER_KEYS = ['listeners', 'pools', 'locals'];
const AGENT_KEYS = ['servers', 'trustedLocals', 'onCollision', 'remapPorts'];

/** Either file, whichever it is by its keys. */
export function readConfig(
  text: string,
  options: ReadOptions,
): ReadConfig<BalancerConfig | AgentConfig> {
  const read = readDocument(text, options.file);
  if (!read.ok) return read;
  const role = roleOf(read.document.value);
  if (role === 'balancer') return interpretBalancer(read.document, options);
  if (role === 'agent') return interpretAgent(read.document, options);
  const message =
    `neither a balancer's nor an agent's file: ` +
    `a balancer has ${BALANCER_KEYS.join(', ')}; an agent has servers, trustedLocals`;
  return { ok: false, problems: [read.document.locate({ path: [], message })] };
}

export function readBalancerConfig(text: string, options: ReadOptions): ReadConfig<BalancerConfig> {
  return readAs('balancer', interpretBalancer, text, options);
}

export function readAgentConfig(text: string, options: ReadOptions): ReadConfig<AgentConfig> {
  return readAs('agent', interpretAgent, text, options);
}

/** For a daemon; throws ConfigError. `file` is what the text is called in messages. */
export function balancerConfigOf(text: string, file: string, machine: Machine): BalancerConfig {
  const config = orThrow(readBalancerConfig(text, { file, machine }));
  return { ...config, accessLists: withPrefixFiles(config.accessLists, machine) };
}

/** For a daemon; throws ConfigError. `file` is what the text is called in messages. */
export function agentConfigOf(text: string, file: string, machine: Machine): AgentConfig {
  return orThrow(readAgentConfig(text, { file, machine }));
}

function orThrow<C>(read: ReadConfig<C>): C {
  if (!read.ok) throw new ConfigError(read.problems);
  return read.config;
}

function readAs<C>(
  wanted: 'balancer' | 'agent',
  interpretIt: (document: ConfigDocument, options: ReadOptions) => ReadConfig<C>,
  text: string,
  options: ReadOptions,
): ReadConfig<C> {
  const read = readDocument(text, options.file);
  if (!read.ok) return read;
  const role = roleOf(read.document.value);
  if (role === undefined || role === wanted) return interpretIt(read.document, options);
  const message = `this is the file of a${role === 'agent' ? 'n agent' : ' balancer'}; give it to \`fullnat ${role} -c\``;
  return { ok: false, problems: [read.document.locate({ path: [], message })] };
}

function interpretBalancer(
  document: ConfigDocument,
  options: ReadOptions,
): ReadConfig<BalancerConfig> {
  return interpret(BALANCER, document, options);
}

/** The two modes have little in common: what one has, the other refuses. */
function interpretAgent(document: ConfigDocument, options: ReadOptions): ReadConfig<AgentConfig> {
  return valueAt(document.value, ['mode']) === 'socket'
    ? interpret(SOCKET_AGENT, document, options)
    : interpret(PACKET_AGENT, document, options);
}

/** Whose file it is, and of which instance, without looking at the rest; undefined when that cannot be told. */
export function roleIn(text: string): { role: 'balancer' | 'agent'; instance: string } | undefined {
  const read = readDocument(text, '');
  const value = read.ok ? read.document.value : undefined;
  const role = roleOf(value);
  if (role === undefined) return undefined;
  const instance = valueAt(value, ['instance']);
  return { role, instance: typeof instance === 'string' ? instance : 'default' };
}

/** By the keys it has, mistyped ones too; undefined when it has as many of one as of the other. */
function roleOf(value: unknown): 'balancer' | 'agent' | undefined {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const like = (known: readonly string[]) =>
    keys.filter((key) => nearest(key, known) !== undefined).length;
  const difference = like(BALANCER_KEYS) - like(AGENT_KEYS);
  if (difference === 0) return undefined;
  return difference > 0 ? 'balancer' : 'agent';
}

function interpret<S extends z.ZodType, C>(
  { schema, complete, checks }: Kind<S, C>,
  document: ConfigDocument,
  { machine }: ReadOptions,
): ReadConfig<C> {
  const first = schema.safeParse(document.value);
  const problems: Problem[] = first.success ? [] : problemsOf(first.error.issues);

  const rest = first.success ? { given: first.data, removed: [] } : salvage(schema, document.value);
  if (rest !== undefined) {
    const config = complete(rest.given);
    const { originalPath } = prune(document.value, rest.removed);
    const facts: Facts = {
      ...(machine === undefined ? {} : { machine }),
      isGiven: (path) => document.isGiven(originalPath(path)),
      lineOf: (path) => document.locate({ path: originalPath(path), message: '' }).line,
      isWhole: (path) => {
        const list = originalPath(path);
        return !rest.removed.some((gone) => isElementOrAround(gone, list));
      },
    };
    for (const check of checks)
      for (const problem of check(config, facts))
        problems.push({ ...problem, path: originalPath(problem.path) });
    if (problems.length === 0) return { ok: true, config };
  }
  return {
    ok: false,
    problems: problems
      .map((problem) => document.locate(problem))
      .toSorted((a, b) => a.line - b.line || a.column - b.column),
  };
}

/** Is `gone` an element of this list, the list itself, or something that contains it? */
function isElementOrAround(gone: Path, list: Path): boolean {
  return (
    gone.length <= list.length + 1 && list.every((step, i) => i >= gone.length || gone[i] === step)
  );
}

/** What the schema accepts once every part that it refuses is taken out. */
function salvage<S extends z.ZodType>(
  schema: S,
  value: unknown,
): { given: z.output<S>; removed: readonly Path[] } | undefined {
  const removed: Path[] = [];
  for (;;) {
    const pruned = prune(value, removed);
    const read = schema.safeParse(pruned.value);
    if (read.success) return { given: read.data, removed };
    for (const { path, on } of problemsOf(read.error.issues)) {
      const isMissing = on !== 'key' && valueAt(pruned.value, path) === undefined;
      const part = isMissing ? path.slice(0, -1) : path;
      if (part.length === 0) return undefined;
      removed.push(pruned.originalPath(part));
    }
  }
}

function problemsOf(issues: readonly z.core.$ZodIssue[]): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const prefix = path.length === 0 ? '' : `${formatPath(path)}: `;
    if (issue.code !== 'unrecognized_keys') return [{ path, message: prefix + issue.message }];
    const lines = unknownKeyLines(issue.message);
    return issue.keys.map((key, i) => ({
      path: [...path, key],
      on: 'key',
      message: `${prefix}${lines[i] ?? `unknown key \`${key}\``}`,
    }));
  });
}
