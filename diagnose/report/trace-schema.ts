/** What `fullnat trace --json` prints, as a schema: docs/reference/trace-json.md shows it. */
import { z } from 'zod';

const time = z.number().describe('seconds since 1970 by the clock of that point');
const pointName = z.string();

export const TRACE_SCHEMA = z.strictObject({
  points: z.array(
    z.strictObject({
      name: pointName,
      file: z.string(),
      packets: z.int(),
      first: time.nullable(),
      last: time.nullable(),
      clockOffsetSeconds: z
        .number()
        .nullable()
        .describe("the point's clock less the first point's; null: nothing tells"),
      health: z.strictObject({
        state: z.enum(['good', 'damaged', 'dropping', 'empty']),
        droppedPackets: z
          .int()
          .nullable()
          .describe('by the capturing kernel, where the file tells'),
        duplicates: z.int().describe('packets captured twice, counted once'),
        damage: z.array(z.string()),
      }),
    }),
  ),
  summary: z.strictObject({
    conversations: z.int(),
    established: z.int(),
    closed: z.int(),
    refused: z.int(),
    lost: z.int(),
    unanswered: z.int(),
    ambiguous: z.int(),
  }),
  notes: z
    .array(
      z.strictObject({
        code: z.string(),
        message: z.string(),
        evidence: z.record(z.string(), z.unknown()),
      }),
    )
    .describe('what holds for many conversations, failed or not'),
  conversations: z.array(
    z.strictObject({
      client: z.string().describe('as the first point saw it'),
      listener: z.string().describe('as the first point saw it'),
      start: time.describe("by the first point's clock"),
      outcome: z.enum(['established', 'closed', 'refused', 'lost', 'unanswered']),
      lostBetween: z
        .tuple([pointName, pointName.nullable()])
        .nullable()
        .describe('in the direction of travel; null second: nothing beyond was captured'),
      direction: z.enum(['forward', 'return']).nullable(),
      hops: z.array(
        z.strictObject({
          point: pointName,
          tuple: z.string(),
          syn: z.array(time),
          synAck: z.array(time),
        }),
      ),
      match: z
        .strictObject({
          by: z.array(z.string()).describe('evidence of the weakest hop, strongest first'),
          confidence: z.number().min(0).max(1),
          margin: z.number().describe('bits ahead of the next best'),
        })
        .nullable()
        .describe('null: seen at one point only'),
      findings: z.array(
        z.strictObject({
          code: z.string(),
          message: z.string(),
          evidence: z.record(z.string(), z.unknown()),
        }),
      ),
    }),
  ),
});

export type TraceJson = z.infer<typeof TRACE_SCHEMA>;
export type ConversationJson = TraceJson['conversations'][number];
