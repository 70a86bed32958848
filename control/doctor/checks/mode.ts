/** How servers here should get to know their clients, and why: is it a guest's system, or a program of ours? */
import { anyEndpoint, formatIpEndpoint, type IpEndpoint } from '../../../packet/ip.ts';
import type { AgentConfig } from '../../config/agent.ts';
import { fail, notSeen, ok, seen, warn, type Seen, type Told } from '../finding.ts';
import type { DoctorCheck, NamespaceView, Surroundings } from '../surroundings.ts';
import { readGuests } from './links.ts';
import { inside, viewWith } from './places.ts';

/** Where a server is, as far as it can be seen from here. */
type Whereabouts =
  | { kind: 'program'; name: string; pid: string; cgroup: string | undefined }
  | { kind: 'guest'; interfaces: readonly string[] }
  | { kind: 'nowhere' };

const GUIDE = 'docs/guides/choose-a-mode.md';
const PROXY_PROTOCOL =
  'PROXY protocol is for programs that speak it, on machines where no agent can run';

export const mode: DoctorCheck = {
  name: 'mode',
  look: async (around, { agent }) => {
    const guests = await guestInterfaces(around);
    if (!guests.seen) return [notSeen(guests)];
    if (agent === undefined) return [advice(guests.value)];
    const told: Told[] = [];
    for (const { address } of agent.servers)
      told.push(await fitting(around, agent, anyEndpoint(address), guests.value));
    return told.length > 0 ? told : [everyServer(guests.value)];
  },
};

/** Nothing is configured: what this machine looks like. */
function advice(guests: readonly string[]): Told {
  if (guests.length > 0)
    return ok(
      `there are guests behind ${guests.join(', ')}: \`mode: packet\` there, for their systems are not this one; ` +
        `\`mode: socket\` for programs of this machine; ${PROXY_PROTOCOL}`,
    );
  return ok(
    `no tap or macvtap, so no guest's system: servers here are programs of this kernel: \`mode: socket\`; ${PROXY_PROTOCOL}`,
  );
}

/** Socket mode for whoever listens. */
function everyServer(guests: readonly string[]): Told {
  if (guests.length === 0) return ok('socket: servers here are programs of this machine');
  return warn(
    `socket: guests behind ${guests.join(', ')} have systems of their own, which it does not reach; an agent of another instance with \`mode: packet\` does`,
    `less ${GUIDE}`,
  );
}

async function fitting(
  around: Surroundings,
  agent: AgentConfig,
  server: IpEndpoint,
  guests: readonly string[],
): Promise<Told> {
  const { views, isWhole } = around.namespaces();
  const view = viewWith(views, server);
  const place: Whereabouts =
    view !== undefined
      ? await programAt(around, view, server)
      : guests.length > 0
        ? { kind: 'guest', interfaces: guests }
        : { kind: 'nowhere' };
  const text = formatIpEndpoint(server);
  if (place.kind !== 'program' && !isWhole)
    return notSeen({
      why: `${text}: programs in other network namespaces need root`,
      mend: 'sudo fullnat doctor',
    });
  switch (agent.mode) {
    case 'socket':
      return inSocketMode(place, text, agent.cgroup, around.machine.cgroupRoot());
    case 'packet':
      return inPacketMode(place, text);
  }
}

function inSocketMode(
  place: Whereabouts,
  server: string,
  cgroup: string | undefined,
  root: string | undefined,
): Told {
  switch (place.kind) {
    case 'program': {
      const its =
        place.cgroup === undefined || root === undefined ? undefined : root + place.cgroup;
      const isCovered =
        cgroup === undefined || its === undefined || `${its}/`.startsWith(`${cgroup}/`);
      return isCovered
        ? ok(`${server}: socket, for ${place.name} is a program of this machine`)
        : fail(
            `${server}: ${place.name} listens in cgroup ${its}, and the agent covers ${cgroup}: it sees locals`,
            `systemctl restart ${place.name}  # in that cgroup, or name its own in \`cgroup\``,
          );
    }
    case 'guest':
      return fail(
        `${server}: no program of this machine listens there; in a guest behind ${place.interfaces.join(', ')} socket mode does not reach it`,
        `fullnat agent -c FILE  # with mode: packet, interfaces: [{ name: ${place.interfaces[0]}, facing: server }]`,
      );
    case 'nowhere':
      return warn(`${server}: no program of this machine listens there`, `ss -ltnp`);
  }
}

function inPacketMode(place: Whereabouts, server: string): Told {
  switch (place.kind) {
    case 'program':
      return ok(
        `${server}: packet; ${place.name} is a program of this machine, so \`mode: socket\` would do, ` +
          'where nothing is rewritten and nothing can collide',
      );
    case 'guest':
      return ok(
        `${server}: packet, for there are guests behind ${place.interfaces.join(', ')}, whose systems are not this one`,
      );
    case 'nowhere':
      return warn(
        `${server}: no program of this machine listens there, and no guest is seen (tap, macvtap): is it behind these interfaces?`,
        'ip -d link',
      );
  }
}

async function programAt(
  { run }: Surroundings,
  view: NamespaceView,
  { port }: IpEndpoint,
): Promise<Whereabouts> {
  const shown = await run([...inside(view), 'ss', '-Hltnp', '--cgroup', `sport = :${port}`]);
  return { kind: 'program', ...readSocket(shown.seen ? shown.value : '') };
}

/** Of `ss -ltnp --cgroup`; without root it names no program. */
export function readSocket(text: string): {
  name: string;
  pid: string;
  cgroup: string | undefined;
} {
  const [, name = 'somebody', pid = ''] = /users:\(\("([^"]*)",pid=(\d+)/.exec(text) ?? [];
  const cgroup = /cgroup:(\S+)/.exec(text)?.[1];
  return {
    name,
    pid,
    cgroup: cgroup?.startsWith('/') === true ? cgroup.replace(/\/$/, '') : undefined,
  };
}

/** Interfaces behind which a virtual machine is. */
async function guestInterfaces({ run }: Surroundings): Promise<Seen<readonly string[]>> {
  const links = await run(['ip', '-j', '-d', 'link', 'show']);
  return links.seen ? seen(readGuests(links.value)) : links;
}
