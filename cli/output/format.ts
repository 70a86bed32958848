/** The output formats every listing command offers. */
import { stringify } from 'yaml';
import { choice } from '../choice.ts';

export const FORMATS = ['table', 'wide', 'json', 'jsonl', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

export const readFormat = choice('output format', FORMATS);

export function asYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
