// Checks that what operators rely on is written down: every verdict and note of the contract in
// docs/verdicts.md, every kernel helper the programs call in docs/kernel-requirements.md.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceFiles, report, ROOT } from './check-common.mjs';

const CONTRACT = 'datapath/contract.h';
const VERDICTS = 'docs/verdicts.md';
const HELPERS = 'docs/kernel-requirements.md';

/** Macros of libbpf's headers that look like helpers. */
const NOT_HELPERS = new Set(['bpf_htons', 'bpf_htonl', 'bpf_ntohs', 'bpf_ntohl', 'bpf_printk']);

report('documented', [...undocumentedNumbers(), ...undocumentedHelpers()]);

function undocumentedNumbers() {
  const rows = new Set([...read(VERDICTS).matchAll(/^\|\s*(\d+)\s*\|\s*`([a-z-]+)`/gm)].map(rowOf));
  return [...read(CONTRACT).matchAll(/^\s*(?:VERDICT|(?:SOCKET_)?NOTE)_(\w+) = (\d+),/gm)]
    .filter(([, name]) => name !== 'COUNT')
    .map(([, name, number]) => rowOf(['', number, name.toLowerCase().replaceAll('_', '-')]))
    .filter((row) => !rows.has(row))
    .map((row) => `${CONTRACT} has "${row}", ${VERDICTS} has no such row`);
}

function rowOf([, number, name]) {
  return `${number} ${name}`;
}

function undocumentedHelpers() {
  const documented = read(HELPERS);
  const programs = [...sourceFiles('h'), ...sourceFiles('c')].map(read).join('\n');
  const called = new Set([...programs.matchAll(/\b(bpf_\w+)\(/g)].map(([, name]) => name));
  return [...called]
    .filter((name) => !NOT_HELPERS.has(name) && !documented.includes(`\`${name}\``))
    .map((name) => `${name} is called, and ${HELPERS} does not name it`);
}

function read(file) {
  return readFileSync(join(ROOT, file), 'utf8');
}
