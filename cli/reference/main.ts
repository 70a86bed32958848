/** `npm run reference`: writes what is made of the command values, or says that it is out of date. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allCommands } from '../registry.ts';
import { configurationPage } from './configuration-page.ts';
import { manPages } from './man.ts';
import { cliMarkdown } from './markdown.ts';

// From dist/cli/reference/ to the package.
const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));
const CLI = 'docs/reference/cli.md';
const CONFIGURATION = 'docs/reference/configuration.md';
const MAN = 'dist/man';
const USAGE = 'reference: write, check or man, got';

const [verb] = process.argv.slice(2);
const registry = await allCommands();
switch (verb) {
  case 'write':
    writeFileSync(join(PACKAGE, CLI), cliMarkdown(registry));
    break;
  case 'check':
    if (readFileSync(join(PACKAGE, CLI), 'utf8') !== cliMarkdown(registry)) {
      console.error(`${CLI} is not what the commands say; run: npm run reference`);
      process.exitCode = 1;
    }
    break;
  case 'man':
    writeManPages();
    break;
  default:
    console.error(`${USAGE} \`${verb ?? ''}\``);
    process.exitCode = 2;
}

function writeManPages(): void {
  // As https://reproducible-builds.org wants it: the date of the source, where it is given.
  const seconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? Date.now() / 1000);
  const date = new Date(seconds * 1000);
  const configuration = readFileSync(join(PACKAGE, CONFIGURATION), 'utf8');
  const pages = new Map([
    ...manPages(registry, date),
    ['fullnat.yaml.5', configurationPage(configuration, date)],
  ]);
  rmSync(join(PACKAGE, MAN), { recursive: true, force: true });
  mkdirSync(join(PACKAGE, MAN), { recursive: true });
  for (const [name, text] of pages) writeFileSync(join(PACKAGE, MAN, name), text);
}
