// Where a database is, from its URL as libpq reads one: several hosts, Unix sockets,
// `sslmode`. Nothing that is said about a URL shows what stands in it.

import { readFileSync } from 'node:fs';

/** Which TLS a connection must have; null for none. `tried`: where the server has any. */
export interface Tls {
  readonly need: 'tried' | 'encrypted' | 'trusted' | 'named';
  /** Who is trusted instead of the system's own, as PEM. */
  readonly ca: string | null;
}

export interface Host {
  /** A name or an address; the folder of a Unix socket where it begins with a slash. */
  readonly host: string;
  readonly port: number;
}

export interface Address {
  /** At least one; each is tried in turn until one accepts writes. */
  readonly hosts: readonly Host[];
  readonly database: string;
  readonly user: string | null;
  readonly password: string | null;
  readonly tls: Tls | null;
  readonly applicationName: string;
}

/** Why a URL is of no use, in words that show nothing of it. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

const PORT = 5432;
const MODES: Readonly<Record<string, Tls['need'] | null>> = {
  disable: null,
  allow: 'tried',
  prefer: 'tried',
  require: 'encrypted',
  'verify-ca': 'trusted',
  'verify-full': 'named',
};

/** @throws AddressError */
export function addressOf(url: string): Address {
  const found = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(
    url,
  );
  if (found === null) {
    throw new AddressError('A database is given as postgres://user@host:5432/name.');
  }
  const [, identity = '', authority = '', path = '', search = ''] = found;
  const settings = new URLSearchParams(search);
  for (const name of settings.keys()) {
    if (!SETTINGS.includes(name)) {
      throw new AddressError(
        `The URL of a database takes ${SETTINGS.join(', ')} behind its question mark, not ${JSON.stringify(name)}.`,
      );
    }
  }
  const [user = '', ...password] = identity.split(':');
  const hosts = hostsOf(settings.get('host') ?? decoded(authority), settings.get('port'));
  const name = decoded(user) || settings.get('user') || null;
  return {
    hosts,
    user: name,
    password: decoded(password.join(':')) || settings.get('password') || null,
    database: decoded(path) || settings.get('dbname') || name || 'postgres',
    tls: hosts.every(({ host }) => host.startsWith('/')) ? null : tlsOf(settings),
    applicationName: settings.get('application_name') ?? 'warder',
  };
}

const SETTINGS = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'application_name',
  'target_session_attrs',
];

function hostsOf(text: string, given: string | null): Host[] {
  const ports = given?.split(',') ?? [];
  return (text || 'localhost').split(',').map((one, i) => {
    const parts = /^(?:\[(.*)\]|([^:]*))(?::(.*))?$/.exec(one) ?? [];
    const [, bracketed, plain, port = ports[i] ?? ports[0] ?? String(PORT)] = parts;
    const host = bracketed ?? plain;
    const number = Number(port);
    if (host === undefined || !/^\d+$/.test(port) || number < 1 || number > 65_535) {
      throw new AddressError('The port of a database is a number from 1 to 65535.');
    }
    return { host: host || 'localhost', port: number };
  });
}

function tlsOf(settings: URLSearchParams): Tls | null {
  const rootCertificate = settings.get('sslrootcert');
  const mode = settings.get('sslmode') ?? (rootCertificate === null ? 'prefer' : 'verify-full');
  const need = MODES[mode];
  if (need === undefined) {
    throw new AddressError(`sslmode is one of ${Object.keys(MODES).join(', ')}.`);
  }
  if (need === null) return null;
  if (rootCertificate === null || rootCertificate === 'system') return { need, ca: null };
  try {
    return { need, ca: readFileSync(rootCertificate, 'utf8') };
  } catch (cause) {
    throw new AddressError('The file named by sslrootcert cannot be read.', { cause });
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AddressError('The URL of a database has a % that stands for nothing.');
  }
}
