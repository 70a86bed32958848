/** Backends with their weights, as every scheduler takes them. */

export interface Weighted {
  readonly index: number;
  /** 0: gets no new connections. */
  readonly weight: number;
}

/** Its place in a table must not depend on an index: that is another one on another machine. */
export interface NamedWeighted extends Weighted {
  readonly name: string;
}
