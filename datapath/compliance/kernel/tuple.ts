/** A kernel key as rows write it. */
import { formatEndpoint } from '../../../packet/index.ts';
import type { Flow4 } from '../../binding/contract.ts';
import type { Tuple } from '../../model/index.ts';

export function tupleOf(flow: Flow4): Tuple {
  const source = formatEndpoint({ address: flow.sourceAddr, port: flow.sourcePort });
  return `${source}>${formatEndpoint({ address: flow.destinationAddr, port: flow.destinationPort })}`;
}
