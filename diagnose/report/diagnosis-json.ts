/** A diagnosis as data: what `fullnat diagnose -o json` prints, and its schema. */
import { z } from 'zod';
import { formatEndpoint } from '../../packet/address.ts';
import type { Diagnosis } from '../diagnosis.ts';
import type { Verdict } from '../verdict.ts';
import { backendTexts, failuresOf, tallyOf, type Hop } from '../findings/evidence.ts';
import { PURPOSES } from '../experiments/plan.ts';
import type { Decision } from '../findings/hypothesis.ts';

const HOP = z
  .object({
    kind: z.enum(['inside', 'between', 'unknown']),
    /** One name, or two in the direction of travel. */
    places: z.array(z.string()),
  })
  .describe('where on the path: inside a place, or between two in the direction of travel');

export const DIAGNOSIS_SCHEMA = z.object({
  target: z.string(),
  backends: z.array(z.string()),
  windowSeconds: z.number().describe('how long was probed; growth of counters is over this time'),
  lostSyns: z.int().describe('SYNs without an answer, first ones and repeated'),
  places: z.array(
    z.object({
      name: z.string(),
      role: z.enum(['client', 'other-client', 'balancer', 'host', 'server', 'forwarder']),
    }),
  ),
  attempts: z
    .array(
      z.object({
        purpose: z.enum(PURPOSES),
        tried: z.int(),
        failed: z.int(),
        refused: z.int().describe('of the failed ones: answered with RST'),
        late: z.int().describe('of the failed ones: came about after a SYN was sent again'),
      }),
    )
    .describe('connections tried, by what they are compared for'),
  hypotheses: z.array(
    z.object({
      code: z.string(),
      causes: z.array(z.int()).describe('numbers in causes.md'),
      title: z.string(),
      decision: z.enum(['proved', 'suspected', 'ruled-out', 'not-checked']),
      hop: HOP.nullable(),
      confidence: z.number().nullable(),
      why: z
        .string()
        .describe('the numbers that prove it or rule it out, or why it was not checked'),
    }),
  ),
  verdict: z.object({
    kind: z.enum(['healthy', 'cause', 'unexplained']),
    code: z.string().nullable(),
    sentence: z.string(),
    hop: HOP.nullable(),
    confidence: z.number().nullable(),
    because: z.string().nullable(),
    remedy: z.string().nullable(),
  }),
});

export type DiagnosisJson = z.infer<typeof DIAGNOSIS_SCHEMA>;

export function diagnosisJson({ evidence, judged, verdict }: Diagnosis): DiagnosisJson {
  return {
    target: formatEndpoint(evidence.target),
    backends: [...backendTexts(evidence)],
    windowSeconds: Math.round(evidence.windowSeconds * 1000) / 1000,
    lostSyns: evidence.lostSyns,
    places: evidence.places.map(({ name, role }) => ({ name, role })),
    attempts: PURPOSES.flatMap((purpose) => {
      const { tried, failed, refused, late } = tallyOf(evidence, purpose);
      return tried === 0 ? [] : [{ purpose, tried, failed, refused, late }];
    }),
    hypotheses: judged.map(({ hypothesis: { code, causes, title }, decision }) => ({
      code,
      causes: [...causes],
      title,
      decision: decision.kind,
      hop: 'hop' in decision ? hopJson(decision.hop) : null,
      confidence: decision.kind === 'proved' ? decision.confidence : null,
      why: whyOf(decision),
    })),
    verdict: verdictJson(evidence, verdict),
  };
}

export function whyOf(decision: Decision): string {
  switch (decision.kind) {
    case 'proved':
    case 'suspected':
      return decision.because;
    case 'ruled-out':
      return decision.by;
    case 'not-checked':
      return decision.why;
  }
}

function verdictJson(evidence: Diagnosis['evidence'], verdict: Verdict): DiagnosisJson['verdict'] {
  const none = { code: null, hop: null, confidence: null, because: null, remedy: null };
  switch (verdict.kind) {
    case 'healthy': {
      const { tried } = tallyOf(evidence, 'listener', 'shared-port', 'other-client');
      const sentence = `nothing is wrong: all of ${tried} connections came about`;
      return { ...none, kind: 'healthy', sentence };
    }
    case 'cause': {
      const { hypothesis, hop, confidence, because } = verdict;
      const { code, title, remedy } = hypothesis;
      return {
        kind: 'cause',
        code,
        sentence: title,
        hop: hopJson(hop),
        confidence,
        because,
        remedy,
      };
    }
    case 'unexplained':
      return {
        ...none,
        kind: 'unexplained',
        sentence: `${failuresOf(evidence)} connections failed, and nothing that was looked at explains it`,
        hop: hopJson(verdict.hop),
      };
  }
}

function hopJson(hop: Hop): z.infer<typeof HOP> {
  switch (hop.kind) {
    case 'inside':
      return { kind: 'inside', places: [hop.place] };
    case 'between':
      return { kind: 'between', places: [hop.from, hop.to] };
    case 'unknown':
      return { kind: 'unknown', places: [] };
  }
}
