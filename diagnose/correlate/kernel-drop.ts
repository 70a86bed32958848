/** A packet that a kernel threw away, as a live trace is told of it. */

export interface KernelDrop {
  /** `10.0.88.100:21521` */
  readonly from: string;
  readonly to: string;
  /** TCP's, as in the header. */
  readonly flags: number;
  /** `NETFILTER_DROP`; a number where the kernel does not name it. */
  readonly reason: string;
  /** The kernel's function, `nft_do_chain`; empty where addresses of the kernel are hidden. */
  readonly location: string;
}
