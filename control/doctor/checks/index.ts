/** All checks, in the order their findings are listed. */
import type { DoctorCheck } from '../surroundings.ts';
import { backends } from './backends.ts';
import { daemons } from './daemons.ts';
import { bpffs, cgroups } from './file-systems.ts';
import { forwarding, offloads, reversePath } from './interfaces.ts';
import { kernelPrograms, kernelSettings, kernelVersion } from './kernel.ts';
import { masquerade } from './masquerade.ts';
import { mode } from './mode.ts';
import { rights } from './rights.ts';
import { routesToBackends, routesToLocals, routesToUs } from './routes.ts';
import { shadowing } from './shadowing.ts';

export const CHECKS: readonly DoctorCheck[] = [
  kernelVersion,
  rights,
  kernelPrograms,
  kernelSettings,
  bpffs,
  cgroups,
  daemons,
  mode,
  forwarding,
  reversePath,
  offloads,
  routesToUs,
  routesToBackends,
  routesToLocals,
  shadowing,
  masquerade,
  backends,
];
