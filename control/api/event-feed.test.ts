/** What a reader of the feed gets: all of it in order, what was missed, or the word to look anew. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventFeed } from './event-feed.ts';
import type { EventRow } from './rows.ts';

const event = (number: number): EventRow => ({
  time: '2026-11-22T10:00:00.000Z',
  type: 'backend-state',
  number,
});

/** Ids and kinds, as long as there is something to read. */
async function readAll(feed: EventFeed, lastEventId?: string): Promise<string[]> {
  const stream = feed.open(lastEventId);
  assert.ok(stream);
  feed.close();
  let text = '';
  for await (const chunk of stream) text += Buffer.from(chunk).toString();
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('id: '))
    .map((block) => /id: (.*)\nevent: (.*)/.exec(block)?.slice(1).join(' ') ?? block);
}

function feedWith(count: number): EventFeed {
  const feed = new EventFeed('a');
  for (let i = 1; i <= count; i++) feed.add(event(i));
  return feed;
}

const rows: { name: string; count: number; last: string | undefined; gets: readonly string[] }[] = [
  { name: 'who comes first gets what happens from then on', count: 3, last: undefined, gets: [] },
  {
    name: 'who comes back gets what was missed',
    count: 3,
    last: 'a-1',
    gets: ['a-2 backend-state', 'a-3 backend-state'],
  },
  { name: 'who missed nothing gets nothing', count: 3, last: 'a-3', gets: [] },
  {
    name: 'who comes from an earlier life looks anew',
    count: 3,
    last: 'b-2',
    gets: ['a-3 resync'],
  },
  {
    name: 'who missed what is no longer known looks anew',
    count: 5_000,
    last: 'a-1',
    gets: ['a-5000 resync'],
  },
  { name: 'who missed too much looks anew', count: 1_000, last: 'a-1', gets: ['a-1000 resync'] },
  { name: 'a number from the future looks anew', count: 3, last: 'a-9', gets: ['a-3 resync'] },
  { name: 'what is no number looks anew', count: 3, last: 'x\u0000-…', gets: ['a-3 resync'] },
];
for (const { name, count, last, gets } of rows)
  test(name, async () => assert.deepEqual(await readAll(feedWith(count), last), gets));

test('a reader who does not read holds a bounded number, then looks anew', async () => {
  const feed = new EventFeed('a');
  const stream = feed.open(undefined);
  assert.ok(stream);
  for (let i = 1; i <= 10_000; i++) feed.add(event(i));
  feed.close();
  let text = '';
  for await (const chunk of stream) text += Buffer.from(chunk).toString();
  assert.match(text, /^id: a-\d+\nevent: resync/);
  assert.ok(text.split('\n\n').length <= 501);
});

test('so many readers and no more; one that goes makes room', async () => {
  const feed = new EventFeed('a');
  const readers = Array.from({ length: 64 }, () => feed.open(undefined));
  assert.equal(feed.open(undefined), undefined);
  await readers[0]?.cancel();
  assert.ok(feed.open(undefined));
  feed.close();
});
