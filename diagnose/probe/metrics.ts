/** The state of a probe as Prometheus reads it. */
import type { TargetState } from './side-by-side.ts';

/** Text format 0.0.4; every name is explained in docs/reference/probe-metrics.md. */
export function metricsText(states: readonly TargetState[], seesPackets: boolean): string {
  const rows = states.map(({ name, tally, followUps }) => ({
    label: `target="${name}"`,
    summary: tally.summary(),
    followUps,
  }));
  const lines = [
    ...family('attempts_total', 'counter', 'Connection attempts, by how they ended.'),
    ...rows.flatMap(({ label, summary }) =>
      Object.entries(summary.counts).map(([outcome, count]) =>
        sample('attempts_total', `${label},outcome="${outcome}"`, count),
      ),
    ),
    ...family('handshake_seconds', 'summary', 'Time from connect to SYN+ACK, of open connections.'),
    ...rows.flatMap(({ label, summary: { connectMs, counts } }) => {
      const count = counts.open + counts.late;
      const sum = ((connectMs?.mean ?? 0) * count) / 1000;
      const quantiles =
        connectMs === undefined
          ? []
          : [
              { q: 0.5, ms: connectMs.p50 },
              { q: 0.99, ms: connectMs.p99 },
            ];
      return [
        ...quantiles.map(({ q, ms }) =>
          sample('handshake_seconds', `${label},quantile="${q}"`, ms / 1000),
        ),
        sample('handshake_seconds_sum', label, sum),
        sample('handshake_seconds_count', label, count),
      ];
    }),
    ...family(
      'failing_source_ports',
      'gauge',
      'Different source ports that were filtered, 100 at most.',
    ),
    ...rows.map(({ label, summary }) =>
      sample('failing_source_ports', label, summary.filteredPorts.length),
    ),
    ...family('follow_ups_total', 'counter', 'Silences that were followed up, by what that told.'),
    ...rows.flatMap(({ label, followUps }) =>
      [...followUps].map(([verdict, count]) =>
        sample('follow_ups_total', `${label},verdict="${verdict}"`, count),
      ),
    ),
    ...family(
      'sees_packets',
      'gauge',
      '1 when packets are captured, so that SYNs and challenge ACKs are counted.',
    ),
    sample('sees_packets', '', seesPackets ? 1 : 0),
  ];
  if (seesPackets)
    lines.push(
      ...family('syns_total', 'counter', 'SYNs sent by the attempts.'),
      ...rows.map(({ label, summary }) => sample('syns_total', label, summary.packets?.syns ?? 0)),
      ...family('challenge_acks_total', 'counter', 'Bare ACKs that came instead of a SYN+ACK.'),
      ...rows.map(({ label, summary }) =>
        sample('challenge_acks_total', label, summary.packets?.challengeAcks ?? 0),
      ),
    );
  return lines.map((line) => `${line}\n`).join('');
}

function family(name: string, type: 'counter' | 'gauge' | 'summary', help: string): string[] {
  return [`# HELP fullnat_probe_${name} ${help}`, `# TYPE fullnat_probe_${name} ${type}`];
}

function sample(name: string, labels: string, value: number): string {
  return `fullnat_probe_${name}${labels === '' ? '' : `{${labels}}`} ${value}`;
}
