/** What may stand where the cursor is, out of the command values and of names that daemons know. */
import type { Argument, Command, Group, Option } from '../command.ts';
import type { LiveName } from './live-names.ts';

export interface Candidate {
  readonly word: string;
  readonly does?: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Names of files, too: the shell knows them better. */
  readonly files: boolean;
}

export interface Sources {
  readonly registry: readonly (Command | Group)[];
  /** `given` are the options that stand before, by long name: another instance has other names. */
  readonly live: (
    name: LiveName,
    given: ReadonlyMap<string, string>,
  ) => Promise<readonly Candidate[]>;
}

type Value =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'files' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'live'; readonly name: LiveName };

interface Place {
  readonly given: ReadonlyMap<string, string>;
  /** Of the arguments: how many stand before the cursor. */
  readonly arguments: number;
  readonly expects: 'anything' | 'no option' | Option<unknown>;
}

const NOTHING: Completion = { candidates: [], files: false };
const FILES: Completion = { candidates: [], files: true };
const FILE: Value = { kind: 'files' };
const live = (name: LiveName): Value => ({ kind: 'live', name });

/** By the name of an option, else by its placeholder or that of an argument. */
const STANDS_FOR: Readonly<Record<string, Value>> = {
  file: FILE,
  files: FILE,
  path: FILE,
  dir: FILE,
  'name=file': FILE,
  'file.tar.gz': FILE,
  socket: FILE,
  sessions: FILE,
  instance: live('instance'),
  pool: live('pool'),
  listener: live('listener'),
  'vip:port': live('listener'),
  backend: live('backend'),
  client: live('client'),
  local: live('local'),
};

/** `words` are those after `fullnat`; the last is the one at the cursor, and may be empty. */
export async function complete(words: readonly string[], sources: Sources): Promise<Completion> {
  const isHelp = words[0] === 'help' && words.length > 1;
  const [first = '', second = '', ...rest] = isHelp ? words.slice(1) : words;
  const entries = sources.registry.filter(({ isHidden }) => isHidden !== true);
  if (words.length - (isHelp ? 1 : 0) === 1)
    return {
      ...NOTHING,
      candidates: matching(first, [
        ...entries.map(named),
        ...(isHelp ? [] : [{ word: 'help', does: 'show help for a command' }, HELP, VERSION]),
      ]),
    };
  const entry = entries.find(({ name }) => name === first);
  if (entry === undefined) return NOTHING;
  if ('handler' in entry) return isHelp ? NOTHING : within(entry, [second, ...rest], sources);
  if (rest.length === 0)
    return { ...NOTHING, candidates: matching(second, [...entry.commands.map(named), HELP]) };
  const command = entry.commands.find(({ name }) => name === second);
  return command === undefined || isHelp ? NOTHING : within(command, rest, sources);
}

const HELP: Candidate = { word: '--help', does: 'show help' };
const VERSION: Candidate = { word: '--version', does: 'show the version' };

async function within(
  command: Command,
  words: readonly string[],
  sources: Sources,
): Promise<Completion> {
  const current = words.at(-1) ?? '';
  const place = placeAfter(command, words.slice(0, -1));
  if (typeof place.expects === 'object')
    return ofValue(valueOfOption(place.expects), current, '', place, sources);
  if (place.expects === 'anything' && current.startsWith('-')) {
    const [, name = '', from = ''] = /^(--[^=]+)=(.*)$/.exec(current) ?? [];
    const option = optionNamed(command, name);
    if (option !== undefined)
      return ofValue(valueOfOption(option), from, `${name}=`, place, sources);
    const isFree = (option: Option<unknown>) =>
      option.isList === true || !place.given.has(longName(option));
    const options = Object.values(command.options).filter(isFree);
    return {
      ...NOTHING,
      candidates: matching(current, [
        ...options.map((option) => ({ word: `--${longName(option)}`, does: option.help })),
        HELP,
      ]),
    };
  }
  const argument = argumentAt(command, place.arguments);
  return argument === undefined
    ? NOTHING
    : ofValue(valueOfArgument(argument), current, '', place, sources);
}

/** Reads the words before the cursor as the command would. */
function placeAfter(command: Command, words: readonly string[]): Place {
  const given = new Map<string, string>();
  let expects: Place['expects'] = 'anything';
  let count = 0;
  for (const word of words) {
    if (typeof expects === 'object') {
      given.set(longName(expects), word);
      expects = 'anything';
    } else if (expects === 'anything' && word === '--') {
      expects = 'no option';
    } else if (expects === 'anything' && word.startsWith('-') && word !== '-') {
      const [name = '', value] = word.startsWith('--') ? word.split(/=(.*)/s) : [word.slice(0, 2)];
      const option = optionNamed(command, name);
      if (option === undefined) continue;
      const isWhole = option.isFlag || value !== undefined || word.length > name.length;
      if (isWhole) given.set(longName(option), value ?? word.slice(name.length));
      else expects = option;
    } else {
      count += 1;
      // What follows is another program's.
      if (command.passThrough === true) expects = 'no option';
    }
  }
  return { given, arguments: count, expects };
}

async function ofValue(
  value: Value,
  current: string,
  before: string,
  { given }: Place,
  sources: Sources,
): Promise<Completion> {
  switch (value.kind) {
    case 'nothing':
      return NOTHING;
    case 'files':
      return FILES;
    case 'words':
      return { ...NOTHING, candidates: matching(current, value.words.map(plain), before) };
    case 'live':
      return {
        ...NOTHING,
        candidates: matching(current, await sources.live(value.name, given), before),
      };
  }
}

function valueOfOption(option: Option<unknown>): Value {
  if (option.read.words !== undefined) return { kind: 'words', words: option.read.words };
  const placeholder = /<(.+)>/.exec(option.flags)?.[1] ?? '';
  return STANDS_FOR[longName(option)] ?? STANDS_FOR[placeholder] ?? { kind: 'nothing' };
}

function valueOfArgument({ name, words }: Argument<unknown>): Value {
  if (words !== undefined) return { kind: 'words', words };
  return STANDS_FOR[name.replaceAll(/[<>[\]]|\.\.\./g, '')] ?? { kind: 'nothing' };
}

/** The last one stands for all that follow, where it may be given several times. */
function argumentAt(command: Command, index: number): Argument<unknown> | undefined {
  const all = Object.values(command.arguments);
  const last = all.at(-1);
  return all[index] ?? (last?.name.includes('...') === true ? last : undefined);
}

function optionNamed(command: Command, word: string): Option<unknown> | undefined {
  return Object.values(command.options).find(({ flags }) =>
    flags
      .replace(/ ?[<[].*/, '')
      .split(', ')
      .includes(word),
  );
}

function longName({ flags }: Option<unknown>): string {
  return /--([a-z-]+)/.exec(flags)?.[1] ?? flags;
}

function matching(current: string, all: readonly Candidate[], before = ''): Candidate[] {
  return all
    .filter(({ word }) => word.startsWith(current))
    .map(({ word, ...rest }) => ({ word: before + word, ...rest }));
}

function named({ name, summary }: Command | Group): Candidate {
  return { word: name, does: summary };
}

function plain(word: string): Candidate {
  return { word };
}
