// Runs the compiled tests: unit and compliance files side by side, then the lab's one by one.
//
//   node tools/test.mjs [--no-lab] [--name REGEXP] [PART-OF-A-PATH ...]
//
// What failed is said again at the end: of a long run people, and CI's record, keep the last lines.
// The last line is `N passed, N failed, N skipped`. With CI=true a skipped test fails the run.

import { setMaxListeners } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');

const MINUTE_MS = 60_000;
/** The whole run: what a person waits for, and what CI allows. */
const BUDGET_MS = 15 * MINUTE_MS;
/**
 * One file, so that a test that hangs or a handle left open is reported instead of waited for.
 * Node 20 has no default for single tests: one that may hang sets `timeout` itself.
 */
const FILE_TIMEOUT_MS = { unit: 3 * MINUTE_MS, lab: 8 * MINUTE_MS };

process.exitCode = await main();

async function main() {
  const { values: options, positionals: parts } = parseArgs({
    allowPositionals: true,
    options: { 'no-lab': { type: 'boolean', default: false }, name: { type: 'string' } },
  });
  removeStaleOutput();
  const files = testFiles().filter((file) => isWanted(file, parts));
  const lab = options['no-lab'] ? [] : files.filter(isLab);
  const unit = files.filter((file) => !isLab(file));

  const counts = { passed: 0, failures: [], skipped: [], begun: new Map() };
  const budget = AbortSignal.timeout(BUDGET_MS);
  setMaxListeners(0, budget); // one for each file
  process.execArgv.push('--enable-source-maps'); // inherited: stack traces name .ts lines
  const shared = { signal: budget, ...(options.name ? { testNamePatterns: options.name } : {}) };
  await runFiles(unit, { ...shared, concurrency: 2, timeout: FILE_TIMEOUT_MS.unit }, counts);
  await runFiles(lab, { ...shared, concurrency: 1, timeout: FILE_TIMEOUT_MS.lab }, counts);

  return conclude(counts, budget.aborted);
}

/** Deletes compiled files whose source is gone, so that a deleted test stops running. */
function removeStaleOutput() {
  for (const file of filesBelow(DIST)) {
    const stem = /^(.*)\.(?:js|d\.ts)(?:\.map)?$/.exec(file)?.[1];
    if (stem !== undefined && !existsSync(sourceOf(`${stem}.js`))) rmSync(file, { force: true });
  }
}

function testFiles() {
  return filesBelow(DIST)
    .filter((file) => file.endsWith('.test.js'))
    .toSorted();
}

function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** dist/packet/tcp.test.js → <root>/packet/tcp.test.ts */
function sourceOf(output) {
  return join(ROOT, relative(DIST, output).replace(/\.js$/, '.ts'));
}

/** How a file is named to people: its source, from the root. Source maps may have named it already. */
function shown(file) {
  return relative(ROOT, file.endsWith('.js') ? sourceOf(file) : file);
}

function isLab(file) {
  return relative(DIST, file).startsWith(`lab${sep}`);
}

function isWanted(file, parts) {
  return parts.length === 0 || parts.some((part) => shown(file).includes(part));
}

async function runFiles(files, options, counts) {
  if (files.length === 0) return;
  let current;
  for await (const { type, data } of run({ ...options, files })) {
    switch (type) {
      case 'test:dequeue':
        if (!isAbsolute(data.name)) counts.begun.set(shown(data.file), data.name);
        break;
      case 'test:pass':
      case 'test:fail':
        if (data.file !== undefined && shown(data.file) !== current) {
          current = shown(data.file);
          say(current);
        }
        if (type === 'test:pass') countPass(data, files, counts);
        else countFail(data, counts);
        break;
      case 'test:stdout':
      case 'test:stderr':
        process.stderr.write(data.message);
        break;
    }
  }
}

function countPass(data, files, counts) {
  if (data.details.type === 'suite') return;
  const skipped = data.skip ?? data.todo;
  if (skipped !== undefined && skipped !== false) {
    // Node 20 reports what --name leaves out as skipped.
    if (skipped === 'test name does not match pattern') return;
    counts.skipped.push(`${data.name}: ${skipped === true ? 'no reason given' : skipped}`);
    say(`  - ${data.name} (skipped: ${skipped})`);
  } else if (files.includes(data.name)) {
    // Node counts a file that ran to its end without a single test as a test that passed.
    fail(counts, `${shown(data.name)} has no tests`);
  } else {
    counts.passed += 1;
    say(`  ✔ ${data.name} (${Math.round(data.details.duration_ms)} ms)`);
  }
}

function countFail(data, counts) {
  const error = data.details.error;
  if (error?.failureType === 'subtestsFailed') return; // counted where they failed
  const duration = `${Math.round(data.details.duration_ms)} ms`;
  const reason = inspect(error?.cause ?? error, { depth: 8 }).replaceAll(/^/gm, '      ');
  if (isAbsolute(data.name)) {
    // Not a test but the file: it hung, left a handle open, or threw outside its tests.
    const last = counts.begun.get(shown(data.file));
    const hint = last === undefined ? '' : `; last test begun: ${last}`;
    fail(counts, `${shown(data.name)} as a whole (${duration})${hint}`, reason);
  } else {
    fail(counts, `${data.name} (${duration})`, reason, shown(data.file));
  }
}

function fail(counts, title, reason, file) {
  const lines = [`  ✖ ${title}`, ...(reason === undefined ? [] : [reason])];
  say(lines.join('\n'));
  counts.failures.push([...(file === undefined ? [] : [file]), ...lines].join('\n'));
}

function conclude({ passed, failures, skipped }, outOfTime) {
  const failed = failures.length;
  const ran = passed + failed;
  const strict = process.env.CI === 'true';
  if (failed > 0) say(`\nfailed:\n${failures.join('\n')}\n`);
  if (skipped.length > 0) say(`\nskipped:\n${skipped.map((line) => `  ${line}`).join('\n')}`);
  if (skipped.length > 0 && strict) say('CI=true: a skipped test fails the run');
  if (outOfTime) say(`stopped: the run took longer than ${BUDGET_MS / MINUTE_MS} minutes`);
  if (ran === 0) say('no test ran');
  say(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  return failed > 0 || outOfTime || ran === 0 || (strict && skipped.length > 0) ? 1 : 0;
}

function say(line) {
  process.stdout.write(`${line}\n`);
}
