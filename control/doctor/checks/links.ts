/** What `ip -j -d link` tells of interfaces, as far as it is asked here. */

export type Link = {
  ifname?: string;
  /** Absent for cards. */
  linkinfo?: { info_kind?: string; info_data?: { type?: string } };
};

export function readLinks(json: string): Link[] {
  return JSON.parse(json) as Link[];
}

/** Interfaces behind which a virtual machine is. */
export function readGuests(json: string): string[] {
  return readLinks(json).flatMap(({ ifname, linkinfo }) => {
    const isGuest =
      linkinfo?.info_kind === 'macvtap' ||
      (linkinfo?.info_kind === 'tun' && linkinfo.info_data?.type === 'tap');
    return isGuest && ifname !== undefined ? [ifname] : [];
  });
}
