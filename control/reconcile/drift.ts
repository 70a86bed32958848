/** What people changed beside the file, seen from the file. */

export type DriftRow = {
  /** As a difference names it. */
  readonly path: string;
  readonly file: string;
  readonly now: string;
  readonly by: string;
  readonly at: string;
};

export interface Drift {
  rows(): DriftRow[];
  /** As the file says again; returns what was otherwise. */
  takeBack(): readonly DriftRow[];
}

/** An agent has nothing that is changed beside its file. */
export const NO_DRIFT: Drift = { rows: () => [], takeBack: () => [] };
