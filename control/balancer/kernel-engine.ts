/** The engine in the kernel: programs and pinned maps that forward without a daemon. */
import { balancerMaps } from '../../datapath/binding/object-maps.ts';
import { refuseOtherCapacities, type LoadedObject } from '../../datapath/binding/object.ts';
import { interfaceNamed } from '../../datapath/binding/tc.ts';
import { testRun } from '../../datapath/binding/test-run.ts';
import type { BalancerConfig } from '../config/balancer.ts';
import { Attachments, type Place } from '../daemon/attachments.ts';
import { readEvents } from '../daemon/events.ts';
import { requireForwarding } from '../daemon/forwarding.ts';
import type { Log } from '../daemon/log.ts';
import { loadRole, startSweep } from '../daemon/object.ts';
import { sayGoodbye } from '../daemon/serve.ts';
import { rehearse } from '../explain/rehearsal.ts';
import { capacitiesOf } from './capacities.ts';
import type { Engine } from './engine.ts';

/** Rejects when the programs cannot be loaded here. */
export async function kernelEngine(config: BalancerConfig, log: Log): Promise<Engine> {
  const { instance } = config;
  requireForwarding(config.interfaces);
  const object = await loadRole('balancer', instance, capacitiesOf(config), log);
  try {
    await startSweep(object);
    const { events, ...maps } = balancerMaps(object);
    const attachments = new Attachments({ object, instance, role: 'balancer', log });
    return {
      kind: 'ebpf',
      maps,
      loaded: object,
      fit: (wanted) => wanted,
      check: async (wanted) => {
        requireForwarding(wanted.interfaces);
        const capacities = capacitiesOf(wanted);
        await refuseOtherCapacities(object, { instance, role: 'balancer', capacities });
      },
      open: async (wanted) => attachments.place(placesOf(wanted)),
      follow: () => attachments.follow(),
      rehearse: (question) => rehearse(object, question),
      send: (frame) => sendFrame(object, config.interfaces[0] ?? '', frame),
      readEvents: (onEvent, onError, signal) => readEvents(events, onEvent, onError, signal),
      close: async () => object.close(),
      sayGoodbye: (detach) => sayGoodbye('balancer', instance, { detachOnExit: detach, log }),
    };
  } catch (error) {
    object.close();
    throw error;
  }
}

/** Sent as if it had come in by the interface; false where there is no way to who it is for. */
function sendFrame(object: LoadedObject, name: string, packet: Uint8Array): boolean {
  const { index } = interfaceNamed(name);
  const skb = { ifindex: index, ingressIfindex: index };
  return testRun(object.program('send_frame'), { packet, skb }).returnValue === 0;
}

function placesOf({ interfaces }: BalancerConfig): Place[] {
  return interfaces.map((name) => ({
    program: 'balancer_ingress',
    interface: name,
    direction: 'ingress',
  }));
}
