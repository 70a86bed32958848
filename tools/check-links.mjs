// Checks that every relative link in the documentation leads to a file, and every #anchor to a heading.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { sourceFiles, report, ROOT } from './check-common.mjs';

/** [text](target "title"), and ![picture](target). */
const LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
const HEADING = /^#{1,6}\s+(.+?)\s*#*$/;
const HTML_ANCHOR = /<a\s+(?:id|name)="([^"]+)"/g;

report(
  'links',
  sourceFiles('md').flatMap((file) => linksOf(file).flatMap((link) => faults(file, link))),
);

function linksOf(file) {
  return proseLines(file).flatMap(({ text, number }) =>
    [...text.replaceAll(/`[^`]*`/g, '').matchAll(LINK)].map((match) => ({
      number,
      target: match[1],
    })),
  );
}

function faults(file, { target, number }) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return []; // another site: not ours to keep
  const [path, anchor] = target.split('#');
  const where = `${file}:${number}`;
  const destination = path === '' ? file : normalize(join(dirname(file), decodeURI(path)));
  if (!existsSync(join(ROOT, destination))) return [`${where}: ${target}: no such file`];
  if (anchor === undefined || !destination.endsWith('.md')) return [];
  return anchorsOf(destination).has(anchor) ? [] : [`${where}: ${target}: no such heading`];
}

/** The anchors GitHub and most renderers give to headings. */
function anchorsOf(file) {
  const anchors = new Set();
  for (const { text } of proseLines(file)) {
    const heading = HEADING.exec(text)?.[1];
    if (heading !== undefined) anchors.add(unused(anchors, slug(heading)));
    for (const match of text.matchAll(HTML_ANCHOR)) anchors.add(match[1]);
  }
  return anchors;
}

function slug(heading) {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-');
}

/** The second heading of the same words gets -1, the third -2. */
function unused(anchors, name) {
  let candidate = name;
  for (let n = 1; anchors.has(candidate); n += 1) candidate = `${name}-${n}`;
  return candidate;
}

/** The lines outside code fences. */
function proseLines(file) {
  let fenced = false;
  return readFileSync(join(ROOT, file), 'utf8')
    .split('\n')
    .map((text, index) => ({ text, number: index + 1 }))
    .filter(({ text }) => {
      const isFence = /^\s*(?:```|~~~)/.test(text);
      if (isFence) fenced = !fenced;
      return !fenced && !isFence;
    });
}
