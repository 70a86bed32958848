/** A law: what holds over many packets, where no single packet out can be foretold. */
import type { DataPath } from '../model/index.ts';

export interface Law<Tables> {
  readonly name: string;
  /** Why the model has no such law. */
  readonly kernelOnly?: string;
  /** Throws when the law is broken; begins with a `reset`. */
  check(path: DataPath<Tables>): void | Promise<void>;
}
