/** The words of the data path; their numbers are the kernel's business (datapath/contract.h). */

/** How a packet leaves. */
export type Verdict =
  /** Not ours: untouched. */
  | 'pass'
  /** Translated, from the client's side to the server's, or back. */
  | 'to-backend'
  | 'to-client'
  /** Agent: of a known session, nothing to rewrite. */
  | 'kept'
  | `${'reset' | 'drop'}-${Refused}`
  /** Its session is over with its backend. */
  | 'reset-ended'
  /** A refused SYN whose sender is told by ICMP 3/13. */
  | 'prohibited'
  /** Not of packets: the portable engine's, when no backend accepts. */
  | 'reset-backend-failed'
  /** ICMP errors about a session’s packets, put back and sent to its ends. */
  | 'error-to-backend'
  | 'error-to-client'
  /** It quotes what was never sent. */
  | 'drop-error-forged'
  | 'drop-error-limit'
  /** Dropped, and its sender told: ICMP 3/4, ICMP 11/0. */
  | 'answer-too-big'
  | 'answer-ttl'
  /** A SYN answered with a SYN cookie. */
  | 'cookie'
  /** The backend answers for an older connection on the tuple: RST. */
  | 'reset-stale'
  /** Lengths that contradict each other. */
  | 'drop-malformed'
  /** Of the IPv4 header. */
  | 'drop-bad-checksum'
  | 'drop-fragment'
  | 'drop-later-fragment'
  | 'drop-ip-options'
  /** It would be 0 after us. */
  | 'drop-ttl'
  /** To a local, and no session has that tuple. */
  | 'drop-no-session'
  /** Its session is being deleted at this moment. */
  | 'drop-race'
  | 'drop-no-route'
  | 'drop-too-big'
  /** The tables contradict each other. */
  | 'drop-internal'
  | 'drop-local-not-tcp'
  /** Agent: the tuple has an owner, and the policy is drop. */
  | 'drop-collision'
  | 'drop-remap-exhausted'
  /** Agent: the tuple belongs to another connection by now. */
  | 'drop-stale'
  /** Agent: the server has had this tuple all along. */
  | 'drop-tuple-owned';

/** Why a client's packet becomes no session; each has its tones. */
export type Refused =
  | 'unknown'
  | 'no-backend'
  | 'no-local-port'
  | 'table-full'
  | 'listener-limit'
  /** By the listener's access list. */
  | 'denied'
  | 'listener-rate'
  | 'client-rate'
  | 'client-limit'
  | 'client-opening'
  /** Every backend that is up has its most. */
  | 'backend-limit';

/** What is counted besides the packet's end. */
export type Note =
  | 'toa-forged-client'
  | 'toa-untrusted'
  | 'toa-missing'
  | 'toa-stripped'
  | 'hairpin'
  | 'collision-remapped'
  | 'collision-local'
  | 'collision-dropped'
  | 'adopted'
  | 'event-lost'
  | 'reopened'
  | 'opening-evicted'
  | 'remap-exhausted'
  | 'toa-not-delivered'
  | 'reused'
  | 'resting-evicted'
  /** A client's limits could not be kept; only a table of fixed size has that. */
  | 'client-unseated'
  /** A RST with a sequence number that its sender cannot have reached. */
  | 'reset-not-believed'
  | 'fin-not-believed'
  | 'begun-anew'
  /** An ACK brought a SYN cookie back, or none of ours; and a SYN to the backend was repeated. */
  | 'cookie-accepted'
  | 'cookie-wrong'
  | 'cookie-again'
  | 'opening-taken';

/** `free` and `dead` are a slot's states: unused, and about to be. */
export type SessionState =
  'free' | 'opening' | 'established' | 'closing' | 'time-wait' | 'reset' | 'dead';
/** `restored`, `kept` and `direct` are the agent's. */
export type SessionKind = 'balanced' | 'restored' | 'kept' | 'direct';

export type ToaMode = 'off' | 'syn' | 'handshake';
export type SynProtection = 'off' | 'auto' | 'always';
export type Refusal = 'reset' | 'drop' | 'icmp';
export type ScheduleSelect =
  'round-robin' | 'source-hash' | 'connection-hash' | 'least-connections';
export type CollisionPolicy = 'remap' | 'local' | 'drop';

export type Access = 'allow' | 'deny';
export type EventType =
  | 'collision'
  | 'no-local-port'
  | 'no-backend'
  | 'table-full'
  | 'opening-limit'
  | 'listener-limit'
  | 'listener-rate'
  | 'client-limit'
  | 'backend-limit'
  | 'syn-protection-on'
  | 'syn-protection-off';
export type CollisionAction = 'none' | 'remapped' | 'kept-local' | 'dropped';
