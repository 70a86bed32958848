/** Which of a pool's backends get new connections: those that are well, or backups, or in need all of them. */

export interface Candidate {
  readonly weight: number;
  readonly isBackup: boolean;
  /** Checks have nothing against it. */
  readonly isWell: boolean;
}

export interface Choice<C> {
  readonly chosen: readonly C[];
  /** Too few are well: all are used, for the few would break under what all of them carried. */
  readonly isPanic: boolean;
}

/** `panicPercent`: 0, or the share of well ones below which all are used. */
export function chooseCandidates<C extends Candidate>(
  backends: readonly C[],
  panicPercent: number,
): Choice<C> {
  const active = backends.filter(({ weight }) => weight > 0);
  const primary = active.filter(({ isBackup }) => !isBackup);
  const well = primary.filter(({ isWell }) => isWell);
  if (well.length > 0 && well.length * 100 >= primary.length * panicPercent)
    return { chosen: well, isPanic: false };
  const backups = active.filter(({ isBackup, isWell }) => isBackup && isWell);
  if (well.length === 0 && backups.length > 0) return { chosen: backups, isPanic: false };
  const isPanic = panicPercent > 0 && primary.length > 0;
  return { chosen: isPanic ? primary : [], isPanic };
}
