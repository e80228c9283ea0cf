// Where a Redis is, read from its address: redis:// or rediss://, a user and a password,
// and a database; or several nodes of one cluster. No fault quotes it.

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

const RULE =
  'must be redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE] (rediss:// for TLS), for a cluster several separated by commas, of the same user and password and without a database';
const PORT = 6379;

/** A newline may follow, as files have it. */
export function redisAddresses(text: string): RedisAddress[] {
  const addresses = text.trimEnd().split(',').map(redisAddress);
  const [first] = addresses;
  const alike = addresses.every(
    ({ tls, username, password, database }) =>
      tls === first?.tls &&
      username === first.username &&
      password === first.password &&
      database === 0,
  );
  if (addresses.length > 1 && !alike) throw new Error(RULE);
  return addresses;
}

function redisAddress(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  const [, digits] = /^\/?(\d{0,4})$/.exec(url?.pathname ?? '') ?? [];
  const plain = url !== null && /^rediss?:$/.test(url.protocol) && !url.search && !url.hash;
  if (!plain || url.hostname === '' || digits === undefined) throw new Error(RULE);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? PORT : Number(url.port),
    tls: url.protocol === 'rediss:',
    username: decoded(url.username),
    password: decoded(url.password),
    database: Number(digits),
  };
}

function decoded(text: string): string | undefined {
  try {
    return text === '' ? undefined : decodeURIComponent(text);
  } catch {
    throw new Error(RULE);
  }
}
