// Which addresses keys may be fetched from: HTTPS, plain HTTP only on this very
// machine, and never where cloud machines keep their credentials. Names are not
// resolved: an operator's own configuration is trusted to name its own hosts.

import { type Address, contains, type Network, parseAddress, parseNetwork } from '@warder/core';

/**
 * Reads an address to fetch from.
 * @param local whether it may be on this machine
 * @throws Error whose message is the rule, never the text
 */
export function fetchable(text: string, local: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || /\s/.test(text)) {
    throw new Error('must be an https:// address');
  }
  // An empty user name is one too, though URL forgets it.
  if (/^[^\\/]*[\\/]*[^\\/?#]*@/.test(text) || text.includes('#')) {
    throw new Error('must have no user name, password or fragment');
  }
  if (url.hostname.endsWith('.')) throw new Error('must have a host name without a dot at its end');
  const address = addressIn(url.hostname);
  const here = isLocal(url);
  if (here && !local) throw new Error('must not be on this machine');
  if (!here && url.protocol === 'http:') {
    throw new Error('must be https://, but on this machine, where http:// will do');
  }
  if (!here && address !== null && isRefused(url.hostname, address)) {
    throw new Error('must not be a link-local, shared, translated or reserved address');
  }
  return url;
}

/** Whether it is on this machine, by its own name or address. */
export function isLocal({ hostname }: URL): boolean {
  const address = addressIn(hostname);
  if (address === null) return hostname === 'localhost' || hostname.endsWith('.localhost');
  return !isMapped(hostname) && LOOPBACK.some((network) => contains(network, address));
}

function isRefused(hostname: string, address: Address): boolean {
  return isMapped(hostname) || REFUSED.some((network) => contains(network, address));
}

function addressIn(hostname: string): Address | null {
  return parseAddress(hostname.replace(/^\[|\]$/g, ''));
}

/** The core takes such an address for the IPv4 one it stands for; written so, it is a disguise. */
function isMapped(hostname: string): boolean {
  return hostname.startsWith('[::ffff:');
}

function networks(...texts: readonly string[]): readonly Network[] {
  return texts.flatMap((text) => parseNetwork(text) ?? []);
}

const LOOPBACK = networks('127.0.0.0/8', '::1');
const REFUSED = networks(
  '0.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '198.18.0.0/15',
  '224.0.0.0/3',
  // IPv4 in disguise: compatible, translated (NAT64), 6to4, Teredo.
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
  '2001::/32',
  'fe80::/10',
  'fec0::/10',
  'fd00:ec2::/32',
  'ff00::/8',
);
