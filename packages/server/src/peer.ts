// Where a call comes from: the address of its socket, or, behind proxies that are
// trusted by name, the nearest address that those proxies vouch for.

import { contains, type Network, parseAddress } from '@warder/core';

/**
 * @param socketAddress as the socket has it
 * @param forwardedFor the X-Forwarded-For header, oldest first
 * @param trusted networks of proxies whose word counts
 */
export function originAddress(
  socketAddress: string | undefined,
  forwardedFor: string | null,
  trusted: readonly Network[],
): string | null {
  if (socketAddress === undefined) return null;
  let address = plain(socketAddress);
  const hops = forwardedFor === null ? [] : forwardedFor.split(',').map((hop) => hop.trim());
  while (isTrusted(address, trusted)) {
    const hop = hops.pop();
    if (hop === undefined || parseAddress(hop) === null) break;
    address = plain(hop);
  }
  return address;
}

function isTrusted(address: string, trusted: readonly Network[]): boolean {
  if (trusted.length === 0) return false;
  const parsed = parseAddress(address);
  return parsed !== null && trusted.some((network) => contains(network, parsed));
}

// A socket that listens on both families shows IPv4 peers in mapped form.
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}
