/** Injects a fault into a lab of its own, runs `fullnat diagnose` on it, and judges what it says. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DiagnosisJson } from '../../diagnose/report/diagnosis-json.ts';
import { balancerConfig } from '../config.ts';
import { openLab, type Lab } from '../lab.ts';
import { labOptions, type LabOptions } from '../options.ts';
import { socketFile } from '../paths.ts';
import { runProgram } from '../process.ts';
import { serversOf, VIRTUAL_ADDRESS, VIRTUAL_PORT, type Role } from '../topology.ts';
import { down, up } from '../up.ts';
import type { Expectation, Fault } from './fault.ts';

export interface Score {
  readonly fault: string;
  readonly expected: string;
  readonly verdict: string;
  readonly hop: string;
  readonly isRight: boolean;
  readonly seconds: number;
  readonly report: DiagnosisJson | undefined;
  readonly said: string;
}

const MAIN = resolve(import.meta.dirname, '../../cli/main.js');
const LISTENER = `${VIRTUAL_ADDRESS}:${VIRTUAL_PORT}`;
/** What a restorer made of nftables knows by heart; see faults that have one. */
export const PORTS = { low: 20_000, high: 20_999 };

/** The lab of that instance is built for it and removed. */
export async function diagnoseFault(instance: string, fault: Fault): Promise<Score> {
  const start = performance.now();
  try {
    const options = { instance, servers: 1, ...fault.lab } as const;
    await up({ ...options, ...(fault.config && { config: configFor(options, fault.config) }) });
    const lab = openLab(instance);
    const injected = await fault.inject(lab);
    try {
      const ran = await runProgram(argvFor(lab, fault), { accept: 'any' });
      const report = reportOf(ran.stdout);
      const hop = report?.verdict.hop?.places.join('-') ?? '';
      const verdict = report?.verdict.code ?? report?.verdict.kind ?? `code ${ran.code}`;
      return {
        fault: fault.name,
        expected: expectedText(fault.expect),
        verdict,
        hop,
        isRight: isRight(fault.expect, ran.code, { verdict, hop }),
        seconds: (performance.now() - start) / 1000,
        report,
        said: `${ran.stderr}${report === undefined ? ran.stdout : ''}`,
      };
    } finally {
      await injected?.stop?.();
    }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const none = { verdict: 'not injected', hop: '', isRight: false, report: undefined };
    const seconds = (performance.now() - start) / 1000;
    return { ...none, fault: fault.name, expected: expectedText(fault.expect), seconds, said };
  } finally {
    await down(instance);
  }
}

export function argvFor(
  lab: Lab,
  fault: Pick<Fault, 'target' | 'words' | 'client' | 'unseen'>,
): string[] {
  const { instance, daemons, servers } = lab.options;
  const { target = LISTENER, client = 'client', unseen = [], words = [] } = fault;
  const other: Role = client === 'client' ? 'client2' : 'client';
  const at = (role: Role, extra = '') => [
    '--at',
    `${role.replace('server1', 'server')}=netns:${lab.namespace(role)}${extra}`,
  ];
  const daemon = (role: 'balancer' | 'agent') =>
    daemons ? `,${role}:${socketFile(instance, role)}` : '';
  const path: string[][] = [
    at('router'),
    at('balancer', daemon('balancer')),
    at('host', daemon('agent')),
    ...serversOf(servers).map((role) => at(role)),
  ];
  const seen = path.filter(([, word = '']) => !unseen.some((role) => word.startsWith(`${role}=`)));
  return [
    ...[process.execPath, MAIN, 'diagnose', target, '-o', 'json'],
    ...['--client', `netns:${lab.namespace(client)}`],
    ...['--other-client', `netns:${lab.namespace(other)}`],
    ...['--ports', `${PORTS.low}-${PORTS.high}`],
    ...(daemons ? [] : ['--backend', '10.0.98.79:8056']),
    ...seen.flat(),
    ...words,
  ];
}

/** A file that the lab is built with, and leaves alone. */
function configFor(options: Partial<LabOptions>, change: (yaml: string) => string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'fullnat-fault-')), 'balancer.yaml');
  writeFileSync(file, change(balancerConfig(labOptions(options))));
  return file;
}

function isRight(
  expected: Expectation,
  code: number,
  { verdict, hop }: { verdict: string; hop: string },
): boolean {
  switch (expected.kind) {
    case 'healthy':
      return code === 0 && verdict === 'healthy';
    case 'cause':
      return code === 10 && expected.codes.includes(verdict) && expected.hops.includes(hop);
  }
}

function expectedText(expected: Expectation): string {
  switch (expected.kind) {
    case 'healthy':
      return 'healthy';
    case 'cause':
      return `${expected.codes.join(' or ')} @ ${expected.hops.join(' or ')}`;
  }
}

function reportOf(stdout: string): DiagnosisJson | undefined {
  try {
    return JSON.parse(stdout) as DiagnosisJson;
  } catch {
    return undefined;
  }
}
