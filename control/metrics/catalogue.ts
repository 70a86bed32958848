/** Every metric of the daemons: its type, its labels, and the question that it answers. */

export type MetricType = 'counter' | 'gauge' | 'histogram';

export type Metric = {
  readonly type: MetricType;
  readonly labels: readonly string[];
  /** Said in the text that Prometheus reads, and in docs/reference/metrics.md. */
  readonly help: string;
};

export type MetricName = keyof typeof METRICS;

const ROLE = ['role'];
const LISTENER = ['listener', 'pool'];
const BACKEND = ['pool', 'backend'];
const LOCAL = ['local'];
const SERVER = ['server'];
const PROGRAM = ['role', 'program'];

/** In the order they are written. `in` is from the client, `out` is to the client. */
export const METRICS = {
  fullnat_build_info: gauge(['role', 'version'], 'Which version runs; always 1.'),
  fullnat_process_start_time_seconds: gauge(ROLE, 'When the daemon started, since 1970.'),
  fullnat_process_cpu_seconds_total: counter(ROLE, 'CPU time of the daemon, user and system.'),
  fullnat_process_resident_memory_bytes: gauge(ROLE, 'Memory of the daemon.'),
  fullnat_config_applied_timestamp_seconds: gauge(
    ROLE,
    'When the configuration in force was taken up, since 1970.',
  ),
  fullnat_config_revision: gauge(ROLE, 'Which revision of its configuration is in force.'),
  fullnat_config_last_reload_successful: gauge(
    ROLE,
    '1 when what the file says was taken up, 0 when the last reload was refused.',
  ),

  fullnat_listener_connections_total: counter(LISTENER, 'Sessions opened.'),
  fullnat_listener_sessions: gauge(LISTENER, 'Live sessions.'),
  fullnat_listener_refused_total: counter(
    LISTENER,
    'SYNs that got no session: answered with RST or ICMP, or dropped.',
  ),
  fullnat_listener_resets_total: counter(
    [...LISTENER, 'side'],
    'Sessions ended by a RST, by who sent it.',
  ),
  fullnat_listener_handshake_seconds: histogram(
    LISTENER,
    "From a client's first SYN to its backend's first SYN+ACK, as the balancer sees them.",
  ),
  fullnat_listener_packets_total: counter([...LISTENER, 'direction'], 'Packets translated.'),
  fullnat_listener_bytes_total: counter(
    [...LISTENER, 'direction'],
    'Bytes of the IP packets translated.',
  ),
  fullnat_listener_backends: gauge(LISTENER, 'Backends of its pool.'),
  fullnat_listener_backends_up: gauge(LISTENER, 'Of those, how many get new connections.'),
  fullnat_listener_toa_inserted_total: counter(LISTENER, 'Segments that got TOA.'),
  fullnat_listener_toa_not_inserted_total: counter(
    LISTENER,
    'Segments that should have got TOA and had no room for it.',
  ),
  fullnat_listener_toa_announced_total: counter(
    LISTENER,
    'Of those without room: after a bare ACK that carried it.',
  ),
  fullnat_listener_toa_not_delivered_total: counter(
    LISTENER,
    'Of those without room: connections whose server sees the local.',
  ),

  fullnat_backend_up: gauge(BACKEND, '1 when it gets new connections by its health, else 0.'),
  fullnat_backend_state_info: gauge([...BACKEND, 'state'], 'The state it is in; always 1.'),
  fullnat_backend_state_since_timestamp_seconds: gauge(
    BACKEND,
    'When that state began, since 1970.',
  ),
  fullnat_backend_weight: gauge(BACKEND, 'Its share of new connections; 0 is none.'),
  fullnat_backend_connections_total: counter(BACKEND, 'Sessions opened to it.'),
  fullnat_backend_sessions: gauge(BACKEND, 'Live sessions.'),
  fullnat_backend_packets_total: counter([...BACKEND, 'direction'], 'Packets translated.'),
  fullnat_backend_bytes_total: counter(
    [...BACKEND, 'direction'],
    'Bytes of the IP packets translated.',
  ),

  fullnat_backend_checks_total: counter(
    [...BACKEND, 'result'],
    'Health checks of its address, by result: success or failure.',
  ),
  fullnat_backend_check_seconds_total: counter(BACKEND, 'Time that those checks took.'),
  fullnat_backend_unaccepted_total: counter(
    [...BACKEND, 'reason'],
    'Connections that it did not accept: refused by RST, or their SYN unanswered and sent again.',
  ),

  fullnat_local_ports_capacity: gauge(LOCAL, 'Ports of the local towards each one backend.'),
  fullnat_local_ports_in_use: gauge(LOCAL, 'Ports of live sessions, towards all backends.'),
  fullnat_local_ports_resting: gauge(LOCAL, 'Ports of ended sessions, towards all backends.'),
  fullnat_local_ports_used_ratio: gauge(
    LOCAL,
    'Share of its ports in use towards the backend where it is the largest.',
  ),
  fullnat_local_exhaustion_seconds: gauge(
    LOCAL,
    'Until no port is free towards some backend, if use grows on; absent while it does not grow.',
  ),
  fullnat_local_allocations_total: counter(LOCAL, 'Ports given to sessions.'),
  fullnat_local_allocation_failures_total: counter(LOCAL, 'Searches for a port that found none.'),
  fullnat_local_allocation_probes: histogram(
    ROLE,
    'Candidates looked at in a search for a port; beyond a few the range is nearly full.',
  ),
  fullnat_local_reuses_total: counter(LOCAL, 'Ports taken from sessions that rested.'),

  fullnat_server_connections_total: counter(SERVER, 'Sessions of the server, restored and direct.'),
  fullnat_server_packets_total: counter([...SERVER, 'direction'], 'Packets to and from it.'),
  fullnat_server_bytes_total: counter([...SERVER, 'direction'], 'Bytes to and from it.'),
  fullnat_server_remap_ports_in_use: gauge(SERVER, 'Ports of remapPorts in use.'),
  fullnat_server_remap_ports_resting: gauge(SERVER, 'Ports of remapPorts that rest.'),
  fullnat_server_remap_failures_total: counter(
    SERVER,
    'Collisions that found no free port in remapPorts.',
  ),
  fullnat_collisions_total: counter(
    ['policy'],
    'Connections that wanted a tuple another one owned, by what was done.',
  ),
  fullnat_socket_clients_total: counter(
    ['source'],
    'Connections of socket mode whose client is known, by the segment that told it.',
  ),
  fullnat_socket_unknown_clients_total: counter(
    ['reason'],
    'Connections of socket mode that go on showing the local.',
  ),

  fullnat_sessions: gauge([...ROLE, 'state'], 'Sessions: opening, open, or resting.'),
  fullnat_sessions_capacity: gauge(ROLE, 'Sessions that the table has room for.'),
  fullnat_sessions_expired_total: counter(
    [...ROLE, 'state'],
    'Sessions that timed out, by the state they were in.',
  ),
  fullnat_sessions_evicted_total: counter(
    [...ROLE, 'state'],
    'Sessions that gave way to others, by the state they were in.',
  ),
  fullnat_sweep_passes_total: counter(ROLE, 'Walks over the session table, for expiry.'),
  fullnat_sweep_seconds_total: counter(ROLE, 'CPU time of those walks.'),

  fullnat_packets_total: counter(
    [...ROLE, 'verdict'],
    'Packets by how they left; docs/verdicts.md explains each.',
  ),
  fullnat_notes_total: counter(
    [...ROLE, 'note'],
    'What was noted on the way; docs/verdicts.md explains each.',
  ),
  fullnat_events_lost_total: counter(ROLE, 'Events not reported: the ring buffer was full.'),
  fullnat_bpf_runs_total: counter(
    PROGRAM,
    'Runs of a kernel program; counted while kernel.bpf_stats_enabled is 1.',
  ),
  fullnat_bpf_run_seconds_total: counter(
    PROGRAM,
    'CPU time of a kernel program; counted while kernel.bpf_stats_enabled is 1.',
  ),
} as const satisfies Readonly<Record<string, Metric>>;

function counter(labels: readonly string[], help: string): Metric {
  return { type: 'counter', labels, help };
}

function gauge(labels: readonly string[], help: string): Metric {
  return { type: 'gauge', labels, help };
}

function histogram(labels: readonly string[], help: string): Metric {
  return { type: 'histogram', labels, help };
}
