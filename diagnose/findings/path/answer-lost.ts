/** The server answers, and its SYN+ACK is lost on the way back. */
import type { Hypothesis } from '../hypothesis.ts';
import { decideByCapture } from './lost-on-path.ts';

export const answerLost: Hypothesis = {
  code: 'answer-lost',
  causes: [61],
  title: 'the server’s SYN+ACK is lost on the way back',
  remedy: 'look at filters and routes for the way back at that hop',
  decide: (evidence) => decideByCapture(evidence, 'return'),
};
