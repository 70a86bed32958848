// Checks that folders import only from the layers below them, and packages only where they belong.

import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { sourceFiles, report, ROOT } from './check-common.mjs';

/** Layer → the layers it may import. A file belongs to the longest matching folder. */
const MAY_IMPORT = {
  packet: [],
  'datapath/model': ['packet'],
  'datapath/binding': ['packet'],
  'datapath/proxy': ['packet', 'datapath/binding', 'datapath/model'],
  'datapath/compliance': ['packet', 'datapath/model', 'datapath/binding'],
  diagnose: ['packet'],
  'diagnose/capture': ['packet', 'datapath/binding', 'diagnose'],
  control: ['packet', 'datapath/binding', 'datapath/proxy'],
  lab: ['packet', 'datapath/binding', 'control', 'diagnose', 'diagnose/capture'],
  cli: ['packet', 'control', 'diagnose', 'diagnose/capture', 'lab'], // lab too: docs/decisions/0003
};

/** Layers that must also run where there is no Node. Their tests may use it. */
const PURE = ['packet', 'datapath/model'];

/** Tests, and what only tests import. */
const TEST_SUPPORT = /\.test\.ts$|(?:^|\/)arbitraries\.ts$|^datapath\/compliance\//;
const TEST_PACKAGES = ['fast-check', 'node:test'];

/** The files that may call C: one for each library. */
const FOREIGN_FUNCTIONS = {
  module: 'koffi',
  files: ['datapath/binding/libbpf.ts', 'datapath/binding/libsystemd.ts'],
};

const LAYERS = Object.keys(MAY_IMPORT).toSorted((a, b) => b.length - a.length);

const IMPORT =
  /^\s*(?:import|export)\b[^;'"]*?\bfrom\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\('([^']+)'\)/gm;

const files = sourceFiles('ts');
report(
  'layers',
  files.flatMap((file) => importsOf(file).flatMap((target) => faults(file, target))),
);

function importsOf(file) {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3]);
}

function faults(file, target) {
  const layer = layerOf(file);
  if (layer === undefined)
    return [`${file}: belongs to no layer; name it in tools/check-layers.mjs`];
  return target.startsWith('.')
    ? relativeFaults(file, layer, target)
    : packageFaults(file, layer, target);
}

function relativeFaults(file, layer, target) {
  const path = normalize(join(dirname(file), target));
  const other = layerOf(path);
  if (other === layer || (other !== undefined && MAY_IMPORT[layer].includes(other))) return [];
  const allowed = MAY_IMPORT[layer].join(', ') || 'nothing';
  return [`${file}: ${layer} may import ${allowed}, but not ${path}`];
}

function packageFaults(file, layer, target) {
  const found = [];
  if (target === FOREIGN_FUNCTIONS.module && !FOREIGN_FUNCTIONS.files.includes(file)) {
    found.push(`${file}: only ${FOREIGN_FUNCTIONS.files.join(', ')} may import ${target}`);
  }
  if (TEST_SUPPORT.test(file)) return found;
  if (PURE.includes(layer)) found.push(`${file}: ${layer} is pure and may not import ${target}`);
  if (TEST_PACKAGES.includes(target)) found.push(`${file}: only tests may import ${target}`);
  return found;
}

function layerOf(path) {
  return LAYERS.find((layer) => path.startsWith(`${layer}/`));
}
