/** Where the rows' packets come from and go to: addresses tell the role, as in the lab. */
import { tcp, type TcpPacketFields } from '../../packet/index.ts';

export const CLIENT = '10.0.88.100:21521';
export const OTHER_CLIENT = '10.0.88.101:21521';
/** There is no route to it. */
export const LOST_CLIENT = '192.0.2.7:21521';
export const WEB = '10.0.23.111:18056';
export const LOCAL_ADDRESS = '10.0.124.161';
/** The only local port of tables that do not say otherwise, so that rows know it. */
export const LOCAL = `${LOCAL_ADDRESS}:5004`;
export const BACKEND = '10.0.98.79:8056';
export const OTHER_BACKEND = '10.0.98.80:8056';
/** On the backends' network, but nobody has answered for its address yet. */
export const SILENT_BACKEND = '10.0.98.90:8056';

export const CLIENT_MAC = '02:00:00:00:88:64';
export const SERVER_MAC = '02:00:00:00:98:4f';
/** The balancer's own: towards the clients, and towards the backends. */
export const FRONT_MAC = '02:00:00:00:88:01';
export const BACK_MAC = '02:00:00:00:98:01';
/** Of the balancer's two interfaces; the first takes frames that the second cannot send. A test-run's are a page at most. */
export const FRONT_MTU_BYTES = 3000;
export const BACK_MTU_BYTES = 1500;

type Segment = Partial<TcpPacketFields> & Pick<TcpPacketFields, 'flags'>;

const TTL = 64;
const CLIENT_TO_BALANCER = { source: CLIENT_MAC, destination: FRONT_MAC };
/** The link-layer addresses of a frame that comes to the balancer from this side. */
export function linkFrom(side: 'front' | 'back') {
  return side === 'front' ? CLIENT_TO_BALANCER : SERVER_TO_BALANCER;
}

/** Of a frame that the balancer sends to this side. */
export function linkTo(side: 'front' | 'back') {
  return side === 'front' ? BALANCER_TO_CLIENT : BALANCER_TO_SERVER;
}

const BALANCER_TO_CLIENT = { source: FRONT_MAC, destination: CLIENT_MAC };
const BALANCER_TO_SERVER = { source: BACK_MAC, destination: SERVER_MAC };
const SERVER_TO_BALANCER = { source: SERVER_MAC, destination: BACK_MAC };

/** A client's segment as it arrives at the balancer. */
export function fromClient(segment: Segment): Uint8Array {
  return tcp({ ethernet: CLIENT_TO_BALANCER, from: CLIENT, to: WEB, ttl: TTL, ...segment });
}

/** The same as it leaves, from the local to the backend. */
export function toBackend(segment: Segment): Uint8Array {
  return tcp({ ethernet: BALANCER_TO_SERVER, from: LOCAL, to: BACKEND, ttl: TTL - 1, ...segment });
}

/** A backend's segment as it arrives at the balancer. */
export function fromBackend(segment: Segment): Uint8Array {
  return tcp({ ethernet: SERVER_TO_BALANCER, from: BACKEND, to: LOCAL, ttl: TTL, ...segment });
}

/** The same as it leaves, from the listener to the client. */
export function toClient(segment: Segment): Uint8Array {
  return tcp({ ethernet: BALANCER_TO_CLIENT, from: WEB, to: CLIENT, ttl: TTL - 1, ...segment });
}

/** Our own answer to a client: back out of the interface it came in by, with a TTL of its own. */
export function answerToClient(segment: Segment): Uint8Array {
  return tcp({
    ethernet: BALANCER_TO_CLIENT,
    from: WEB,
    to: CLIENT,
    ttl: TTL,
    window: 0,
    ...segment,
  });
}

/** The router on the servers' network, through which direct clients come. */
export const ROUTER_MAC = '02:00:00:00:98:fe';

/** The balancer's segment as it arrives at the host of the server. */
export function fromBalancer(segment: Segment): Uint8Array {
  return tcp({ ethernet: BALANCER_TO_SERVER, from: LOCAL, to: BACKEND, ttl: TTL, ...segment });
}

/** The same as the server sees it; nothing between changes its TTL. */
export function restored(segment: Segment): Uint8Array {
  return fromBalancer({ from: CLIENT, ...segment });
}

/** A client's segment that did not go through the balancer. */
export function direct(segment: Segment): Uint8Array {
  const ethernet = { source: ROUTER_MAC, destination: SERVER_MAC };
  return tcp({ ethernet, from: CLIENT, to: BACKEND, ttl: TTL, ...segment });
}

/** The server's segment: it sends everything to its router. */
export function fromServer(segment: Segment): Uint8Array {
  const ethernet = { source: SERVER_MAC, destination: ROUTER_MAC };
  return tcp({ ethernet, from: BACKEND, to: CLIENT, ttl: TTL, ...segment });
}

/** The same on its way back: to the local, and to the link-layer address of the balancer. */
export function toBalancer(segment: Segment): Uint8Array {
  return tcp({ ethernet: SERVER_TO_BALANCER, from: BACKEND, to: LOCAL, ttl: TTL, ...segment });
}
