/** `fullnat doctor`: is this machine fit to be a balancer, or to carry servers? Changes nothing. */
import { examine } from '../../control/doctor/examine.ts';
import type { Finding, State } from '../../control/doctor/finding.ts';
import { surroundings } from '../../control/doctor/this-machine.ts';
import { choice } from '../choice.ts';
import { command, optionOr, restArgument } from '../command.ts';
import { readInstance } from '../instance.ts';
import { asJson } from '../output/json.ts';
import { printable, type Paint, type Style } from '../output/style.ts';
import { packageVersion } from '../package-version.ts';

const EXIT_FAIL = 10;
const CHECK_WIDTH = 'routes to listeners and locals'.length;

export const doctor = command({
  name: 'doctor',
  summary:
    'Look at this machine: kernel, rights, routes, offloads, foreign rules, which agent mode',
  details:
    'One line a finding: ok, warn or fail, what was found, and below it the command that mends it.\n' +
    'Kernel programs are loaded as the daemons load them, and let go again; backends are asked for\n' +
    'a handshake; nothing is changed. Run it on the balancer, and on each machine with servers.\n\n' +
    'Looks at the files given, or else at those of the running daemons of the instance; with\n' +
    'neither, at what any balancer or agent would need. Works without root, and says what it\n' +
    'could not see.\n\n' +
    `Exit code: 0 nothing fails, ${EXIT_FAIL} something fails.`,
  arguments: {
    files: restArgument('[files...]', 'configurations of a balancer, an agent, or both'),
  },
  options: {
    instance: optionOr('--instance <name>', 'whose daemons are asked', readInstance, 'default'),
    output: optionOr(
      '-o, --output <format>',
      'text or json',
      choice('output format', ['text', 'json']),
      'text',
    ),
  },
  examples: [
    { command: 'fullnat doctor', does: 'the daemons that run here, and their machine' },
    { command: 'fullnat doctor /etc/fullnat/agent.yaml', does: 'before the agent is started' },
    {
      command: 'fullnat doctor -o json | jq \'.[] | select(.state != "ok")\'',
      does: 'what is not right',
    },
  ],
  handler: async ({ arguments: { files }, options }, { stdout, signal }) => {
    const { instance, output } = options;
    const findings = await examine(surroundings(signal), {
      ...{ instance, files, version: packageVersion() },
    });
    stdout.write(output === 'json' ? asJson(findings) : asText(findings, stdout.style));
    return findings.some(({ state }) => state === 'fail') ? EXIT_FAIL : 0;
  },
});

export function asText(findings: readonly Finding[], style: Style): string {
  const paint: Readonly<Record<State, Paint>> = {
    ok: style.good,
    warn: style.warning,
    fail: style.bad,
  };
  return findings
    .map(({ check, state, found, mend }) => {
      const line = `${paint[state](state.padEnd(4))}  ${check.padEnd(CHECK_WIDTH)}  ${printable(found)}\n`;
      return mend === undefined
        ? line
        : `${line}${' '.repeat(CHECK_WIDTH + 8)}→ ${printable(mend)}\n`;
    })
    .join('');
}
