// Checks docs/rfc-compliance.md: each requirement that applies names a test, and each named test is there.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { report, ROOT } from './check-common.mjs';

const PAGE = 'docs/rfc-compliance.md';
const KINDS = /^(?:applies|deviates|not applicable)/;
/** Things that are not there need no test. */
const NOTHING_TO_SHOW = /^6888 REQ-12 /;

const rows = readFileSync(join(ROOT, PAGE), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.slice(1, -1).split('|'))
  .map((cells) => cells.map((cell) => cell.trim()))
  .filter(([first]) => first !== 'requirement' && !/^-+$/.test(first));

report('rfc-compliance', [...rows.flatMap(faultsOf), ...(rows.length > 0 ? [] : ['no rows'])]);

function faultsOf([requirement, kind, , shownBy]) {
  const tests = [...shownBy.matchAll(/`([^`]+)` “([^”]+)”/g)];
  return [
    ...(KINDS.test(kind) ? [] : [`"${requirement}" is "${kind}"`]),
    ...(kind.startsWith('applies') && tests.length === 0 && !NOTHING_TO_SHOW.test(requirement)
      ? [`"${requirement}" applies, and no test shows it`]
      : []),
    ...tests
      .filter(([, file, name]) => !has(file, name))
      .map(
        ([, file, name]) => `${file} has no test with “${name}” in its name, for "${requirement}"`,
      ),
  ];
}

/** Names are written as they are, or with their apostrophes escaped. */
function has(file, name) {
  const path = join(ROOT, file);
  return existsSync(path) && readFileSync(path, 'utf8').replaceAll("\\'", "'").includes(name);
}
