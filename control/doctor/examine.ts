/** Looks at this machine as a balancer, an agent, or either to be: every check in turn. */
import { readFileSync } from 'node:fs';
import type { AgentConfig } from '../config/agent.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { readConfig } from '../config/read.ts';
import { formatProblem } from '../config/problem.ts';
import { CHECKS } from './checks/index.ts';
import { fail, notSeen, ok, type Finding, type Told } from './finding.ts';
import type { Patient, Surroundings } from './surroundings.ts';

export type Question = {
  readonly instance: string;
  readonly version: string;
  /** None: those of the daemons that run. */
  readonly files: readonly string[];
};

export async function examine(around: Surroundings, question: Question): Promise<Finding[]> {
  const { instance, version, files } = question;
  const named = files.length > 0 ? files : await runningFiles(around, instance);
  const read = named.map((file) => readFile(around, file));
  const configs = read.flatMap(({ config }) => config ?? []);
  const balancer = configs.find((config) => config.role === 'balancer');
  const agent = configs.find((config) => config.role === 'agent');
  const patient: Patient = {
    ...{ instance, version },
    ...(balancer === undefined ? {} : { balancer }),
    ...(agent === undefined ? {} : { agent }),
  };
  const told = read.flatMap((one) => one.told);
  const findings: Finding[] = told.map((one) => ({ check: 'configuration', ...one }));
  for (const { name, look } of CHECKS)
    for (const one of await look(around, patient)) findings.push({ check: name, ...one });
  return findings;
}

type Read = { config?: BalancerConfig | AgentConfig; told: readonly Told[] };

/** What is right by itself is looked at further, also where it does not fit the machine. */
function readFile({ machine }: Surroundings, file: string): Read {
  const text = contentOf(file);
  if (typeof text !== 'string') return { told: [text] };
  const read = readConfig(text, { file });
  const checked = readConfig(text, { file, machine });
  const told = checked.ok
    ? [ok(`${file}: right for this machine`)]
    : checked.problems.map((problem) => fail(formatProblem(problem), `fullnat check ${file}`));
  return read.ok ? { config: read.config, told } : { told };
}

function contentOf(file: string): string | Told {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EACCES')
      return notSeen({ why: `${file}: permission denied`, mend: 'sudo fullnat doctor' });
    return fail(`${file}: ${code === 'ENOENT' ? 'there is no such file' : message}`);
  }
}

/** Those of daemons in this network namespace. */
async function runningFiles({ ask, isHere }: Surroundings, instance: string): Promise<string[]> {
  const infos = await Promise.all([ask(instance, 'balancer'), ask(instance, 'agent')]);
  return infos.flatMap((info) =>
    info.seen && info.value !== undefined && isHere(info.value.pid) ? [info.value.configFile] : [],
  );
}
